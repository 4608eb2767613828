"""Model folders as earlier releases wrote them: read, or a sentence."""

import json
from pathlib import Path

import numpy as np
import pytest
from tiny_onnx import old_acoustic_folder, text_folder

from rasa_emotion import EmotionAnalyzer
from rasa_emotion.audio import Waveform
from rasa_emotion.errors import ModelError
from rasa_emotion.fusion import Fusion
from rasa_emotion.model_folder import write_manifest

NOW = {
    "weights": {"acoustic": 0.65, "text": 0.35},
    "temperature": 0.63,
    "min_confidence": 0.25,
    "conflicts": {"sarcastic": 0.35, "masked": 0.49},
    "powers": {"length": 0.28, "snr": 0.0, "language": 0.76, "recogniser": 0.51},
}
"""Of a fusion before it told a level voice from others; `level` came later."""

FIRST = {"weights": NOW["weights"], "temperature": 0.57, "min_confidence": 0.3, "conflict_confidence": 0.55}
"""Of the first fusion, which knew one kind of conflict and no trust."""


def fusion_folder(folder: Path, constants: dict[str, object]) -> Path:
    folder.mkdir(parents=True)
    (folder / "fusion.json").write_text(json.dumps(constants))
    write_manifest(
        folder, ["fusion.json"], name="fusion", kind="fusion", licence="Apache-2.0", commercial=True, summary="Old."
    )
    return folder


def test_models_of_an_earlier_release_hear_and_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    old_acoustic_folder(tmp_path / "acoustic")
    text_folder(tmp_path / "text", {"furious": "angry", "today": "neutral"}, languages=None)
    fusion_folder(tmp_path / "fusion", NOW)
    analyzer = EmotionAnalyzer.load(tmp_path)
    loud = Waveform(0.5 * np.random.default_rng(0).standard_normal(16_000).clip(-1, 1).astype(np.float32))
    estimate = analyzer.analyze(loud, "furious today")
    assert estimate.emotion == "angry"
    assert [piece.emotion for piece in analyzer.hear_many([loud, loud])] == ["angry", "angry"]
    assert [record.event for record in caplog.records if record.levelname == "WARNING"] == ["text.languages.missing"]


def test_constants_of_the_first_fusion_are_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"lacks fusion constants .*conflicts.*; fit it again"):
        Fusion.load(fusion_folder(tmp_path / "fusion", FIRST))
