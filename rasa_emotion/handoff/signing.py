"""Signatures of requests: HMAC-SHA256 over time and body, so that none can be forged, or used again much later."""

import hashlib
import hmac
import time
from collections.abc import Mapping

TOLERANCE_SECS = 300.0
"""How far a request's time may be from ours: clocks differ, and queues take time."""


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """HMAC-SHA256 with `secret` over `timestamp`, a full stop and `body`, in hexadecimal after "sha256=".

    >>> signature("secret", "1700000000", b"{}")[:20]
    'sha256=b8569b78799ff'
    """
    signed = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256)
    return f"sha256={signed.hexdigest()}"


def genuine(
    secret: str,
    timestamp: str,
    given: str,
    body: bytes,
    *,
    tolerance_secs: float = TOLERANCE_SECS,
    now: float | None = None,
) -> bool:
    """Whether `given` is the signature of a request whose `timestamp` (seconds since 1970) is not too far from now."""
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 12):
        return False
    if abs((time.time() if now is None else now) - int(timestamp)) > tolerance_secs:
        return False
    return same(given, signature(secret, timestamp, body))


def same(given: str, expected: str) -> bool:
    """Whether two texts are the same, in a time that does not say where they differ."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode("utf-8", "replace"))


def header(headers: Mapping[str, str], name: str) -> str:
    """The header `name` in whatever case it was sent; empty where it is missing."""
    return next((value for key, value in headers.items() if key.lower() == name.lower()), "")
