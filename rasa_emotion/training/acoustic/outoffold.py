"""What the kept fold models say about clips that they were not trained on, in quiet, on the telephone and in noise."""

import csv
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from rasa_emotion.acoustic import AcousticClassifier
from rasa_emotion.audio import SAMPLE_RATE, Waveform, to_telephone
from rasa_emotion.corpora.manifest import Clip
from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.training.acoustic.augment import add_noise
from rasa_emotion.training.acoustic.clips import Sounds, as_float

Condition = Callable[[Waveform, str], Waveform]

CLEAN = "clean"
COLUMNS = ("path", "speaker", "fold", "condition", "emotion", *EMOTIONS)


@dataclass(frozen=True)
class Heard:
    """Logits [clips, 8] of clips under one condition."""

    clips: Sequence[Clip]
    logits: NDArray[np.float64]

    @property
    def truth(self) -> NDArray[np.int64]:
        return np.array([EMOTIONS.index(clip.emotion or "") for clip in self.clips], dtype=np.int64)

    @property
    def speakers(self) -> list[str]:
        return [clip.speaker for clip in self.clips]


def conditions(noises: Sequence[NDArray[np.int16]]) -> dict[str, Condition]:
    """What happens to a trimmed clip before the model hears it, by name."""
    found: dict[str, Condition] = {
        CLEAN: lambda waveform, _: waveform,
        "mulaw": lambda waveform, _: to_telephone(waveform),
    }
    if noises:
        found |= {f"noise{snr}": _noisy(noises, snr) for snr in (20, 10, 5, 0)}
    return found


def first_seconds(secs: float) -> Condition:
    """Only the beginning of a clip: what a model makes of short speech."""
    return lambda waveform, _: Waveform(waveform.samples[: int(secs * SAMPLE_RATE)])


def hear(
    models: Mapping[str, AcousticClassifier], clips: Sequence[Clip], sounds: Sounds, condition: Condition
) -> Heard:
    """Each clip's logits by the model of its speaker."""
    rows = [
        models[clip.speaker].logits(condition(Waveform(as_float(sounds[clip.path])), clip.path))
        for clip in tqdm(clips, desc="hear", mininterval=5)
    ]
    return Heard(clips, np.array(rows))


def write_csv(file: Path, heard: Mapping[str, Heard]) -> None:
    """One row per condition and clip."""
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        for name, part in heard.items():
            for clip, row in zip(part.clips, part.logits, strict=True):
                fold = "" if clip.fold is None else clip.fold
                writer.writerow([clip.path, clip.speaker, fold, name, clip.emotion, *(f"{x:.4f}" for x in row)])


def _noisy(noises: Sequence[NDArray[np.int16]], snr: int) -> Condition:
    def add(waveform: Waveform, path: str) -> Waveform:
        # drawn by path, so that every model and every run hears the same noise
        generator = np.random.default_rng(zlib.crc32(path.encode()))
        noise = noises[generator.integers(len(noises))]
        start = int(generator.integers(len(noise)))
        mixed = add_noise(torch.from_numpy(waveform.samples), noise, float(snr), start).numpy()
        return Waveform(mixed / max(1.0, float(np.abs(mixed).max())))

    return add
