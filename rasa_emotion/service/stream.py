"""One call over a WebSocket: frames in, how the caller feels out."""

import asyncio
import json
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from functools import cache
from importlib import resources
from typing import Any

from aiohttp import WSCloseCode, WSMessage, WSMsgType, web
from jsonschema import Draft7Validator
from jsonschema.exceptions import best_match

from rasa_emotion.audio.speech import SpeechEvent
from rasa_emotion.errors import AudioError, RasaEmotionError, place_of
from rasa_emotion.estimate import EmotionEstimate
from rasa_emotion.logs import named, trace
from rasa_emotion.protocol import Analyzer
from rasa_emotion.service.limits import Limits
from rasa_emotion.service.metrics import Metrics
from rasa_emotion.streaming import LiveStream, SharedHearing, StreamEvent, Update
from rasa_emotion.wire import WIRE_VERSION

logger = logging.getLogger(__name__)

ASYNCAPI_FILE = "asyncapi.json"

SLICE_SECS = 0.1
"""Of audio that is taken before other calls have their turn."""

MOST_FAULTS = 16
"""Messages of one stream that could not be taken; then it is closed."""

CLOSING = (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR)
GONE = (ConnectionError, asyncio.TimeoutError)
"""What sending to a client that has gone, or does not read, raises."""


class _Refused(RasaEmotionError):
    """The stream is closed by the service; the client is told why."""


@cache
def asyncapi() -> dict[str, Any]:
    """The description of the stream's messages."""
    text = resources.files("rasa_emotion.service").joinpath(ASYNCAPI_FILE).read_text(encoding="utf-8")
    described: dict[str, Any] = json.loads(text)
    return described


class Streams:
    """All streams of a process; they share the threads that hear.

    Args:
        analyzer: hears and fuses.
        limits: what is too much.
        metrics: count the streams, and the estimate of each utterance.
    """

    def __init__(self, analyzer: Analyzer, limits: Limits, metrics: Metrics) -> None:
        self._analyzer, self._limits, self._metrics = analyzer, limits, metrics
        self.open = 0
        """How many there are."""
        self._hearing: SharedHearing | None = None
        self._draining: asyncio.Event | None = None

    @property
    def full(self) -> bool:
        """Whether one more is too much."""
        return self.open >= self._limits.streams

    def drain(self) -> None:
        """Tell every stream that the service is about to stop; each ends after the turn under way."""
        if self._draining is not None:
            self._draining.set()

    def close(self) -> None:
        """Let the threads end."""
        if self._hearing is not None:
            self._hearing.close()

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Hear one call until its client, the service or a limit ends it."""
        socket = web.WebSocketResponse(max_msg_size=self._limits.frame_bytes, compress=False, timeout=1.0)
        self._count(1)
        try:
            await socket.prepare(request)
            if self._hearing is None or self._draining is None:  # made on the event loop that serves
                self._hearing = SharedHearing(self._analyzer, workers=self._limits.workers)
                self._draining = asyncio.Event()
            await _Call(socket, self._hearing, self._limits, self._draining, self._noted).hold()
        except GONE:
            # What it does not read must not be kept for it.
            if request.transport is not None:
                request.transport.abort()
        finally:
            self._count(-1)
        return socket

    def _count(self, change: int) -> None:
        self.open += change
        self._metrics.note_streams(self.open)

    def _noted(self, estimate: EmotionEstimate) -> None:
        self._metrics.note_turns(1, (estimate,))


class _Call:
    """What is said over one socket."""

    def __init__(
        self,
        socket: web.WebSocketResponse,
        hearing: SharedHearing,
        limits: Limits,
        draining: asyncio.Event,
        noted: Callable[[EmotionEstimate], None],
    ) -> None:
        self._socket, self._hearing, self._limits = socket, hearing, limits
        self._draining, self._noted = draining, noted
        self._between_turns = asyncio.Event()
        self._between_turns.set()
        self._faults = 0
        self._doubted = False

    async def hold(self) -> None:
        """Until it is over. Raises ConnectionError or TimeoutError where the client has gone or does not read."""
        code = WSCloseCode.OK
        try:
            stream, slice_bytes = await self._begun()
            code = await self._heard(stream, slice_bytes)
        except _Refused as refused:
            code = WSCloseCode.POLICY_VIOLATION
            await self._send({"type": "error", "error": str(refused)})
        except GONE:
            raise
        except Exception as error:  # the connection is no longer HTTP: nobody above can answer
            code = WSCloseCode.INTERNAL_ERROR
            logger.error("A stream could not go on (%s).", place_of(error), extra=named("service.failed"))
            trace(logger, "service.failed", error)
        await self._socket.close(code=code)

    async def _begun(self) -> tuple[LiveStream, int]:
        """The stream that the first message asks for, and the bytes of a slice of its audio."""
        try:
            message = await self._socket.receive(self._limits.start_secs)
        except asyncio.TimeoutError as error:
            raise _Refused(f"No 'start' came within {self._limits.start_secs:g} s; send it first.") from error
        if message.type in CLOSING:
            raise ConnectionError
        start = _read(message, "Start")
        if start.get("version", WIRE_VERSION) != WIRE_VERSION:
            raise _Refused(
                f"The service speaks version {WIRE_VERSION}, not {start['version']}; install the same rasa-emotion on "
                "both sides."
            )
        encoding, rate = start["encoding"], start["sample_rate"]
        clock = asyncio.get_running_loop().time if start.get("live", True) else None
        try:
            stream = LiveStream(self._hearing, encoding=encoding, sample_rate=rate, clock=clock)
        except AudioError as error:
            raise _Refused(str(error)) from error
        checksum = self._hearing.analyzer.capabilities.checksum
        await self._send({"type": "ready", "version": WIRE_VERSION, "checksum": checksum})
        return stream, max(1, int(SLICE_SECS * rate)) * (2 if encoding.startswith("pcm") else 1)

    async def _heard(self, stream: LiveStream, slice_bytes: int) -> WSCloseCode:
        """Listens and tells until one side ends it; the code with which it is closed."""
        listen = asyncio.ensure_future(self._listen(stream, slice_bytes))
        tell = asyncio.ensure_future(self._tell(stream))
        drain = asyncio.ensure_future(self._drained())
        try:
            await asyncio.wait({listen, tell, drain}, return_when=asyncio.FIRST_COMPLETED)
            if tell.done():
                await tell  # with what ended it: nobody reads
            if not self._socket.closed:  # what was heard is told in any case
                stream.close()
                await asyncio.wait_for(tell, self._limits.analysis_secs)
            if listen.done():
                await listen  # with why it was refused
            return WSCloseCode.GOING_AWAY if drain.done() else WSCloseCode.OK
        finally:
            for task in (listen, tell, drain):
                task.cancel()
            stream.abandon()
            await asyncio.gather(listen, tell, drain, return_exceptions=True)

    async def _listen(self, stream: LiveStream, slice_bytes: int) -> None:
        """Take what comes, no faster than it is heard, until the client ends it."""
        while True:
            try:
                message = await self._socket.receive(self._limits.idle_secs)
            except asyncio.TimeoutError as error:
                raise _Refused(f"Nothing came for {self._limits.idle_secs:g} s; open a new stream.") from error
            if message.type in CLOSING:
                return
            if message.type is WSMsgType.BINARY:
                await self._feed(stream, message.data, slice_bytes)
                continue
            try:
                command = _read(message, "Command")
            except _Refused as refused:
                await self._fault(refused)
                continue
            if command["type"] == "end":
                return
            if command["type"] == "end_turn":
                stream.end_turn()
            else:
                setattr(stream, command["type"], command["value"])  # bot_speaks or analyse, says the schema

    async def _feed(self, stream: LiveStream, frame: bytes, slice_bytes: int) -> None:
        for start in range(0, len(frame), slice_bytes):
            await stream.caught_up()
            stream.feed(frame[start : start + slice_bytes])
            if start:
                await asyncio.sleep(0)
        if stream.doubt is not None and not self._doubted:
            self._doubted = True
            await self._send({"type": "warning", "warning": stream.doubt})

    async def _fault(self, refused: _Refused) -> None:
        """A message that cannot be taken harms no call; many of them are no call."""
        self._faults += 1
        if self._faults > MOST_FAULTS:
            raise refused
        await self._send({"type": "error", "error": str(refused)})

    async def _tell(self, stream: LiveStream) -> None:
        async for event in stream.events():
            if isinstance(event, SpeechEvent) and event.kind == "start":
                self._between_turns.clear()
            await self._send(_told(event))
            if not isinstance(event, SpeechEvent | Update):
                self._noted(event.estimate)
                self._between_turns.set()

    async def _drained(self) -> None:
        """Returns when the service is about to stop and no turn is under way."""
        await self._draining.wait()
        with suppress(*GONE):
            await self._send({"type": "draining"})
        await self._between_turns.wait()

    async def _send(self, message: dict[str, Any]) -> None:
        await asyncio.wait_for(self._socket.send_str(json.dumps(message)), self._limits.send_secs)


def _told(event: StreamEvent) -> dict[str, Any]:
    """An event as a message."""
    if isinstance(event, SpeechEvent):
        return {"type": "speech", **asdict(event)}
    if isinstance(event, Update):
        return {
            "type": "update",
            "turn": event.turn,
            "at_secs": event.at_secs,
            "estimate": event.estimate.to_dict(),
        }
    return {
        "type": "utterance",
        "turn": event.turn,
        "start_secs": event.start_secs,
        "end_secs": event.end_secs,
        "decided_secs": event.decided_secs,
        "reason": event.reason,
        "estimate": event.estimate.to_dict(),
        "warning": event.warning,
    }


def _read(message: WSMessage, schema: str) -> dict[str, Any]:
    """A message of text as the description has it. Raises _Refused."""
    if message.type is not WSMsgType.TEXT:
        raise _Refused(f"A message '{schema.lower()}' as JSON belongs here, not audio; see /v1/asyncapi.json.")
    try:
        read = json.loads(message.data)
    except (ValueError, RecursionError) as error:
        raise _Refused("The message is not JSON; see /v1/asyncapi.json.") from error
    wrong = best_match(_validator(schema).iter_errors(read))
    if wrong is not None:
        # Not jsonschema's sentence: it quotes what came, which may be anything.
        place = ".".join(str(part) for part in wrong.absolute_path) or "the message"
        raise _Refused(f"In '{place}': this is not as /v1/asyncapi.json describes a '{schema}'; correct it.")
    checked: dict[str, Any] = read
    return checked


@cache
def _validator(schema: str) -> Any:
    return Draft7Validator({"$ref": f"#/components/schemas/{schema}", "components": asyncapi()["components"]})
