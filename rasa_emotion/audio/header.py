"""Headers that say less than the file holds: recorders that stream write sizes of 0, or the size so far."""

import io
import struct
from dataclasses import dataclass
from typing import BinaryIO

from rasa_emotion.audio.kinds import AIFF, AU, CAF, FLAC, MP3, MP3_FRAME, WAV, Kind
from rasa_emotion.audio.mpeg import told

PLACEHOLDER = 0x7FFF_0000
"""Sizes from here on say "not known yet": sox, ffmpeg and Asterisk write several such numbers into a pipe."""

_MAX_CHUNKS = 64

_FLAC_TOTAL = 21
"""Offset of the 36 bits with the number of samples of a FLAC file, and of the 4 bits before them."""


@dataclass(frozen=True)
class _Size:
    """Where a header announces how many bytes of sound follow.

    Args:
        at: offset of the number in the file.
        form: its `struct` format.
        data: offset of the first byte of sound.
        announced: the number, less `beside`.
        beside: bytes that the number counts beside the sound.
        chunks: whether other chunks may follow.
        even: whether a chunk of an odd size is followed by a byte that fills it up.
    """

    at: int
    form: str
    data: int
    announced: int
    beside: int = 0
    chunks: bool = True
    even: bool = True


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
    RF64, AIFF, CAF, AU, FLAC and MP3 are looked at; the other containers carry no such number or are read to their end
    anyway.

    Args:
        stream: seekable.
        kind: what its first bytes say.
        name: what the sentence calls it.
    """
    try:
        if kind == FLAC:
            return _patched(stream, _without_total(stream)), []
        if kind in (MP3, MP3_FRAME):
            return _with_true_length(stream, name)
        return _with_true_size(stream, kind, name)
    finally:
        stream.seek(0)


def _with_true_size(stream: BinaryIO, kind: Kind | None, name: str) -> tuple[BinaryIO, list[str]]:
    end = stream.seek(0, io.SEEK_END)
    size = _announced(stream, kind)
    if size is None:
        return stream, []
    held = end - size.data
    if held < size.announced < PLACEHOLDER:
        return stream, [_breaks_off(name, held / size.announced)]
    if size.announced < 0 and size.form == ">q":
        return stream, []  # CAF's way to say "to the end"
    if size.announced >= held or _chunks_follow(stream, size, end):
        return stream, []
    most = 0xFFFF_FFFE if size.form[1] == "I" else end
    patches = {size.at: struct.pack(size.form, min(held + size.beside, most))}
    if kind == WAV and size.form != "<Q":
        patches[4] = struct.pack(size.form, min(end - 8, most))
    return _patched(stream, patches), []


def _patched(stream: BinaryIO, patches: dict[int, bytes]) -> BinaryIO:
    return io.BufferedReader(Patched(stream, patches)) if patches else stream


def _breaks_off(name: str, share: float) -> str:
    return f"{name} breaks off: it holds {share:.0%} of the sound that its header announces; send all of it."


def _without_total(stream: BinaryIO) -> dict[int, bytes]:
    """FLAC's number of samples as 0, "not known", so that the decoder goes to the end."""
    stream.seek(_FLAC_TOTAL)
    byte = stream.read(1)
    return {_FLAC_TOTAL: bytes([byte[0] & 0xF0, 0, 0, 0, 0])} if byte else {}


def _with_true_length(stream: BinaryIO, name: str) -> tuple[BinaryIO, list[str]]:
    """An MP3 file whose first frame says how many follow."""
    found = told(stream)
    if found is None:
        return stream, []
    if found.size < found.announced:
        return stream, [_breaks_off(name, found.size / found.announced)]
    return _patched(stream, {found.at: struct.pack(">II", found.frames, found.size)}), []


def _announced(stream: BinaryIO, kind: Kind | None) -> _Size | None:
    stream.seek(0)
    if kind == AU:
        head = stream.read(12)
        if len(head) < 12:
            return None
        data, announced = struct.unpack(">II", head[4:12])
        return _Size(8, ">I", data, announced, chunks=False)
    if kind == AIFF:
        return _chunk(stream, b"SSND", ">I", first=12, beside=8)
    if kind == CAF:
        return _chunk(stream, b"data", ">q", first=8, beside=4, even=False)
    return _wav_size(stream) if kind == WAV else None


def _chunk(stream: BinaryIO, wanted: bytes, form: str, *, first: int, beside: int, even: bool = True) -> _Size | None:
    """The chunk that holds the sound of an AIFF or CAF file."""
    width, at = struct.calcsize(form), first
    for _ in range(_MAX_CHUNKS):
        stream.seek(at)
        head = stream.read(4 + width)
        if len(head) < 4 + width:
            return None
        (size,) = struct.unpack(form, head[4:])
        if head[:4] == wanted:
            return _Size(at + 4, form, at + 4 + width + beside, size - beside, beside, even=even)
        if size < 0:
            return None
        at += 4 + width + size + (size % 2 if even else 0)
    return None


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
    """Whether what follows the announced sound is chunks up to the file's end, or a few bytes of padding."""
    if not size.chunks:
        return False
    form = size.form if size.form == ">q" else size.form[0] + "I"
    head, sound = 4 + struct.calcsize(form), max(0, size.announced)
    at = size.data + sound + (sound % 2 if size.even else 0)
    while end - at >= head:
        stream.seek(at)
        chunk = stream.read(head)
        (length,) = struct.unpack(form, chunk[4:])
        if not all(0x20 <= byte < 0x7F for byte in chunk[:4]) or length < 0 or at + head + length > end:
            return False
        at += head + length + (length % 2 if size.even else 0)
    return True
