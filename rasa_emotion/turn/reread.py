"""A file that people change while a process runs: its content as it is now."""

from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from rasa_emotion.errors import ConfigError

Content = TypeVar("Content")


class Reread(Generic[Content]):
    """A file's content. A change counts at once; one that cannot be used is told once and changes nothing.

    Args:
        path: the file.
        read: makes its content; raises ConfigError where the file cannot be used.
        failed: is told of such an error after a change.
        changed: is told of the new content.

    Raises:
        ConfigError: as `read`.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder) / "greeting"
    ...     size = file.write_text("Hello.")
    ...     greeting = Reread(file, Path.read_text, failed=print)
    ...     size = file.write_text("Good day.")
    ...     greeting.now()
    'Good day.'
    """

    def __init__(
        self,
        path: Path,
        read: Callable[[Path], Content],
        *,
        failed: Callable[[ConfigError], None],
        changed: Callable[[Content], None] = lambda content: None,
    ) -> None:
        self._path, self._read, self._failed, self._changed = path, read, failed, changed
        self._seen = _version(path)
        self._content = read(path)

    def now(self) -> Content:
        """The content that holds now."""
        version = _version(self._path)
        if version != self._seen:
            self._seen = version
            try:
                self._content = self._read(self._path)
            except ConfigError as error:
                self._failed(error)
            else:
                self._changed(self._content)
        return self._content


def _version(path: Path) -> tuple[int, ...] | None:
    """What changes with a file; None where it cannot be looked at."""
    try:
        found = path.stat()
    except OSError:
        return None
    # The mode too: one who lets others read the file is told at once.
    return found.st_mtime_ns, found.st_size, found.st_ino, found.st_mode
