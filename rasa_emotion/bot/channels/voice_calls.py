"""The live calls of one server process, and the bot that they talk to."""

import asyncio
import gc
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, cast

from rasa_emotion.audio.turn_end import smart_turn
from rasa_emotion.bot.channels.user_message import user_message
from rasa_emotion.bot.channels.voice_options import VoiceOptions
from rasa_emotion.bot.channels.voice_output import VoiceOutput
from rasa_emotion.conversation.history import ESCALATED_SLOT, latest_turn
from rasa_emotion.endpoints import read_endpoints
from rasa_emotion.errors import ConfigError, ModelError, RasaEmotionError, place_of
from rasa_emotion.estimate import EmotionEstimate, Evidence
from rasa_emotion.logs import named, trace
from rasa_emotion.privacy.recordings import delete_older, new_recording
from rasa_emotion.protocol import Analyzer, AudioSource
from rasa_emotion.streaming import SharedHearing
from rasa_emotion.turn.consent import may_analyse
from rasa_emotion.turn.intake import Intake, check_name
from rasa_emotion.turn.message import Taken, Turn, TurnRefused
from rasa_emotion.turn.roles import ANYBODY, Identity
from rasa_emotion.turn.shared import shared_analyzer
from rasa_emotion.voice.flow import LineClosed
from rasa_emotion.voice.parts import Known, Parts
from rasa_emotion.voice.recorder import Recorder
from rasa_emotion.voice.session import Call
from rasa_emotion.voice.sound import Format
from rasa_emotion.voice.strain import Strain
from rasa_emotion.voice.synthesisers.speech import Synthesiser
from rasa_emotion.voice.transports.protocol import Message, Started, Transport

logger = logging.getLogger(__name__)

MOST_OUTCOMES = 1000
"""Ended calls of which it is remembered how, for a line that asks what comes next."""

MOOD_SLOT = "caller_mood"

CALLS_PER_FRAME, LONGEST_GATHERED_SECS = 8, 0.1
"""For each so many calls, every call gathers one frame of 20 ms more before it is heard, up to so much: three frames at
once take half the time of three one by one. A turn's end is decided as soon as with few calls."""

OnMessage = Callable[[Any], Awaitable[Any]]


class Calls:
    """All calls of this process; whom each of them talks to.

    Args:
        name: of the channel.
        options: of the channel.
        voices: synthesisers.
        intake: of the channel.
        on_new_message: what Rasa gave the channel.
        agent: Rasa's agent at the moment; None before it is loaded.
    """

    def __init__(
        self,
        name: str,
        options: VoiceOptions,
        *,
        voices: Sequence[Synthesiser],
        intake: Intake,
        on_new_message: OnMessage,
        agent: Callable[[], Any],
    ) -> None:
        self._name, self._options, self._voices = name, options, voices
        self._intake, self._on_new_message, self._agent = intake, on_new_message, agent
        self._calls: dict[str, Call] = {}
        self._ids: dict[Call, str] = {}
        self._by: dict[Call, Identity] = {}
        self._outcomes: OrderedDict[str, str] = OrderedDict()
        self._loading: asyncio.Future[Parts] | None = None
        self.strain = Strain()
        self._watching: asyncio.Task[None] | None = None

    def of(self, sender: str) -> Call | None:
        """The call that is this conversation now."""
        return self._calls.get(sender)

    def outcome(self, call: str) -> str | None:
        """How the call with this id of the line ended; None where that is not known."""
        return self._outcomes.get(call)

    async def prepare(self) -> Parts:
        """What all calls share, and what their recogniser needs: loaded once, before the first call."""
        if self._loading is None:
            self._watching = asyncio.ensure_future(self.strain.watch())
            self._loading = asyncio.ensure_future(self._load())
        return await asyncio.shield(self._loading)

    async def _load(self) -> Parts:
        given = self._options.given
        analyzer = await asyncio.to_thread(shared_analyzer, given["models"], given["acoustic"], given["endpoint"])
        turn_end = await asyncio.to_thread(smart_turn) if given["turn_end"] == "network" else None
        for key in ("recogniser", "local_recogniser"):
            if given[key] is not None:
                await self._warm(key)
        local = None if given["local_recogniser"] is None else lambda: self._options.recogniser("local_recogniser")
        # What was loaded stays: a collector of garbage that goes through all of it holds every call for 0.1 s.
        gc.freeze()
        return Parts(
            SharedHearing(analyzer or cast(Analyzer, _NoModels()), workers=given["workers"], turn_end=turn_end),
            self._options.recogniser,
            self._voices,
            local,
            self._options.call,
            self._options.stream,
            self._gather_secs,
        )

    def _gather_secs(self) -> float:
        return min(LONGEST_GATHERED_SECS, 0.02 * (len(self._ids) // CALLS_PER_FRAME))

    async def _warm(self, key: str) -> None:
        """Load the model of a recogniser on this machine, so that the first caller does not wait for it."""
        load = getattr(self._options.recogniser(key), "load", None)
        if load is None:
            return
        try:
            await asyncio.to_thread(load)
        except Exception as error:  # the calls will say so too, and go on without words
            reason = str(error) if isinstance(error, RasaEmotionError) else place_of(error)
            logger.error(
                "The '%s' of VoiceInput cannot be loaded. %s", key, reason, extra=named("voice.recogniser.unready")
            )
            trace(logger, "voice.recogniser.unready", error)

    async def hold(
        self,
        transport: Transport,
        send: Callable[[Message], Awaitable[None]],
        receive: Callable[[], Awaitable[Message | None]],
        *,
        by: Identity = ANYBODY,
    ) -> LineClosed | None:
        """Hold one call, of somebody who has proved to be `by`; returns why it was closed from this side, if it was."""
        call = Call(transport, send, self, await self.prepare())
        self._by[call] = by
        try:
            await call.run(receive)
        except LineClosed as closed:
            logger.warning("A call was closed. %s", closed, extra=named("voice.call.closed"))
            return closed
        except Exception as error:
            logger.error("A call failed (%s).", place_of(error), extra=named("voice.call.failed"))
            trace(logger, "voice.call.failed", error)
            return LineClosed(1011, "The call failed on the server.")
        finally:
            self._forget(call)
        return None

    def _forget(self, call: Call) -> None:
        if self._calls.get(call.sender) is call:
            del self._calls[call.sender]
        self._by.pop(call, None)
        name = self._ids.pop(call, None)
        if name is not None:
            self._outcomes[name] = call.outcome
            while len(self._outcomes) > MOST_OUTCOMES:
                self._outcomes.popitem(last=False)

    async def close(self) -> None:
        """The server stops: let go of what calls share."""
        if self._watching is not None:
            self._watching.cancel()
        if self._loading is not None:
            (await self._loading).hearing.close()
        for voice in self._voices:
            await voice.close()

    # Whom a call talks to.

    def admit(self, started: Started, call: Call) -> str:
        """The conversation's name for a call that begins. Raises LineClosed where it may not."""
        if len(self._ids) >= self._options.given["max_calls"] or self.strain.is_too_much:
            raise LineClosed(1013, "All lines are busy; call again later.")
        if started.call in self._ids.values():
            raise LineClosed(1008, "This call has another connection already.")
        name = started.call
        number = started.caller or ""
        # A withheld number, such as "anonymous", is many people's.
        if self._options.given["sender"] == "caller" and number.lstrip("+").isdigit() and number not in self._calls:
            name = number
        try:
            check_name("sender", name)
        except TurnRefused as error:
            raise LineClosed(1008, str(error)) from error
        if name in self._calls:
            raise LineClosed(1008, "This conversation has another call already.")
        self._calls[name], self._ids[call] = call, started.call
        return name

    async def take(self, turn: Turn, call: Call) -> None:
        """Let the bot answer a turn. Raises TurnRefused."""

        async def hand_on(taken: Taken) -> None:
            await self._on_new_message(user_message(taken, VoiceOutput(call), self._name))

        turn = replace(turn, by=self._by.get(call, ANYBODY))
        taken = await self._intake.take(turn, hand_on, intents=self._intents())
        if taken.failed:
            call.tell({"event": "warning", "text": "The bot could not answer; the server's log says why."})

    async def known(self, sender: str) -> Known:
        """What the tracker says after a turn; nothing where it cannot be read."""
        agent = self._agent()
        try:
            tracker = await agent.tracker_store.retrieve(sender) if agent is not None else None
            if tracker is None:
                return Known()
            turn = latest_turn(tracker.events)
            slots = tracker.current_slot_values()
            return Known(turn.estimate if turn else None, slots.get(MOOD_SLOT), bool(slots.get(ESCALATED_SLOT)))
        except Exception as error:
            logger.error("A call's tracker cannot be read (%s).", place_of(error), extra=named("voice.tracker.failed"))
            trace(logger, "voice.tracker.failed", error)
            return Known()

    def record(self, sender: str, format_: Format) -> tuple[Recorder, str] | None:
        """What records a call, where endpoints.yml says so; old recordings are deleted on the way."""
        try:
            options = read_endpoints().record
            if options is None:
                return None
            delete_older(options.folder, options.retention_days)
            return Recorder(new_recording(options.folder, sender), format_), options.announcement
        except (ConfigError, OSError) as error:
            logger.error(
                "A call is not recorded (%s); see 'record' in endpoints.yml.",
                place_of(error),
                extra=named("voice.recording.failed"),
            )
            return None

    def may_analyse(self, sender: str) -> bool:
        """Whether this caller's emotions may be analysed."""
        return may_analyse(sender)

    def _intents(self) -> list[str] | None:
        domain = getattr(self._agent(), "domain", None)
        return None if domain is None else list(domain.intents)


class _NoModels:
    """In place of an analyzer that could not be loaded: calls are held without emotions."""

    def hear_many(self, audios: Sequence[AudioSource]) -> list[Evidence | RasaEmotionError | None]:
        return [ModelError("The emotion models are missing; the voice was not analysed.") for _ in audios]

    def fuse(self, evidence: Iterable[Evidence | None]) -> EmotionEstimate:
        return EmotionEstimate.unknown()

    def __getattr__(self, name: str) -> Any:
        raise ModelError("The emotion models are missing.")
