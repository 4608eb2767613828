"""Headers that say less than the file holds: recorders that stream write sizes of 0, or the size so far."""

import io
import struct
from dataclasses import dataclass
from typing import BinaryIO

from rasa_emotion.audio.kinds import AU, WAV, Kind

PLACEHOLDER = 0x7FFF_0000
"""Sizes from here on say "not known yet": sox, ffmpeg and Asterisk write several such numbers into a pipe."""

_MAX_CHUNKS = 64


@dataclass(frozen=True)
class _Size:
    """Where a header announces how many bytes of sound follow.

    Args:
        at: offset of the number in the file.
        form: its `struct` format.
        data: offset of the first byte of sound.
        announced: the number.
    """

    at: int
    form: str
    data: int
    announced: int


class Patched(io.RawIOBase):
    """A stream that reads as if some of its bytes were others.

    Args:
        stream: seekable.
        patches: offset to bytes.
    """

    def __init__(self, stream: BinaryIO, patches: dict[int, bytes]) -> None:
        self._stream, self._patches = stream, patches

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        start = self._stream.tell()
        found = self._stream.read(len(buffer))
        buffer[: len(found)] = found
        for offset, patch in self._patches.items():
            for index, byte in enumerate(patch, start=offset - start):
                if 0 <= index < len(found):
                    buffer[index] = byte
        return len(found)


def mended(stream: BinaryIO, kind: Kind | None, name: str) -> tuple[BinaryIO, list[str]]:
    """The stream with a header that fits what follows it, and one sentence where it ends before its time.

    A size of 0, or one that is smaller than what follows where that is no further chunk, becomes what is there. WAV,
    RF64 and AU are looked at; the other containers carry no such number or are read to their end anyway.

    Args:
        stream: seekable.
        kind: what its first bytes say.
        name: what the sentence calls it.
    """
    end = stream.seek(0, io.SEEK_END)
    size = _announced(stream, kind)
    stream.seek(0)
    if size is None:
        return stream, []
    held = end - size.data
    if held < size.announced < PLACEHOLDER:
        share = f"{held / size.announced:.0%}"
        return stream, [f"{name} breaks off: it holds {share} of the sound that its header announces; send all of it."]
    if size.announced >= held or _chunks_follow(stream, size, end):
        stream.seek(0)
        return stream, []
    stream.seek(0)
    patches = {size.at: struct.pack(size.form, min(held, 0xFFFF_FFFE))}
    if kind == WAV and size.form != "<Q":
        patches[4] = struct.pack(size.form, min(end - 8, 0xFFFF_FFFE))
    return io.BufferedReader(Patched(stream, patches)), []


def _announced(stream: BinaryIO, kind: Kind | None) -> _Size | None:
    stream.seek(0)
    if kind == AU:
        head = stream.read(12)
        return _Size(8, ">I", *struct.unpack(">II", head[4:12])) if len(head) == 12 else None
    return _wav_size(stream) if kind == WAV else None


def _wav_size(stream: BinaryIO) -> _Size | None:
    head = stream.read(12)
    order = ">" if head[:4] == b"RIFX" else "<"
    wide: tuple[int, int] | None = None
    at = 12
    for _ in range(_MAX_CHUNKS):
        stream.seek(at)
        chunk = stream.read(24)
        if len(chunk) < 8:
            return None
        name, size = chunk[:4], struct.unpack(order + "I", chunk[4:8])[0]
        if name == b"ds64" and len(chunk) == 24:
            wide = at + 16, struct.unpack("<Q", chunk[16:24])[0]
        if name == b"data":
            if wide is not None:
                return _Size(wide[0], "<Q", at + 8, wide[1])
            return _Size(at + 4, order + "I", at + 8, size)
        at += 8 + size + size % 2
    return None


def _chunks_follow(stream: BinaryIO, size: _Size, end: int) -> bool:
    """Whether what follows the announced sound is chunks of a WAV file up to its end, or a few bytes of padding."""
    if size.form == ">I" and size.at == 8:
        return False  # nothing follows the sound in an AU file
    order = size.form[0]
    at = size.data + size.announced + size.announced % 2
    while end - at >= 8:
        stream.seek(at)
        chunk = stream.read(8)
        length = struct.unpack(order + "I", chunk[4:8])[0]
        if not all(0x20 <= byte < 0x7F for byte in chunk[:4]) or at + 8 + length > end:
            return False
        at += 8 + length + length % 2
    return True
