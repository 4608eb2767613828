"""Where a voice speaks: WebRTC's detector finds where there is sound like speech, a network whether it is a voice."""

import logging
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from rasa_emotion.audio.activity import FRAME_SECS, voice_activity
from rasa_emotion.audio.networks import session, shipped
from rasa_emotion.audio.resample import resample
from rasa_emotion.audio.steadiness import is_steady
from rasa_emotion.audio.waveform import SAMPLE_RATE, Waveform
from rasa_emotion.errors import ModelError
from rasa_emotion.logs import named

logger = logging.getLogger(__name__)

KIND = "vad"
CHUNK, CONTEXT = 512, 64
"""Samples of one frame of the network, and of those before it that it sees again."""

PIECE_SECS = 4.0
"""A voice is looked for once in each piece of this length; what follows it there is believed to be the same voice."""

FIRST, MORE = 4, 3
"""Frames that the network hears at a time, first and afterwards: what is heard makes no difference, only how much too
much. Half of all pieces of speech are recognised after four or five frames (1,255 pieces of ten corpora)."""

THRESHOLD, NEEDED = 0.5, 3
"""Probability from which a frame is a voice (Silero's advice), and the frames that are needed: melodies and plucked
strings pass it in one or two."""

SURE, LEAST_SHARE = 7, 0.05
"""Such frames after which a voice is certain, and the share of a piece's loud sound that they must be where there are
fewer: the network takes the onset of a melody with vibrato for a voice, in up to six frames of 125.
`python -m research.steadiness.measure` counts the speech that is lost by it, on other clips than it was chosen on."""

LOOKBACK_SECS = 0.4
"""The network needs a few frames to recognise a voice; what sounds so long before belongs to it."""

LOUD = 1e-3
"""Share of the loudest frame's energy (-30 dB) where the search begins: breath and a line's noise come before."""

PEAK = 0.7
"""Level that the network hears, so that a quiet line is heard as well as a loud one."""

_FRAME = round(FRAME_SECS * SAMPLE_RATE)
_PIECE = round(PIECE_SECS / FRAME_SECS)


class VoiceNetwork:
    """Silero's recurrent network: the probability of a voice in consecutive frames. Safe to share between threads.

    Args:
        file: `model.onnx`: inputs `input` [frames, 576], `h` and `c` [1, 1, 128]; outputs `speech_probs` [frames],
            `hn` and `cn`.
    """

    def __init__(self, file: str) -> None:
        self._session = session(file)

    def run(
        self, frames: NDArray[np.float32], state: tuple[NDArray[np.float32], NDArray[np.float32]]
    ) -> tuple[NDArray[np.float32], tuple[NDArray[np.float32], NDArray[np.float32]]]:
        """Probabilities, shape [frames], and the state after them."""
        found, hidden, cell = self._session.run(
            ["speech_probs", "hn", "cn"], {"input": frames, "h": state[0], "c": state[1]}
        )
        return found, (hidden, cell)


@lru_cache(maxsize=1)
def voice_network() -> VoiceNetwork | None:
    """The network that ships; None, with one line in the log, where it is missing or altered."""
    try:
        return shipped(KIND, VoiceNetwork)
    except ModelError as error:
        logger.warning("Tones and music may be taken for a voice: %s", error, extra=named("audio.detector.missing"))
        return None


def speech_mask(waveform: Waveform) -> NDArray[np.bool_]:
    """Whether a voice speaks in each 20 ms, bool, shape [frames]; an incomplete last frame is left out.

    WebRTC's detector says where it may be; of its frames those count in which Silero's network hears a voice. It
    listens from the onset of the sound until it is sure, once in each four seconds, so that a turn costs some 8 of its
    frames and music or a tone, where it never is, all of them. The network takes some tones and plucked strings for a
    voice; `is_steady` tells those.

    Args:
        waveform: any rate, high-passed (`highpass`), since hum and offsets disturb both detectors.

    >>> seconds = np.arange(48000) / 16000
    >>> speech_mask(Waveform((0.3 * np.sin(2 * np.pi * 1000 * seconds)).astype(np.float32))).any()
    False
    """
    gate = voice_activity(waveform)
    network = voice_network()
    if network is None or not gate.any():
        return gate
    if waveform.sample_rate != SAMPLE_RATE:
        waveform = resample(waveform)
    heard = np.zeros_like(gate)
    for start in range(0, len(gate), _PIECE):
        piece = slice(start, start + _PIECE)
        if gate[piece].any():
            found = _voice_onset(network, waveform.samples, gate[piece], start)
            sound = waveform.samples[start * _FRAME : (start + _PIECE) * _FRAME]
            if found is not None and not is_steady(sound, gate[piece]):
                heard[max(start, found) : start + _PIECE] = True
    return gate & heard


def speech_secs(waveform: Waveform) -> float:
    """Seconds in which a voice speaks, in steps of 20 ms; see `speech_mask`."""
    return round(float(speech_mask(waveform).sum()) * FRAME_SECS, 2)


def _voice_onset(
    network: VoiceNetwork, samples: NDArray[np.float32], gate: NDArray[np.bool_], start: int
) -> int | None:
    """The frame of 20 ms, counted over the waveform, from which on there is a voice in this piece of the gate."""
    sound = samples[start * _FRAME : (start + len(gate)) * _FRAME].reshape(-1, _FRAME)
    energy = np.einsum("ij,ij->i", sound, sound) * gate
    loud = np.flatnonzero(energy > LOUD * energy.max())
    if len(loud) == 0:
        return None
    first = max(0, (start + int(loud[0])) * _FRAME - CHUNK)
    end = (start + int(loud[-1]) + 1) * _FRAME
    gain = np.float32(PEAK / max(float(sound.max()), -float(sound.min())))
    empty = np.zeros((1, 1, 128), np.float32)
    state, at, step = (empty, empty), first, FIRST * CHUNK
    hits: list[int] = []
    while at < end and len(hits) < SURE:
        found, state = network.run(_frames(samples, at, min(end, at + step)) * gain, state)
        hits += [at + int(number) * CHUNK for number in np.flatnonzero(found > THRESHOLD)]
        at, step = at + step, MORE * CHUNK
    if len(hits) < NEEDED or (len(hits) < SURE and len(hits) * CHUNK < LEAST_SHARE * len(loud) * _FRAME):
        return None
    return round(hits[NEEDED - 1] / _FRAME - LOOKBACK_SECS / FRAME_SECS)


def _frames(samples: NDArray[np.float32], first: int, end: int) -> NDArray[np.float32]:
    """Frames with their context, shape [frames, 576], of the samples from `first` to `end`; zeros fill up the last."""
    count = -(-(end - first) // CHUNK)
    held = np.zeros(CONTEXT + count * CHUNK, np.float32)
    begin = max(0, first - CONTEXT)
    taken = samples[begin : first + count * CHUNK]
    held[CONTEXT - (first - begin) :][: len(taken)] = taken
    return np.ascontiguousarray(np.lib.stride_tricks.sliding_window_view(held, CONTEXT + CHUNK)[::CHUNK])
