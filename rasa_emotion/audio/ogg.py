"""Chained Ogg files: one recording after another in a file, as `cat a.ogg b.ogg` makes them (RFC 3533)."""

import io
from typing import BinaryIO

HEADER = 27
"""Bytes of a page before its table of segments."""

BEGINS = 0x02
"""The flag of the first page of a stream."""


class Part(io.RawIOBase):
    """The bytes of a stream from `start` up to `end`, as a stream of its own.

    Args:
        stream: seekable; whoever reads two parts of it in turn must seek first.
        start: offset of the first byte.
        end: offset behind the last one.
    """

    def __init__(self, stream: BinaryIO, start: int, end: int) -> None:
        self._stream, self._start, self._end = stream, start, end
        self._at = start

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: self._start, io.SEEK_CUR: self._at, io.SEEK_END: self._end}[whence]
        self._at = max(self._start, base + offset)
        return self._at - self._start

    def tell(self) -> int:
        return self._at - self._start

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        self._stream.seek(self._at)
        found = self._stream.read(max(0, min(len(buffer), self._end - self._at)))
        buffer[: len(found)] = found
        self._at += len(found)
        return len(found)


def links(stream: BinaryIO, name: str) -> tuple[list[tuple[int, int]], list[str]]:
    """Where each recording of a chained file begins and ends, in bytes, and a sentence where the last page is cut.

    The pages are walked through from the start. Where one is damaged, what follows belongs to the last recording.

    Args:
        stream: seekable, an Ogg file.
        name: what the sentence calls it.
    """
    end = stream.seek(0, io.SEEK_END)
    starts, at, between = [0], 0, False
    while at + HEADER <= end:
        stream.seek(at)
        header = stream.read(HEADER)
        if header[:4] != b"OggS":
            break
        begins = bool(header[5] & BEGINS)
        if begins and between:
            starts.append(at)
        between = not begins
        at += HEADER + header[26] + sum(stream.read(header[26]))
    stream.seek(at)
    cut = at > end or (0 < end - at < HEADER and stream.read(4) == b"OggS"[: end - at])
    stream.seek(0)
    return list(zip(starts, [*starts[1:], end], strict=True)), [f"{name} breaks off; send all of it."] if cut else []
