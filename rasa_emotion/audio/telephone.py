"""What a telephone line leaves of a voice."""

import io

import numpy as np
import soundfile

from rasa_emotion.audio.raw import decode_raw
from rasa_emotion.audio.resample import resample
from rasa_emotion.audio.waveform import SAMPLE_RATE, Waveform

LINE_RATE = 8_000
"""Hz; what a telephone line carries."""


def encode_mulaw(waveform: Waveform) -> bytes:
    """G.711 mu-law bytes at 8 kHz, one per sample, as a telephone line carries them.

    >>> len(encode_mulaw(Waveform(np.zeros(16000, np.float32))))
    8000
    """
    line = io.BytesIO()
    # Clipped here, since libsndfile wraps what exceeds full scale.
    samples = np.clip(resample(waveform, LINE_RATE).samples, -1, 1)
    soundfile.write(line, samples, LINE_RATE, format="RAW", subtype="ULAW")
    return line.getvalue()


def to_telephone(waveform: Waveform) -> Waveform:
    """The waveform after an 8 kHz mu-law line: same rate and length, nothing above 4 kHz, quantisation noise.

    >>> to_telephone(Waveform(np.zeros(16000, np.float32))).seconds
    1.0
    """
    if len(waveform.samples) < 2 * waveform.sample_rate / LINE_RATE:
        return waveform
    heard = decode_raw(encode_mulaw(waveform), encoding="mulaw", sample_rate=LINE_RATE)
    if waveform.sample_rate != SAMPLE_RATE:
        heard = resample(heard, waveform.sample_rate)
    samples = np.zeros_like(waveform.samples)
    count = min(len(samples), len(heard.samples))
    samples[:count] = heard.samples[:count]
    return Waveform(samples, waveform.sample_rate)
