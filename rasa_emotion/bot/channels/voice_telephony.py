"""Routes for telephony: what Twilio and jambonz ask when a call comes in, when it ends, and their sockets."""

from typing import Any
from urllib.parse import urlsplit

from sanic import Blueprint, response
from sanic.request import Request
from sanic.response import HTTPResponse

from rasa_emotion.bot.channels import voice_lines
from rasa_emotion.bot.channels.guard import Door, failure, who
from rasa_emotion.bot.channels.voice_calls import Calls
from rasa_emotion.bot.channels.voice_doors import basic_door, client_door, twilio_door
from rasa_emotion.bot.channels.voice_options import VoiceOptions
from rasa_emotion.turn.access import Access
from rasa_emotion.turn.refusal import TurnRefused
from rasa_emotion.turn.roles import Right
from rasa_emotion.voice.transports.jambonz import SUBPROTOCOL, Jambonz
from rasa_emotion.voice.transports.twilio import Twilio

JAMBONZ_RATE = 16_000
TRANSFER = "transfer"


def add_telephony(webhook: Blueprint, calls: Calls, options: VoiceOptions, access: Access) -> dict[str, Door]:
    """Add the routes of the lines that are on, and what Asterisk's dialplan asks; returns what each asks for."""
    lines, to = options.lines, options.given["transfer_to"]
    doors: dict[str, Door] = {}
    if "twilio" in lines:
        doors |= _Twilio(calls, lines["twilio"]["url"], lines["twilio"]["auth_token"], to).add(webhook)
    if "jambonz" in lines:
        line = lines["jambonz"]
        doors |= _Jambonz(calls, line["url"], line["username"], line["password"], to).add(webhook)

    async def next_step(request: Request, call: str) -> HTTPResponse:
        try:
            who().own(call)
        except TurnRefused as error:
            return failure(error)
        return response.text(TRANSFER if calls.outcome(call) == TRANSFER else "hangup")

    webhook.add_route(next_step, "/next/<call>", methods=["GET"])
    return {**doors, "/next/<call>": client_door(access, Right.READ)}


class _Twilio:
    """TwiML for a call that comes in, the stream, and TwiML for what follows it."""

    def __init__(self, calls: Calls, url: str, auth_token: str, transfer_to: str | None) -> None:
        self._calls, self._url, self._token, self._to = calls, url.rstrip("/"), auth_token, transfer_to

    def add(self, webhook: Blueprint) -> dict[str, Door]:
        """Add the routes, each behind Twilio's signature."""
        from twilio.twiml.voice_response import Connect, VoiceResponse  # noqa: PLC0415 -- Rasa brings it

        async def incoming(request: Request) -> HTTPResponse:
            answer, connect = VoiceResponse(), Connect(action=f"{self._url}{request.path}/next")
            stream = connect.stream(url=_as_ws(f"{self._url}{request.path}/stream"))
            stream.parameter(name="caller", value=request.form.get("From", "") if request.form else "")
            answer.append(connect)
            return response.text(str(answer), content_type="text/xml")

        async def following(request: Request) -> HTTPResponse:
            answer = VoiceResponse()
            call = request.form.get("CallSid", "") if request.form else ""
            if self._to is not None and self._calls.outcome(call) == TRANSFER:
                answer.dial(self._to)
            else:
                answer.hangup()
            return response.text(str(answer), content_type="text/xml")

        async def stream(request: Request, ws: Any) -> None:
            await voice_lines.hold_websocket(self._calls, Twilio(), ws)

        webhook.add_route(incoming, "/twilio", methods=["POST"], name="twilio_incoming")
        webhook.add_route(following, "/twilio/next", methods=["POST"], name="twilio_following")
        webhook.add_websocket_route(stream, "/twilio/stream")
        return dict.fromkeys(("/twilio", "/twilio/next", "/twilio/stream"), twilio_door(self._token, self._address))

    def _address(self, request: Request) -> str:
        """The address as Twilio was given it: what a proxy made of it does not count."""
        query = f"?{request.query_string}" if request.query_string else ""
        address = f"{self._url}{request.path}{query}"
        return _as_ws(address) if request.path.endswith("/stream") else address


class _Jambonz:
    """Verbs for a call that comes in, the socket, and verbs for what follows."""

    def __init__(self, calls: Calls, url: str, username: str, password: str, transfer_to: str | None) -> None:
        self._calls, self._url, self._to = calls, url.rstrip("/"), transfer_to
        self._username, self._password = username, password

    def add(self, webhook: Blueprint) -> dict[str, Door]:
        """Add the routes, each behind basic authentication."""

        async def incoming(request: Request) -> HTTPResponse:
            listen = {
                "verb": "listen",
                "url": _as_ws(f"{self._url}{request.path}/listen"),
                "wsAuth": {"username": self._username, "password": self._password},
                "actionHook": f"{self._url}{request.path}/next",
                "sampleRate": JAMBONZ_RATE,
                "mixType": "mono",
                "passDtmf": True,
                # Both are needed: without `streaming` the caller hears nothing.
                "bidirectionalAudio": {"enabled": True, "streaming": True, "sampleRate": JAMBONZ_RATE},
            }
            return response.json([{"verb": "answer"}, listen])

        async def following(request: Request) -> HTTPResponse:
            said = request.json if isinstance(request.json, dict) else {}
            call = said.get("call_sid") or said.get("callSid")
            if self._to is not None and self._calls.outcome(str(call)) == TRANSFER:
                return response.json([{"verb": "dial", "target": [{"type": "phone", "number": self._to}]}])
            return response.json([{"verb": "hangup"}])

        async def listening(request: Request, ws: Any) -> None:
            await voice_lines.hold_websocket(self._calls, Jambonz(JAMBONZ_RATE), ws)

        webhook.add_route(incoming, "/jambonz", methods=["POST"], name="jambonz_incoming")
        webhook.add_route(following, "/jambonz/next", methods=["POST"], name="jambonz_following")
        webhook.add_websocket_route(listening, "/jambonz/listen", subprotocols=[SUBPROTOCOL])
        door = basic_door(self._username, self._password)
        return dict.fromkeys(("/jambonz", "/jambonz/next", "/jambonz/listen"), door)


def _as_ws(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(scheme={"https": "wss", "http": "ws"}.get(parts.scheme, parts.scheme)).geturl()
