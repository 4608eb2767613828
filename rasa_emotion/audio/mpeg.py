"""The frames of MP3 and AAC files: whether bytes are such frames, and how many there are."""

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import BinaryIO

FRAMES = 3
"""In a row, by which bytes are known as frames: samples look so once in some 2^30 times."""

TAGS = 512
"""Bytes at most of what commonly follows the frames, such as names of songs."""

LOOKED_AT = 500
"""Frames by which a varying bit rate is noticed: some 13 s."""

_TAG, _BOTH_SAID = 10, 0b11

# kbit/s by the header's index, of layer III in MPEG 1 and in MPEG 2 and 2.5 (ISO 11172-3 and 13818-3).
_KBITS = (
    (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
)
_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
"""Hz by the header's version, in which 3 is MPEG 1, 2 MPEG 2 and 0 MPEG 2.5."""


def mp3_frame(head: bytes) -> int:
    """Bytes of the MP3 frame that begins so; 0 where none does, or where its header does not say (free format).

    >>> mp3_frame(bytes.fromhex("fffb9064"))
    417
    """
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE6 != 0xE2:
        return 0
    version, index, rate = head[1] >> 3 & 3, head[2] >> 4, head[2] >> 2 & 3
    if version == 1 or index in (0, 15) or rate == 3:
        return 0
    kbits, samples = _KBITS[version != 3][index], 144 if version == 3 else 72
    return samples * 1000 * kbits // _RATES[version][rate] + (head[2] >> 1 & 1)


def adts_frame(head: bytes) -> int:
    """Bytes of the frame of AAC that begins so; 0 where none does.

    >>> adts_frame(bytes.fromhex("fff16040407ffc"))
    1023
    """
    if len(head) < 7 or head[0] != 0xFF or head[1] & 0xF6 != 0xF0:
        return 0
    size = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    return size if size > 7 else 0


def begins_with_frames(content: bytes) -> bool:
    """Whether some MP3 or AAC frames follow each other from the first byte on.

    >>> begins_with_frames(bytes.fromhex("fffb9064") + bytes(2000))
    False
    """
    for size in (mp3_frame, adts_frame):
        at = 0
        for _ in range(FRAMES):
            length = size(content[at : at + 8])
            if not length:
                break
            at += length
        else:
            return True
    return False


@dataclass(frozen=True)
class Told:
    """What an MP3 file's first frame says of the rest, and what there is.

    Args:
        at: offset of the numbers of frames and bytes.
        announced: bytes that it announces.
        frames: that are there, behind the first.
        size: bytes that are there, with the first frame.
    """

    at: int
    announced: int
    frames: int
    size: int


def told(stream: BinaryIO) -> Told | None:
    """What there is instead of what the first frame says; None where that is right, or says nothing.

    Args:
        stream: seekable.
    """
    end = stream.seek(0, io.SEEK_END)
    first = _behind_tag(stream)
    head, place = _first_frame(stream, first)
    if place is None:
        return None
    _, frames, announced = struct.unpack(">III", head[place : place + 12])
    if frames and 0 <= end - first - announced <= TAGS:
        return None
    count, behind = 0, first
    for behind in _ends(stream, first):  # noqa: B007 -- the last one is wanted
        count += 1
    return Told(first + place + 4, announced, max(0, count - 1), behind - first)


def varies(stream: BinaryIO) -> bool:
    """Whether an MP3 file's bit rate varies though its first frame does not say how many follow.

    libsndfile takes its length from the first frame's bit rate then, and reads no more than that.

    Args:
        stream: seekable.
    """
    first = _behind_tag(stream)
    if _first_frame(stream, first)[1] is not None:
        return False
    starts = [first, *islice(_ends(stream, first), LOOKED_AT)]
    lengths = [after - before for before, after in pairwise(starts)]
    return bool(lengths) and max(lengths) - min(lengths) > 1  # by one, frames of one bit rate differ


def _first_frame(stream: BinaryIO, first: int) -> tuple[bytes, int | None]:
    """The beginning of the first frame, and where its flags stand in it, if two numbers follow them."""
    stream.seek(first)
    head = stream.read(200)
    place = max(head.find(b"Xing"), head.find(b"Info")) + 4
    told = mp3_frame(head) and 4 <= place <= len(head) - 12 and head[place + 3] & _BOTH_SAID == _BOTH_SAID
    return head, place if told else None


def _behind_tag(stream: BinaryIO) -> int:
    """Where the sound begins: behind the tag that many files begin with (ID3, version 2)."""
    stream.seek(0)
    head = stream.read(_TAG)
    if head[:3] != b"ID3" or len(head) < _TAG:
        return 0
    size = 0
    for byte in head[6:10]:
        size = size << 7 | byte & 0x7F
    return _TAG + size


def _ends(stream: BinaryIO, at: int) -> Iterator[int]:
    """Where each MP3 frame ends, up to the first bytes that are none, or a frame that is cut."""
    last = stream.seek(0, io.SEEK_END)
    while True:
        stream.seek(at)
        length = mp3_frame(stream.read(4))
        at += length
        if not length or at > last:
            return
        yield at
