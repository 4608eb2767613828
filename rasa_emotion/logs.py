"""Names for what is logged, so that programs need not read sentences, and tracebacks that quote no caller."""

import json
import logging
import sys
import traceback
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import TextIO


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


class JsonLines(logging.Formatter):
    """Each record as one JSON object on one line: time, level, event, message."""

    def format(self, record: logging.LogRecord) -> str:
        """The line (see parent class for full docstring)."""
        return json.dumps(
            {
                "time": datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds"),
                "level": record.levelname.lower(),
                "event": getattr(record, "event", None),
                "message": record.getMessage(),
            },
            ensure_ascii=False,
        )


def log_to(stream: TextIO = sys.stderr, level: int = logging.INFO) -> None:
    """Write this package's records as JSON lines."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    package = logging.getLogger("rasa_emotion")
    package.addHandler(handler)
    package.setLevel(level)
    package.propagate = False


def _lines(error: BaseException) -> Iterator[str]:
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None:
        yield from _lines(before)
        yield "\nThen:\n"
    yield from traceback.format_tb(error.__traceback__)
    yield type(error).__name__
