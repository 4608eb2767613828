"""An outburst that an intent classifier takes for a yes or no to the analysis is none."""

import pytest
from rasa.shared.nlu.constants import ENTITIES, INTENT, INTENT_RANKING_KEY, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from rasa_emotion.bot import choices
from rasa_emotion.cli.additions import EXAMPLES

MOODBOT = {
    "greet": ("hello", "good morning"),
    "mood_unhappy": ("my day was horrible", "I am sad", "I do not feel good again"),
    "affirm": ("yes please", "indeed"),
}


@pytest.fixture
def known() -> choices.Vocabulary:
    texts = {**MOODBOT, **EXAMPLES}
    examples = [Message({TEXT: text, INTENT: intent}) for intent, all_of in texts.items() for text in all_of]
    return choices.vocabulary(TrainingData(examples))


def message(text: str, **ranking: float) -> Message:
    found = [{"name": name, "confidence": confidence} for name, confidence in ranking.items()]
    return Message({TEXT: text, INTENT: dict(found[0]), INTENT_RANKING_KEY: found})


@pytest.mark.parametrize("intent", ["emotion_off", "emotion_on"])
@pytest.mark.parametrize(
    "text",
    [
        "This is outrageous, I have been waiting for three weeks and nobody calls me back!",
        "I object to this, stop it and never call again",
        "you useless idiots",
        "I am sad and I do not feel good again",
        "no no no",
        "",
        "?!",
    ],
)
def test_an_outburst_is_no_choice(known, intent: str, text: str) -> None:
    assert not choices.is_said(intent, text, known)


@pytest.mark.parametrize("intent", ["emotion_off", "emotion_on"])
def test_every_example_is_one(known, intent: str) -> None:
    assert all(choices.is_said(intent, text, known) for text in EXAMPLES[intent])


@pytest.mark.parametrize(
    "text",
    ["STOP analysing my EMOTIONS!", "I don't want my voice analysed", "no emotion stuff", "my feelings are mine"],
)
def test_other_words_for_a_no_are_one(known, text: str) -> None:
    assert choices.is_said("emotion_off", text, known)


def test_a_bot_that_was_trained_before_believes_as_before(tmp_path) -> None:
    assert choices.load(tmp_path) == {}
    assert choices.is_said("emotion_off", "you useless idiots", {})


def test_it_is_kept_in_the_model(known, tmp_path) -> None:
    choices.save(known, tmp_path)
    assert choices.load(tmp_path) == known


def test_the_next_intent_takes_the_place() -> None:
    found = message("you useless idiots", emotion_on=0.5, mood_unhappy=0.3, emotion_off=0.15, greet=0.05)
    found.set(ENTITIES, [{"entity": "name", "value": "x"}])
    choices.take_next(found)
    assert found.get(INTENT)["name"] == "mood_unhappy"
    assert found.get(INTENT)["confidence"] == pytest.approx(0.3 / 0.35)
    assert [one["name"] for one in found.get(INTENT_RANKING_KEY)] == ["mood_unhappy", "greet"]
    assert found.get(ENTITIES) == [{"entity": "name", "value": "x"}]


@pytest.mark.parametrize(
    "ranking",
    [
        {"emotion_on": 1.0},
        {"emotion_on": 0.9, "a": 0.025, "b": 0.025, "c": 0.025, "d": 0.025},
        {"emotion_on": 1.0, "a": 0.0},
    ],
)
def test_where_no_intent_is_likely_it_was_not_understood(ranking: dict[str, float]) -> None:
    found = message("you useless idiots", **ranking)
    choices.take_next(found)
    assert found.get(INTENT)["name"] == "nlu_fallback"
    assert found.get(INTENT_RANKING_KEY)[0]["name"] == "nlu_fallback"
