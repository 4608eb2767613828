"""Audio of a call for recognisers: words by espeak-ng, with silence around them."""

import numpy as np

from rasa_emotion.voice.recognisers import Recogniser, Transcript, Turn

FRAME = 320


def quiet(secs: float) -> np.ndarray:
    """The faint noise of a line."""
    return (0.0005 * np.random.default_rng(0).standard_normal(round(secs * 16000))).astype(np.float32)


async def fed(recogniser: Recogniser, sound: np.ndarray) -> None:
    """All of a sound, in frames of 20 ms."""
    for start in range(0, len(sound), FRAME):
        await recogniser.feed(sound[start : start + FRAME])


async def recognised(recogniser: Recogniser, sound: np.ndarray, *, at_secs: float = 0.0) -> Transcript:
    """The words of a sound that stands between half seconds of silence, the call being `at_secs` old."""
    await fed(recogniser, np.concatenate([quiet(0.5), sound, quiet(0.5)]))
    begin = at_secs + 0.5
    turn = Turn(begin, begin + len(sound) / 16000)
    recogniser.pause(turn)
    return await recogniser.final(turn)
