"""What kind of sound file some bytes are, by their first ones; names and labels are not asked."""

from collections.abc import Callable
from dataclasses import dataclass

from rasa_emotion.audio.mpeg import begins_with_frames

HEAD = 64
"""Bytes that are enough to tell."""

SUFFIXES = frozenset(
    {".3gp", ".aac", ".aif", ".aiff", ".amr", ".au", ".caf", ".flac", ".m4a", ".mkv", ".mov", ".mp3", ".mp4"}
    | {".oga", ".ogg", ".opus", ".rf64", ".wav", ".weba", ".webm", ".wma"}
)
"""What recordings in a folder are named; a file that is named itself may have any name."""

EXTRA = "formats"
"""The extra that brings PyAV."""


@dataclass(frozen=True)
class Kind:
    """A container.

    Args:
        name: what errors call it.
        ffmpeg: the demuxer of FFmpeg that reads it; no other is tried.
        library: "libsndfile", or "PyAV" for what that does not read.
        certain: whether the first bytes are long enough a sign to win over a label that says otherwise.
    """

    name: str
    ffmpeg: str
    library: str = "libsndfile"
    certain: bool = True


WAV, AIFF, AU = Kind("WAV", "wav"), Kind("AIFF", "aiff"), Kind("AU", "au")
FLAC, OGG, CAF = Kind("FLAC", "flac"), Kind("Ogg", "ogg"), Kind("CAF", "caf")
MP3, MP3_FRAME = Kind("MP3", "mp3"), Kind("MP3", "mp3", certain=False)
MP4 = Kind("MP4", "mov", "PyAV")
WEBM, ASF = Kind("WebM", "matroska", "PyAV"), Kind("WMA", "asf", "PyAV")
AMR, AAC = Kind("AMR", "amr", "PyAV"), Kind("AAC", "aac", "PyAV", certain=False)

_ASF_GUID = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")

_SIGNS: tuple[tuple[Kind, Callable[[bytes], bool]], ...] = (
    (WAV, lambda head: head[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64") and head[8:12] == b"WAVE"),
    (AIFF, lambda head: head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC")),
    (AU, lambda head: head[:4] == b".snd"),
    (FLAC, lambda head: head[:4] == b"fLaC"),
    (OGG, lambda head: head[:4] == b"OggS"),
    (CAF, lambda head: head[:4] == b"caff"),
    (MP3, lambda head: head[:3] == b"ID3" and len(head) > 5 and head[3] < 5),
    (MP4, lambda head: head[4:8] in (b"ftyp", b"moov", b"mdat", b"styp", b"moof")),
    (WEBM, lambda head: head[:4] == b"\x1aE\xdf\xa3"),
    (ASF, lambda head: head[:16] == _ASF_GUID),
    (AMR, lambda head: head[:5] == b"#!AMR"),
    (AAC, lambda head: len(head) > 1 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0),
    (MP3_FRAME, lambda head: len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0 and head[1] & 0x06 != 0),
)


def kind_of(head: bytes) -> Kind | None:
    """The kind of a file that begins with these bytes (64 are enough); None where it is none that is decoded.

    >>> kind_of(b"OggS" + bytes(60)).name
    'Ogg'
    """
    return next((kind for kind, fits in _SIGNS if fits(head)), None)


def is_surely_a_file(content: bytes) -> bool:
    """Whether these bytes are a file whatever a client calls them; samples begin so once in 2^30 times.

    MP3 and AAC files without a tag have but a few bits of a sign: several of their frames in a row are one.

    >>> is_surely_a_file(b"RIFF\\x24\\x00\\x00\\x00WAVE")
    True
    """
    kind = kind_of(content[:HEAD])
    return kind is not None and (kind.certain or begins_with_frames(content))
