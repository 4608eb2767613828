import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_emotion.emotions import EMOTIONS, as_array, as_probabilities
from rasa_emotion.errors import ModelError
from rasa_emotion.estimate import Evidence
from rasa_emotion.fusion import Fusion
from rasa_emotion.fusion.product import FUSION_FILE, pool
from rasa_emotion.model_folder import write_manifest

BOTH = {"sarcastic": 0.3, "masked": 0.5}
FUSION = Fusion({"acoustic": 0.6, "text": 0.4}, 1.0, 0.3, BOTH)


def sure_of(emotion, probability=0.9):
    rest = (1 - probability) / 7
    return {name: probability if name == emotion else rest for name in EMOTIONS}


def test_agreement_strengthens_and_names_both_modalities():
    fusion = Fusion({"acoustic": 0.5, "text": 0.5}, 0.5, 0.3, BOTH)
    estimate = fusion.fuse([Evidence("acoustic", sure_of("angry", 0.6)), Evidence("text", sure_of("angry", 0.6))])
    assert estimate.emotion == "angry"
    assert estimate.confidence > 0.6
    assert estimate.modalities == ("acoustic", "text")
    assert not estimate.conflict


def test_nothing_heard_is_unknown():
    assert FUSION.fuse([]).emotion == "unknown"
    assert FUSION.fuse([Evidence("text", sure_of("sad"), reliability=0.0)]).emotion == "unknown"


def test_words_in_another_language_leave_the_voice_alone():
    heard, read = Evidence("acoustic", sure_of("angry")), Evidence("text", sure_of("happy"), 0.0, foreign_language="de")
    both = FUSION.fuse([heard, read])
    assert both.probabilities == FUSION.fuse([heard]).probabilities
    assert (both.modalities, both.foreign_language, both.conflict) == (("acoustic",), "de", False)
    assert FUSION.fuse([read]).foreign_language == "de"
    assert FUSION.fuse([heard]).foreign_language is None


def test_one_modality_is_taken_as_it_is():
    probabilities = sure_of("fear", 0.5)
    assert FUSION.fuse([Evidence("text", probabilities)]).probabilities == pytest.approx(probabilities, abs=1e-5)


def test_an_unreliable_modality_weighs_less():
    voice, words = sure_of("angry", 0.7), sure_of("happy", 0.7)

    def anger(reliability):
        return FUSION.fuse([Evidence("acoustic", voice, reliability), Evidence("text", words)]).probabilities["angry"]

    assert anger(1.0) > anger(0.5) > anger(0.1)


@given(st.floats(0.3, 0.99), st.floats(0.3, 0.99), st.floats(0, 0.01))
def test_as_one_modality_becomes_unreliable_the_other_decides_alone(voice, words, reliability):
    sharp = Fusion({"acoustic": 0.6, "text": 0.4}, 0.4, 0.0, BOTH)
    heard, read = Evidence("acoustic", sure_of("angry", voice)), Evidence("text", sure_of("angry", words), reliability)
    alone = sharp.fuse([heard]).probabilities["angry"]
    assert sharp.fuse([heard, read]).probabilities["angry"] == pytest.approx(alone, abs=0.03)


def test_unreliable_evidence_is_no_opinion():
    faint = [Evidence("acoustic", sure_of("angry"), 0.1), Evidence("text", sure_of("angry"), 0.1)]
    assert FUSION.fuse(faint).emotion == "unknown"
    assert FUSION.fuse(faint[1:]).emotion == "unknown"


def test_confusion_is_the_mean_of_those_who_say_it():
    def confused(voice, words):
        return FUSION.fuse(
            [
                Evidence("acoustic", sure_of("fear"), voice[0], confused=voice[1]),
                Evidence("text", sure_of("fear"), words[0], confused=words[1]),
            ]
        ).confused

    assert confused((1.0, 0.2), (1.0, 0.8)) == pytest.approx(0.6 * 0.2 + 0.4 * 0.8)
    assert confused((0.5, 0.2), (1.0, 0.8)) == pytest.approx((0.3 * 0.2 + 0.4 * 0.8) / 0.7)
    assert confused((1e-9, 0.2), (1.0, 0.8)) == pytest.approx(0.8)
    assert confused((1.0, None), (1.0, 0.8)) == pytest.approx(0.8)
    assert confused((0.0, 0.2), (1.0, 0.8)) == pytest.approx(0.8)
    assert confused((1.0, None), (1.0, None)) is None


@given(st.floats(0.01, 1), st.floats(0, 1), st.floats(0.01, 1), st.floats(0, 1))
def test_confusion_is_never_surer_than_the_surer_one_and_fades_with_reliability(voice_trust, voice, word_trust, words):
    evidence = [
        Evidence("acoustic", sure_of("fear"), voice_trust, confused=voice),
        Evidence("text", sure_of("fear"), word_trust, confused=words),
    ]
    confused = FUSION.fuse(evidence).confused
    assert 0 <= confused <= max(voice, words) + 1e-6
    assert confused <= max(voice_trust, word_trust) + 1e-6


@given(
    st.lists(st.floats(0, 1), min_size=16, max_size=16).filter(lambda p: sum(p[:8]) > 0 and sum(p[8:]) > 0),
    st.floats(0, 5),
    st.floats(0, 5),
)
def test_any_two_distributions_fuse_to_a_distribution(values, voice, words):
    both = np.array(values).reshape(2, 8)
    both /= both.sum(axis=1, keepdims=True)
    pooled = pool(both, np.array([voice, words]))
    assert pooled.sum() == pytest.approx(1)
    assert (pooled >= 0).all()


def test_equal_distributions_pool_to_themselves():
    probabilities = as_array(sure_of("calm", 0.5))
    pooled = pool(np.stack([probabilities, probabilities]), np.array([0.3, 0.7]))
    assert pooled == pytest.approx(probabilities)


def write_fusion(folder, constants):
    (folder / FUSION_FILE).write_text(json.dumps(constants))
    write_manifest(
        folder, [FUSION_FILE], name="toy", kind="fusion", licence="Apache-2.0", commercial=True, summary="A toy."
    )


CONSTANTS = {
    "weights": {"acoustic": 0.6, "text": 0.4},
    "temperature": 1.2,
    "min_confidence": 0.3,
    "conflicts": {"sarcastic": 0.3, "masked": 0.5},
    "powers": {"length": 1.0, "snr": 0.5, "language": 1.0, "recogniser": 2.0},
}


def test_constants_are_read(tmp_path):
    write_fusion(tmp_path, CONSTANTS)
    fusion = Fusion.load(tmp_path)
    assert (fusion.weights, fusion.temperature) == (CONSTANTS["weights"], 1.2)
    assert (fusion.conflicts, fusion.powers) == (CONSTANTS["conflicts"], CONSTANTS["powers"])
    assert fusion.checksum


@pytest.mark.parametrize("absent", CONSTANTS)
def test_missing_constants_are_refused(tmp_path, absent):
    write_fusion(tmp_path, {name: value for name, value in CONSTANTS.items() if name != absent})
    with pytest.raises(ModelError, match="lacks fusion constants"):
        Fusion.load(tmp_path)


def test_a_conflict_that_every_pair_would_be_is_refused(tmp_path):
    write_fusion(tmp_path, {**CONSTANTS, "conflicts": {"sarcastic": 0.0, "masked": 0.5}})
    with pytest.raises(ModelError, match="sarcastic"):
        Fusion.load(tmp_path)


@given(st.lists(st.floats(0.001, 1), min_size=16, max_size=16), st.floats(0.05, 1), st.floats(0.05, 1))
def test_the_order_of_the_evidence_changes_nothing(values, voice, words):
    said = as_distributions(values)
    pieces = [Evidence("acoustic", said[0], voice), Evidence("text", said[1], words)]
    assert FUSION.fuse(pieces) == FUSION.fuse(pieces[::-1])


@given(st.lists(st.floats(0.001, 1), min_size=16, max_size=16), st.booleans())
def test_a_reliability_of_0_ignores_the_modality(values, voice_fails):
    said = as_distributions(values)
    heard = Evidence("acoustic", said[0], 0.0 if voice_fails else 1.0)
    read = Evidence("text", said[1], 1.0 if voice_fails else 0.0)
    assert FUSION.fuse([heard, read]) == FUSION.fuse([read if voice_fails else heard])


def as_distributions(values):
    both = np.array(values).reshape(2, 8)
    return [as_probabilities(row) for row in both / both.sum(axis=1, keepdims=True)]


def test_noise_and_a_doubtful_recogniser_shift_the_weights():
    fusion = Fusion({"acoustic": 0.5, "text": 0.5}, 1.0, 0.0, {}, {"snr": 1.0, "recogniser": 1.0})

    def anger(snr=40.0, recogniser=1.0):
        heard = Evidence("acoustic", sure_of("angry", 0.7), quality={"snr_db": snr})
        read = Evidence("text", sure_of("sad", 0.7), quality={"recogniser_confidence": recogniser})
        return fusion.fuse([heard, read]).probabilities["angry"]

    assert anger(snr=20) > anger(snr=10) > anger(snr=0)
    assert anger(recogniser=0.3) > anger(recogniser=0.7) > anger(recogniser=1.0)
    assert anger(snr=40) == anger(snr=60)
