"""A tiny corpus of tones: six speakers, two emotions that a pitch tells apart."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

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
