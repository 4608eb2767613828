"""An input channel around any other: while a human has a conversation, the two talk and the bot is silent."""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable, Collection
from contextvars import ContextVar
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

from rasa_emotion.bot.channels.relay_callers import Callers, presence_of, push_of
from rasa_emotion.bot.channels.relay_service import TICK_SECS, RelayService, Unavailable
from rasa_emotion.bot.channels.relay_turns import Turns
from rasa_emotion.endpoints import read_endpoints
from rasa_emotion.errors import ConfigError
from rasa_emotion.handoff.helpdesk import BadRequest, FromHuman, PermanentFailure
from rasa_emotion.handoff.helpdesks import open_helpdesk
from rasa_emotion.handoff.record import Record, Said, UnknownHandover
from rasa_emotion.handoff.signing import same
from rasa_emotion.logs import named
from rasa_emotion.settings import check_flag, check_text, checked
from rasa_emotion.turn import intake
from rasa_emotion.turn.intake import Intake, check_name
from rasa_emotion.turn.message import FAILED, Taken, Turn, TurnRefused

logger = logging.getLogger(__name__)

HUMAN_HEADER = "X-Emotion-Human"
"""Says in answers whether a human has the conversation: `true` or `false`."""

LONGEST_POLL_SECS = 60.0
MOST_DIGITS = 19

CLOCKS_APART_SECS = 60.0
"""How far a helpdesk's clock may be from ours."""

NOTHING_SAID = b"[]"
"""What Rasa's REST channel answers with where the bot said nothing."""

LIMITS = ("max_chars", "max_metadata_kb", "max_waiting")

DEFAULTS: dict[str, Any] = {
    # The channel that is wrapped: a name of Rasa's, such as rest, or a module path.
    "channel": None,
    # That channel's own credentials.
    "options": None,
    # What a caller's client must add to the query when it asks for messages; null asks for nothing.
    "token": None,
    # Where messages for callers are posted; null leaves them to be asked for, or to the channel's own way.
    "callback_url": None,
    # Response with which the bot takes a conversation up again; null waits for the caller's next message.
    "resume_action": None,
    # Whether this server delivers to the helpdesk too; false where `rasa-emotion handoff work` does.
    "worker": True,
    # Limits of a wrapped channel that has none of its own, as docs/rest-channel.md says.
    **{key: intake.DEFAULTS[key] for key in LIMITS},
}

# ContextVar read by the response middleware: the wrapped channel makes the response, the guard decides about it.
_word: ContextVar[dict[str, Any] | None] = ContextVar("word", default=None)


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
            if self._intake is None or not (message.text or "").strip():
                await to_whose_turn_it_is(message)
                return
            try:
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
        webhook.add_route(messages, "/messages", methods=["GET"], name="relay_messages")
        webhook.add_route(helpdesk, "/helpdesk", methods=["POST"], name="relay_helpdesk")
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
        if self.config["token"] is not None and not same(request.args.get("token", ""), self.config["token"]):
            return _failure(401, "The query lacks the 'token' of credentials.yml, or has another; correct it.")
        try:
            sender, after, wait_secs = _polled(request)
            check_name("sender", sender)
        except (ValueError, TurnRefused) as error:
            return _failure(400, str(error))
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
            return _failure(503, str(error))
        human = holder is not None or service.keeper.handed_over(sender)
        return response.json([_public(one) for one in said], headers=_headers(human))

    async def _from_helpdesk(self, request: Request) -> HTTPResponse:
        """Keeps what the helpdesk reports."""
        service, _ = self._started()
        try:
            # In a thread: markup takes time.
            reported = await asyncio.to_thread(service.helpdesk.receive, dict(request.headers), request.body)
        except BadRequest as error:
            return _failure(400, str(error))
        except PermanentFailure as error:
            return _failure(401, str(error))
        try:
            voices = service.endpoints.voice_channels
            # Asked first: what is on its way now may have arrived, and its ticket be noted, a moment later.
            delivering = await service.ask(lambda record: record.delivering())
            unknown = [item.ticket for item in reported if not await service.ask(partial(_keep, item, voices=voices))]
        except Unavailable as error:
            return _failure(503, str(error))
        if unknown and delivering:
            return _failure(503, "A packet is being delivered whose ticket is not noted yet; try again.")
        if unknown:
            return _failure(404, f"No handover has the ticket {', '.join(sorted(set(unknown)))}.")
        return response.json({"status": "ok"})


def _keep(item: FromHuman, record: Record, voices: Collection[str] = ()) -> bool:
    """Keep one report; False where its ticket is none of a handover. `voices` are channels that speak to callers."""
    of_key = record.handover(item.key) if item.key else None
    handover = of_key or record.of_ticket(item.ticket)
    if handover is None:
        return False
    if of_key is None and item.hand_back and item.at is not None and item.at < handover.created - CLOCKS_APART_SECS:
        logger.info(
            "A hand-back is passed over: it is older than the handover '%s' of its ticket.",
            handover.key,
            extra=named("relay.handback.ignored"),
        )
        return True
    try:
        text, undelivered = _told(item, spoken=handover.channel in voices)
        if undelivered and item.machine:
            # A note would not reach whoever made the rule, and could open a conversation that is resolved again.
            logger.info(
                "What the helpdesk sent by itself does not reach the caller: %s.",
                undelivered,
                extra=named("relay.message.ignored"),
            )
            undelivered = ""
        if text or undelivered:
            record.to_caller(handover.key, text, item.id, machine=item.machine, undelivered=undelivered)
        if item.hand_back:
            record.close(handover.key, item.outcome)
    except UnknownHandover:
        return False  # deleted in between
    return True


def _told(item: FromHuman, *, spoken: bool) -> tuple[str, str]:
    """The words for the caller, and what of the report is not among them."""
    if not spoken or item.spoken is None:
        return item.text, item.undelivered
    silent = item.text.count("://") > item.spoken.count("://")
    unspoken = "addresses and files, since the caller only hears" if silent else ""
    return item.spoken, "; ".join(filter(None, (item.undelivered, unspoken)))


def _await_word(request: Request) -> None:
    _word.set({})


def _leave_word(**said: Any) -> None:
    word = _word.get()
    if word is not None:
        word.update(said)


def _pass_word_on(request: Request, answer: BaseHTTPResponse) -> BaseHTTPResponse | None:
    word = _word.get() or {}
    if "refused" in word:
        return _failure(word["refused"].status, str(word["refused"]))
    if "failed" in word and getattr(answer, "body", None) == NOTHING_SAID:
        return _failure(word["failed"].status, str(word["failed"]))
    if "human" in word and answer is not None:
        answer.headers.update(_headers(word["human"]))
    return None


def _turn(message: UserMessage) -> Turn:
    return Turn(
        message.sender_id, message.text, None, message.metadata or {}, message.input_channel, message.message_id
    )


async def _in_place_of(message: UserMessage, hand_on: Callable[[UserMessage], Awaitable[None]], taken: Taken) -> None:
    """Hand on what was taken of a message; the rest of it is the wrapped channel's."""
    message.text, message.metadata = taken.text, taken.metadata
    await hand_on(message)


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
    """Sender, id of the last message that the caller has, and seconds to wait. Raises ValueError."""
    sender = request.args.get("sender")
    if not sender:
        raise ValueError("The query names no 'sender'; give the one that the caller's messages have.")
    after, wait = request.args.get("after", "0"), request.args.get("wait", "0")
    if not (after.isascii() and after.isdigit() and len(after) < MOST_DIGITS):
        raise ValueError("'after' is not an id of a message; give the largest one so far, or leave it out.")
    try:
        secs = float(wait)
    except ValueError:
        secs = math.nan
    if not 0 <= secs <= LONGEST_POLL_SECS:
        raise ValueError(f"'wait' must be between 0 and {LONGEST_POLL_SECS:g} seconds.")
    return sender, int(after), secs


def _failure(status: int, sentence: str) -> HTTPResponse:
    return response.json({"status": "failure", "code": status, "message": sentence}, status=status)


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
        for name in ("token", "callback_url", "resume_action"):
            check_text(owner, name, settings[name], optional=True)
        check_flag(owner, "worker", settings["worker"])
    except ConfigError as error:
        raise InvalidConfigException(str(error)) from error
    return settings
