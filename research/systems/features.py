"""Features of the published systems, frame by frame, cached by kind.

Frames are 64 ms long and start every 24 ms: about what librosa's defaults (2048 and 512 samples) are at its own rate.
"""

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import librosa
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from rasa_emotion.audio.waveform import SAMPLE_RATE
from research.systems.descriptors import descriptors

Samples = NDArray[np.float32]
Frames = NDArray[np.float32]

N_FFT, HOP = 1024, 384
N_MFCC, N_MELS = 40, 64
IMAGE_BANDS = 64


def fit_length(samples: Samples, seconds: float) -> Samples:
    """The first `seconds`, with silence after what is shorter."""
    size = round(seconds * SAMPLE_RATE)
    return np.pad(samples[:size], (0, max(0, size - len(samples))))


def mfcc(samples: Samples) -> Frames:
    """40 coefficients."""
    return _frames(librosa.feature.mfcc(y=samples, sr=SAMPLE_RATE, n_mfcc=N_MFCC, n_fft=N_FFT, hop_length=HOP))


def mel(samples: Samples) -> Frames:
    """64 mel bands in dB below the loudest."""
    power = librosa.feature.melspectrogram(y=samples, sr=SAMPLE_RATE, n_fft=N_FFT, hop_length=HOP, n_mels=N_MELS)
    return _frames(librosa.power_to_db(power, ref=np.max))


def chroma(samples: Samples) -> Frames:
    """12 pitch classes."""
    return _frames(librosa.feature.chroma_stft(y=samples, sr=SAMPLE_RATE, n_fft=N_FFT, hop_length=HOP, tuning=0.0))


def zcr(samples: Samples) -> Frames:
    """The zero crossing rate: one value."""
    return _frames(librosa.feature.zero_crossing_rate(samples, frame_length=N_FFT, hop_length=HOP))


def logmel(samples: Samples) -> Frames:
    """64 mel bands in dB, not relative to the loudest: their DCT are MFCC."""
    power = librosa.feature.melspectrogram(y=samples, sr=SAMPLE_RATE, n_fft=N_FFT, hop_length=HOP, n_mels=N_MELS)
    return _frames(librosa.power_to_db(power))


def spectrogram(samples: Samples) -> Frames:
    """64 bands of equal width up to 8 kHz, in dB below the loudest: the image that system B sees."""
    power = np.abs(librosa.stft(samples, n_fft=N_FFT, hop_length=HOP)[1:]) ** 2
    bands = power.reshape(IMAGE_BANDS, -1, power.shape[1]).mean(axis=1)
    return _frames(librosa.power_to_db(bands, ref=np.max))


KINDS: Mapping[str, Callable[[Samples], Frames]] = MappingProxyType(
    {
        "mfcc": mfcc,
        "mel": mel,
        "chroma": chroma,
        "zcr": zcr,
        "spectrogram": spectrogram,
        "logmel": logmel,
        "descriptors": descriptors,
    }
)
"""Each takes mono samples at 16 kHz, cut to their length, and returns float32 [frames, dims]."""


def extract(samples: Samples, kinds: Sequence[str], *, seconds: float) -> Frames:
    """Kinds of features side by side: float32, shape [frames, dims]; the shortest kind decides the frames."""
    return _beside([KINDS[kind](fit_length(samples, seconds)) for kind in kinds])


def extract_all(
    samples: Callable[[str], Samples], keys: Sequence[str], kinds: Sequence[str], *, seconds: float, cache: Path
) -> NDArray[np.float32]:
    """Features of many examples, shape [examples, frames, dims]; each kind is kept in a file of its own.

    Args:
        samples: the samples of a key, asked for only where they are not cached.
        keys: what the examples are called; they decide the cache file.
        cache: the folder of the files.
    """
    stacks = [_cached(samples, keys, kind, seconds=seconds, cache=cache) for kind in kinds]
    frames = min(stack.shape[1] for stack in stacks)
    return np.concatenate([stack[:, :frames] for stack in stacks], axis=2)


def _cached(
    samples: Callable[[str], Samples], keys: Sequence[str], kind: str, *, seconds: float, cache: Path
) -> NDArray[np.float32]:
    digest = hashlib.sha256("\n".join([kind, str(seconds), str(N_FFT), str(HOP), *keys]).encode()).hexdigest()[:16]
    file = cache / f"features-{kind}-{digest}.npy"
    if file.is_file():
        stored: NDArray[np.float32] = np.load(file)
        return stored
    rows = [KINDS[kind](fit_length(samples(key), seconds)) for key in tqdm(keys, desc=kind, mininterval=5)]
    made = np.stack(rows).astype(np.float32)
    cache.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f"{file.name}.{os.getpid()}.part")  # two runs may start at once
    with partial.open("wb") as stream:
        np.save(stream, made)
    partial.replace(file)
    return made


def _beside(parts: Sequence[Frames]) -> Frames:
    frames = min(len(part) for part in parts)
    return np.concatenate([part[:frames] for part in parts], axis=1)


def _frames(values: NDArray[np.float64]) -> Frames:
    return np.ascontiguousarray(values.T, dtype=np.float32)
