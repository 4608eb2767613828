"""How much noise there is around the speech."""

import numpy as np

from rasa_emotion.audio.activity import FRAME_SECS
from rasa_emotion.audio.waveform import Waveform

QUIET, LOUD = 10.0, 90.0
"""Percentiles of the frames' energy: pauses lie below the first, clear speech around the second."""

MIN_SNR_DB, MAX_SNR_DB = -10.0, 60.0


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
