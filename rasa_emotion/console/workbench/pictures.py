"""What librosa shows of a sound, small enough for a picture.

The pages draw small arrays on a canvas instead of showing images that the server made: the drawing then follows the
colours of the page, a click on it has a moment, and the server needs no plotting library and keeps no picture.
"""

import base64
from typing import Any

import librosa
import numpy as np
from numpy.typing import NDArray

from rasa_emotion.audio import SAMPLE_RATE, Waveform

COLUMNS = 600
"""Columns of a picture; of longer recordings, frames lie further apart."""

ENVELOPE_COLUMNS = 1000
FRAME, HOP = 512, 160
"""Samples; 32 and 10 ms."""

CHROMA_FRAME = 2048
"""Samples; 128 ms, since semitones of a low voice lie a few Hz apart."""

ROWS = 64
"""Of the spectrogram, each the mean of four bins, and bands of the mel spectrogram."""

MFCC = 20
RANGE_DB = 80.0
"""What is further below the loudest point is drawn as silence."""

TINY = 1e-10


def pictures(waveform: Waveform) -> dict[str, Any]:
    """The pictures of a 16 kHz waveform by name.

    Returns:
        "envelope" with "low" and "high", up to 1000 numbers each, -1 to 1; "zero_crossings", a share of samples, 0 to
        1, for each column; and "spectrogram", "mel", "mfcc", "chroma", each with "rows" and "columns", "low" and
        "high" (what the bytes 0 and 255 stand for), "unit", and "data": bytes in base64, row by row, low rows first.

    >>> tone = Waveform(np.sin(np.arange(16000) * 0.2).astype(np.float32))
    >>> found = pictures(tone)
    >>> found["mel"]["rows"], found["mfcc"]["rows"], found["chroma"]["rows"]
    (64, 20, 12)
    """
    samples = _long_enough(waveform.samples)
    hop = max(HOP, -(-len(samples) // (COLUMNS - 1)))
    power = np.abs(librosa.stft(samples, n_fft=FRAME, hop_length=hop)) ** 2
    mel = librosa.feature.melspectrogram(S=power, sr=SAMPLE_RATE, n_fft=FRAME, n_mels=ROWS)
    mel_db = _decibels(mel)
    chroma = librosa.feature.chroma_stft(y=samples, sr=SAMPLE_RATE, n_fft=CHROMA_FRAME, hop_length=hop, tuning=0.0)
    crossings = librosa.feature.zero_crossing_rate(samples, frame_length=FRAME, hop_length=hop)[0]
    return {
        "envelope": _envelope(waveform.samples),
        "spectrogram": _packed(_decibels(_fewer_rows(power)), "dB below the loudest"),
        "mel": _packed(mel_db, "dB below the loudest"),
        "mfcc": _packed(_standardised(librosa.feature.mfcc(S=mel_db, n_mfcc=MFCC)), "deviations of each coefficient"),
        "chroma": _packed(chroma, "share of the strongest semitone"),
        "zero_crossings": [round(float(value), 4) for value in crossings],
    }


def _long_enough(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.pad(samples, (0, max(0, CHROMA_FRAME - len(samples))))


def _envelope(samples: NDArray[np.float32]) -> dict[str, list[float]]:
    parts = np.array_split(samples, min(ENVELOPE_COLUMNS, len(samples)))
    return {
        "low": [round(float(part.min()), 4) for part in parts],
        "high": [round(float(part.max()), 4) for part in parts],
    }


def _fewer_rows(power: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean of four neighbouring bins, without the one of 0 Hz: shape [64, columns]."""
    mean: NDArray[np.float32] = power[1:].reshape(ROWS, -1, power.shape[1]).mean(axis=1)
    return mean


def _decibels(power: NDArray[np.float32]) -> NDArray[np.float32]:
    """Below the loudest point, from `-RANGE_DB` to 0."""
    decibels: NDArray[np.float32] = librosa.power_to_db(power + TINY, ref=np.max, top_db=RANGE_DB)
    return decibels


def _standardised(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each row by its own mean and deviation, at most three of them: else the first coefficient hides the others."""
    centred = values - values.mean(axis=1, keepdims=True)
    clipped: NDArray[np.float32] = np.clip(centred / (values.std(axis=1, keepdims=True) + 1e-6), -3, 3)
    return clipped


def _packed(values: NDArray[np.float32], unit: str) -> dict[str, Any]:
    low, high = float(values.min()), float(values.max())
    scaled = (values - low) / (high - low if high > low else 1.0)
    data = np.round(255 * scaled).astype(np.uint8)
    return {
        "rows": values.shape[0],
        "columns": values.shape[1],
        "low": round(low, 3),
        "high": round(high, 3),
        "unit": unit,
        "data": base64.b64encode(data.tobytes()).decode(),
    }
