"""One live call: the caller is heard, each turn goes to the bot, its answers are spoken. No Rasa, no sockets."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from rasa_emotion.audio.speech import SpeechEvent
from rasa_emotion.errors import AudioError
from rasa_emotion.logs import named
from rasa_emotion.privacy.pseudonym import pseudonym
from rasa_emotion.streaming import LiveStream, Update
from rasa_emotion.voice.clock import Clock
from rasa_emotion.voice.ears import Ears
from rasa_emotion.voice.flow import Flow, LineClosed
from rasa_emotion.voice.line_words import Keys, LineWords
from rasa_emotion.voice.ordering import Ordering
from rasa_emotion.voice.outlet import Outlet, Subscriber
from rasa_emotion.voice.parts import Bot, Parts, shown
from rasa_emotion.voice.player import Player
from rasa_emotion.voice.recognisers.interface import Transcript as Words
from rasa_emotion.voice.sound import Format
from rasa_emotion.voice.synthesisers.speech import Speech
from rasa_emotion.voice.tasks import end_all
from rasa_emotion.voice.transports.protocol import (
    Digit,
    Event,
    Frame,
    HungUp,
    Message,
    ProtocolError,
    Started,
    Transcript,
    Transport,
)
from rasa_emotion.voice.turns import Pending, Turns

logger = logging.getLogger(__name__)

TICK_SECS = 0.1
LAST_WORDS_SECS = 5.0
"""How long the turn under way may take when the caller has gone."""

FAREWELL_SECS = 20.0
"""How long the bot may speak before a call is ended or transferred."""


class Call:
    """One call, from its first message to its last.

    Args:
        transport: translates its messages.
        send: sends one.
        bot: whom the caller talks to.
        parts: what all calls share.
        clock: of the call.
    """

    def __init__(
        self,
        transport: Transport,
        send: Callable[[Message], Awaitable[None]],
        bot: Bot,
        parts: Parts,
        clock: Clock | None = None,
    ) -> None:
        self.sender = ""
        self.outcome = "hangup"
        """How it ended: "hangup" by the caller, "hungup" by the bot, "transfer", "closed" for a fault."""
        self._transport, self._bot, self._parts = transport, bot, parts
        self._outlet = Outlet(transport, send)
        self._settings = parts.settings
        self._clock = clock or Clock()
        self._flow = Flow(parts.settings.flow, self._clock)
        self._player = Player(transport, self._outlet.send, parts.voices, self._clock)
        self._ears = Ears(parts.recogniser, parts.local, self._deaf, self._clock)
        self._live: LiveStream | None = None
        self._format = Format()
        self._order = Ordering(self._format)
        self._words: dict[int, asyncio.Task[Words]] = {}
        self._tasks: list[asyncio.Task[Any]] = []
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._caller_speaks = self._said_deaf = False
        self._partial = ""
        self._keys = Keys(self._settings.digit_secs, self._settings.digit_intent, self._clock)
        self._asked, self._quiet_since = 0, self._clock.now()
        self._line_words = LineWords(self._settings.transcript_secs, self._clock)
        take = partial(bot.take, call=self)
        self._turns = Turns(take, self._after_turn, self._outlet, self._line_words, self._settings.wordless_secs)

    # What the bot's side may do.

    def say(self, speech: Speech) -> None:
        """Say something to the caller, after what is being said."""
        self.tell({"event": "bot", "text": speech.text})
        self._player.say(speech)

    def hang_up(self, outcome: str = "hungup") -> None:
        """End the call when all has been said: "hungup", or "transfer" to the line's next instruction."""
        if not any(task.get_name() == "farewell" for task in self._tasks):
            self._spawn(self._farewell(outcome), "farewell")

    def tell(self, event: Mapping[str, Any]) -> None:
        """Tell subscribers, and a client that understands, what is known of the call."""
        self._outlet.tell(event)

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Let somebody be told; returns what ends that."""
        return self._outlet.subscribe(subscriber)

    # The life of a call.

    async def run(self, receive: Callable[[], Awaitable[Message | None]]) -> None:
        """Hold the call until it is over.

        Args:
            receive: the next message of the line; None when it has gone.

        Raises:
            LineClosed: it was ended from this side because of what the line did.
        """
        reading = asyncio.ensure_future(self._read(receive))
        self._spawn(self._player.run(), "player")
        self._spawn(self._outlet.run(), "outlet")
        self._spawn(self._turns.run(), "turns")
        self._spawn(self._watch(), "watch")
        try:
            await asyncio.wait({reading, self._over}, return_when=asyncio.FIRST_COMPLETED)
            if self._over.done():
                self._over.result()
            else:
                await reading
        except ConnectionError:
            pass  # as a caller ends a call
        except LineClosed:
            self.outcome = "closed"
            raise
        finally:
            reading.cancel()
            # The handler's task is cancelled, and more than once, when a client vanishes: the rest must not be.
            await asyncio.shield(asyncio.ensure_future(self._end()))

    async def _end(self) -> None:
        if self._live is not None:
            with suppress(LineClosed):  # which it is already
                await self._hear_gathered()
            self._live.close()
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._last_words(), LAST_WORDS_SECS)
        if not self._over.done():
            self._over.set_result(None)
        self.tell({"event": "end", "outcome": self.outcome})
        await end_all([*self._tasks, *self._words.values()])
        if self._player.recorder is not None:
            self._player.recorder.close()
        await self._outlet.finish()
        await self._ears.close()
        self._over.exception()  # which has been raised, or is of a client that has gone
        logger.info("A call of %s is over (%s).", pseudonym(self.sender), self.outcome, extra=named("voice.call.ended"))

    async def _last_words(self) -> None:
        """Let the bot hear what was said before the caller went."""
        for task in self._tasks:
            if task.get_name() == "events":
                await asyncio.wait({task})
        await self._turns.done()

    async def _farewell(self, outcome: str) -> None:
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._player.finished(), FAREWELL_SECS / self._clock.speed)
        self.outcome = outcome
        await self._outlet.send(self._transport.end())
        if not self._over.done():
            self._over.set_result(None)

    # What the line says.

    async def _read(self, receive: Callable[[], Awaitable[Message | None]]) -> None:
        for event in self._transport.begin():
            await self._take(event)
        while (message := await receive()) is not None:
            secs = 0.0
            try:
                events = self._transport.receive(message)
            except ProtocolError as error:
                self._refused(error)
                events = []
            for event in events:
                if isinstance(event, HungUp):
                    return
                secs += await self._take(event)
            await self._flow.pace(secs)

    def _refused(self, error: ProtocolError) -> None:
        if self._flow.faults == 0:
            logger.warning("A message of a call is not understood. %s", error, extra=named("voice.message.refused"))
        self._flow.fault(str(error))
        if error.lost:
            raise LineClosed(1007, str(error))

    async def _take(self, event: Event) -> float:
        """Take what the line says; returns the seconds of sound in it."""
        if isinstance(event, Started):
            await self._begin(event)
        elif isinstance(event, Frame):
            return await self._hear(event)
        elif isinstance(event, Digit):
            await self._pressed(event.key)
        elif isinstance(event, Transcript):
            self._line_said(event)
        return 0.0

    async def _begin(self, started: Started) -> None:
        if self._live is not None:
            raise LineClosed(1008, "The call has begun already.")
        self.sender = self._turns.sender = self._bot.admit(started, self)
        self._format = format_ = started.format
        self._player.use(format_)
        self._order = Ordering(format_)
        try:
            self._live = self._parts.live(format_, self._clock)
        except AudioError as error:
            raise LineClosed(1007, str(error)) from error
        self._live.analyse = self._turns.analysed = await asyncio.to_thread(self._bot.may_analyse, self.sender)
        await self._ears.start(private=self._private())
        self._turns.words_expected = self._ears.hears
        self._spawn(self._hear_all(self._live), "events")
        line = f"{self._transport.name}, {format_.encoding} at {format_.sample_rate} Hz"
        logger.info("A call of %s begins (%s).", pseudonym(self.sender), line, extra=named("voice.call.started"))
        self.tell({"event": "call", "sender": self.sender, "analysed": self._live.analyse})
        await self._record()
        self._turns.add_text(self._settings.begin)

    async def _hear(self, frame: Frame) -> float:
        if self._live is None:
            self._flow.fault("Sound came before the call began.")
            return 0.0
        self._order.gather(frame)
        # While a turn pauses its end is waited for, and each frame may decide it.
        if self._live.pausing or self._order.gathered_secs >= self._parts.gather_secs():
            await self._hear_gathered()
        return len(frame.audio) / self._format.bytes_per_sec

    async def _hear_gathered(self) -> None:
        data = self._order.gathered()
        if self._live is None or not data:
            return
        self._live.bot_speaks = self._player.speaking
        try:
            samples = self._live.feed(data)
        except AudioError as error:
            self._flow.fault(str(error))
            return
        if self._player.recorder is not None:
            self._player.recorder.caller(samples)
        await self._ears.feed(samples, self._live.heard_secs)
        if self._caller_speaks:
            self._show_partial()

    async def _record(self) -> None:
        """Begin the recording, where the operator wants one and the caller has not said no."""
        if not self._turns.analysed:
            return
        found = await asyncio.to_thread(self._bot.record, self.sender, self._format)
        if found is not None:
            self._player.recorder, announcement = found
            self.say(Speech(announcement))

    def _show_partial(self) -> None:
        guess = self._ears.partial()
        if guess and guess != self._partial:
            self._partial = guess
            self.tell({"event": "partial", "text": guess})

    # What is heard.

    async def _hear_all(self, live: LiveStream) -> None:
        async for event in live.events():
            if isinstance(event, SpeechEvent):
                await self._on_speech(event)
            elif isinstance(event, Update):
                await self._heed_choice()
                if live.analyse:
                    self.tell({"event": "emotion", "at": round(event.at_secs, 3), **shown(event.estimate)})
            else:
                self._turns.add(Pending(event, self._words.pop(event.turn, None)))

    async def _on_speech(self, event: SpeechEvent) -> None:
        self.tell({"event": "speech", "state": event.kind, "at": round(event.at_secs, 3), "turn": event.turn})
        if event.kind == "start":
            self._caller_speaks, self._partial = True, ""
            self._asked = 0
            if event.barge_in:
                await self._player.stop()
            await self._heed_choice()
            await self._ears.retry()
        elif event.kind == "pause":
            self._ears.pause(event.start_secs, event.at_secs)
        elif event.kind == "end":
            self._caller_speaks = False
            self._quiet_since = self._clock.now()
            self._words[event.turn] = asyncio.ensure_future(self._ears.final(event.start_secs, event.at_secs))

    async def _heed_choice(self) -> None:
        """Act on what the caller, or somebody for them, has chosen meanwhile."""
        if self._live is None:
            return
        allowed = await asyncio.to_thread(self._bot.may_analyse, self.sender)
        if allowed != self._live.analyse:
            self._live.analyse = self._turns.analysed = allowed
            if not allowed and self._player.recorder is not None:
                self._player.recorder.discard()
                self._player.recorder = None
            self.tell({"event": "consent", "analysed": allowed})
        await self._ears.keep_private(self._private(), self._live.heard_secs)
        self._turns.words_expected = self._ears.hears

    def _private(self) -> bool:
        return self._live is not None and not self._live.analyse and not self._settings.cloud_after_no

    def _deaf(self, sentence: str) -> None:
        self.tell({"event": "warning", "text": sentence})
        if self._settings.deaf_text and not self._said_deaf:
            self._said_deaf = True
            self.say(Speech(self._settings.deaf_text))

    # Keys, and words that the line brings.

    async def _pressed(self, key: str) -> None:
        await self._player.stop()
        self.tell({"event": "digit", "digit": key})
        self._asked, self._quiet_since = 0, self._clock.now()
        self._turns.add_text(self._keys.press(key))

    def _line_said(self, transcript: Transcript) -> None:
        if not transcript.final:
            self.tell({"event": "partial", "text": transcript.text})
            return
        self._line_words.add(transcript)
        self._take_up_line_words()

    def _take_up_line_words(self) -> None:
        """Words for which no voice is heard are a turn of their own."""
        if self._line_words.waiting and self._turns.idle and not self._caller_speaks:
            self._turns.add(Pending())

    # Turns.

    async def _after_turn(self) -> None:
        self._quiet_since = self._clock.now()
        await self._heed_choice()
        known = await self._bot.known(self.sender)
        estimate = shown(known.estimate) if known.estimate is not None and self._turns.analysed else {}
        self.tell({"event": "state", "mood": known.mood, "escalated": known.escalated, **estimate})
        if known.escalated and self._settings.transfer:
            self.hang_up("transfer")

    # What happens when nothing happens.

    async def _watch(self) -> None:
        while True:
            await self._clock.sleep(TICK_SECS)
            if self._flow.idle:
                raise LineClosed(1001, "Nothing has come from the client for too long.")
            if self._flow.silent_secs > TICK_SECS:  # a line that sends nothing while nobody speaks
                await self._hear_gathered()
            self._turns.add_text(self._keys.due())
            self._take_up_line_words()
            self._ask_again(self._clock.now())

    def _ask_again(self, now: float) -> None:
        limit = self._settings.silence_secs
        busy = self._caller_speaks or self._player.speaking or self._keys.waiting or not self._turns.idle
        if limit is None or self._live is None or busy:
            return
        if now - max(self._quiet_since, self._player.silent_since) < limit:
            return
        self._quiet_since = now
        if self._asked >= self._settings.silence_times:
            if self._settings.goodbye_text:
                self.say(Speech(self._settings.goodbye_text))
            self.hang_up()
            return
        self._asked += 1
        self.say(Speech(self._settings.silence_text))

    def _spawn(self, work: Any, name: str) -> None:
        task = asyncio.ensure_future(work)
        task.set_name(name)
        self._tasks.append(task)
        task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.remove(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not self._over.done():
            self._over.set_exception(error)
