"""Tags that music programs put before and behind any sound file, as the format of the file does not know."""

import io
import struct
from typing import BinaryIO

from rasa_emotion.audio.kinds import AIFF, AU, CAF, FLAC, HEAD, MP3, MP3_FRAME, WAV, kind_of
from rasa_emotion.audio.ogg import Part

ID3_HEADER, ID3V1, APE_FOOTER = 10, 128, 32
"""Bytes of the header of a tag in front, of a tag behind, and of the end of another kind of tag behind."""

_TO_THE_END = (FLAC, WAV, AIFF, AU, CAF)
"""Of these, what lies behind the sound is decoded as sound, or spoils the last block."""


def without_tags(stream: BinaryIO) -> BinaryIO:
    """The stream without an ID3v2 tag before a file that is no MP3, and without ID3v1 and APEv2 tags behind one.

    Args:
        stream: seekable; its decoder may begin where it stands afterwards, at its start.

    Returns:
        The stream itself where there is nothing to leave out.
    """
    size = end = stream.seek(0, io.SEEK_END)
    start = _after_id3(stream)
    stream.seek(start)
    kind = kind_of(stream.read(HEAD))
    if kind in (None, MP3, MP3_FRAME):  # whose decoder knows tags
        start, kind = 0, None
    if kind in _TO_THE_END:
        if end - ID3V1 > start and _at(stream, end - ID3V1, 3) == b"TAG":
            end -= ID3V1
        end -= _ape_bytes(stream, start, end)
    stream.seek(0)
    return stream if (start, end) == (0, size) else io.BufferedReader(Part(stream, start, end))


def _after_id3(stream: BinaryIO) -> int:
    """Where the file begins behind the tag in front of it, whose size has seven bits in each byte."""
    header = _at(stream, 0, ID3_HEADER)
    if len(header) < ID3_HEADER or header[:3] != b"ID3":
        return 0
    size = 0
    for byte in header[6:]:
        size = size << 7 | byte & 0x7F
    footer = ID3_HEADER if header[5] & 0x10 else 0
    return ID3_HEADER + size + footer


def _ape_bytes(stream: BinaryIO, start: int, end: int) -> int:
    """How long the tag is that ends at `end`; 0 where none does."""
    footer = _at(stream, max(start, end - APE_FOOTER), APE_FOOTER)
    if footer[:8] != b"APETAGEX" or len(footer) < APE_FOOTER:
        return 0
    size, _, flags = struct.unpack("<III", footer[12:24])
    size += APE_FOOTER if flags >> 31 else 0  # a header, which the size leaves out
    return int(size) if APE_FOOTER <= size < end - start else APE_FOOTER


def _at(stream: BinaryIO, place: int, count: int) -> bytes:
    stream.seek(place)
    return stream.read(count)
