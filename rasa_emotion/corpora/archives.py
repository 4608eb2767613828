"""Unpacks the archives that corpora come in."""

import gzip
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from rasa_emotion.errors import ConfigError

Progress = Callable[[int, int | None], None]

DAMAGE = (zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, lzma.LZMAError, zlib.error, EOFError, ValueError)
INNER_SUFFIXES = (".tar.gz", ".tgz", ".tar")


def unpack(archive: Path, folder: Path, progress: Progress = lambda done, total: None) -> None:
    """Unpack a zip or tar file into a folder, and the tar files in it where they lie.

    Nothing is written outside the folder, whatever names the archive holds.

    Args:
        progress: told the number of members that are unpacked, and of all.

    Raises:
        ConfigError: the file is no archive, is damaged, or names a path outside the folder.
        OSError: the folder cannot be written to.
    """
    _extract(archive, folder, progress)
    for inner in sorted(path for path in folder.rglob("*") if path.name.endswith(INNER_SUFFIXES)):
        _extract(inner, inner.parent, progress)
        inner.unlink()


def _extract(archive: Path, folder: Path, progress: Progress) -> None:
    try:
        if zipfile.is_zipfile(archive):
            _unzip(archive, folder, progress)
        elif tarfile.is_tarfile(archive):
            _untar(archive, folder, progress)
        else:
            raise ConfigError(f"'{archive}' is neither a zip nor a tar file: check the address it came from.")
    except DAMAGE as error:
        raise ConfigError(f"'{archive}' cannot be unpacked ({error}): fetch it again.") from error


def _unzip(archive: Path, folder: Path, progress: Progress) -> None:
    with zipfile.ZipFile(archive) as opened:
        members = opened.infolist()
        for number, member in enumerate(members, start=1):
            _require_inside(folder, member.filename)
            opened.extract(member, folder)
            progress(number, len(members))


def _untar(archive: Path, folder: Path, progress: Progress) -> None:
    with tarfile.open(archive) as opened:
        for number, member in enumerate(opened, start=1):
            _require_inside(folder, member.name)
            if member.isfile() or member.isdir():  # no links, no devices: a corpus needs none
                member.mode = 0o755 if member.isdir() else 0o644
                opened.extract(member, folder)
            progress(number, None)


def _require_inside(folder: Path, name: str) -> None:
    target = (folder / name).resolve()
    if not target.is_relative_to(folder.resolve()):
        raise ValueError(f"it names '{name}', which lies outside the folder")
