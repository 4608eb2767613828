"""Augmented copies of clips, as system C makes them; a copy knows its original."""

import random
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import librosa
import numpy as np
from numpy.typing import NDArray

from rasa_emotion.audio.waveform import SAMPLE_RATE
from rasa_emotion.corpora.manifest import Clip

Samples = NDArray[np.float32]

NOISE_SNR_DB = 20.0
SEMITONES = 2.0


@dataclass(frozen=True)
class Example:
    """A clip, or with the name of an `augmentation` a copy of it."""

    clip: Clip
    augmentation: str = ""

    @property
    def is_copy(self) -> bool:
        return bool(self.augmentation)

    @property
    def key(self) -> str:
        """Unique over all examples; what features are cached by."""
        return f"{self.clip.path}#{self.augmentation}" if self.augmentation else self.clip.path


def pitch(samples: Samples, generator: random.Random) -> Samples:
    """Two semitones up or down, same length."""
    steps = generator.choice((-SEMITONES, SEMITONES))
    shifted: Samples = librosa.effects.pitch_shift(samples, sr=SAMPLE_RATE, n_steps=steps)
    return shifted


def stretch(samples: Samples, generator: random.Random) -> Samples:
    """A fifth faster or slower, same pitch."""
    stretched: Samples = librosa.effects.time_stretch(samples, rate=generator.choice((0.8, 1.2)))
    return stretched


def volume(samples: Samples, generator: random.Random) -> Samples:
    """Half as loud again, or half as loud."""
    return samples * np.float32(generator.choice((0.5, 1.5)))


def noise(samples: Samples, generator: random.Random) -> Samples:
    """White noise at a signal-to-noise ratio of 20 dB."""
    white = np.random.default_rng(generator.getrandbits(32)).standard_normal(len(samples)).astype(np.float32)
    level = np.sqrt(np.mean(samples**2)) * 10 ** (-NOISE_SNR_DB / 20)
    return samples + white * np.float32(level)


AUGMENTATIONS: Mapping[str, Callable[[Samples, random.Random], Samples]] = MappingProxyType(
    {"pitch": pitch, "stretch": stretch, "volume": volume, "noise": noise}
)


def augmented(example: Example, samples: Samples) -> Samples:
    """The samples of a copy, made from its original's; drawn by its key, so that every run makes the same."""
    if not example.is_copy:
        return samples
    generator = random.Random(zlib.crc32(example.key.encode()))
    return AUGMENTATIONS[example.augmentation](samples, generator).astype(np.float32)


def copies(clips: Sequence[Clip], names: Sequence[str], count: int | None = None) -> list[Example]:
    """Copies of each clip: by every augmentation, or by `count` of them, drawn per clip."""
    made = []
    for clip in clips:
        drawn = list(names)
        if count is not None:
            drawn = random.Random(zlib.crc32(clip.path.encode())).sample(drawn, min(count, len(drawn)))
        made += [Example(clip, name) for name in drawn]
    return made
