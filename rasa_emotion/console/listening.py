"""A call that goes on, as it is heard from outside: pieces of the growing recording, each a WAV file of its own."""

import io
import time
import wave
from dataclasses import dataclass
from pathlib import Path

BEFORE_SECS = 2.0
"""How long before the end of the recording one begins to listen."""

MOST_SECS = 10.0
"""Of a piece; of what came meanwhile the latest is heard, so that nobody listens to what was long ago."""

RUNNING_SECS = 10.0
"""A recording that did not grow for so long is that of a call which has ended."""


@dataclass(frozen=True)
class Piece:
    """What is new in a recording.

    Args:
        wav: a WAV file, in the recording's format; empty where nothing is new.
        after: frames of the recording up to the end of this piece, from which the next one goes on.
        running: whether the call goes on.
    """

    wav: bytes
    after: int
    running: bool


def goes_on(path: Path) -> bool:
    """Whether a call that is recorded there goes on. Raises OSError where there is no such file."""
    return abs(time.time() - path.stat().st_mtime) < RUNNING_SECS


def piece(path: Path, after: int | None = None) -> Piece:
    """What a recording has after that many frames; by default its last two seconds.

    Raises:
        OSError: there is no such recording any more.
    """
    running = goes_on(path)
    try:
        with wave.open(str(path), "rb") as file:
            total, rate = file.getnframes(), file.getframerate()
            start = total - round(BEFORE_SECS * rate) if after is None else after
            start = max(0, start, total - round(MOST_SECS * rate))
            if start >= total:
                return Piece(b"", total, running)
            file.setpos(start)
            frames, params = file.readframes(total - start), file.getparams()
    except (wave.Error, EOFError):
        return Piece(b"", after or 0, running)  # nothing has been said yet
    made = io.BytesIO()
    with wave.open(made, "wb") as out:
        out.setparams(params)
        out.writeframes(frames)
    return Piece(made.getvalue(), total, running)
