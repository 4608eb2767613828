"""Where in a waveform somebody speaks."""

import numpy as np

from rasa_emotion.audio.waveform import Waveform

FRAME_SECS = 0.02


def trim_silence(waveform: Waveform, *, top_db: float = 40.0, margin_secs: float = 0.1) -> Waveform:
    """Cut what is quieter than `top_db` below the loudest 20 ms frame off both ends, keeping a margin.

    Training and serving both trim with this function. A waveform shorter than one frame or all zeros is returned as
    it is.

    >>> quiet, loud = np.zeros(16000, np.float32), np.ones(1600, np.float32)
    >>> trim_silence(Waveform(np.concatenate([quiet, loud, quiet]))).seconds
    0.3
    """
    frame = int(FRAME_SECS * waveform.sample_rate)
    count = len(waveform.samples) // frame
    if count == 0:
        return waveform
    frames = waveform.samples[: count * frame].reshape(count, frame)
    energy = np.einsum("ij,ij->i", frames, frames)
    if energy.max() <= 0:
        return waveform
    active = np.flatnonzero(energy >= energy.max() * 10 ** (-top_db / 10))
    margin = int(margin_secs * waveform.sample_rate)
    start = max(0, active[0] * frame - margin)
    end = min(len(waveform.samples), (active[-1] + 1) * frame + margin)
    return Waveform(waveform.samples[start:end], waveform.sample_rate)
