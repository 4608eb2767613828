"""A caller's choice is noted where every channel's turns pass, and nothing is kept of who said no."""

import json
import logging
from typing import NamedTuple

import pytest
from fake_analyzer import evidence
from rasa.shared.core.events import ActionExecuted, SessionStarted, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.nlu.training_data.message import Message

from rasa_emotion.bot.classifier import EmotionClassifier
from rasa_emotion.turn import consent
from rasa_emotion.turn.consent import may_analyse, shared_consents
from rasa_emotion.turn.evidence import EVIDENCE_KEY, ChannelEvidence

pytestmark = pytest.mark.usefixtures("analyzer", "bot_folder")

EMPTY = {
    "emotion": "unknown",
    "emotion_confidence": 0.0,
    "emotion_valence": 0.0,
    "emotion_arousal": 0.0,
    "caller_mood": "unknown",
}


@pytest.fixture
def bot_folder(tmp_path, monkeypatch):
    """The working folder of a bot."""
    monkeypatch.delenv("RASA_EMOTION_ENDPOINTS", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def classifier(graph):
    return EmotionClassifier.load({}, *graph)


def conversation(*events, sender="alice"):
    return DialogueStateTracker.from_events(sender, [SessionStarted(), ActionExecuted("action_listen"), *events])


def said(text, intent, timestamp=None, sender="alice"):
    return UserUttered(text, {"name": intent}, timestamp=timestamp)


class Turn(NamedTuple):
    """A message after the component, and the metadata that came with it."""

    message: Message
    metadata: dict


def turn(classifier, text, tracker, intent=None):
    """What becomes of a message that a channel heard as an angry voice."""
    metadata = {EVIDENCE_KEY: ChannelEvidence.of([evidence("acoustic", "angry", 0.9)]), "shop": 7}
    data = {"text": text, "metadata": metadata}
    if intent:
        data["intent"] = {"name": intent, "confidence": 0.9}
    (message,) = classifier.process([Message(data)], tracker)
    return Turn(message, metadata)


def slots(found):
    return {entity["entity"]: entity["value"] for entity in found.message.get("entities")}


def is_empty(found):
    """Whether neither the message nor the channel's metadata, which Rasa stores with it, tell how the caller felt."""
    return "angry" not in json.dumps(found.message.as_dict()) and found.metadata == {"shop": 7}


def test_an_outburst_that_is_taken_for_a_yes_is_heard(classifier):
    found = turn(classifier, "you useless idiots", conversation(), intent="emotion_on")
    assert slots(found)["emotion"] == "angry"
    assert shared_consents().find("alice") is None


def test_who_said_no_leaves_no_trace(classifier):
    shared_consents().set("alice", False)
    found = turn(classifier, "I am furious", conversation())
    assert is_empty(found)
    assert slots(found) == EMPTY
    assert found.message.get("emotion_estimate")["evidence"] == {}
    assert slots(turn(classifier, "I am furious", conversation(sender="bob")))["emotion"] == "angry"


@pytest.mark.parametrize("text", ["/emotion_off", "/emotion_off@1.0", ' /emotion_off{"name": "x"}'])
def test_the_command_holds_from_its_own_turn_on(classifier, text):
    found = turn(classifier, text, conversation())
    assert is_empty(found)
    assert EMPTY.items() <= slots(found).items()  # beside what the command itself may fill
    assert not may_analyse("alice")
    assert is_empty(turn(classifier, "I am furious", conversation()))


def test_own_words_hold_from_their_own_turn_on(classifier):
    found = turn(classifier, "stop judging how I sound, I am furious", conversation(), intent="emotion_off")
    assert is_empty(found)
    assert slots(found) == EMPTY
    assert shared_consents().find("alice").how == "words"


@pytest.mark.parametrize(("text", "intent"), [("/emotion_on", None), ("you may listen again", "emotion_on")])
def test_analysis_resumes_with_the_next_turn(classifier, text, intent):
    turn(classifier, "/emotion_off", conversation())
    assert is_empty(turn(classifier, text, conversation(), intent=intent))
    assert slots(turn(classifier, "hello", conversation()))["emotion"] == "angry"


def test_opt_in_waits_for_a_yes(classifier, bot_folder):
    (bot_folder / "endpoints.yml").write_text("rasa_emotion: {consent: opt_in}")
    assert is_empty(turn(classifier, "I am furious", conversation()))
    turn(classifier, "/emotion_on", conversation())
    assert slots(turn(classifier, "I am furious", conversation()))["emotion"] == "angry"


@pytest.mark.parametrize("tracker", [None, DialogueStateTracker.from_events("alice", [])])
def test_outside_a_conversation_nothing_is_noted(classifier, bot_folder, tracker):
    turn(classifier, "/emotion_off", tracker)
    turn(classifier, "stop it", tracker, intent="emotion_off")
    assert not (bot_folder / "rasa_emotion.db").exists()
    assert may_analyse("alice")


def test_a_choice_that_passed_elsewhere_is_taken_over(classifier):
    # Rasa's `trigger_intent` runs no NLU.
    tracker = conversation(said("EXTERNAL: emotion_off", "emotion_off", 1700000000.0))
    assert is_empty(turn(classifier, "I am furious", tracker))
    assert not may_analyse("alice")
    assert shared_consents().find("alice").how == "event"


def test_a_later_choice_from_elsewhere_stands(classifier):
    tracker = conversation(said("/emotion_off", "emotion_off", 1700000000.0))
    shared_consents().set("alice", True)
    assert slots(turn(classifier, "hello", tracker))["emotion"] == "angry"


def test_moods_and_words_from_before_do_not_count(classifier):
    angry = turn(classifier, "I am furious", conversation())
    before = UserUttered("I am furious", {"name": "complain"}, parse_data=angry.message.as_dict())
    assert slots(turn(classifier, "hello", conversation(before)))["caller_mood"] != "calm"
    calm = Message({"text": "hello", "metadata": None})
    (found,) = classifier.process([calm], conversation(before, said("/emotion_on", "emotion_on", 1700000000.0)))
    assert slots(Turn(found, {}))["caller_mood"] == "calm"


def test_a_record_that_cannot_be_opened_means_no_analysis(classifier, bot_folder, caplog):
    (bot_folder / "endpoints.yml").write_text("rasa_emotion: {consent: maybe}")
    with caplog.at_level(logging.ERROR, "rasa_emotion"):
        assert is_empty(turn(classifier, "I am furious", conversation()))
        assert is_empty(turn(classifier, "/emotion_off", conversation()))
        assert not may_analyse("alice")
    assert len([record for record in caplog.records if record.name == consent.__name__]) == 1


def test_an_unforeseen_failure_means_no_analysis(classifier, monkeypatch, caplog):
    monkeypatch.setattr(consent, "shared_consents", lambda: 1 / 0)
    assert is_empty(turn(classifier, "I am furious", conversation()))
    assert not may_analyse("alice")
    assert "ZeroDivisionError" in caplog.text


def test_a_client_without_a_name_has_rasas(classifier):
    turn(classifier, "/emotion_off", conversation(sender="default"))
    assert not may_analyse(None)
    assert not may_analyse("default")
