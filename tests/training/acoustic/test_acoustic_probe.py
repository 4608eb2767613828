"""Heads on a pretrained trunk: how they are fitted and exported in int8."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch

from rasa_emotion.acoustic.classifier import OnnxNetwork
from rasa_emotion.acoustic.whisper import WhisperEncoder, WhisperNetwork
from rasa_emotion.corpora.clip import Clip
from rasa_emotion.errors import ConfigError
from rasa_emotion.training.acoustic import pretrained
from rasa_emotion.training.acoustic import train as training
from rasa_emotion.training.acoustic.batches import Tasks
from rasa_emotion.training.acoustic.export import export
from rasa_emotion.training.acoustic.networks import build_network, start_from
from rasa_emotion.training.acoustic.probe import CLEAN, Known, Probe, fit_heads, ridge


@pytest.fixture
def network(small_whisper: dict[str, Any]) -> WhisperNetwork:
    torch.manual_seed(0)
    return WhisperNetwork({"emotion": 8}, **small_whisper).eval()


def test_pretrained_weights_reach_their_places(whisper_content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    content = whisper_content
    monkeypatch.setattr(pretrained, "_file", lambda name: content)
    encoder = WhisperEncoder(width=16, attention_heads=2, hidden=[32, 0])
    pretrained.load_whisper(encoder, "any")
    stored = pretrained.read_variables(content)
    weight = torch.from_numpy(stored["encoder/conv1/weight"].astype(np.float32))
    frames = torch.randn(1, 10, 80)
    bias = torch.from_numpy(stored["encoder/conv1/bias"].astype(np.float32))
    expected = torch.nn.functional.conv1d(frames.transpose(1, 2), weight, bias, padding=1).transpose(1, 2)
    torch.testing.assert_close(encoder.first(frames), torch.nn.functional.gelu(expected))
    norm = stored["encoder/layer_1/self_attention/layer_norm/gamma"].astype(np.float32)
    np.testing.assert_array_equal(encoder.layers[1].attention_norm.weight.detach().numpy(), norm)


def test_an_encoder_of_another_shape_is_refused(whisper_content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretrained, "_file", lambda name: whisper_content)
    for shape, sentence in (
        ({"width": 32, "attention_heads": 2, "hidden": [64]}, "'width' to 16"),
        ({"width": 16, "attention_heads": 4, "hidden": [32]}, "'attention_heads' to 2"),
        ({"width": 16, "attention_heads": 2, "hidden": [32, 32, 32]}, "has 2 layers"),
    ):
        with pytest.raises(ConfigError, match=sentence):
            pretrained.load_whisper(WhisperEncoder(**shape), "any")


def test_unknown_weights_and_encoders_are_refused(network: WhisperNetwork) -> None:
    with pytest.raises(ConfigError, match="no pretrained weights"):
        pretrained.load_whisper(network.encoder, "whisper-huge")
    with pytest.raises(ConfigError, match="no encoder 'cn'"):
        build_network({"emotion": 8}, {"encoder": "cn"})
    with pytest.raises(ConfigError, match="no option 'depth'"):
        build_network({"emotion": 8}, {"encoder": "whisper", "depth": 3})
    with pytest.raises(ConfigError, match="fits the encoder 'whisper' alone"):
        start_from(build_network({"emotion": 8}, {"channels": [4], "pools": [[2, 2]], "depths": [1]}), "whisper-base")


def test_the_installed_weights_fit() -> None:
    network = build_network({"emotion": 8}, {"encoder": "whisper"})
    start_from(network, "whisper-base")
    assert isinstance(network, WhisperNetwork)
    assert network.encoder.second.weigh.bias.detach().abs().max() > 0.01


def clip(number: int, corpus: str, emotion: str) -> Clip:
    return Clip(f"{corpus}-{number}.wav", corpus, f"{corpus}-{number % 4}", emotion, emotion, None, 1.0)


def known_corpora(used: set[str] | None = None, shift: float = 0.0) -> Known:
    """Two classes that one dimension tells apart; the second corpus lies `shift` away."""
    generator = np.random.default_rng(0)
    clips = [clip(n, c, "angry" if n % 2 else "sad") for c in ("first", "second") for n in range(40)]
    rows = generator.normal(0, 1, (len(clips), 64))
    for number, item in enumerate(clips):
        rows[number, 0] += 6 * (item.emotion == "angry")
        rows[number] += shift * (item.corpus == "second")
    own = np.array([item.corpus == "first" for item in clips])
    heard = {CLEAN: rows.astype(np.float32), "noise": rows[own].astype(np.float32) + 0.1}
    return Known(clips, heard, used if used is not None else {item.path for item in clips}, "first")


TASKS = Tasks(
    {"emotion": (["angry", "calm", "disgust", "fear", "happy", "neutral", "sad", "surprise"], ["first", "second"])}
)


def test_heads_learn_and_the_other_corpus_place_does_not_matter(network: WhisperNetwork) -> None:
    weights = []
    for shift in (0.0, 50.0):
        fit_heads(network, known_corpora(shift=shift), TASKS, Probe(views=["noise"]), smoothing=0.1)
        weights.append(network.heads["emotion"].weight.detach().clone())
        known = known_corpora(shift=shift)
        own = torch.from_numpy(known.heard[CLEAN][:40])
        logits = network.heads["emotion"](network.normalise(own))
        truth = torch.tensor([TASKS.target("emotion", item) for item in known.clips[:40]])
        assert (logits.argmax(dim=1) == truth).all()
    torch.testing.assert_close(*weights, atol=1e-4, rtol=1e-3)


def test_heads_learn_from_the_used_clips_alone(network: WhisperNetwork) -> None:
    used = {item.path for item in known_corpora().clips if item.speaker != "first-3"}
    known = known_corpora(used)
    fit_heads(network, known, TASKS, Probe(views=["noise"]), smoothing=0.1)
    before = network.heads["emotion"].weight.detach().clone()
    for name, rows in known.heard.items():
        unused = [number for number, item in enumerate(known.clips[: len(rows)]) if item.path not in used]
        known.heard[name][unused] += 1000
    fit_heads(network, known, TASKS, Probe(views=["noise"]), smoothing=0.1)
    torch.testing.assert_close(network.heads["emotion"].weight, before)


def test_ridge_is_scikit_learns() -> None:
    from sklearn.linear_model import Ridge  # noqa: PLC0415 -- for this comparison alone

    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(30, 5, generator=generator, dtype=torch.float64)
    target, weights = torch.arange(30) % 3, torch.rand(30, generator=generator, dtype=torch.float64)
    model = Ridge(alpha=0.5 * 5, fit_intercept=False)
    model.fit(
        rows.numpy(), torch.nn.functional.one_hot(target, 3).double().numpy() - 1 / 3, sample_weight=weights.numpy()
    )
    np.testing.assert_allclose(ridge(rows, target, weights, 3, 0.5).numpy(), model.coef_.T, atol=1e-8)


def test_large_products_are_int8_and_the_mel_filters_are_not(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = WhisperNetwork({"emotion": 8}, width=64, attention_heads=2, hidden=(256, 0)).eval()
    export(network, tmp_path / "model.onnx")
    model = onnx.load(tmp_path / "model.onnx")
    assert sum(node.op_type == "MatMulInteger" for node in model.graph.node) >= 5
    assert any(node.op_type == "MatMul" and "/frontend/" in node.name for node in model.graph.node)
    waveform = torch.randn(1, 16_000) * 0.1
    logits, _ = OnnxNetwork(tmp_path / "model.onnx").run(["logits", "embedding"], waveform.numpy())
    with torch.no_grad():
        expected = network(waveform)[0]["emotion"].numpy()
    np.testing.assert_allclose(logits, expected, atol=0.1 * float(np.abs(expected).max()))


def test_a_probe_is_a_training_without_epochs(tones: Path, probe_recipe: Path, tmp_path: Path) -> None:
    arguments = [
        str(probe_recipe),
        "--data",
        str(tones),
        "--cache",
        str(tmp_path / "cache"),
        "--threads",
        "1",
        "--fold",
        "1",
    ]
    for name in ("one", "two"):  # the second time from the kept statistics
        training.main([*arguments, "--threads", "1", "--out", str(tmp_path / name)])
    one, two = ((tmp_path / name / "logits.csv").read_text() for name in ("one", "two"))
    assert one == two
    rows = np.loadtxt(one.splitlines(), delimiter=",", skiprows=1, usecols=range(4, 12))
    truth = [line.split(",")[3] for line in one.splitlines()[1:]]
    assert (
        np.mean([("angry" if row[0] > row[6] else "sad") == label for row, label in zip(rows, truth, strict=True)])
        > 0.9
    )
