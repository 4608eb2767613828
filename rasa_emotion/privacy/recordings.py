"""Recordings of calls, where an operator wants them: under which name they lie, how long, and how they are deleted."""

import hashlib
import os
import time
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from uuid import uuid4

from rasa_emotion.errors import ConfigError
from rasa_emotion.privacy.places import Place

SUFFIX = ".wav"
DAY_SECS = 86_400.0

WRITABLE = 0o222
"""The bits of a mode of which a recording that goes on has one."""


def folder_of(folder: Path, sender: str) -> Path:
    """Where the recordings of a caller lie: named by a hash, so that no number stands in a path."""
    return folder / hashlib.sha256(sender.encode(errors="surrogatepass")).hexdigest()[:32]


def recordings_of(folder: Path, sender: str) -> list[Path]:
    """The recordings of a caller, oldest first.

    >>> recordings_of(Path("there_is_no_such_folder"), "ada")
    []
    """
    return sorted(folder_of(folder, sender).glob(f"*{SUFFIX}"))


def new_recording(folder: Path, sender: str) -> Path:
    """A path for a call that begins now; nobody but the owner of the process can read what is written there.

    Raises:
        OSError: the folder cannot be made.
    """
    place = folder_of(folder, sender)
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    began = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%S.%f")
    path = place / f"{began}-{uuid4().hex[:8]}{SUFFIX}"
    path.touch(mode=0o600)
    return path


def mark_ended(path: Path) -> None:
    """Say that the call is over and nothing is added any more: the file can be read alone from now on.

    Raises:
        OSError: there is no such recording, or its mode cannot be changed.
    """
    if path.is_file():  # and no device
        path.chmod(path.stat().st_mode & ~WRITABLE)


def has_ended(status: os.stat_result) -> bool:
    """Whether a recording's status says that its call is over; of a process that died, it never does."""
    return not status.st_mode & WRITABLE


def begun(path: Path) -> float | None:
    """When a recording began, in seconds since 1970; None where its name does not say it.

    >>> begun(Path("19700101T000001.250000-0123abcd.wav")), begun(Path("19700101T000001-0123abcd.wav"))
    (1.25, 1.0)
    """
    for form in ("%Y%m%dT%H%M%S.%f", "%Y%m%dT%H%M%S"):  # an older version cut the rest of the second off
        with suppress(ValueError):
            moment = datetime.strptime(path.stem.partition("-")[0], form)
            return moment.replace(tzinfo=timezone.utc).timestamp()
    return None


def recordings(folder: Path) -> Place:
    """The recordings as a place whose callers can be forgotten."""

    def delete(sender: str) -> int:
        paths = recordings_of(folder, sender)
        try:
            for path in paths:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise ConfigError(f"Recordings in '{folder}' cannot be deleted ({error.strerror}); delete them.") from error
        return len(paths)

    return Place("recordings", str(folder), lambda sender: len(recordings_of(folder, sender)), delete)


def delete_older(folder: Path, days: float) -> int:
    """Delete the recordings of calls that ended so long ago; returns how many.

    >>> delete_older(Path("there_is_no_such_folder"), 1)
    0
    """
    moment, deleted = time.time() - days * DAY_SECS, 0
    for path in folder.glob(f"*/*{SUFFIX}"):
        if path.stat().st_mtime < moment:
            path.unlink(missing_ok=True)
            deleted += 1
    return deleted
