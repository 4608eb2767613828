"""Silence third-party loggers that warn about intended behaviour."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_warnings() -> Iterator[None]:
    """Hold warnings, and what is less, of every logger back, around a library that has no logger of its own.

    A filter of the root logger would not do: numpy's distutils, once imported, puts one in its place that prints.

    >>> with without_warnings():
    ...     logging.warning("not shown")
    """
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
