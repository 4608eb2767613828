"""What a telephone line leaves of a voice."""

import io

import numpy as np
import soundfile
from numpy.typing import NDArray

from rasa_emotion.audio.resample import resample
from rasa_emotion.audio.waveform import Waveform

LINE_RATE = 8_000
"""Hz; what a telephone line carries."""


def encode_mulaw(waveform: Waveform) -> bytes:
    """G.711 mu-law bytes at 8 kHz, one per sample, as a telephone line carries them.

    >>> len(encode_mulaw(Waveform(np.zeros(16000, np.float32))))
    8000
    """
    line = io.BytesIO()
    soundfile.write(line, _narrow(waveform), LINE_RATE, format="RAW", subtype="ULAW")
    return line.getvalue()


def over_line(waveform: Waveform, codec: str) -> Waveform:
    """The waveform after an 8 kHz line: same rate and length, nothing above 4 kHz, and what the codec does to it.

    Args:
        waveform: of any rate; one of less than two samples of the line stays as it is.
        codec: libsndfile's name of it: "ULAW", "ALAW" or "GSM610".

    >>> over_line(Waveform(np.zeros(16000, np.float32)), "GSM610").seconds
    1.0
    """
    if len(waveform.samples) < 2 * waveform.sample_rate / LINE_RATE:
        return waveform
    line = io.BytesIO()
    soundfile.write(line, _narrow(waveform), LINE_RATE, format="WAV", subtype=codec)
    line.seek(0)
    heard = resample(Waveform(soundfile.read(line, dtype="float32")[0], LINE_RATE), waveform.sample_rate)
    samples = np.zeros_like(waveform.samples)
    count = min(len(samples), len(heard.samples))
    samples[:count] = heard.samples[:count]
    return Waveform(samples, waveform.sample_rate)


def to_telephone(waveform: Waveform) -> Waveform:
    """The waveform after a line of G.711 mu-law, see `over_line`.

    >>> to_telephone(Waveform(np.zeros(16000, np.float32))).seconds
    1.0
    """
    return over_line(waveform, "ULAW")


def _narrow(waveform: Waveform) -> NDArray[np.float32]:
    """At the line's rate; clipped, since libsndfile wraps what exceeds full scale."""
    return np.clip(resample(waveform, LINE_RATE).samples, -1, 1)
