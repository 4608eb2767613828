"""Sessions: signed cookies, which any process with the same users file reads, and which no database is needed for."""

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass

from rasa_emotion.console.users import User, Users

IDLE_SECS = 1800.0
"""Without a request of the person's own, a session ends after so long."""

LONGEST_SECS = 12 * 3600.0
"""However busy, it ends after so long."""

RENEW_SECS = 60.0
"""A session that was renewed within this time is not renewed again."""

LONGEST_COOKIE = 1024


@dataclass(frozen=True)
class Session:
    """One sign-in.

    Args:
        name: the person's.
        began, seen: seconds since 1970 of the sign-in and of the last request.
        number: drawn at the sign-in.
    """

    name: str
    began: float
    seen: float
    number: str


def new_session(name: str, now: float) -> Session:
    """A session that begins."""
    return Session(name, now, now, secrets.token_hex(16))


def write_session(session: Session, user: User, key: bytes) -> str:
    """The cookie's value."""
    body = _encoded(json.dumps(vars(session), separators=(",", ":")).encode())
    return f"{body}.{_mark(body, user, key)}"


def read_session(cookie: str, users: Users, now: float, *, idle_secs: float = IDLE_SECS) -> Session | None:
    """The session that a cookie holds; None where it is none, is not signed by us, or has ended.

    A new password, or another role, ends the sessions from before. A clock that is put back ends none.
    """
    try:
        body, mark = cookie[:LONGEST_COOKIE].split(".")
        session = Session(**json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))))
        user = users.by_name[session.name]
    except (ValueError, TypeError, KeyError, binascii.Error, RecursionError):
        return None
    if not hmac.compare_digest(mark.encode(), _mark(body, user, users.key).encode()):
        return None
    alive = now - session.seen < idle_secs and now - session.began < LONGEST_SECS
    return session if alive else None


def csrf_token(key: bytes, number: str) -> str:
    """What each request of a session that changes something carries."""
    return hmac.new(key, f"csrf {number}".encode(), hashlib.sha256).hexdigest()[:32]


def _mark(body: str, user: User, key: bytes) -> str:
    signed = f"session {body} {user.role.value} {user.hash}"
    return _encoded(hmac.new(key, signed.encode(), hashlib.sha256).digest())


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
