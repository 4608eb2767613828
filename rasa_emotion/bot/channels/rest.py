"""The channel for turns over HTTP: words, voice, or both. It translates; `turn.intake` does the rest."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from rasa.core.channels.channel import InputChannel, UserMessage
from rasa.shared.exceptions import InvalidConfigException
from rasa.utils.endpoints import bool_arg
from sanic import Blueprint, response
from sanic.exceptions import SanicException
from sanic.request import Request
from sanic.response import HTTPResponse

from rasa_emotion.bot.channels.collectors import CHANNEL, Collector, Queued
from rasa_emotion.bot.channels.guard import failed, failure, guard, is_form, warn_where_open, who
from rasa_emotion.bot.channels.user_message import user_message
from rasa_emotion.errors import ConfigError, RasaEmotionError
from rasa_emotion.settings import check_number, checked
from rasa_emotion.turn import access, intake
from rasa_emotion.turn.access import Access
from rasa_emotion.turn.intake import Intake
from rasa_emotion.turn.message import FAILED, Taken, Turn, TurnRefused
from rasa_emotion.turn.request import from_form, from_json

WARNING_HEADER = "X-Emotion-Warning"

DEFAULTS: dict[str, Any] = {
    # Largest recording in megabytes. Sanic takes no request above 100 MB, and base64 adds a third.
    "max_audio_mb": 10,
    **access.DEFAULTS,
    **intake.DEFAULTS,
}

BASE64 = 4 / 3
"""By which JSON makes a recording longer."""

BESIDE_BYTES = 1_000_000
"""What a request may have besides the recording: words, metadata, and what JSON and forms put around them."""

OnMessage = Callable[[UserMessage], Awaitable[Any]]


class EmotionRestInput(InputChannel):
    """`POST /webhooks/emotion/webhook`: Rasa's REST channel with a voice beside the words.

    The voice is analysed in a thread while the event loop serves others. Its evidence travels in the message's
    metadata; the recording itself is neither stored nor logged. A recording that cannot be analysed costs one log
    line, the header `X-Emotion-Warning` and `warnings` in the first answer, and the turn goes on with its words.
    """

    def __init__(self, config: dict[str, Any] | None = None) -> None:
        """Constructs the channel. Raises InvalidConfigException for an option that cannot be used."""
        owner = type(self).__name__
        try:
            self.config = checked(owner, config or {}, DEFAULTS)
            check_number(owner, "max_audio_mb", self.config["max_audio_mb"], above=0, at_most=70)
            self.access = Access(owner, self.config)
            self.intake = Intake(owner, {key: self.config[key] for key in intake.DEFAULTS})
        except ConfigError as error:
            raise InvalidConfigException(str(error)) from error
        self.config |= self.intake.options

    @classmethod
    def name(cls) -> str:
        """The channel's name, which is also its place under `/webhooks/`."""
        return CHANNEL

    @classmethod
    def from_credentials(cls, credentials: dict[str, Any] | None) -> "EmotionRestInput":
        """Creates the channel from `credentials.yml` (see parent class for full docstring)."""
        return cls(credentials)

    def blueprint(self, on_new_message: OnMessage) -> Blueprint:
        """The channel's routes (see parent class for full docstring)."""
        webhook = Blueprint("emotion_webhook", __name__)

        async def receive(request: Request) -> HTTPResponse | None:
            try:
                turn = replace(self._parse(request), by=who())
                if not bool_arg(request, "stream", default=False):
                    return await self._answer(request, turn, on_new_message)
                await self._stream(request, turn, on_new_message)
                return None  # it has been answered
            except TurnRefused as error:
                return failure(error)

        webhook.add_route(_health, "/", methods=["GET"])
        webhook.add_route(receive, "/webhook", methods=["POST"])
        most = int(self.config["max_audio_mb"] * 1e6 * BASE64) + BESIDE_BYTES
        guard(webhook, self.access, most_bytes=most, check_room=self.intake.check_room)
        warn_where_open(webhook, self.access, self.name())
        return webhook

    def _parse(self, request: Request) -> Turn:
        """The turn in a request. Raises TurnRefused."""
        max_bytes = int(self.config["max_audio_mb"] * 1e6)
        if is_form(request):
            file = request.files.get("audio")
            fields = {key: values[0] for key, values in request.form.items()}
            return from_form(fields, file.body if file else None, max_bytes=max_bytes)
        try:
            body = request.json
        except SanicException as error:
            raise TurnRefused(400, "The request's body is not JSON; send JSON or multipart/form-data.") from error
        return from_json(body, max_bytes=max_bytes)

    async def _answer(self, request: Request, turn: Turn, on_new_message: OnMessage) -> HTTPResponse:
        """All answers at once."""
        collector = Collector()

        async def hand_on(taken: Taken) -> None:
            collector.warning = taken.warning
            await on_new_message(user_message(taken, collector, self.name()))

        taken = await self.intake.take(turn, hand_on, intents=_intents(request))
        if taken.failed and not collector.messages:
            raise TurnRefused(500, FAILED)
        return response.json(collector.messages, headers=_headers(taken))

    async def _stream(self, request: Request, turn: Turn, on_new_message: OnMessage) -> None:
        """Each answer as it comes. Returns, and so gives the next turn way, when the bot is done."""

        async def hand_on(taken: Taken) -> None:
            queue: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
            answers = await request.respond(headers=_headers(taken), content_type="text/event-stream")
            output = Queued(queue)
            output.warning = taken.warning
            handling = asyncio.ensure_future(_without_exit(on_new_message(user_message(taken, output, self.name()))))
            handling.add_done_callback(lambda _: queue.put_nowait(None))
            said = False
            try:
                while (answer := await queue.get()) is not None:
                    await answers.send(json.dumps(answer) + "\n")
                    said = True
                if not said and (handling.cancelled() or handling.exception() is not None):
                    await answers.send(json.dumps(failed(500, FAILED)) + "\n")
            finally:  # also for a client that has hung up
                await handling

        await self.intake.take(turn, hand_on, intents=_intents(request))


async def _without_exit(work: Awaitable[Any]) -> None:
    """Raises RasaEmotionError where the bot wants to end the process: out of a task, that would end it at once."""
    try:
        await work
    except SystemExit as error:
        raise RasaEmotionError("The bot wanted to end the process over one turn.") from error


def _intents(request: Request) -> list[str] | None:
    domain = getattr(getattr(request.app.ctx, "agent", None), "domain", None)
    return None if domain is None else list(domain.intents)


async def _health(request: Request) -> HTTPResponse:
    return response.json({"status": "ok"})


def _headers(taken: Taken) -> dict[str, str]:
    if taken.warning is None:
        return {}
    return {WARNING_HEADER: " ".join(taken.warning.split()).encode("ascii", "replace").decode()}
