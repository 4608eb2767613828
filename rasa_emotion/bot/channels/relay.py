"""An input channel around any other: while a human has a conversation, the two talk and the bot is silent."""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from rasa.core.channels import BUILTIN_CHANNELS
from rasa.core.channels.channel import InputChannel, OutputChannel, UserMessage
from rasa.shared.exceptions import InvalidConfigException, RasaException
from rasa.shared.utils.common import class_from_module_path
from sanic import Blueprint, Sanic, response
from sanic.exceptions import SanicException
from sanic.request import Request
from sanic.response import BaseHTTPResponse, HTTPResponse

from rasa_emotion.bot.channels.guard import failure, guard, warn_where_open, who, word
from rasa_emotion.bot.channels.relay_callers import Callers, presence_of, push_of
from rasa_emotion.bot.channels.relay_reports import keep
from rasa_emotion.bot.channels.relay_service import TICK_SECS, RelayService, Unavailable
from rasa_emotion.bot.channels.relay_turns import Turns
from rasa_emotion.endpoints import read_endpoints
from rasa_emotion.errors import ConfigError
from rasa_emotion.handoff.helpdesk import BadRequest, PermanentFailure
from rasa_emotion.handoff.helpdesks import open_helpdesk
from rasa_emotion.handoff.record import Said
from rasa_emotion.logs import named
from rasa_emotion.settings import check_flag, check_number, check_text, checked
from rasa_emotion.turn import access, intake
from rasa_emotion.turn.access import Access
from rasa_emotion.turn.intake import Intake, check_name
from rasa_emotion.turn.message import DEFAULT_SENDER_ID, FAILED, Taken, Turn, TurnRefused
from rasa_emotion.turn.roles import Right

logger = logging.getLogger(__name__)

HUMAN_HEADER = "X-Emotion-Human"
"""Says in answers whether a human has the conversation: `true` or `false`."""

LONGEST_POLL_SECS = 60.0
MOST_DIGITS = 19

NOTHING_SAID = b"[]"
"""What Rasa's REST channel answers with where the bot said nothing."""

LIMITS = ("max_chars", "max_metadata_kb", "max_waiting", "max_turns", "max_wait_secs")

DEFAULTS: dict[str, Any] = {
    # The channel that is wrapped: a name of Rasa's, such as rest, or a module path.
    "channel": None,
    # That channel's own credentials.
    "options": None,
    # What the channel's routes ask for, see docs/security.md.
    **access.DEFAULTS,
    # Longest body of a wrapped channel that has no intake of its own, in kilobytes.
    "max_body_kb": 1000,
    # Where messages for callers are posted; null leaves them to be asked for, or to the channel's own way.
    "callback_url": None,
    # Response with which the bot takes a conversation up again; null waits for the caller's next message.
    "resume_action": None,
    # Whether this server delivers to the helpdesk too; false where `rasa-emotion handoff work` does.
    "worker": True,
    # Limits of a wrapped channel that has none of its own, as docs/rest-channel.md says.
    **{key: intake.DEFAULTS[key] for key in LIMITS},
}


class RelayInput(InputChannel):
    """The wrapped channel under its own name and address, with a human who may take over.

    A caller's message reaches the bot only where no human has the conversation. What the human says is fetched with
    `GET /webhooks/NAME/messages`, posted to a URL, or sent by the channel where that can.
    `POST /webhooks/NAME/helpdesk` takes what a helpdesk reports.
    """

    human_can_talk = True
    """What the policy asks before it hands a caller over; see `rasa_emotion.bot.reach`."""

    def __init__(self, channel: InputChannel, config: dict[str, Any] | None = None) -> None:
        """Wraps `channel`. Raises InvalidConfigException for an option that cannot be used."""
        self.channel = channel
        self.config = _checked_config({"channel": type(channel).__name__, **(config or {})})
        self.access = _access_of(channel, self.config)
        # Rasa asks the object; the class, which does not know what it will wrap, keeps a name of its own.
        self.__dict__["name"] = channel.name
        # A channel of this package has asked its own intake before a message comes here.
        self._intake = None if hasattr(channel, "intake") else _intake_of(self.config)
        self._service: RelayService | None = None
        self._turns: Turns | None = None

    @classmethod
    def name(cls) -> str:
        """The name of the class; an object has that of the channel that it wraps."""
        return "emotion_relay"

    @classmethod
    def from_credentials(cls, credentials: dict[str, Any] | None) -> "RelayInput":
        """Creates the channel from `credentials.yml` (see parent class for full docstring)."""
        config = _checked_config(credentials or {})
        try:
            endpoints = read_endpoints()
            open_helpdesk(endpoints.helpdesk)
        except ConfigError as error:
            raise InvalidConfigException(str(error)) from error
        return cls(_wrapped(config["channel"], config["options"]), config)

    def url_prefix(self) -> str:
        """That of the wrapped channel (see parent class for full docstring)."""
        return str(self.channel.url_prefix())

    def get_output_channel(self) -> OutputChannel | None:
        """That of the wrapped channel (see parent class for full docstring)."""
        return self.channel.get_output_channel()

    def get_metadata(self, request: Request) -> dict[str, Any] | None:
        """That of the wrapped channel (see parent class for full docstring)."""
        metadata: dict[str, Any] | None = self.channel.get_metadata(request)
        return metadata

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        """The wrapped channel's routes and two more (see parent class for full docstring)."""

        async def to_whose_turn_it_is(message: UserMessage) -> None:
            human = await self._turns.take(message) if self._turns else await on_new_message(message)
            _leave_word(human=bool(human))

        async def guarded(message: UserMessage) -> None:
            try:
                _in_own_name(message, self.channel.name())
                if self._intake is None or not (message.text or "").strip():
                    await to_whose_turn_it_is(message)
                    return
                taken = await self._intake.take(_turn(message), partial(_in_place_of, message, to_whose_turn_it_is))
                if taken.failed:
                    _leave_word(failed=TurnRefused(500, FAILED))
            except TurnRefused as error:
                logger.warning(
                    "A message to the channel '%s' was refused. %s",
                    self.channel.name(),
                    error,
                    extra=named("relay.turn.refused"),
                )
                _leave_word(refused=error)

        # Sanic marks the functions that it routes to, which it cannot do with methods.
        async def messages(request: Request) -> HTTPResponse:
            return await self._messages(request)

        async def helpdesk(request: Request) -> HTTPResponse:
            return await self._from_helpdesk(request)

        async def prepare(app: Sanic, _: object) -> None:
            self._service = RelayService.of(app)
            self._turns = Turns(self._service, lambda: getattr(app.ctx, "agent", None), on_new_message)

        async def start(app: Sanic, _: object) -> None:
            self._start(app)

        async def stop(app: Sanic, _: object) -> None:
            await RelayService.of(app).stop()

        webhook: Blueprint = self.channel.blueprint(guarded)
        most_bytes = int(self.config["max_body_kb"] * 1000)
        # A channel of this package knows what may come; any other one has a limit here.
        guard(webhook, self.access, most_bytes=None if hasattr(self.channel, "intake") else most_bytes)
        webhook.add_route(messages, "/messages", methods=["GET"], name="relay_messages")
        webhook.add_route(helpdesk, "/helpdesk", methods=["POST"], name="relay_helpdesk")
        # Helpdesks sign what they send, and many of them can set no header.
        guard(webhook, self.access, most_bytes=most_bytes, open_paths=("/helpdesk",))
        if not hasattr(self.channel, "access"):
            warn_where_open(webhook, self.access, self.name())
        webhook.middleware(_await_word, "request")
        webhook.middleware(_pass_word_on, "response")
        webhook.listener("before_server_start")(prepare)
        webhook.listener("after_server_start")(start)
        webhook.listener("before_server_stop")(stop)
        return webhook

    def _start(self, app: Sanic) -> None:
        service, turns = self._started()
        service.start(getattr(app.ctx, "agent", None), worker=self.config["worker"])
        push = push_of(self.channel, self.config["callback_url"])
        if push is not None:
            service.repeat(Callers(service, self.name(), push, presence_of(self.channel)).deliver)
        service.repeat(partial(turns.take_up_all, self.name(), utter=self.config["resume_action"]))

    def _started(self) -> tuple[RelayService, Turns]:
        if self._service is None or self._turns is None:
            raise SanicException("The server has not started yet.", status_code=503)
        return self._service, self._turns

    async def _messages(self, request: Request) -> HTTPResponse:
        """What the human said after the message that the caller names; waits for it where that is asked."""
        try:
            who().require(Right.READ)
            sender, after, wait_secs = _polled(request)
            who().own(sender)
            check_name("sender", sender)
        except TurnRefused as error:
            return failure(error)
        service, _ = self._started()
        until = time.monotonic() + wait_secs
        try:
            if after:
                await service.ask(lambda record: record.heard(sender, after))
            while True:
                said, holder = await service.ask(
                    lambda record: (record.messages_after(sender, after), record.holder(sender))
                )
                if said or service.stopping or time.monotonic() >= until:
                    break
                await asyncio.sleep(TICK_SECS)
        except Unavailable as error:
            return failure(TurnRefused(503, str(error)))
        human = holder is not None or service.keeper.handed_over(sender)
        return response.json([_public(one) for one in said], headers=_headers(human))

    async def _from_helpdesk(self, request: Request) -> HTTPResponse:
        """Keeps what the helpdesk reports."""
        service, _ = self._started()
        try:
            # In a thread: markup takes time.
            reported = await asyncio.to_thread(service.helpdesk.receive, dict(request.headers), request.body)
        except BadRequest as error:
            return failure(TurnRefused(400, str(error)))
        except PermanentFailure as error:
            return failure(TurnRefused(401, str(error)))
        try:
            voices = service.endpoints.voice_channels
            # Asked first: what is on its way now may have arrived, and its ticket be noted, a moment later.
            delivering = await service.ask(lambda record: record.delivering())
            unknown = [item.ticket for item in reported if not await service.ask(partial(keep, item, voices=voices))]
        except Unavailable as error:
            return failure(TurnRefused(503, str(error)))
        if unknown and delivering:
            return failure(TurnRefused(503, "A packet is being delivered whose ticket is not noted yet; try again."))
        if unknown:
            return failure(TurnRefused(404, f"No handover has the ticket {', '.join(sorted(set(unknown)))}."))
        return response.json({"status": "ok"})


def _await_word(request: Request) -> None:
    word.set({})


def _leave_word(**said: Any) -> None:
    left = word.get()
    if left is not None:
        left.update(said)


def _pass_word_on(request: Request, answer: BaseHTTPResponse) -> BaseHTTPResponse | None:
    left = word.get() or {}
    if "refused" in left:
        return failure(left["refused"])
    if "failed" in left and getattr(answer, "body", None) == NOTHING_SAID:
        return failure(left["failed"])
    if "human" in left and answer is not None:
        answer.headers.update(_headers(left["human"]))
    return None


def _in_own_name(message: UserMessage, channel: str) -> None:
    """See that a message is in the name of whoever sent it. Raises TurnRefused where it is in another one."""
    identity = who()
    identity.require(Right.SPEAK)
    # Rasa's name for a message that has none.
    message.sender_id = identity.own(None if message.sender_id == DEFAULT_SENDER_ID else message.sender_id)
    message.sender_id = DEFAULT_SENDER_ID if message.sender_id is None else message.sender_id
    named_channel = None if message.input_channel == channel else message.input_channel
    message.input_channel = identity.own_channel(named_channel) or channel


def _turn(message: UserMessage) -> Turn:
    return Turn(
        message.sender_id, message.text, None, message.metadata or {}, message.input_channel, message.message_id
    )


async def _in_place_of(message: UserMessage, hand_on: Callable[[UserMessage], Awaitable[None]], taken: Taken) -> None:
    """Hand on what was taken of a message; the rest of it is the wrapped channel's."""
    message.text, message.metadata = taken.text, taken.metadata
    await hand_on(message)


def _access_of(channel: InputChannel, config: dict[str, Any]) -> Access:
    """What relay and wrapped channel ask for together. Raises InvalidConfigException."""
    try:
        own = Access(RelayInput.__name__, config)
        wrapped: Access | None = getattr(channel, "access", None)
        if wrapped is None:
            return own
        if own.asks and wrapped.asks:
            raise ConfigError(f"{RelayInput.__name__}: 'token' stands here and in 'options'; leave it out there.")
    except ConfigError as error:
        raise InvalidConfigException(str(error)) from error
    if not own.asks:
        return wrapped
    channel.access = own
    return own


def _intake_of(config: dict[str, Any]) -> Intake:
    try:
        return Intake(RelayInput.__name__, {key: config[key] for key in LIMITS})
    except ConfigError as error:
        raise InvalidConfigException(str(error)) from error


def _headers(human: bool) -> dict[str, str]:
    # Without the second one, a browser hides the first from a page of another origin.
    return {HUMAN_HEADER: str(human).lower(), "Access-Control-Expose-Headers": HUMAN_HEADER}


def _public(said: Said) -> dict[str, Any]:
    return {"id": said.id, "recipient_id": said.sender, "text": said.text, "timestamp": said.created}


def _polled(request: Request) -> tuple[str, int, float]:
    """Sender, id of the last message that the caller has, and seconds to wait. Raises TurnRefused."""
    sender = request.args.get("sender")
    if not sender:
        raise TurnRefused(400, "The query names no 'sender'; give the one that the caller's messages have.")
    after, wait = request.args.get("after", "0"), request.args.get("wait", "0")
    if not (after.isascii() and after.isdigit() and len(after) < MOST_DIGITS):
        raise TurnRefused(400, "'after' is not an id of a message; give the largest one so far, or leave it out.")
    try:
        secs = float(wait)
    except ValueError:
        secs = math.nan
    if not 0 <= secs <= LONGEST_POLL_SECS:
        raise TurnRefused(400, f"'wait' must be between 0 and {LONGEST_POLL_SECS:g} seconds.")
    return sender, int(after), secs


def _wrapped(name: str, options: dict[str, Any] | None) -> InputChannel:
    owner = RelayInput.__name__
    try:
        kind: Any = BUILTIN_CHANNELS.get(name) or class_from_module_path(name)
    except (ImportError, AttributeError, RasaException) as error:
        known = ", ".join(BUILTIN_CHANNELS)
        remedy = f"give a module path or one of {known}."
        raise InvalidConfigException(f"{owner}: 'channel' '{name}' cannot be loaded ({error}); {remedy}") from error
    usable = isinstance(kind, type) and issubclass(kind, InputChannel) and not issubclass(kind, RelayInput)
    if not usable:
        raise InvalidConfigException(f"{owner}: 'channel' names '{name}', which is not an input channel; name one.")
    channel: InputChannel = kind.from_credentials(options)
    return channel


def _checked_config(config: dict[str, Any]) -> dict[str, Any]:
    owner = RelayInput.__name__
    try:
        settings = checked(owner, config, DEFAULTS)
        check_text(owner, "channel", settings["channel"])
        if settings["options"] is not None and not isinstance(settings["options"], dict):
            raise ConfigError(f"{owner}: 'options' is {settings['options']!r}; give that channel's credentials.")
        check_number(owner, "max_body_kb", settings["max_body_kb"], above=0)
        for name in ("callback_url", "resume_action"):
            check_text(owner, name, settings[name], optional=True)
        check_flag(owner, "worker", settings["worker"])
    except ConfigError as error:
        raise InvalidConfigException(str(error)) from error
    return settings
