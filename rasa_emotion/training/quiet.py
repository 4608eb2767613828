"""Libraries that warn of what is meant so."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_warnings() -> Iterator[None]:
    """Hold warnings of the root logger back, where a library that has no logger of its own sends them.

    >>> with without_warnings():
    ...     logging.warning("not shown")
    """
    root = logging.getLogger()
    root.addFilter(_no_warning)
    try:
        yield
    finally:
        root.removeFilter(_no_warning)


def _no_warning(record: logging.LogRecord) -> bool:
    return record.levelno != logging.WARNING
