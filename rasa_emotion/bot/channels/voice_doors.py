"""Who may open a line: proof before the socket is accepted, by each protocol's own means."""

import base64
import binascii
import hmac
import ipaddress
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from sanic.request import Request

from rasa_emotion.bot.channels.guard import Door
from rasa_emotion.endpoints import VOICE_CHANNEL
from rasa_emotion.turn.access import HEADER, Access
from rasa_emotion.turn.refusal import TurnRefused
from rasa_emotion.turn.roles import ANYBODY, Identity, Right

FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")


def client_door(access: Access, right: Right) -> Door:
    """For clients of the WebSocket, the softphone and the dialplan: a key or a ticket with a right.

    Where the channel asks for none, only this machine may come in: neither what a proxy hands on, nor a page of another
    site that runs in a browser of this machine.
    """

    def ask(request: Request) -> Identity:
        if not access.asks:
            _check_local(request)
            return ANYBODY
        found = access.identify(request.headers, request.args.get(HEADER))
        found.require(right)
        if found.channel not in (None, VOICE_CHANNEL):
            raise TurnRefused(403, f"The ticket is not for the channel '{VOICE_CHANNEL}'.")
        return found

    return Door(ask)


def _check_local(request: Request) -> None:
    """Raises TurnRefused (401)."""
    if any(request.headers.get(name) for name in FORWARDED) or not _is_local(request):
        raise TurnRefused(401, "Clients of other machines need a key: set 'token_file' in credentials.yml.")
    origin = request.headers.get("origin")
    if origin and urlsplit(origin).netloc != request.headers.get("host"):
        raise TurnRefused(401, "A page of another site may not open calls without a key.")


def basic_door(username: str, password: str) -> Door:
    """Basic authentication."""

    def ask(request: Request) -> Identity:
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        try:
            found = base64.b64decode(given, validate=True).decode("utf-8") if kind.lower() == "basic" else ""
        except (binascii.Error, UnicodeDecodeError):
            found = ""
        if not _same(found, f"{username}:{password}"):
            raise TurnRefused(401, "The user name or password is not that of the bot.")
        return ANYBODY

    return Door(ask)


def twilio_door(auth_token: str, address: Callable[[Request], str]) -> Door:
    """Twilio's signature.

    Args:
        auth_token: of the account.
        address: of a request, as Twilio was given it.
    """

    def ask(request: Request) -> Identity:
        fields = {key: values[0] for key, values in (request.form or {}).items()} if request.method == "POST" else {}
        if not signed_by_twilio(request.headers.get("x-twilio-signature"), address(request), auth_token, fields):
            raise TurnRefused(403, "The request is not signed by Twilio's account.")
        return ANYBODY

    return Door(ask, reads_body=True)


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


def _is_local(request: Request) -> bool:
    try:
        return ipaddress.ip_address(request.ip).is_loopback
    except ValueError:  # a UNIX socket
        return not request.ip


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(errors="surrogatepass"), other.encode(errors="surrogatepass"))
