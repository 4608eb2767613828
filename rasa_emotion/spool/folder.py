"""A spool: a folder beside the database, with one file for each process that keeps records there."""

import fcntl
import heapq
import json
import logging
import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from rasa_emotion.logs import named
from rasa_emotion.spool.cipher import Cipher
from rasa_emotion.spool.file import Content, Line, SpoolError, append, blank, create, length_of, read, sync_folder, wipe

logger = logging.getLogger(__name__)

PLACE_BYTES = 65_536
"""Room that a turn holds in advance, so that what it promises a caller can be kept."""

MOST_RECORD_BYTES = 45_000
"""A record as JSON; encrypted, it grows by a third."""

RETRY_SECS = 5.0
"""After which a file that could not be made is tried again."""

FRESH_SECS = 0.05
"""A file that was written so lately is read again: the clock of the file system has ticks."""

SUFFIX = ".spool"
_UNFINISHED = ".new"
_LOCK = "lock"

_has_place: ContextVar[bool] = ContextVar("has_place", default=False)


@dataclass(frozen=True)
class Entry:
    """A record.

    Args:
        kind: what it is, such as "packet".
        sender: the caller whom it is about.
        body: JSON-safe.
        at: seconds since 1970 when it was kept.
        where: file and place in it; None before it is kept.
    """

    kind: str
    sender: str
    body: Mapping[str, Any]
    at: float
    where: tuple[Path, Line] | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Look:
    """What the files of all processes hold, in the order in which it was kept, and sentences on what cannot be read."""

    entries: tuple[Entry, ...] = ()
    troubles: tuple[str, ...] = ()


@dataclass
class _Own:
    """The file of this process."""

    path: Path
    descriptor: int
    start: int
    end: int
    process: int


class Spool:
    """The spool in one folder. Several processes and threads may use it at once; only looking makes nothing.

    Args:
        folder: made when something is kept.
        database: names the database that the records are for, without a password.
        max_bytes: of the file of one process, allocated at its beginning.
        cipher: encrypts what is kept.
    """

    def __init__(
        self,
        folder: Path,
        *,
        database: str = "",
        max_bytes: int = 16_000_000,
        cipher: Cipher | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.folder = folder
        self._database = database
        self._max_bytes = max_bytes
        self._cipher = cipher
        self._clock = clock
        self._own: _Own | None = None
        self._held = 0
        self._tried = -RETRY_SECS  # on the monotonic clock
        self._guard = threading.RLock()
        self._seen: tuple[Any, Look] | None = None
        self._parsed: dict[tuple[Path, int], Entry] = {}
        self._said: set[str] = set()

    @contextmanager
    def hold(self) -> Iterator[bool]:
        """Hold room for one record while something is promised; yields whether there is any."""
        held = self._take_place()
        token = _has_place.set(held)
        try:
            yield held
        finally:
            _has_place.reset(token)
            if held:
                with self._guard:
                    self._held -= 1

    def keep(self, kind: str, sender: str, body: Mapping[str, Any]) -> None:
        """Keep a record; it is on the disk when this returns.

        Raises:
            SpoolError: it is too large, the spool is full, or its folder cannot be written.
        """
        record = json.dumps({"kind": kind, "sender": sender, "body": body, "at": self._clock()}).encode()
        if len(record) > MOST_RECORD_BYTES:
            raise SpoolError(f"A record has {len(record)} bytes, more than the spool takes.")
        payload = record if self._cipher is None else self._cipher.encrypt(record)
        with self._guard:
            own = self._file()
            if own is None:
                raise SpoolError(f"The spool '{self.folder}' cannot be written; check its folder and its disk.")
            # What others hold is theirs.
            others = 0 if _has_place.get() else self._held * PLACE_BYTES
            if not self._has_room(own, length_of(payload) + others):
                raise SpoolError(f"The spool '{self.folder}' is full; see why its database refuses what waits there.")
            self._seen = None
            try:
                own.end = append(own.descriptor, own.end, payload)
            except OSError as error:
                # What a failed write leaves is not known: another file is begun. The lock on this one is kept.
                self._own = None
                raise SpoolError(f"The spool '{self.folder}' cannot be written ({error.strerror}).") from error

    def look(self) -> Look:
        """What waits. What cannot be read is logged once, and told."""
        with self._guard:
            state = self._state()
            if self._seen is not None and self._seen[0] == state and state is not None:
                return self._seen[1]
            found = self._read()
            self._seen = (state, found)
        for trouble in found.troubles:
            if trouble not in self._said:
                self._said.add(trouble)
                logger.error("%s", trouble, extra=named("spool.unreadable"))
        return found

    def drop(self, entries: Iterable[Entry]) -> None:
        """Overwrite records that are elsewhere now, or that shall be forgotten. Raises SpoolError."""
        of_file: dict[Path, list[Line]] = defaultdict(list)
        for entry in entries:
            if entry.where is not None:
                of_file[entry.where[0]].append(entry.where[1])
        with self._guard:
            self._seen = None
            try:
                for path, lines in of_file.items():
                    blank(path, lines)
                    self._tidy(path)
            except OSError as error:
                raise SpoolError(f"The spool '{self.folder}' cannot be written ({error.strerror}).") from error

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from emptying the spool at the same time. Raises SpoolError."""
        if not self.folder.is_dir():
            yield
            return
        try:
            descriptor = os.open(self.folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise SpoolError(f"The spool '{self.folder}' cannot be written ({error.strerror}).") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def usable(self) -> bool:
        """Whether a record could be kept now; makes the file of this process."""
        with self._guard:
            own = self._file()
            return own is not None and self._has_room(own, PLACE_BYTES)

    def _take_place(self) -> bool:
        with self._guard:
            own = self._file()
            if own is None or not self._has_room(own, (self._held + 1) * PLACE_BYTES):
                return False
            self._held += 1
            return True

    def _has_room(self, own: _Own, number: int) -> bool:
        if own.end + number <= self._max_bytes:
            return True
        with suppress(OSError, SpoolError):
            self._tidy(own.path)  # another process may have emptied it
        return own.end + number <= self._max_bytes

    def _file(self) -> _Own | None:
        """The file of this process, made where it is not there; None where it cannot be."""
        own = self._own
        if own is not None and own.process == os.getpid():
            if own.path.exists():
                return own
            os.close(own.descriptor)  # somebody deleted it
        self._own = None
        if own is None and time.monotonic() - self._tried < RETRY_SECS:
            return None
        if own is not None and own.process != os.getpid():
            self._held = 0  # those of the process that this one was forked from
        self._tried = time.monotonic()
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path = self.folder / f"{uuid4().hex}{SUFFIX}"
            header = {"database": self._database, "encrypted": self._cipher is not None}
            unfinished = path.with_suffix(_UNFINISHED)
            descriptor, start = create(unfinished, self._max_bytes, header)
            fcntl.flock(descriptor, fcntl.LOCK_EX)  # until this process ends, however it does
            unfinished.rename(path)  # so that it has its lock before others see it
            sync_folder(self.folder)
            sync_folder(self.folder.parent)
            self._sweep(but=path)
        except OSError as error:
            sentence = f"The spool '{self.folder}' cannot be made ({error.strerror}); handovers rest on the database."
            if sentence not in self._said:
                self._said.add(sentence)
                logger.error("%s", sentence, extra=named("spool.unusable"))
            return None
        self._own = _Own(path, descriptor, start, start, os.getpid())
        self._seen = None
        return self._own

    def _paths(self) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(self.folder) as found:
                return sorted((entry for entry in found if entry.name.endswith(SUFFIX)), key=lambda entry: entry.name)
        except OSError:
            return []

    def _state(self) -> tuple[tuple[str, int, int], ...] | None:
        """What tells whether something has changed; None where that cannot be told yet."""
        found = []
        for entry in self._paths():
            with suppress(OSError):  # deleted in between
                status = entry.stat()
                if abs(time.time() - status.st_mtime) < FRESH_SECS:
                    return None
                found.append((entry.name, status.st_mtime_ns, status.st_mode))
        return tuple(found)

    def _read(self) -> Look:
        files: list[list[Entry]] = []
        troubles: list[str] = []
        before, self._parsed = self._parsed, {}
        for found in self._paths():
            path = Path(found.path)
            try:
                content = read(path)
                files.append(self._entries(path, content, before))
            except FileNotFoundError:
                continue
            except SpoolError as error:
                troubles.append(str(error))
                continue
            except OSError as error:
                troubles.append(f"The spool '{path}' cannot be read ({error.strerror}); check its owner and disk.")
                continue
            if content.damaged:
                troubles.append(f"{content.damaged} records of the spool '{path}' are damaged; check that disk.")
        # In the order of each file, whatever the clocks did; among files by time.
        return Look(tuple(heapq.merge(*files, key=lambda entry: entry.at)), tuple(troubles))

    def _entries(self, path: Path, content: Content, before: Mapping[tuple[Path, int], Entry]) -> list[Entry]:
        header = content.header or {}
        if content.lines and header.get("database") != self._database:
            raise SpoolError(
                f"The spool '{path}' belongs to the database '{header.get('database')}', not to '{self._database}'; "
                "name that one in 'database', or move the file to where it belongs."
            )
        if content.lines and header.get("encrypted") and self._cipher is None:
            raise SpoolError(f"The spool '{path}' is encrypted; name its key in 'spool: {{key_file: FILE}}'.")
        entries = []
        for line in content.lines:
            known = before.get((path, line.start))
            if known is None or known.where is None or known.where[1] != line:
                known = self._entry(path, line, encrypted=bool(header.get("encrypted")))
            self._parsed[path, line.start] = known
            entries.append(known)
        return entries

    def _entry(self, path: Path, line: Line, *, encrypted: bool) -> Entry:
        try:
            record = self._cipher.decrypt(line.payload) if encrypted and self._cipher else line.payload
        except SpoolError as error:
            raise SpoolError(
                f"The spool '{path}' was encrypted with another key; put that key into the key file, below the new one."
            ) from error
        content = json.loads(record)
        return Entry(content["kind"], content["sender"], content["body"], content["at"], (path, line))

    def _tidy(self, path: Path) -> None:
        """Make room in the file of this process where nothing waits in it; delete those of processes that ended."""
        content = read(path)
        if content.lines or content.damaged:
            return
        own = self._own
        if own is not None and own.path == path:
            wipe(own.descriptor, own.start, own.end)
            own.end = own.start
            return
        _remove_unowned(path)

    def _sweep(self, *, but: Path) -> None:
        """Delete the empty files of processes that have ended."""
        for entry in self._paths():
            path = Path(entry.path)
            with suppress(OSError, SpoolError):
                if path != but and not (content := read(path)).lines and not content.damaged:
                    _remove_unowned(path)


def _remove_unowned(path: Path) -> None:
    """Delete a file unless its process still runs, which alone may write more into it."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()
    except BlockingIOError:
        pass
    finally:
        os.close(descriptor)
