"""What a recording is like: the noise around the speech, its level and its band."""

import numpy as np

from rasa_emotion.audio.activity import FRAME_SECS
from rasa_emotion.audio.waveform import Waveform

QUIET, LOUD = 10.0, 90.0
"""Percentiles of the frames' energy: pauses lie below the first, clear speech around the second."""

MIN_SNR_DB, MAX_SNR_DB = -10.0, 60.0
MIN_LEVEL_DB = -100.0

LOWER_BAND, UPPER_BAND = (300.0, 3_400.0), (4_200.0, 7_600.0)
"""Hz: what every telephone carries, and what none does that samples at 8 kHz."""

NARROW_DB = 50.0


def snr_db(waveform: Waveform) -> float:
    """An estimate of the signal-to-noise ratio in dB, -10 to 60.

    Speech has pauses and noise has none, so the quietest tenth of the 20 ms frames tells the noise, and a loud frame
    holds speech and noise: 10 log10((loud - quiet) / quiet) of their energies, as the percentile estimators of speech
    enhancement have it; the same minima tell the noise in R. Martin, "Noise power spectral density estimation based on
    optimal smoothing and minimum statistics", 2001. A noise that comes and goes as speech does counts as speech. Audio
    shorter than one frame, or of one level throughout, says nothing and counts as noise.

    >>> quiet, loud = np.full(16000, 0.01, np.float32), np.full(16000, 1.0, np.float32)
    >>> snr_db(Waveform(np.concatenate([quiet, loud])))
    40.0
    """
    frame = int(FRAME_SECS * waveform.sample_rate)
    count = len(waveform.samples) // frame
    if count == 0:
        return MIN_SNR_DB
    frames = waveform.samples[: count * frame].astype(np.float64).reshape(count, frame)
    quiet, loud = np.percentile(np.einsum("ij,ij->i", frames, frames), [QUIET, LOUD])
    if loud <= quiet:
        return MIN_SNR_DB
    ratio = 10 * np.log10((loud - quiet) / max(quiet, 1e-12 * loud))
    return round(float(np.clip(ratio, MIN_SNR_DB, MAX_SNR_DB)), 1)


def level_db(waveform: Waveform) -> float:
    """How loud the speech is: the 90th percentile of the 20 ms frames' power, in dB of full scale, down to -100.

    >>> level_db(Waveform(np.full(16000, 0.1, np.float32)))
    -20.0
    """
    frame = int(FRAME_SECS * waveform.sample_rate)
    count = len(waveform.samples) // frame
    if count == 0:
        return MIN_LEVEL_DB
    frames = waveform.samples[: count * frame].astype(np.float64).reshape(count, frame)
    power = float(np.percentile(np.mean(frames**2, axis=1), LOUD))
    return round(max(MIN_LEVEL_DB, float(10 * np.log10(max(power, 1e-12)))), 1)


def is_narrow_band(waveform: Waveform) -> bool:
    """Whether the audio came over a line that carries nothing above 4 kHz, whatever its sample rate is now.

    Above 4.2 kHz speech has some 20 to 40 dB less power than between 0.3 and 3.4 kHz, thanks to its s, f and t; what
    was sampled at 8 kHz has 50 dB less or more. Short audio without such sounds may be taken for narrow.

    >>> is_narrow_band(Waveform(np.random.default_rng(0).normal(size=16000).astype(np.float32)))
    False
    """
    if waveform.sample_rate < 2 * UPPER_BAND[1]:
        return True
    power = np.abs(np.fft.rfft(waveform.samples.astype(np.float64))) ** 2
    hertz = np.fft.rfftfreq(len(waveform.samples), 1 / waveform.sample_rate)
    lower, upper = (
        power[(hertz >= low) & (hertz < high)].mean() if np.any((hertz >= low) & (hertz < high)) else 0.0
        for low, high in (LOWER_BAND, UPPER_BAND)
    )
    return bool(upper <= lower * 10 ** (-NARROW_DB / 10))
