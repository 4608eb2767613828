"""Whether somebody who pauses has finished, by the sound of the turn: the network smart-turn."""

import logging
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from rasa_emotion.audio.networks import session, shipped
from rasa_emotion.audio.waveform import SAMPLE_RATE
from rasa_emotion.errors import ModelError
from rasa_emotion.logs import named

logger = logging.getLogger(__name__)

KIND = "turn-end"
SECS = 8.0
"""Of a turn that the network hears."""

N_FFT, HOP, N_MELS = 400, 160, 80
LOUDEST_MEL = 15 + 27 / np.log(6.4) * np.log(8)
"""8 kHz on Slaney's scale."""

DYNAMIC_RANGE = 8.0
"""Of the log10 power below the loudest point; what is quieter counts as this quiet."""


class SmartTurn:
    """The network. Safe to share between threads; one question takes some 80 ms of CPU.

    Args:
        file: `model.onnx`: input `input_features` [batch, 80, 800], output a probability [batch, 1].
    """

    secs = SECS

    def __init__(self, file: str) -> None:
        self._session = session(file)

    def probability(self, samples: NDArray[np.float32]) -> float:
        """That the speaker has finished, 0 to 1.

        Args:
            samples: 16 kHz, float32, of one turn, up to 0.2 s after the voice fell silent: after half a second the
                network calls everything complete.
        """
        count = round(SECS * SAMPLE_RATE)
        latest = samples[-count:]
        # Silence stands in front: what comes last is what tells.
        sound = np.pad(latest, (count - len(latest), 0))
        found = self._session.run(None, {"input_features": log_mel(sound)[None]})[0]
        return float(found.ravel()[0])


@lru_cache(maxsize=1)
def smart_turn() -> SmartTurn | None:
    """The network that ships; None, with one line in the log, where it is missing or altered."""
    try:
        return shipped(KIND, SmartTurn)
    except ModelError as error:
        logger.warning("The silence alone ends turns: %s", error, extra=named("audio.ending.missing"))
        return None


def log_mel(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """Whisper's log-mel spectrogram of sound with mean 0 and deviation 1: [samples] to [80, samples // 160].

    As A. Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision", 2022, have it.

    >>> log_mel(np.zeros(16000, np.float32)).shape
    (80, 100)
    """
    normal = (sound - sound.mean()) / np.sqrt(sound.var() + 1e-7)
    padded = np.pad(normal, N_FFT // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, N_FFT)[::HOP][:-1]
    window, filters = _window_and_filters()
    power = np.abs(np.fft.rfft(frames * window, axis=1)) ** 2
    logs = np.log10(np.maximum(power @ filters, 1e-10)).T
    scaled: NDArray[np.float32] = ((np.maximum(logs, logs.max() - DYNAMIC_RANGE) + 4) / 4).astype(np.float32)
    return scaled


@lru_cache(maxsize=1)
def _window_and_filters() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A periodic Hann window, and triangles of equal area on Slaney's scale, [201, 80]."""
    window = np.hanning(N_FFT + 1)[:-1]
    mels = np.linspace(0, LOUDEST_MEL, N_MELS + 2)
    # Linear below 1 kHz, which is 15 mel, and logarithmic above.
    hertz = np.where(mels < 15, 200 * mels / 3, 1000 * np.exp(np.log(6.4) / 27 * (mels - 15)))
    bins = np.linspace(0, SAMPLE_RATE / 2, N_FFT // 2 + 1)[:, None]
    rising = (bins - hertz[:-2]) / (hertz[1:-1] - hertz[:-2])
    falling = (hertz[2:] - bins) / (hertz[2:] - hertz[1:-1])
    triangles = np.maximum(0, np.minimum(rising, falling))
    return window, triangles * 2 / (hertz[2:] - hertz[:-2])
