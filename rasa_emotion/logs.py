"""Names for what is logged, so that programs need not read sentences, and tracebacks that quote no caller."""

import logging
import traceback
from collections.abc import Iterator


def named(name: str) -> dict[str, str]:
    """The `extra` of a log record: its attribute `event` holds the name. `docs/logs.md` lists all names.

    >>> named("turn.voice.skipped")
    {'event': 'turn.voice.skipped'}
    """
    return {"event": name}


def trace(logger: logging.Logger, name: str, error: BaseException) -> None:
    """Log an error's traceback at debug level, under the name of the event that it caused.

    Files, lines, code and the kinds of errors are logged, never their messages, which may quote what a caller said.
    """
    if logger.isEnabledFor(logging.DEBUG):
        logger.debug("%s", "".join(_lines(error)), extra=named(name))


def _lines(error: BaseException) -> Iterator[str]:
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None:
        yield from _lines(before)
        yield "\nThen:\n"
    yield from traceback.format_tb(error.__traceback__)
    yield type(error).__name__
