"""The channel for live calls: a WebSocket, Twilio, jambonz and Asterisk, and a telephone in the browser."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

from rasa.core.channels.channel import InputChannel, OutputChannel, UserMessage
from rasa.shared.exceptions import InvalidConfigException
from sanic import Blueprint, Sanic, response
from sanic.request import Request
from sanic.response import HTTPResponse

from rasa_emotion.bot.channels import voice_lines
from rasa_emotion.bot.channels.guard import Door, guard, who
from rasa_emotion.bot.channels.voice_calls import Calls
from rasa_emotion.bot.channels.voice_doors import client_door
from rasa_emotion.bot.channels.voice_options import OWNER, VoiceOptions
from rasa_emotion.bot.channels.voice_output import spoken
from rasa_emotion.bot.channels.voice_softphone import PAGES, add_softphone
from rasa_emotion.bot.channels.voice_telephony import add_telephony
from rasa_emotion.endpoints import VOICE_CHANNEL
from rasa_emotion.errors import ConfigError
from rasa_emotion.turn import access, intake
from rasa_emotion.turn.access import Access
from rasa_emotion.turn.intake import Intake
from rasa_emotion.turn.roles import Identity, Right
from rasa_emotion.voice.parts import Parts
from rasa_emotion.voice.synthesisers.speech import Speech
from rasa_emotion.voice.transports.json_audio import JsonAudio

SENDER_HEADER = "X-Rasa-Sender"
MOST_BYTES = 100_000
"""Longest body of a request: what a telephone service reports of a call is a few kilobytes."""

_SENDER = re.compile(r"^[A-Za-z0-9._:-]{1,128}$")


class VoiceInput(InputChannel):
    """Holds calls: hears the caller while they speak, gives each turn to the bot, speaks its answers in its tone.

    `WS /webhooks/voice/websocket` speaks Rasa Pro's `json_audio`; docs/live.md has the other lines and all options.
    """

    def __init__(self, config: dict[str, Any] | None = None) -> None:
        """Constructs the channel. Raises InvalidConfigException for an option that cannot be used."""
        try:
            self.options = VoiceOptions.checked(config or {})
            self.access = Access(OWNER, {key: self.options.given[key] for key in access.DEFAULTS})
            self.voices = self.options.voices()
            self.intake = Intake(OWNER, {key: self.options.given[key] for key in intake.DEFAULTS})
        except ConfigError as error:
            raise InvalidConfigException(str(error)) from error
        self.calls: Calls | None = None

    @classmethod
    def name(cls) -> str:
        """The channel's name, which is also its place under `/webhooks/`."""
        return VOICE_CHANNEL

    @classmethod
    def from_credentials(cls, credentials: dict[str, Any] | None) -> "VoiceInput":
        """Creates the channel from `credentials.yml` (see parent class for full docstring)."""
        return cls(credentials)

    def get_output_channel(self) -> OutputChannel:
        """Speaks into the call of a conversation while it lasts (see parent class for full docstring)."""
        return _Announcer(self)

    def is_present(self, sender: str) -> bool:
        """Whether this conversation is a call now, so that somebody hears what is said to it."""
        return self.calls is not None and self.calls.of(sender) is not None

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        """The channel's routes (see parent class for full docstring)."""
        webhook = Blueprint("voice_webhook", __name__)
        app_of: list[Sanic] = []

        def agent() -> Any:
            return getattr(app_of[0].ctx, "agent", None) if app_of else None

        calls = self.calls = Calls(
            self.name(),
            self.options,
            voices=self.voices,
            intake=self.intake,
            on_new_message=on_new_message,
            agent=agent,
        )
        asks = client_door(self.access, Right.SPEAK)

        def admit(request: Request) -> Identity:
            identity = asks.ask(request)
            identity.own(_named(request))
            return identity

        async def websocket(request: Request, ws: Any) -> None:
            call = who().own(_named(request)) or f"voice-{uuid4().hex}"
            transport = JsonAudio(call, events=request.args.get("events") == "1")
            await voice_lines.hold_websocket(calls, transport, ws, by=who())

        servers: list[asyncio.AbstractServer] = []
        preparing: list[asyncio.Future[Parts]] = []

        async def start(app: Sanic, _: object) -> None:
            app_of.append(app)
            # Beside the start: a server answers its health check before a recogniser of 145 MB is read.
            preparing.append(asyncio.ensure_future(calls.prepare()))
            line = self.options.lines.get("audiosocket")
            server = await voice_lines.listen(calls, line["host"], int(line["port"])) if line else None
            if server is not None:
                servers.append(server)

        async def stop(app: Sanic, _: object) -> None:
            for server in servers:
                server.close()
            await calls.close()

        webhook.add_route(_health, "/", methods=["GET"])
        webhook.add_websocket_route(websocket, "/websocket")
        add_softphone(webhook)
        doors = add_telephony(webhook, calls, self.options, self.access)
        guard(webhook, self.access, most_bytes=MOST_BYTES, open_paths=PAGES, doors={**doors, "/websocket": Door(admit)})
        webhook.listener("before_server_start")(start)
        webhook.listener("before_server_stop")(stop)
        return webhook


class _Announcer(OutputChannel):
    """Speaks to whichever call a conversation is at the moment."""

    def __init__(self, channel: VoiceInput) -> None:
        self._channel = channel

    @classmethod
    def name(cls) -> str:
        """The channel's name (see parent class for full docstring)."""
        return VOICE_CHANNEL

    async def send_text_message(self, recipient_id: str, text: str, **kwargs: Any) -> None:
        """Speaks a text. Raises LookupError where the caller has gone (see parent class for full docstring)."""
        call = self._channel.calls.of(recipient_id) if self._channel.calls else None
        if call is None:
            raise LookupError("The caller has hung up.")
        call.say(Speech(spoken(text)))


async def _health(request: Request) -> HTTPResponse:
    return response.json({"status": "ok"})


def _named(request: Request) -> str | None:
    """The conversation that a client names; None where it names none, or in signs that no line has."""
    given = request.headers.get(SENDER_HEADER) or request.args.get("sender") or ""
    return given if _SENDER.match(given) else None
