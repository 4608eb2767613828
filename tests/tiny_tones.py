"""A tiny corpus of tones: six speakers, two emotions that a pitch tells apart."""

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from rasa_emotion.training.acoustic import pretrained

RECIPE = """
seed: 3
name: tones
scored: tones
shares: {tones: 1.0}
heads: {emotion: [tones], tones: [tones]}
initial: null
epochs: 2
batch_size: 6
max_secs: 0.6
lr: 0.01
weight_decay: 0.01
label_smoothing: 0.05
mixup: 0.2
average_decay: 0.5
speed: !new:speechbrain.augment.time_domain.SpeedPerturb
    orig_freq: 16000
    speeds: [95, 100]
drops:
    - !new:speechbrain.augment.freq_domain.SpectrogramDrop
        drop_length_low: 1
        drop_length_high: 2
        drop_count_low: 1
        drop_count_high: 1
warp: [0.95, 1.05]
noise_probability: 0.5
snr_db: [10, 20]
telephone_probability: 0.3
network:
    channels: [4, 8]
    pools: [[2, 4], [2, 4]]
    depths: [1, 2]
    projection: 16
    lstm: 8
    embedding: 16
"""


@pytest.fixture(scope="session")
def tones(tmp_path_factory: pytest.TempPathFactory, tone: Callable[..., NDArray[np.float32]]) -> Path:
    folder = tmp_path_factory.mktemp("tones")
    rows = ["path,corpus,speaker,label,emotion,fold,seconds,text"]
    for speaker in range(6):
        for emotion, freq in (("sad", 200), ("angry", 2000)):
            for take in range(3):
                path = f"{speaker}-{emotion}-{take}.wav"
                sound = tone(freq * (1 + 0.02 * speaker), 0.5 + 0.05 * take)
                soundfile.write(folder / path, sound, 16_000)
                rows.append(f"{path},tones,s{speaker},{emotion}ish,{emotion},{1 + speaker // 2},0.5,")
    (folder / "noise").mkdir()
    generator = np.random.default_rng(0)
    for number in range(2):
        soundfile.write(folder / "noise" / f"{number}.wav", generator.normal(0, 0.1, 8000), 16_000)
    folder.joinpath("speech.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("recipe") / "tones.yaml"
    file.write_text(RECIPE, encoding="utf-8")
    return file


@pytest.fixture
def small_whisper() -> dict[str, Any]:
    """Settings of a network that takes no time."""
    return {"width": 16, "attention_heads": 2, "hidden": [32, 0]}


def ctranslate2(variables: dict[str, NDArray[np.generic]]) -> bytes:
    """A model file with these variables, as CTranslate2 writes it."""
    text = lambda value: struct.pack("<H", len(value) + 1) + value.encode() + b"\0"  # noqa: E731
    kinds = {np.dtype(np.float16): 4, np.dtype(np.int16): 2}
    found = struct.pack("<I", 6) + text("WhisperSpec") + struct.pack("<II", 3, len(variables))
    for name, values in variables.items():
        shape = b"".join(struct.pack("<I", size) for size in values.shape)
        found += text(name) + struct.pack("<B", values.ndim) + shape
        found += struct.pack("<BI", kinds[values.dtype], values.nbytes) + values.tobytes()
    return found


@pytest.fixture(scope="session")
def whisper_content() -> bytes:
    """A pretrained encoder of `small_whisper`'s shape with random weights, as a CTranslate2 file."""
    width, layers = 16, 2
    generator = np.random.default_rng(0)

    def draw(*shape: int) -> NDArray[np.generic]:
        return generator.normal(0, 0.1, shape).astype(np.float16)

    variables: dict[str, NDArray[np.generic]] = {
        "encoder/conv1/weight": draw(width, 80, 3),
        "encoder/conv1/bias": draw(width),
        "encoder/conv2/weight": draw(width, width, 3),
        "encoder/conv2/bias": draw(width),
        "encoder/num_heads": np.array(2, dtype=np.int16),
    }
    shapes = {
        "self_attention/linear_0": (3 * width, width),
        "self_attention/linear_1": (width, width),
        "ffn/linear_0": (2 * width, width),
        "ffn/linear_1": (width, 2 * width),
    }
    for layer in range(layers):
        for part in ("self_attention/layer_norm", "ffn/layer_norm"):
            variables[f"encoder/layer_{layer}/{part}/gamma"] = draw(width)
            variables[f"encoder/layer_{layer}/{part}/beta"] = draw(width)
        for part, shape in shapes.items():
            variables[f"encoder/layer_{layer}/{part}/weight"] = draw(*shape)
            variables[f"encoder/layer_{layer}/{part}/bias"] = draw(shape[0])
    return ctranslate2(variables)


@pytest.fixture
def probe_recipe(
    recipe: Path,
    whisper_content: bytes,
    small_whisper: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """The recipe as a probe on a small pretrained trunk, which stands in for the installed one."""
    monkeypatch.setattr(pretrained, "_file", lambda name: whisper_content)
    text = recipe.read_text().split("network:")[0].replace("initial: null", "initial: whisper-base")
    text = text.replace("epochs: 2", "epochs: 0\nprobe: {views: [telephone, noise, speed, warp, silence]}")
    text = text.replace("heads: {emotion: [tones], tones: [tones]}", "heads: {emotion: [tones]}")
    file = tmp_path / "probe.yaml"
    file.write_text(text + f"network: {json.dumps({'encoder': 'whisper', **small_whisper})}\n")
    return file
