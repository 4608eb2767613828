"""Which of a reply's variations fits the caller, what need not be said again, and whether to acknowledge first.

All of it is read from the conversation's events: the caller's estimates, and the bot's messages with their metadata.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from rasa_emotion.conversation.history import RECENT, Reply, Turn, current_turns, exchanges_backwards
from rasa_emotion.conversation.mood import MEMORY, mood_state
from rasa_emotion.conversation.sentences import is_question, sentences
from rasa_emotion.conversation.tone import reply_tones
from rasa_emotion.emotions import FAMILIES

Variation = dict[str, Any]

EMOTION_SLOT, MOOD_SLOT = "emotion", "caller_mood"
"""A condition on one of these says for which callers a variation is written."""

REPLY_KEY = "emotion_reply"
"""Where a message of the bot holds, in its metadata, for whom it was written and whether it acknowledges a feeling."""

OWN = "utter_emotion_*"
"""What is said about the analysis itself, the same to everybody."""

NEEDY: frozenset[str] = frozenset({"angry", "upset", "worried"})
"""Families of feelings that a good agent acknowledges."""

NEEDY_MOODS: frozenset[str] = frozenset({"upset", "hostile", "distressed"})
"""Moods that call for care."""


@dataclass(frozen=True)
class Caller:
    """What a reply has to know about the caller.

    Args:
        tones: emotion and family of the latest turn, best first; empty where it is unknown or too unsure.
        mood: the mood of the conversation, one of `MOODS`.
        unacknowledged: whether the caller has come to need an acknowledgement and has not had one since.
        said: what the bot has said lately, sentence by sentence, as `plain_words` gives it.
    """

    tones: tuple[str, ...] = ()
    mood: str = "calm"
    unacknowledged: bool = False
    said: frozenset[str] = frozenset()

    @property
    def needy(self) -> bool:
        """Whether the turn or the mood calls for care."""
        return self.mood in NEEDY_MOODS or bool(NEEDY & set(self.tones))


def caller_of(
    events: Iterable[Any], *, min_confidence: float = 0.0, no_repeat: int = 0, acknowledgement: str | None = None
) -> Caller:
    """The caller as the events show them since the last restart, new session or hand-back.

    Args:
        events: a tracker's events, objects or dictionaries, oldest first.
        min_confidence: probability below which a turn's emotion counts as unknown.
        no_repeat: what the bot said in so many of the latest turns counts as said lately.
        acknowledgement: the response that acknowledges a feeling, which a story may utter too.
    """
    turns = current_turns(events, last=RECENT)[::-1]
    if not turns:
        return Caller()
    now = Caller(_tones(turns[0], min_confidence), _mood(turns))
    exchanges = _Exchanges(exchanges_backwards(events), turns)
    owed = now.needy and not exchanges[0][1]  # with an answer to this turn it is too late
    lately = [reply for _, replies in exchanges.first(no_repeat) for reply in replies]
    return Caller(
        now.tones,
        now.mood,
        unacknowledged=owed and _unacknowledged(exchanges, min_confidence, acknowledgement),
        said=frozenset(plain_words(part) for reply in lately for part in sentences(reply.text)),
    )


_Exchange = tuple[Turn, list[Reply]]


class _Exchanges:
    """Turns with their replies, newest first, each read when it is first asked for: few are, and each takes time.

    Args:
        backwards: all of them.
        turns: the latest `RECENT` turns without their replies, newest first.
    """

    def __init__(self, backwards: Iterator[_Exchange], turns: list[Turn]) -> None:
        self._backwards, self._turns = backwards, turns
        self._read: list[_Exchange] = []

    def first(self, count: int) -> list[_Exchange]:
        self._read += islice(self._backwards, max(0, count - len(self._read)))
        return self._read[:count]

    def __getitem__(self, index: int) -> _Exchange:
        return self.first(index + 1)[index]

    def turns(self, index: int) -> list[Turn]:
        """The turns that count for a mood, from this one backwards."""
        if len(self._turns) < RECENT or index + MEMORY <= RECENT:
            return self._turns[index : index + MEMORY]
        return [turn for turn, _ in self.first(index + MEMORY)[index:]]


def _tones(turn: Turn, min_confidence: float) -> tuple[str, ...]:
    return reply_tones(turn.estimate, min_confidence=min_confidence)


def _mood(turns: Sequence[Turn]) -> str:
    """The mood after turns that stand newest first."""
    return mood_state([turn.estimate for turn in turns[:MEMORY]][::-1])


def _unacknowledged(exchanges: _Exchanges, min_confidence: float, acknowledgement: str | None) -> bool:
    """Whether no reply before this turn has acknowledged the feeling since the caller was last well."""
    index = 1
    while index < len(exchanges.first(index + 1)):
        turn, replies = exchanges[index]
        if any(_acknowledges(reply, acknowledgement) for reply in replies):
            return False
        if not NEEDY & set(_tones(turn, min_confidence)) and _mood(exchanges.turns(index)) == "calm":
            return True
        index += 1
    return True


def _acknowledges(reply: Reply, acknowledgement: str | None) -> bool:
    noted = reply.metadata.get(REPLY_KEY)
    uttered = acknowledgement is not None and reply.metadata.get("utter_action") == acknowledgement
    return uttered or (isinstance(noted, Mapping) and bool(noted.get("acknowledges")))


@dataclass(frozen=True)
class Fitting:
    """Variations that fit a caller equally well.

    Args:
        names: for whom they are written: an emotion or family, a mood, or both.
        variations: they themselves, without the conditions that say so.
    """

    names: tuple[str, ...]
    variations: list[Variation]

    @property
    def acknowledges(self) -> bool:
        """Whether they are written for a feeling that a good agent acknowledges."""
        return any(FAMILIES.get(name, name) in NEEDY | NEEDY_MOODS for name in self.names)


def variations_by_fit(variations: Iterable[Variation], caller: Caller) -> Iterator[Fitting]:
    """The variations written for callers like this one, best fit first.

    The order is: emotion and mood; emotion; family and mood; family; mood. All of a variation's conditions on emotion
    and mood must hold.

    >>> happy = {"text": "Great!", "condition": [{"type": "slot", "name": "emotion", "value": "happy"}]}
    >>> list(variations_by_fit([happy, {"text": "Ok."}], Caller(("happy", "pleased"))))
    [Fitting(names=('happy',), variations=[{'text': 'Great!'}])]
    """
    ranked = [(_rank(variation, caller), variation) for variation in variations if written_for(variation)]
    for rank in sorted({rank for rank, _ in ranked if rank is not None}):
        place, without_mood = rank
        names = (*caller.tones[place : place + 1], *([] if without_mood else [caller.mood]))
        yield Fitting(names, [_bare(variation) for found, variation in ranked if found == rank])


def plain_variations(variations: Iterable[Variation]) -> list[Variation]:
    """The variations that are written for every caller."""
    return [variation for variation in variations if not written_for(variation)]


def written_for(variation: Variation) -> list[tuple[str, str]]:
    """The slots and values that say for whom a variation is written: (slot, value) for each such condition."""
    return [
        (condition["name"], str(condition.get("value")).casefold())
        for condition in variation.get("condition") or []
        if _on_caller(condition)
    ]


def _rank(variation: Variation, caller: Caller) -> tuple[int, int] | None:
    named = written_for(variation)
    emotions = [value for slot, value in named if slot == EMOTION_SLOT]
    moods = [value for slot, value in named if slot == MOOD_SLOT]
    if not set(emotions) <= set(caller.tones) or not set(moods) <= {caller.mood}:
        return None
    places = [caller.tones.index(emotion) for emotion in emotions]
    return min(places, default=len(caller.tones)), int(not moods)


def _bare(variation: Variation) -> Variation:
    others = [condition for condition in variation.get("condition") or [] if not _on_caller(condition)]
    bare = {key: value for key, value in variation.items() if key != "condition"}
    return {**bare, "condition": others} if others else bare


def _on_caller(condition: Mapping[str, Any]) -> bool:
    return condition.get("type") == "slot" and condition.get("name") in {EMOTION_SLOT, MOOD_SLOT}


def is_worn(text: str, said: frozenset[str]) -> bool:
    """Whether all of a text has been said lately.

    >>> is_worn("Sorry! Which line?", frozenset({"sorry", "which line", "bye"}))
    True
    """
    words = [plain_words(part) for part in sentences(text)]
    return any(words) and all(part in said for part in words if part)


def without_said_opening(text: str, said: frozenset[str]) -> str:
    """The text without its first sentence where that has been said lately, as an apology has that opens many replies.

    A question stays, and so do a number and the only sentence.

    >>> without_said_opening("I am sorry. Which line is it?", frozenset({"i am sorry"}))
    'Which line is it?'
    """
    parts = sentences(text)
    if len(parts) < 2 or is_question(parts[0]) or re.search(r"\d", parts[0]) or plain_words(parts[0]) not in said:
        return text
    rest = "".join(parts[1:])
    return rest if plain_words(rest) else text


def plain_words(text: str) -> str:
    """The words of a text in small letters, without its marks: what two ways to write a sentence have in common."""
    return " ".join(re.findall(r"\w+", text.casefold()))
