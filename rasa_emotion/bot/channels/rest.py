"""The channel for turns over HTTP: words, voice, or both."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4
from weakref import WeakValueDictionary

from rasa.core.channels.channel import OutputChannel, UserMessage
from rasa.core.channels.rest import RestInput
from rasa.shared.exceptions import InvalidConfigException
from rasa.utils.endpoints import bool_arg
from sanic import Blueprint, Sanic, response
from sanic.exceptions import SanicException
from sanic.request import Request
from sanic.response import HTTPResponse

from rasa_emotion.bot.channels.collectors import CHANNEL, Collector, Queued
from rasa_emotion.conversation.history import CHOICES, HEARD_PREFIX, VOICE_INTENT, command_intent
from rasa_emotion.errors import ConfigError, place_of
from rasa_emotion.privacy.pseudonym import pseudonym
from rasa_emotion.settings import check_number, check_text, checked
from rasa_emotion.turn.consent import may_analyse
from rasa_emotion.turn.evidence import EVIDENCE_KEY
from rasa_emotion.turn.listening import Heard, listen
from rasa_emotion.turn.request import Audio, RequestError, TurnRequest, from_form, from_json
from rasa_emotion.turn.shared import shared_analyzer

logger = logging.getLogger(__name__)

WARNING_HEADER = "X-Emotion-Warning"
SWITCHED_OFF = "The caller's emotions are not to be analysed; the voice was not."

DEFAULTS: dict[str, Any] = {
    # Largest recording in megabytes. Sanic takes no request above 100 MB, and base64 adds a third.
    "max_audio_mb": 10,
    # Only so many seconds of a recording are decoded and analysed.
    "max_secs": 30,
    # Intent of a turn without words; the domain needs it, and a rule of its own.
    "voice_intent": VOICE_INTENT,
    # Recordings that are analysed at the same time.
    "workers": 2,
    # As in config.yml: folder of the models, and name of the acoustic one.
    "models": None,
    "acoustic": "acoustic",
    # Who speaks: "caller", or "agent" for a person at work, which needs the next option.
    "analyse": "caller",
    # The legal ground on which people at work are analysed, in the operator's own words; see docs/privacy.md.
    "legal_ground": None,
}

SPEAKERS = ("caller", "agent")

OnMessage = Callable[[UserMessage], Awaitable[Any]]


class EmotionRestInput(RestInput):
    """`POST /webhooks/emotion/webhook`: Rasa's REST channel with a voice beside the words.

    The voice is analysed in a thread while the event loop serves others. Its evidence travels in the message's
    metadata; the recording itself is neither stored nor logged. A recording that cannot be analysed costs one log
    line and the header `X-Emotion-Warning`, and the turn goes on with its words.
    """

    def __init__(self, config: dict[str, Any] | None = None) -> None:
        """Constructs the channel. Raises InvalidConfigException for an option that cannot be used."""
        self.config = _checked_config(config or {})
        if self.config["analyse"] == "agent":
            logger.warning(
                "The channel '%s' analyses people at work. Its operator states as the legal ground: %s",
                self.name(),
                self.config["legal_ground"],
            )
        # onnxruntime and the decoder release the GIL, so these threads run beside the event loop.
        self._executor = ThreadPoolExecutor(self.config["workers"], thread_name_prefix="emotion")
        self._in_turn: WeakValueDictionary[str | None, asyncio.Lock] = WeakValueDictionary()

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
                turn = self._parse(request)
                self._check_domain(request.app, turn)
            except RequestError as error:
                return _failure(error)
            # A short recording must not overtake a long one of the same caller.
            async with self._in_turn.setdefault(turn.sender, asyncio.Lock()):
                heard = await self._listen(turn)
                if not bool_arg(request, "stream", default=False):
                    return await self._answer(on_new_message, turn, heard)
                await self._stream(request, on_new_message, turn, heard)
                return None  # it has been answered

        webhook.add_route(_health, "/", methods=["GET"])
        webhook.add_route(receive, "/webhook", methods=["POST"])
        return webhook

    def _parse(self, request: Request) -> TurnRequest:
        max_bytes = int(self.config["max_audio_mb"] * 1e6)
        if request.content_type.startswith("multipart/form-data"):
            file = request.files.get("audio")
            fields = {key: values[0] for key, values in request.form.items()}
            return from_form(fields, file.body if file else None, max_bytes=max_bytes)
        try:
            body = request.json
        except SanicException as error:
            raise RequestError(400, "The request's body is not JSON; send JSON or multipart/form-data.") from error
        return from_json(body, max_bytes=max_bytes)

    def _check_domain(self, app: Sanic, turn: TurnRequest) -> None:
        """Raises RequestError for a turn without words in a bot that has no intent for it: it would be guessed."""
        domain = getattr(getattr(app.ctx, "agent", None), "domain", None)
        intent = self.config["voice_intent"]
        if turn.message or domain is None or intent in domain.intents:
            return
        sentence = f"The bot's domain has no intent '{intent}' for a voice without words; add it, with a rule."
        logger.error("%s", sentence)
        raise RequestError(500, sentence)

    async def _listen(self, turn: TurnRequest) -> Heard:
        if turn.audio is None:
            return Heard()
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._hear, turn.audio, turn)

    def _hear(self, audio: Audio, turn: TurnRequest) -> Heard:
        if command_intent(turn.message) in CHOICES or not may_analyse(turn.sender):
            return Heard(warning=SWITCHED_OFF)
        # Loaded here, not in the constructor: Sanic's workers fork after the channels are made.
        analyzer = shared_analyzer(self.config["models"], self.config["acoustic"])
        return listen(
            analyzer,
            audio.content,
            encoding=audio.encoding,
            sample_rate=audio.sample_rate,
            max_secs=self.config["max_secs"],
        )

    async def _answer(self, on_new_message: OnMessage, turn: TurnRequest, heard: Heard) -> HTTPResponse:
        collector = Collector()
        await _handle(on_new_message, self._message(turn, heard, collector))
        return response.json(collector.messages, headers=_headers(heard))

    async def _stream(self, request: Request, on_new_message: OnMessage, turn: TurnRequest, heard: Heard) -> None:
        """Sends the answers as they come. Returns, and so gives the next turn way, when the bot is done."""
        queue: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        answers = await request.respond(headers=_headers(heard), content_type="text/event-stream")
        handling = asyncio.ensure_future(_handle(on_new_message, self._message(turn, heard, Queued(queue))))
        handling.add_done_callback(lambda _: queue.put_nowait(None))
        try:
            while (answer := await queue.get()) is not None:
                await answers.send(json.dumps(answer) + "\n")
        finally:  # also for a client that has hung up
            await handling

    def _message(self, turn: TurnRequest, heard: Heard, output: OutputChannel) -> UserMessage:
        metadata = {**turn.metadata, EVIDENCE_KEY: heard.evidence} if heard.evidence else turn.metadata
        return UserMessage(
            turn.message or f"/{self.config['voice_intent']}",
            output,
            turn.sender,
            input_channel=turn.input_channel or self.name(),
            message_id=f"{HEARD_PREFIX}{uuid4().hex}" if heard.evidence else None,
            metadata=metadata or None,
        )


async def _handle(on_new_message: OnMessage, message: UserMessage) -> None:
    try:
        await on_new_message(message)
    except asyncio.CancelledError:
        logger.error("A turn of caller %s took longer than the response timeout.", pseudonym(message.sender_id))
    except Exception as error:  # the client gets what the bot said until then
        logger.error("A turn of caller %s failed (%s).", pseudonym(message.sender_id), place_of(error))


async def _health(request: Request) -> HTTPResponse:
    return response.json({"status": "ok"})


def _failure(error: RequestError) -> HTTPResponse:
    return response.json({"status": "failure", "code": error.status, "message": str(error)}, status=error.status)


def _headers(heard: Heard) -> dict[str, str]:
    if heard.warning is None:
        return {}
    return {WARNING_HEADER: " ".join(heard.warning.split()).encode("ascii", "replace").decode()}


def _checked_config(config: dict[str, Any]) -> dict[str, Any]:
    owner = EmotionRestInput.__name__
    try:
        settings = checked(owner, config, DEFAULTS)
        check_number(owner, "max_audio_mb", settings["max_audio_mb"], above=0, at_most=70)
        check_number(owner, "max_secs", settings["max_secs"], above=0)
        check_number(owner, "workers", settings["workers"], above=0, at_most=64)
        check_text(owner, "voice_intent", settings["voice_intent"])
        check_text(owner, "models", settings["models"], optional=True)
        check_text(owner, "acoustic", settings["acoustic"])
        check_text(owner, "legal_ground", settings["legal_ground"], optional=True)
        _check_speaker(owner, settings)
    except ConfigError as error:
        raise InvalidConfigException(str(error)) from error
    return {**settings, "workers": int(settings["workers"])}


def _check_speaker(owner: str, settings: dict[str, Any]) -> None:
    """Raises ConfigError for the analysis of people at work, unless the operator states why it is lawful."""
    speaker = settings["analyse"]
    if speaker not in SPEAKERS:
        raise ConfigError(f"{owner}: 'analyse' is {speaker!r}; write one of {', '.join(SPEAKERS)}.")
    if speaker == "agent" and settings["legal_ground"] is None:
        raise ConfigError(
            f"{owner}: 'analyse: agent' would infer the emotions of people at work, which Article 5(1)(f) of the EU AI "
            "Act (Regulation (EU) 2024/1689) prohibits but for medical or safety reasons; leave agents out, or state "
            "the ground on which you may as 'legal_ground'."
        )
