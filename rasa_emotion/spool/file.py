"""One file of a spool: a header, then records, each a line with its checksum, then room that is held for more.

The room is allocated when the file is made, so that a disk which fills up later does not keep a record out. Unused room
is zeros; a record that was given to the database is overwritten with spaces.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

from rasa_emotion.errors import RasaEmotionError

VERSION = 1
_MARK = "rasa_emotion_spool"
_CHUNK = 65_536
_PRIVATE = 0o600
OTHERS = 0o077
"""The permissions that nobody but the owner may have."""


class SpoolError(RasaEmotionError):
    """The spool cannot take or give a record."""


@dataclass(frozen=True)
class Line:
    """A record as it stands in its file: where it starts, and its bytes without checksum and line break."""

    start: int
    payload: bytes

    @property
    def length(self) -> int:
        return len(_line(self.payload)) - 1


@dataclass(frozen=True)
class Content:
    """What a file holds.

    Args:
        header: what was given to `create`; None where not even that was written to the end.
        lines: the records, oldest first.
        damaged: how many records the disk has altered; one whose writing broke off does not count.
    """

    header: Mapping[str, Any] | None
    lines: tuple[Line, ...]
    damaged: int


def create(path: Path, size: int, header: Mapping[str, Any]) -> tuple[int, int]:
    """Make a file of `size` bytes that nobody else may read; its descriptor, and where its first record goes.

    Raises:
        OSError: there is no room, or the folder cannot be written; no file is left then.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, _PRIVATE)
    try:
        os.posix_fallocate(descriptor, 0, size)
        first = json.dumps({_MARK: VERSION, **header}).encode() + b"\n"
        _write(descriptor, 0, first)
    except BaseException:
        os.close(descriptor)
        path.unlink(missing_ok=True)
        raise
    return descriptor, len(first)


def append(descriptor: int, end: int, payload: bytes) -> int:
    """Write a record at `end` and return its own end. It is on the disk then. Raises OSError."""
    line = _line(payload)
    _write(descriptor, end, line)
    return end + len(line)


def length_of(payload: bytes) -> int:
    """The bytes that a record takes."""
    return len(_line(payload))


def blank(path: Path, lines: Iterable[Line]) -> None:
    """Overwrite records with spaces. Raises OSError."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        for line in lines:
            os.pwrite(descriptor, b" " * line.length, line.start)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def wipe(descriptor: int, start: int, end: int) -> None:
    """Make all of a file from `start` to `end` room for records again. Raises OSError."""
    _write(descriptor, start, bytes(end - start))


def read(path: Path) -> Content:
    """What a file holds.

    Raises:
        SpoolError: others can read it, it is of another version, or it is no spool.
        OSError: it cannot be read.
    """
    if path.stat().st_mode & OTHERS:
        raise SpoolError(f"The spool '{path}' can be read by others than its owner; run: chmod 600 '{path}'")
    first, *rest = _lines(path)
    header = _header(path, first[1])
    lines, damaged = [], []
    for start, text in rest:
        payload = _payload(text)
        if payload is not None:
            lines.append(Line(start, payload))
        elif text.strip():
            damaged.append(start)
    last = max((line.start for line in lines), default=-1)
    return Content(header, tuple(lines), sum(start < last for start in damaged))


def _lines(path: Path) -> list[tuple[int, bytes]]:
    """The complete lines before the unused room, each with where it starts; one that is empty where there is none."""
    text = b""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            used = chunk.partition(b"\0")[0]
            text += used
            if len(used) < len(chunk):
                break
    return list(_placed(text.split(b"\n")[:-1])) or [(0, b"")]


def _placed(lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    start = 0
    for line in lines:
        yield start, line
        start += len(line) + 1


def _header(path: Path, text: bytes) -> Mapping[str, Any] | None:
    if not text:
        return None  # it was being made when the machine went down: nothing was kept in it
    try:
        header = json.loads(text)
        version = header.pop(_MARK)
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise SpoolError(f"'{path}' is no spool; move it out of that folder.") from error
    if version != VERSION or not isinstance(header, dict):
        raise SpoolError(
            f"The spool '{path}' is of version {version!r}, and this rasa-emotion reads version {VERSION}; let the one "
            "that wrote it empty it, or move it out of that folder."
        )
    return header


def _line(payload: bytes) -> bytes:
    return b"%08x %s\n" % (crc32(payload), payload)


def _payload(line: bytes) -> bytes | None:
    """What a line holds; None where it is not what was written."""
    checksum, _, payload = line.partition(b" ")
    return payload if payload and checksum == b"%08x" % crc32(payload) else None


def _write(descriptor: int, start: int, content: bytes) -> None:
    written = 0
    while written < len(content):
        written += os.pwrite(descriptor, content[written:], start + written)
    os.fsync(descriptor)


def sync_folder(folder: Path) -> None:
    """Make the names of its files outlast a power cut. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
