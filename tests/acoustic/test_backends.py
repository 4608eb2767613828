"""Acoustic models that run in a class of one's own, named in the model's folder by its module path."""

from pathlib import Path

import numpy as np
import pytest
from tiny_onnx import acoustic_folder

from rasa_emotion.acoustic import AcousticClassifier
from rasa_emotion.audio import Waveform
from rasa_emotion.errors import ModelError


class Loud:
    """Takes every voice for anger, as sure of it as the folder says."""

    def __init__(self, model) -> None:
        self.logit = float(model.settings["logit"])

    def run(self, outputs, sounds):
        found = {"logits": np.array([[self.logit] + [0.0] * 7], np.float32), "embedding": np.zeros((1, 3), np.float32)}
        return [found[name] for name in outputs]


class Nothing:
    def __init__(self, model) -> None: ...


def test_a_backend_of_ones_own(tmp_path: Path, tone) -> None:
    folder = acoustic_folder(tmp_path / "mine", backend=f"{__name__}.Loud", logit=9.0)
    found = AcousticClassifier.load(folder).classify(Waveform(tone(400, 1.0)))
    assert (found.emotion, found.model) == ("angry", "mine")


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("nosuch.module.Class", "'nosuch.module.Class' cannot be loaded"),
        (f"{__name__}.Missing", "cannot be loaded"),
        (f"{__name__}.np", "is no class"),
        (f"{__name__}.Nothing", "lacks 'run'"),
    ],
)
def test_a_path_that_does_not_resolve_is_named(tmp_path: Path, path: str, sentence: str) -> None:
    with pytest.raises(ModelError, match=sentence):
        AcousticClassifier.load(acoustic_folder(tmp_path / "mine", backend=path))
