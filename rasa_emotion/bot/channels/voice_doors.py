"""Who may open a line: proof before the socket is accepted, by each protocol's own means."""

import base64
import binascii
import hmac
import ipaddress
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from sanic.request import Request

FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")


def admits_client(request: Request, token: str | None) -> str | None:
    """Why a client of the WebSocket, or the softphone, may not come in; None where it may.

    Without a token only this machine may: neither what a proxy hands on, nor a page of another site that runs in a
    browser of this machine.
    """
    if token is not None:
        return None if _same(_token_of(request), token) else "The token of credentials.yml is missing, or another."
    if any(request.headers.get(name) for name in FORWARDED) or not _is_local(request):
        return "Clients of other machines need a 'token', which credentials.yml does not set."
    origin = request.headers.get("origin")
    if origin and urlsplit(origin).netloc != request.headers.get("host"):
        return "A page of another site may not open calls without a token."
    return None


def admits_basic(request: Request, username: str, password: str) -> str | None:
    """Why a request with basic authentication may not come in; None where it may."""
    kind, _, given = request.headers.get("authorization", "").partition(" ")
    try:
        found = base64.b64decode(given, validate=True).decode("utf-8") if kind.lower() == "basic" else ""
    except (binascii.Error, UnicodeDecodeError):
        found = ""
    return None if _same(found, f"{username}:{password}") else "The user name or password is not that of the bot."


def signed_by_twilio(signature: str | None, url: str, auth_token: str, fields: Mapping[str, Any] | None = None) -> bool:
    """Whether Twilio signed a request to this address.

    Args:
        signature: of the header `X-Twilio-Signature`.
        url: as Twilio was given it: with wss for a stream, and with its query as it was sent.
        auth_token: of the account.
        fields: of the form that was posted.
    """
    from twilio.request_validator import RequestValidator  # noqa: PLC0415 -- Rasa brings it, Rasa Pro does not

    if not signature:  # which the library would fail on
        return False
    validator = RequestValidator(auth_token)
    parts = urlsplit(url)
    bare = parts._replace(netloc=parts.hostname or "").geturl()
    # Twilio may sign with the port or without; the library takes wss for http and tries port 80.
    port = parts.port or {"wss": 443, "https": 443}.get(parts.scheme, 80)
    with_port = parts._replace(netloc=f"{parts.hostname}:{port}").geturl()
    return any(_same(validator.compute_signature(one, fields or {}), signature) for one in {url, bare, with_port})


def _token_of(request: Request) -> str:
    kind, _, given = request.headers.get("authorization", "").partition(" ")
    return given if kind.lower() == "bearer" else str(request.args.get("token", ""))


def _is_local(request: Request) -> bool:
    try:
        return ipaddress.ip_address(request.ip).is_loopback
    except ValueError:  # a UNIX socket
        return not request.ip


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(errors="surrogatepass"), other.encode(errors="surrogatepass"))
