"""A call that goes on, as it is heard from outside: what the growing recording has that was not heard yet."""

import time
import wave
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from rasa_emotion.privacy.recordings import has_ended

BEFORE_SECS = 0.2
"""How long before the end of the recording one begins to listen."""

MOST_SECS = 3.0
"""Of a piece; of what came meanwhile the latest is heard, so that nobody listens to what was long ago."""

RUNNING_SECS = 10.0
"""A recording that did not grow for so long goes on no more, though its process did not say so."""


class Course(Enum):
    """Whether a call that is recorded goes on."""

    RUNNING = "true"
    ENDED = "false"
    LOST = "unknown"
    """Nothing came for `RUNNING_SECS`: the process died, the disk is full, or the line brings nothing."""


@dataclass(frozen=True)
class Piece:
    """What is new in a recording.

    Args:
        samples: 16 bit, little-endian, the channels of a frame beside each other; empty where nothing is new.
        after: frames of the recording up to the end of this piece, from which the next one goes on.
        rate: frames a second; 0 where nothing was recorded yet.
        channels: samples in a frame; 0 where nothing was recorded yet.
    """

    samples: bytes
    after: int
    rate: int
    channels: int


def course(path: Path) -> Course:
    """Whether a call that is recorded there goes on. Raises OSError where there is no such file."""
    status = path.stat()
    if has_ended(status):
        return Course.ENDED
    return Course.RUNNING if abs(time.time() - status.st_mtime) < RUNNING_SECS else Course.LOST


def piece(path: Path, after: int | None = None) -> Piece:
    """What a recording has after that many frames; by default its last moment.

    Raises:
        OSError: there is no such recording any more.
    """
    try:
        with wave.open(str(path), "rb") as file:
            total, rate, channels = file.getnframes(), file.getframerate(), file.getnchannels()
            start = total - round(BEFORE_SECS * rate) if after is None else after
            start = max(0, start, total - round(MOST_SECS * rate))
            if start >= total:
                return Piece(b"", total, rate, channels)
            file.setpos(start)
            return Piece(file.readframes(total - start), total, rate, channels)
    except (wave.Error, EOFError):
        return Piece(b"", after or 0, 0, 0)  # nothing was recorded yet
