"""What aiohttp tells of a request that it cannot read: with a traceback, and with the bytes, which may hold a key."""

import logging

from aiohttp.http_exceptions import HttpProcessingError

from rasa_emotion.errors import place_of
from rasa_emotion.logs import named, trace

logger = logging.getLogger(__name__)


class _Told(logging.Filter):
    """Tells it in one line of ours, without a byte of the request."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, HttpProcessingError):
            kind = type(error).__name__
            logger.info("A request could not be read (%s).", kind, extra=named("http.request.malformed"))
            return False
        if error is None:
            return True
        logger.error("A connection failed (%s).", place_of(error), extra=named("http.connection.failed"))
        trace(logger, "http.connection.failed", error)
        return False


_TOLD = _Told()


def tell_malformed() -> None:
    """For all servers of this process; once is enough."""
    logging.getLogger("aiohttp.server").addFilter(_TOLD)
