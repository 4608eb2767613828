"""Who a request comes from: what an address asks for, and whether that was given."""

import hmac
import logging
import time
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from rasa_emotion.handoff.signing import header
from rasa_emotion.logs import named
from rasa_emotion.settings import check_text
from rasa_emotion.turn.keys import TICKETS, Key, KeyFile, digest_of
from rasa_emotion.turn.refusal import TurnRefused
from rasa_emotion.turn.roles import ANYBODY, Identity, Role
from rasa_emotion.turn.tickets import BadTicket, read_ticket

logger = logging.getLogger(__name__)

HEADER = "token"
"""The header, or the parameter of the query, that holds a key or a ticket."""

BEARER = "bearer "

TOLD_SECS = 60.0
"""Between two log lines about requests that were refused: whoever tries keys must not fill the disk."""

DEFAULTS: dict[str, Any] = {
    # A key that clients give in the header `token`; null asks for nothing.
    "token": None,
    # A file with keys of several roles, which can be changed while the server runs; see docs/security.md.
    "token_file": None,
}


class Access:
    """What one channel asks for.

    >>> Access("MyChannel", {"token": "open sesame"}).identify({"Token": "open sesame"}).role.value
    'caller'
    """

    def __init__(self, owner: str, options: Mapping[str, Any], clock: Callable[[], float] = time.time) -> None:
        """Reads the keys.

        Args:
            owner: the channel's name, for messages to its operator.
            options: `token` and `token_file`, both, one or none of them.
            clock: seconds since 1970.

        Raises:
            ConfigError: the token is none, or the file cannot be used.
        """
        self._owner = owner
        self._clock = clock
        token, path = options.get("token"), options.get("token_file")
        check_text(owner, "token", token, optional=True)
        check_text(owner, "token_file", path, optional=True)
        self._fixed = () if token is None else (Key.of(Role.CALLER.value, token),)
        self._file = None if path is None else KeyFile(Path(path), clock)
        self._refused, self._told = 0, -TOLD_SECS

    @property
    def asks(self) -> bool:
        """Whether anything is asked for."""
        return bool(self._fixed) or self._file is not None

    def identify(self, headers: Mapping[str, str], query: str | None = None) -> Identity:
        """Who a request comes from.

        Args:
            headers: of the request; `token: KEY`, `token: TICKET` or `Authorization: Bearer ...`.
            query: the parameter `token` of its query, for clients that set no headers.

        Raises:
            TurnRefused: nothing was given, or what does not hold (401).
        """
        if not self.asks:
            return ANYBODY
        given = _given(headers) or query or ""
        keys = (*self._fixed, *(self._file.keys() if self._file else ()))
        found = _holder(given, keys)
        if found is None and given.count(".") == 2:
            found = self._of_ticket(given, keys)
        if found is None:
            self._tell()
            raise TurnRefused(401, f"This needs a key or a ticket that holds, in the header '{HEADER}'.")
        return found

    def _of_ticket(self, given: str, keys: tuple[Key, ...]) -> Identity | None:
        signing = [key.secret for key in keys if key.holder == TICKETS and key.secret is not None]
        try:
            return read_ticket(signing, given, now=self._clock())
        except BadTicket as error:
            logger.debug("A ticket was refused. %s", error, extra=named("access.ticket.refused"))
            return None

    def _tell(self) -> None:
        self._refused += 1
        now = time.monotonic()
        if now - self._told >= TOLD_SECS:
            logger.warning(
                "%d requests to the channel '%s' were refused: they lack a key or a ticket that holds.",
                self._refused,
                self._owner,
                extra=named("access.refused"),
            )
            self._refused, self._told = 0, now


def is_loopback(host: str | None) -> bool:
    """Whether an address that a server binds to is reached from its own machine alone.

    >>> is_loopback("127.0.0.1"), is_loopback("0.0.0.0"), is_loopback("localhost")
    (True, False, True)
    """
    if host is None or host == "localhost":
        return host is not None
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False  # a name, which may stand for anything


def _given(headers: Mapping[str, str]) -> str:
    bearer = header(headers, "authorization")
    return header(headers, HEADER) or (bearer[len(BEARER) :] if bearer.lower().startswith(BEARER) else "")


def _holder(given: str, keys: tuple[Key, ...]) -> Identity | None:
    """Whose key it is. All of them are compared, and by their hashes: the time says neither which nor how long."""
    hashed, found = digest_of(given), None
    for key in keys:
        if hmac.compare_digest(key.digest, hashed) and key.holder != TICKETS and given:
            found = Identity(Role(key.holder))
    return found
