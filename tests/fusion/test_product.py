import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_emotion.emotions import EMOTIONS, as_array
from rasa_emotion.errors import ModelError
from rasa_emotion.estimate import Evidence
from rasa_emotion.fusion import Fusion
from rasa_emotion.fusion.product import FUSION_FILE, pool
from rasa_emotion.model_folder import write_manifest

FUSION = Fusion({"acoustic": 0.6, "text": 0.4}, 1.0, 0.3, 0.6)


def sure_of(emotion, probability=0.9):
    rest = (1 - probability) / 7
    return {name: probability if name == emotion else rest for name in EMOTIONS}


def test_agreement_strengthens_and_names_both_modalities():
    fusion = Fusion({"acoustic": 0.5, "text": 0.5}, 0.5, 0.3, 0.6)
    estimate = fusion.fuse([Evidence("acoustic", sure_of("angry", 0.6)), Evidence("text", sure_of("angry", 0.6))])
    assert estimate.emotion == "angry"
    assert estimate.confidence > 0.6
    assert estimate.modalities == ("acoustic", "text")
    assert not estimate.conflict


def test_nothing_heard_is_unknown():
    assert FUSION.fuse([]).emotion == "unknown"
    assert FUSION.fuse([Evidence("text", sure_of("sad"), reliability=0.0)]).emotion == "unknown"


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
    sharp = Fusion({"acoustic": 0.6, "text": 0.4}, 0.4, 0.0, 0.6)
    heard, read = Evidence("acoustic", sure_of("angry", voice)), Evidence("text", sure_of("angry", words), reliability)
    alone = sharp.fuse([heard]).probabilities["angry"]
    assert sharp.fuse([heard, read]).probabilities["angry"] == pytest.approx(alone, abs=0.03)


def test_unreliable_evidence_is_no_opinion():
    faint = [Evidence("acoustic", sure_of("angry"), 0.1), Evidence("text", sure_of("angry"), 0.1)]
    assert FUSION.fuse(faint).emotion == "unknown"
    assert FUSION.fuse(faint[1:]).emotion == "unknown"


def test_opposite_valence_is_a_conflict_only_when_both_are_sure():
    words = Evidence("text", sure_of("happy"))
    assert FUSION.fuse([Evidence("acoustic", sure_of("angry")), words]).conflict
    assert not FUSION.fuse([Evidence("acoustic", sure_of("angry", 0.5)), words]).conflict
    assert not FUSION.fuse([Evidence("acoustic", sure_of("neutral")), words]).conflict
    assert not FUSION.fuse([words]).conflict


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


def test_constants_are_read(tmp_path):
    constants = {"weights": {"acoustic": 0.6, "text": 0.4}, "temperature": 1.2, "min_confidence": 0.3}
    write_fusion(tmp_path, {**constants, "conflict_confidence": 0.7})
    fusion = Fusion.load(tmp_path)
    assert fusion.weights == {"acoustic": 0.6, "text": 0.4}
    assert fusion.temperature == 1.2
    assert fusion.checksum


def test_missing_constants_are_refused(tmp_path):
    write_fusion(tmp_path, {"weights": {"acoustic": 1.0}})
    with pytest.raises(ModelError, match="lacks fusion constants"):
        Fusion.load(tmp_path)
