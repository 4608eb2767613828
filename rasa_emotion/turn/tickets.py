"""Tickets: short-lived and signed, each for one caller. They are JSON Web Tokens (RFC 7519) with HMAC-SHA256 (HS256).

Any program that has the key can make one: `rasa-emotion access ticket`, `make_ticket`, or a JWT library of any language
with the claims `sub` (the sender) and `exp`.
"""

import base64
import binascii
import hashlib
import hmac
import json
import math
import time
from collections.abc import Iterable
from typing import Any

from rasa_emotion.errors import ConfigError, RasaEmotionError
from rasa_emotion.turn.roles import Identity, Role

DEFAULT_SECS = 900.0
"""How long a ticket holds: a page asks for the next one before that."""

LONGEST_SECS = 86_400.0
"""A ticket that would hold for longer is refused: it cannot be taken back, short of changing the key."""

CLOCKS_APART_SECS = 30.0
"""How far the clock of whoever made a ticket may be from ours."""

LONGEST_TICKET = 4096
"""Characters; what is longer is not looked at."""

LONGEST_NAME = 255


class BadTicket(RasaEmotionError):
    """The text is no ticket that holds now."""


def make_ticket(
    key: str,
    name: str,
    *,
    role: Role = Role.CALLER,
    channel: str | None = None,
    secs: float = DEFAULT_SECS,
    now: float | None = None,
) -> str:
    """A ticket for one caller or person.

    Args:
        key: that of a line `tickets` of the token file.
        name: the caller's sender, or the person.
        role: all but the helpdesk's, which signs its requests.
        channel: the `input_channel` that turns get; None for the channel's own.
        secs: how long it holds, at most a day.
        now: seconds since 1970.

    Raises:
        ConfigError: the name cannot be a sender's, or the time is too long.

    >>> make_ticket("k" * 32, "ada", now=0.0).count(".")
    2
    """
    if not is_name(name):
        raise ConfigError(f"A ticket cannot be made for {name!r}; give 1 to {LONGEST_NAME} printable characters.")
    if role is Role.HELPDESK:
        raise ConfigError("A helpdesk gets no ticket: it signs its requests with 'secret'.")
    if not 0 < secs <= LONGEST_SECS:
        raise ConfigError(
            f"A ticket holds for at most {LONGEST_SECS / 3600:g} hours; give fewer seconds than {secs:g}."
        )
    claims = {"sub": name, "role": role.value, "exp": math.ceil((time.time() if now is None else now) + secs)}
    if channel is not None:
        claims["channel"] = channel
    signed = f"{_encoded(_json(_HEADER))}.{_encoded(_json(claims))}"
    return f"{signed}.{_encoded(_signature(key, signed))}"


def read_ticket(keys: Iterable[str], text: str, *, now: float | None = None) -> Identity:
    """Whom a ticket is for.

    Args:
        keys: any of them may have signed it, so that a new one can be brought in before the old one goes.
        text: the ticket.
        now: seconds since 1970.

    Raises:
        BadTicket: it is none, is signed with no such key, has run out, or holds for more than a day.

    >>> read_ticket(["k" * 32], make_ticket("k" * 32, "ada")).name
    'ada'
    """
    try:
        head, body, mark = text[:LONGEST_TICKET].split(".")
        given = _decoded(mark)
        header = json.loads(_decoded(head))
    except (ValueError, RecursionError) as error:
        raise BadTicket("This is no ticket.") from error
    # The algorithm is ours to choose: "none", or a public key taken for a secret, are old ways in.
    if not isinstance(header, dict) or header.get("alg") != _HEADER["alg"] or "crit" in header:
        raise BadTicket("The ticket is not signed with HS256.")
    # All keys are compared, so that the time does not say which it was.
    if not sum([hmac.compare_digest(given, _signature(key, f"{head}.{body}")) for key in keys]):
        raise BadTicket("The ticket is signed with no key that holds.")
    return _identity(body, time.time() if now is None else now)


def is_name(name: Any) -> bool:
    """Whether a text can be a caller's sender."""
    return isinstance(name, str) and 0 < len(name) <= LONGEST_NAME and name.isprintable()


def _identity(body: str, now: float) -> Identity:
    try:
        claims = json.loads(_decoded(body))
        expires, begins = float(claims["exp"]), float(claims.get("nbf", -math.inf))
        role = Role(claims.get("role", Role.CALLER.value))
        name, channel = claims["sub"], claims.get("channel")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError) as error:
        raise BadTicket("The ticket lacks 'sub' or 'exp', or has a 'role' that does not exist.") from error
    if not is_name(name) or not (channel is None or is_name(channel)) or role is Role.HELPDESK:
        raise BadTicket("The ticket is for nobody who can have one.")
    if not begins - CLOCKS_APART_SECS <= now < expires + CLOCKS_APART_SECS:
        raise BadTicket("The ticket has run out, or does not hold yet.")
    if expires - now > LONGEST_SECS + CLOCKS_APART_SECS:
        raise BadTicket("The ticket holds for more than a day, which none may.")
    return Identity(role, name, channel)


_HEADER = {"alg": "HS256", "typ": "JWT"}


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _signature(key: str, signed: str) -> bytes:
    return hmac.new(key.encode(), signed.encode("utf-8", "replace"), hashlib.sha256).digest()


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("this is not base64url") from error
