"""The score that tells that a caller has turned angry."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_onnx import acoustic_folder

from rasa_emotion.acoustic import AcousticClassifier
from rasa_emotion.anger_weights import KINDS, AngerModel, Weights, read_weights, weights_for, write_weights
from rasa_emotion.conversation.anger import RECENT, anger_score, features
from rasa_emotion.errors import ModelError
from rasa_emotion.estimate import EmotionEstimate, Evidence
from rasa_emotion.model_folder import shipped_models

PROBABILITY = st.floats(0, 1)


def turn(voice: float | None = None, words: float | None = None, *, reliability: float = 1.0) -> EmotionEstimate:
    pieces = {}
    for modality, anger in (("acoustic", voice), ("text", words)):
        if anger is not None:
            said: Mapping[str, float] = {"angry": anger, "neutral": 1 - anger}
            pieces[modality] = Evidence(modality, said, reliability)
    if not pieces:
        return EmotionEstimate.unknown()
    return EmotionEstimate.from_probabilities(next(iter(pieces.values())).probabilities, pieces)


def test_voice_and_words_that_turn_angry_are_found() -> None:
    calm = [turn(0.03, 0.02)] * 3
    assert anger_score(calm) < 0.1
    assert anger_score([*calm, turn(0.9, 0.9)]) > 0.9


def test_who_always_sounds_angry_is_judged_by_it() -> None:
    """The turns just before are the same: what counts is how the voice sounded in those further back."""
    latest, before = turn(0.6, 0.05), [turn(0.5, 0.02)] * RECENT
    always, never = [turn(0.5, 0.02)] * 4, [turn(0.02, 0.02)] * 4
    assert anger_score([*always, *before, latest]) < anger_score([*never, *before, latest])


def test_anger_just_before_counts() -> None:
    calm, angry = turn(0.03, 0.02), turn(0.7, 0.5)
    assert anger_score([calm, calm, calm, angry, angry]) > anger_score([calm, calm, calm, calm, angry])


def test_a_level_voice_does_not_silence_plain_words() -> None:
    calm, plain = turn(0.01, 0.02), turn(0.01, 0.97)
    assert anger_score([calm] * 3 + [plain, plain]) > 0.5 > anger_score([calm] * 5)


def test_weights_without_a_bias_for_plain_words_take_both_together() -> None:
    level = [turn(0.01, 0.02)] * 3 + [turn(0.01, 0.97)] * 2
    shipped = weights_for("acoustic")
    older = {kind: AngerModel(model.bias, model.modalities) for kind, model in shipped.items()}
    assert anger_score(level, lambda _: older) < 0.5 < anger_score(level, lambda _: shipped)


def test_nothing_heard_has_no_score() -> None:
    assert anger_score([]) is None
    assert anger_score([turn(0.9, 0.9), turn()]) is None


@pytest.mark.parametrize("heard", [{"voice": 0.97}, {"words": 0.97}])
def test_one_modality_is_enough(heard: Mapping[str, float]) -> None:
    calm = dict.fromkeys(heard, 0.02)
    assert anger_score([turn(**calm)] * 3 + [turn(**heard)] * 2) > 0.5 > anger_score([turn(**calm)] * 4)


def test_unreliable_evidence_says_what_callers_usually_say() -> None:
    sure, unsure = ([turn(0.02, 0.02)] * 3 + [turn(0.99, 0.99, reliability=r)] for r in (1.0, 0.05))
    assert anger_score(sure) > 0.9
    assert anger_score(unsure) < 0.5


@given(st.lists(st.tuples(PROBABILITY, PROBABILITY), max_size=6), PROBABILITY, PROBABILITY, st.floats(0, 1))
def test_more_anger_in_the_latest_turn_never_lowers_the_score(earlier, voice, words, more) -> None:
    before = [turn(*pair) for pair in earlier]
    low, high = anger_score([*before, turn(voice, words)]), anger_score([*before, turn(max(voice, more), words)])
    assert 0 <= low <= high <= 1


@given(st.lists(st.tuples(PROBABILITY, PROBABILITY), min_size=1, max_size=6), st.integers(0, 5))
def test_turns_in_which_nothing_was_heard_leave_the_usual_as_it_is(pairs, place) -> None:
    odds = [voice for voice, _ in pairs]
    with_gap = [*odds[: min(place, len(odds) - 1)], None, *odds[min(place, len(odds) - 1) :]]
    assert features(odds, "acoustic")[:2] == features(with_gap, "acoustic")[:2]


@pytest.mark.parametrize("name", ["acoustic", "acoustic-emogator"])
def test_each_acoustic_model_that_ships_has_weights_of_its_own(name, caplog) -> None:
    assert set(weights_for(name)) == set(KINDS)
    assert weights_for(name) == read_weights(shipped_models() / name)
    assert caplog.text == ""


def test_a_model_without_weights_says_so_once_and_takes_the_shipped_ones(caplog) -> None:
    for _ in range(2):
        assert weights_for("of somebody") == weights_for("acoustic")
    assert caplog.text.count("has no 'anger.json' in its folder") == 1


def test_weights_are_read_from_the_folder_that_is_loaded(tmp_path) -> None:
    folder = acoustic_folder(tmp_path / "mine")
    AcousticClassifier.load(folder)  # an older folder has none
    mine = {kind: AngerModel(0.5, {name: Weights(1.0, 2.0, 3.0) for name in kind}) for kind in KINDS}
    write_weights(folder, mine)
    assert AcousticClassifier.load(folder).name == "mine"
    assert weights_for("mine") == mine


@pytest.mark.parametrize(
    "content", ["{", "[]", "{}", '{"text": {"bias": 1}}', '{"text": {"bias": 0, "modalities": {}}}']
)
def test_a_file_that_holds_none_is_named(tmp_path, content) -> None:
    folder = acoustic_folder(tmp_path / "mine")
    (folder / "anger.json").write_text(content)
    with pytest.raises(ModelError, match=r"anger\.json"):
        AcousticClassifier.load(folder)
