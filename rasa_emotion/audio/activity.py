"""Where in a waveform somebody speaks."""

import numpy as np
import webrtcvad
from numpy.typing import NDArray

from rasa_emotion.audio.resample import resample
from rasa_emotion.audio.waveform import Waveform
from rasa_emotion.errors import ConfigError

FRAME_SECS = 0.02

CLICK_FRAMES, GAP_FRAMES = 3, 5
"""Frames of sound at most, at an end and before so many frames of silence, that are taken for a click."""

SILENCE_PEAK = 1e-4
"""Peak (-80 dB of full scale) below which audio holds nothing but a converter's noise."""

_VAD_RATES = (8_000, 16_000, 32_000, 48_000)
_VAD_FRAME_MS = (10, 20, 30)


def is_silent(waveform: Waveform) -> bool:
    """Whether no sample is louder than `SILENCE_PEAK`.

    >>> is_silent(Waveform(np.zeros(16000, np.float32)))
    True
    """
    return bool(np.abs(waveform.samples).max(initial=0.0) < SILENCE_PEAK)


def voice_activity(waveform: Waveform, *, frame_secs: float = FRAME_SECS, aggressiveness: int = 2) -> NDArray[np.bool_]:
    """Whether there is sound like speech in each frame, bool, shape [frames]; an incomplete last frame is left out.

    WebRTC's detector takes tones and music for speech; `speech_mask` tells a voice from them.

    Args:
        waveform: any rate; another than 8, 16, 32 or 48 kHz is resampled first.
        frame_secs: 0.01, 0.02 or 0.03.
        aggressiveness: 0 (most frames are speech) to 3 (only clear speech is), WebRTC's mode.

    Raises:
        ConfigError: a frame length or aggressiveness that WebRTC does not know.

    >>> voice_activity(Waveform(np.zeros(16000, np.float32))).any()
    False
    """
    if round(frame_secs * 1000) not in _VAD_FRAME_MS or aggressiveness not in range(4):
        raise ConfigError(
            f"Voice activity knows no frames of {frame_secs} s with aggressiveness {aggressiveness}; "
            "choose 0.01, 0.02 or 0.03 s and 0 to 3."
        )
    if waveform.sample_rate not in _VAD_RATES:
        waveform = resample(waveform)
    frame = round(frame_secs * waveform.sample_rate)
    frames = len(waveform.samples) // frame
    # Clipped, since an integer would wrap: filters overshoot where the sound is at full scale.
    pcm = (np.clip(waveform.samples[: frames * frame], -1, 1) * 32767).astype("<i2").tobytes()
    is_speech, size = webrtcvad.Vad(aggressiveness).is_speech, 2 * frame
    parts = (pcm[start : start + size] for start in range(0, len(pcm), size))
    return np.array([is_speech(part, waveform.sample_rate) for part in parts], dtype=np.bool_)


def trim_silence(waveform: Waveform, *, top_db: float = 40.0, margin_secs: float = 0.1) -> Waveform:
    """Cut what is quieter than `top_db` below the loudest 20 ms frame off both ends, except a margin.

    A click at either end, where a recording was cut or a filter began, does not keep the silence next to it. Where the
    recording has less than the margin, silence fills it up, so that the same speech sounds the same however
    closely it was cut. Training and serving both trim with this function. A waveform shorter than one frame or all
    zeros is returned as it is.

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
    active = np.flatnonzero(_without_clicks(energy >= energy.max() * 10 ** (-top_db / 10)))
    margin = int(margin_secs * waveform.sample_rate)
    start, end = active[0] * frame - margin, (active[-1] + 1) * frame + margin
    kept = waveform.samples[max(0, start) : end]
    missing = max(0, -start), max(0, end - len(waveform.samples))
    return Waveform(np.pad(kept, missing), waveform.sample_rate)


def _without_clicks(active: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The frames with sound, less a click at either end; shape [frames]."""
    found = active.copy()
    for frames in (found, found[::-1]):  # views
        length = int(np.argmin(frames))  # of the sound at this end
        if length <= CLICK_FRAMES and frames.any() and not frames[length : length + GAP_FRAMES].any():
            frames[:length] = not frames[length:].any()
    return found
