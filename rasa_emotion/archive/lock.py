"""One run at a time in a folder."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rasa_emotion.errors import ConfigError

LOCK = "score.lock"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other runs out of the folder, which is made where it is missing; ends with the process, however that ends.

    Raises:
        ConfigError: another run is in it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            other = os.read(descriptor, 20).decode("ascii", "replace").strip() or "unknown"
            raise ConfigError(
                f"Another run (process {other}) is scoring into '{folder}'; wait for its end or name another --out."
            ) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode("ascii"))
        yield
    finally:
        os.close(descriptor)
