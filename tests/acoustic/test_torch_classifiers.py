"""Classifiers of Hugging Face and SpeechBrain as model folders that run in torch."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tiny_classifiers import SHORT_LABELS, hugging_face, speechbrain
from transformers import AutoFeatureExtractor, AutoModelForAudioClassification

from rasa_emotion import EmotionAnalyzer
from rasa_emotion.acoustic import AcousticClassifier
from rasa_emotion.audio import Waveform
from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.errors import ModelError
from rasa_emotion.model_folder import write_manifest
from rasa_emotion.torch_backends.network import EightEmotions, open_source

Tone = Callable[..., NDArray[np.float32]]
HEARD = {"angry", "happy", "neutral", "sad"}


def model_folder(folder: Path, **settings: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    write_manifest(
        folder,
        [],
        name=folder.name,
        kind="acoustic",
        licence="LicenseRef-Source",
        commercial=False,
        summary="Tiny.",
        labels=list(EMOTIONS),
        **settings,
    )
    return folder


@pytest.mark.parametrize("kind", ["wav2vec2", "whisper", "ast"])
def test_hugging_faces_own_answer_under_the_eight(kind: str, tmp_path: Path, tone: Tone) -> None:
    source = hugging_face(tmp_path / kind, kind)
    sound = tone(300, 1.0) + tone(1700, 1.0, level=0.1)
    extractor = AutoFeatureExtractor.from_pretrained(source)
    model = AutoModelForAudioClassification.from_pretrained(source).eval()
    with torch.inference_mode():
        own = model(**extractor(sound, sampling_rate=16_000, return_tensors="pt")).logits[0].numpy()
        logits, embedding = EightEmotions(open_source(str(source))).eval()(torch.from_numpy(sound)[None])
    assert embedding.shape == (1, 16)
    assert np.ptp(own) > 0.1
    where = [EMOTIONS.index(emotion) for emotion in ("neutral", "angry", "happy", "sad")]
    np.testing.assert_allclose(logits[0].numpy()[where], own, atol=1e-3)
    assert EMOTIONS[int(logits.argmax())] in HEARD


@pytest.mark.parametrize("kind", ["encoder", "wav2vec2"])
def test_speechbrains_two_layouts(kind: str, tmp_path: Path, tone: Tone) -> None:
    source = open_source(str(speechbrain(tmp_path / "source", kind)))
    assert tuple(source.labels) == SHORT_LABELS
    with torch.inference_mode():
        logits, embedding = source(torch.from_numpy(np.stack([tone(300, 0.7), tone(900, 0.7)])))
        again, _ = source(torch.from_numpy(tone(900, 0.7))[None])
    assert logits.shape == (2, 4)
    assert embedding.ndim == 2
    # SpeechBrain's pooling adds a little noise, also where nothing is trained
    assert (logits[1] - again[0]).abs().max() < 0.1 * (logits[0] - logits[1]).abs().max()


def test_everything_that_takes_a_model_folder_takes_it(tmp_path: Path, tone: Tone, speech: Callable[..., Path]) -> None:
    folder = model_folder(tmp_path / "hub", backend="huggingface", source="weights")
    hugging_face(folder / "weights")
    analyzer = EmotionAnalyzer.load(folder)
    estimate = analyzer.analyze(audio=speech("Thank you so much"), text="Thank you so much, I love it!")
    evidence = estimate.evidence["acoustic"]
    assert evidence.model == "hub"
    assert sum(evidence.probabilities.values()) == pytest.approx(1, abs=1e-5)
    assert {emotion for emotion, p in evidence.probabilities.items() if p > 0} == HEARD
    assert analyzer.acoustic is not None
    assert analyzer.acoustic.embed(Waveform(tone(220, 0.1))).shape == (16,)


def test_a_classifier_elsewhere_with_labels_of_its_own(tmp_path: Path, tone: Tone) -> None:
    source = hugging_face(tmp_path / "source", labels=("LABEL_0", "LABEL_1"))
    mapped = model_folder(
        tmp_path / "a", backend="huggingface", source=str(source), label_map={"LABEL_0": "fear", "LABEL_1": "calm"}
    )
    said = AcousticClassifier.load(mapped).classify(Waveform(tone(220, 1.0))).probabilities
    assert said["fear"] + said["calm"] == pytest.approx(1, abs=1e-5)
    with pytest.raises(ModelError, match=r"None of the labels .*LABEL_0, LABEL_1.*--label"):
        AcousticClassifier.load(model_folder(tmp_path / "b", backend="huggingface", source=str(source)))


def test_what_cannot_be_loaded_is_named_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"choose one of huggingface, speechbrain\.$"):
        open_source("x", "tensorflow")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError, match="cannot be loaded as a Hugging Face audio classifier"):
        open_source(str(tmp_path))
    (tmp_path / "hyperparams.yaml").write_text("a: !new:no.such.Class")
    with pytest.raises(ModelError, match="cannot be loaded as a SpeechBrain classifier"):
        open_source(str(tmp_path))


def test_speechbrain_without_a_known_layout_or_labels(tmp_path: Path) -> None:
    folder = speechbrain(tmp_path / "source", "wav2vec2")
    text = (folder / "hyperparams.yaml").read_text()
    (folder / "hyperparams.yaml").write_text(text.replace("    avg_pool: !ref <avg_pool>\n", ""))
    with pytest.raises(ModelError, match=r"has the modules wav2vec2, output_mlp; .* needs"):
        open_source(str(folder))
    bare = text.replace("label_encoder: !new:speechbrain.dataio.encoder.CategoricalEncoder\n", "")
    bare = "\n".join(line for line in bare.splitlines() if "label_encoder" not in line)
    (folder / "hyperparams.yaml").write_text(bare)
    with pytest.raises(ModelError, match="has no 'label_encoder'"):
        open_source(str(folder))


def test_torch_is_loaded_for_such_a_folder_alone(repository: Path) -> None:
    script = "from rasa_emotion import EmotionAnalyzer; EmotionAnalyzer.load(); import sys; print(*sys.modules)"
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert {"torch", "transformers", "speechbrain"} & set(answer.stdout.split()) == set()


def test_without_torch_the_remedy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = model_folder(tmp_path / "hub", backend="huggingface", source="someone/model")
    monkeypatch.setitem(sys.modules, "rasa_emotion.torch_backends.network", None)
    with pytest.raises(ModelError, match=r"pip install 'rasa-emotion\[torch\]'"):
        AcousticClassifier.load(folder)


def test_one_models_own_folder_stands_beside_the_shipped_ones(repository: Path, tmp_path: Path) -> None:
    shutil.copytree(repository / "models" / "acoustic-emogator", tmp_path / "mine")
    analyzer = EmotionAnalyzer.load(tmp_path / "mine")
    assert analyzer.acoustic is not None
    assert analyzer.text is not None
    assert analyzer.acoustic.name == "acoustic-emogator"
    assert analyzer.checksum != EmotionAnalyzer.load().checksum
    (tmp_path / "mine" / "model.json").write_text(json.dumps([]))
    with pytest.raises(ModelError, match="not a model manifest"):
        EmotionAnalyzer.load(tmp_path / "mine")
