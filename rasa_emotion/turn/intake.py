"""One intake under every channel: what must be done with a turn before the bot hears of it, and while it answers.

A channel translates bytes into a `Turn` and a `Taken` into its bot's message. Whether a caller may be analysed, who
waits for whom, where the analysis runs and what is too much is decided here and nowhere else.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Container, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4
from weakref import WeakValueDictionary

from rasa_emotion.audio.channels import check_channel
from rasa_emotion.conversation.commands import HEARD_PREFIX, VOICE_INTENT, command_intent
from rasa_emotion.conversation.history import CHOICES
from rasa_emotion.errors import ConfigError, place_of
from rasa_emotion.estimate import Evidence
from rasa_emotion.logs import named, trace
from rasa_emotion.privacy.pseudonym import pseudonym
from rasa_emotion.protocol import Analyzer
from rasa_emotion.settings import check_number, check_text, checked
from rasa_emotion.text.cleaning import has_words
from rasa_emotion.turn.admission import shared_admission
from rasa_emotion.turn.consent import may_analyse, note_choice
from rasa_emotion.turn.evidence import EVIDENCE_KEY, ChannelEvidence, drop_reserved
from rasa_emotion.turn.listening import Heard, listen
from rasa_emotion.turn.message import DEFAULT_SENDER_ID, Audio, Taken, Turn, TurnRefused
from rasa_emotion.turn.plain import check_entities, check_metadata
from rasa_emotion.turn.roles import Right
from rasa_emotion.turn.shared import check_endpoint, shared_analyzer

logger = logging.getLogger(__name__)

SWITCHED_OFF = "The caller's emotions are not to be analysed; the voice was not."
SPEAKERS = ("caller", "agent")
LONGEST_NAME = 255
"""Characters of a sender or channel: what tracker stores and the record of handovers hold."""

RETRY_SECS = 5
"""When a caller whose turns wait may try again, in seconds."""

DEFAULTS: dict[str, Any] = {
    # Most characters of words in one turn.
    "max_chars": 2000,
    # Most kilobytes of a client's metadata, as JSON.
    "max_metadata_kb": 16,
    # Turns of one caller that may wait for an earlier one of theirs; the next is refused with status 429.
    "max_waiting": 8,
    # Turns of all callers that this server process answers at once, over all its channels; the next one is refused
    # with status 429. null for no limit.
    "max_turns": 64,
    # Seconds within which a turn is likely to be answered, or else it is refused in the same way: where the processor
    # is busy, all turns at once are slow. null for no limit.
    "max_wait_secs": 1,
    # Only so many seconds of a turn's sound are decoded and analysed.
    "max_secs": 30,
    # Channel of stereo recordings that holds the caller: left, right or mix. By default the one with a voice; of two
    # voices on two channels none is then analysed.
    "channel": None,
    # Intent of a turn without words; the domain needs it, and a rule of its own.
    "voice_intent": VOICE_INTENT,
    # Turns that are analysed at the same time.
    "workers": 2,
    # As in config.yml: folder of the models, and name of the acoustic one.
    "models": None,
    "acoustic": "acoustic",
    # A service that is asked in place of models in this process, such as http://emotion:8100; see docs/service.md.
    "endpoint": None,
    # Who speaks: "caller", or "agent" for a person at work, which needs the next option.
    "analyse": "caller",
    # The legal ground on which people at work are analysed, in the operator's own words; see docs/privacy.md.
    "legal_ground": None,
}

HandOn = Callable[[Taken], Awaitable[Any]]


@dataclass(eq=False)
class _Line:
    """The turns of one caller: one is answered, others wait for it."""

    lock: asyncio.Lock
    waiting: int = 0


class Intake:
    """Takes the turns of one channel.

    >>> async def hand_on(taken: Taken) -> None:
    ...     print(taken.text)
    >>> _ = asyncio.run(Intake("MyChannel").take(Turn("alice", "hello"), hand_on))
    hello
    """

    def __init__(
        self,
        owner: str,
        options: Mapping[str, Any] | None = None,
        *,
        analyzer: Callable[[], Analyzer | None] | None = None,
    ) -> None:
        """Prepares for turns; models are loaded with the first sound.

        Args:
            owner: the channel's name, for messages to its operator.
            options: those of `DEFAULTS` that are set otherwise.
            analyzer: gives another analyzer than that of `models` and `acoustic`.

        Raises:
            ConfigError: an option cannot be used, or people at work were to be analysed without a legal ground.
        """
        self.options = checked_options(owner, options or {})
        self._owner = owner
        self._analyzer = analyzer or self._shared
        if self.options["analyse"] == "agent":
            logger.warning(
                "The channel '%s' analyses people at work. Its operator states as the legal ground: %s",
                owner,
                self.options["legal_ground"],
                extra=named("turn.staff.analysed"),
            )
        # onnxruntime and the decoder release the GIL, so these threads run beside the event loop.
        self._threads = ThreadPoolExecutor(self.options["workers"], thread_name_prefix="emotion")
        self._lines: WeakValueDictionary[str, _Line] = WeakValueDictionary()

    async def take(self, turn: Turn, hand_on: HandOn, *, intents: Container[str] | None = None) -> Taken:
        """Hear a turn, then hand it on to the bot, each caller's turns in their order; returns what was handed on.

        Args:
            turn: what the channel received.
            hand_on: gives the bot its message and returns when it has answered. An error that it raises is logged,
                and told by `Taken.failed`.
            intents: those of the bot's domain, where they are known.

        Raises:
            TurnRefused: the turn is malformed or too large, the caller has too many waiting, the server too many
                under way, or the domain lacks the intent of a turn without words.
        """
        turn = self._admitted(turn, intents)
        line = self._lines.setdefault(_name(turn), _Line(asyncio.Lock()))
        if line.waiting >= self.options["max_waiting"] and line.lock.locked():
            raise TurnRefused(
                429,
                "Too many messages of this sender wait for an answer; send the next one later.",
                retry_after=RETRY_SECS,
            )
        with shared_admission.turn(self.options["max_turns"], self.options["max_wait_secs"]):
            line.waiting += 1
            try:
                # A short recording must not overtake a long one of the same caller.
                await line.lock.acquire()
            finally:
                line.waiting -= 1
            try:
                await shared_admission.give_way()
                taken = self._taken(turn, await self._heard(turn))
                return replace(taken, failed=not await _handed_on(hand_on, taken))
            finally:
                line.lock.release()

    def check_room(self) -> None:
        """Raises TurnRefused (429) where no further turn would be taken now, before anything is made of one."""
        shared_admission.check(self.options["max_turns"], self.options["max_wait_secs"])

    def _admitted(self, turn: Turn, intents: Container[str] | None) -> Turn:
        """The turn without what a client may not write. Raises TurnRefused."""
        turn.by.require(Right.SPEAK)
        if command_intent(turn.text) in CHOICES:
            turn.by.require(Right.CHOOSE)
        turn = replace(turn, sender=turn.by.own(turn.sender), input_channel=turn.by.own_channel(turn.input_channel))
        check_name("sender", turn.sender)
        check_name("input_channel", turn.input_channel)
        text = turn.text.strip()
        if len(text) > self.options["max_chars"]:
            most = self.options["max_chars"]
            raise TurnRefused(413, f"The message has {len(text):,} characters, more than the {most:,} allowed.")
        if turn.audio is not None and not has_words(text):
            text = ""  # what a recogniser makes of a sigh, such as "...", is not to be guessed an intent of
        if not text and turn.audio is None:
            raise TurnRefused(400, "The turn has neither words nor sound; send at least one of them.")
        if not text:
            self._check_voice_intent(intents)
        metadata = dict(turn.metadata)
        drop_reserved(metadata)
        check_metadata(metadata, self.options["max_metadata_kb"])
        check_entities(text)
        return replace(turn, text=text, metadata=metadata)

    def _check_voice_intent(self, intents: Container[str] | None) -> None:
        intent = self.options["voice_intent"]
        if intents is None or intent in intents:
            return
        sentence = f"The bot's domain has no intent '{intent}' for a voice without words; add it, with a rule."
        logger.error("%s", sentence, extra=named("turn.intent.missing"))
        raise TurnRefused(500, sentence)

    async def _heard(self, turn: Turn) -> Heard:
        if turn.audio is None and command_intent(turn.text) not in CHOICES:
            return Heard()
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._hear, turn)

    def _hear(self, turn: Turn) -> Heard:
        intent = command_intent(turn.text)
        if intent in CHOICES:
            # Noted here too: the bot does not hear it while a human has the conversation.
            note_choice(_name(turn), CHOICES[intent])
        if turn.audio is None:
            return Heard()
        if intent in CHOICES or not may_analyse(turn.sender):
            return Heard(warning=SWITCHED_OFF)
        audio = turn.audio
        if isinstance(audio, Evidence):
            return Heard(ChannelEvidence.of([audio]))
        # Loaded here, not in the constructor: a server's workers fork after the channels are made.
        if isinstance(audio, Audio) and audio.channel is None:
            audio = replace(audio, channel=self.options["channel"])
        return listen(self._analyzer(), audio, max_secs=self.options["max_secs"])

    def _shared(self) -> Analyzer | None:
        options = self.options
        return shared_analyzer(options["models"], options["acoustic"], options["endpoint"])

    def _taken(self, turn: Turn, heard: Heard) -> Taken:
        metadata = {**turn.metadata, EVIDENCE_KEY: heard.evidence} if heard.evidence else dict(turn.metadata)
        return Taken(
            turn.sender,
            turn.text or f"/{self.options['voice_intent']}",
            metadata or None,
            f"{HEARD_PREFIX}{uuid4().hex}" if heard.evidence else turn.message_id,
            turn.input_channel,
            heard.warning,
        )


async def _handed_on(hand_on: HandOn, taken: Taken) -> bool:
    """Whether the bot answered without an error."""
    try:
        await hand_on(taken)
    except asyncio.CancelledError:
        logger.error(
            "A turn of caller %s took longer than the response timeout.",
            pseudonym(taken.sender),
            extra=named("turn.timeout"),
        )
    except (Exception, SystemExit) as error:  # a tracker store that gives up asks the process to exit
        logger.error(
            "A turn of caller %s failed (%s).",
            pseudonym(taken.sender),
            place_of(error),
            extra=named("turn.unanswered"),
        )
        trace(logger, "turn.unanswered", error)
    else:
        return True
    return False


def check_name(key: str, name: str | None) -> None:
    """Refuse a `sender` or `input_channel` that cannot be stored. Raises TurnRefused.

    >>> check_name("sender", "+44 7700 900123")
    """
    # Printable leaves out control characters and lone surrogates, on which tracker stores and databases fail.
    if name is not None and not (0 < len(name) <= LONGEST_NAME and name.isprintable()):
        raise TurnRefused(400, f"'{key}' must have 1 to {LONGEST_NAME} printable characters.")


def _name(turn: Turn) -> str:
    return DEFAULT_SENDER_ID if turn.sender is None else turn.sender


def checked_options(owner: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """All of `DEFAULTS`, with what is set otherwise. Raises ConfigError."""
    settings = checked(owner, options, DEFAULTS)
    for key in ("max_chars", "max_metadata_kb", "max_waiting", "max_secs"):
        check_number(owner, key, settings[key], above=0)
    check_channel(settings["channel"])
    for key in ("max_turns", "max_wait_secs"):
        check_number(owner, key, settings[key], above=0, optional=True)
    check_number(owner, "workers", settings["workers"], above=0, at_most=64)
    check_text(owner, "voice_intent", settings["voice_intent"])
    check_text(owner, "models", settings["models"], optional=True)
    check_text(owner, "acoustic", settings["acoustic"])
    check_endpoint(owner, settings["endpoint"])
    check_text(owner, "legal_ground", settings["legal_ground"], optional=True)
    _check_speaker(owner, settings)
    whole = {key: int(settings[key]) for key in ("max_chars", "max_waiting", "workers")}
    return {**settings, **whole}


def _check_speaker(owner: str, settings: Mapping[str, Any]) -> None:
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
