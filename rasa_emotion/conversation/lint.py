"""What is wrong with a domain's variations: feelings that nobody wrote for, and variations that nobody will hear."""

import difflib
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from rasa_emotion.conversation.cheer import is_cheerful
from rasa_emotion.conversation.mood import MOODS
from rasa_emotion.conversation.reply import EMOTION_SLOT, MOOD_SLOT, OWN, Variation, plain_variations, written_for
from rasa_emotion.conversation.tone import TONES
from rasa_emotion.emotions import EMOTIONS, FAMILIES

FAMILY_OF_MOOD: Mapping[str, str] = {"hostile": "angry", "upset": "upset", "distressed": "worried"}
"""The family that a variation for a mood serves as well."""

_BUILT_IN_SLOTS = frozenset({"requested_slot", "session_started_metadata"})
_RESTS = frozenset({"rest", "cmdline", "rasa"})  # they answer through Rasa's collector, under its name
_COLLECTORS = ("collector", "queue")
_RELAY = re.compile(r"(^|\.)RelayInput$|^rasa_emotion\.relay\.")
_OWN_CHANNELS: Mapping[str, str] = {"EmotionRestInput": "emotion"}


@dataclass(frozen=True)
class Problem:
    """One finding.

    Args:
        response: name of the response.
        variation: which of its variations, counted from 1; None where it is the response as a whole.
        kind: "missing" (no variation for a family) or "unreachable" (can never be chosen).
        sentence: what is wrong and what to do.
    """

    response: str
    variation: int | None
    kind: str
    sentence: str


def lint(
    responses: Mapping[str, Sequence[Variation]],
    slots: Mapping[str, Any],
    *,
    families: Sequence[str] = ("angry", "worried"),
    exempt: Collection[str] = (),
    acknowledgement: str = "utter_acknowledge",
    acknowledged: bool = False,
    channels: Collection[str] | None = None,
) -> list[Problem]:
    """The problems of a domain's responses, in the domain's order.

    Args:
        responses: as in the domain.
        slots: as in the domain.
        families: callers of these families need variations.
        exempt: responses, or patterns such as "utter_chat_*", that need none.
        acknowledgement: the response that is put before the first reply to such callers.
        acknowledged: where it has something to say to a family, it is enough for the responses before which it is put:
            all but those that sound glad.
        channels: names of the output channels; None where they are not known.
    """
    first = responses.get(acknowledgement, ())
    enough = [family for family in families if acknowledged and (_serves(first, family) or _has_plain(first))]
    found: list[Problem] = []
    for name, variations in responses.items():
        found += _unreachable(name, variations, slots, channels)
        if not name.startswith("utter_") or any(fnmatchcase(name, pattern) for pattern in (OWN, *exempt)):
            continue
        if name == acknowledgement and _has_plain(variations):
            continue
        glad = any(is_cheerful(str(variation.get("text"))) for variation in plain_variations(variations))
        wanted = [family for family in families if glad or family not in enough]
        missing = [family for family in wanted if not _serves(variations, family)]
        if missing:
            found.append(Problem(name, None, "missing", _missing(missing, glad=glad)))
    return found


def _missing(families: Sequence[str], *, glad: bool) -> str:
    how = "sounds glad, also" if glad else "has no variation"
    who = " or ".join(families)
    return f"{how} for callers who are {who}; write a variation for them, or exempt the response."


def _serves(variations: Iterable[Variation], family: str) -> bool:
    """Whether any caller of a family gets a variation of their own, on every channel and whatever the other slots."""
    emotions = {emotion for emotion, of in FAMILIES.items() if of == family}
    served: set[str] = set()
    for variation in variations:
        if "channel" in variation or len(variation.get("condition") or []) != 1:
            continue
        for slot, value in written_for(variation):
            served.add(FAMILY_OF_MOOD.get(value, "") if slot == MOOD_SLOT else value)
    return family in served or emotions <= served


def _has_plain(variations: Iterable[Variation]) -> bool:
    return any(variation.get("condition") is None and "channel" not in variation for variation in variations)


def _unreachable(
    name: str, variations: Sequence[Variation], slots: Mapping[str, Any], channels: Collection[str] | None
) -> Iterator[Problem]:
    earlier: dict[str, int] = {}
    for number, variation in enumerate(variations, start=1):
        first = earlier.setdefault(_identity(variation), number)
        sentences = [*_wrong_conditions(variation, slots), *_wrong_channel(variation, channels)]
        if first != number:
            sentences.append(f"is the same as variation {first}; remove one of them.")
        yield from (Problem(name, number, "unreachable", sentence) for sentence in sentences)


def _identity(variation: Variation) -> str:
    conditions = [json.dumps(condition, sort_keys=True, default=str) for condition in variation.get("condition") or []]
    return json.dumps({**variation, "condition": sorted(conditions)}, sort_keys=True, default=str).casefold()


def _wrong_conditions(variation: Variation, slots: Mapping[str, Any]) -> Iterator[str]:
    if variation.get("condition") == []:
        yield "has an empty list of conditions, which Rasa never chooses; remove the key 'condition'."
    named = written_for(variation)
    emotions = [value for slot, value in named if slot == EMOTION_SLOT]
    moods = [value for slot, value in named if slot == MOOD_SLOT]
    yield from _wrong_values(EMOTION_SLOT, emotions, (*EMOTIONS, *sorted(TONES)), other=(MOOD_SLOT, MOODS))
    yield from _wrong_values(MOOD_SLOT, moods, MOODS, other=(EMOTION_SLOT, (*EMOTIONS, *TONES)))
    known = set(emotions) <= {*EMOTIONS, *TONES}
    if known and emotions and not any(set(emotions) <= {emotion, FAMILIES.get(emotion)} for emotion in EMOTIONS):
        yield f"asks for {' and '.join(emotions)} at once, which no caller is; keep one of the conditions."
    if len(set(moods)) > 1:
        yield f"asks for the moods {' and '.join(moods)} at once; keep one of the conditions."
    yield from _wrong_slots(variation, slots)


def _wrong_values(
    slot: str, values: Iterable[str], known: Sequence[str], *, other: tuple[str, Collection[str]]
) -> Iterator[str]:
    for value in values:
        if value in known:
            continue
        if value in other[1]:
            yield f"has '{value}' as the value of '{slot}', where it never stands; put the condition on '{other[0]}'."
            continue
        close = difflib.get_close_matches(value, known, n=1)
        remedy = f"did you mean '{close[0]}'?" if close else f"choose from {', '.join(dict.fromkeys(known))}."
        yield f"has '{value}' as the value of '{slot}', which never has it; {remedy}"


def _wrong_slots(variation: Variation, slots: Mapping[str, Any]) -> Iterator[str]:
    values: dict[str, list[Any]] = {}
    for condition in variation.get("condition") or []:
        name = str(condition.get("name"))
        if name not in {EMOTION_SLOT, MOOD_SLOT}:
            values.setdefault(name, []).append(condition.get("value"))
    for name, wanted in values.items():
        if len({_plain(value) for value in wanted}) > 1:
            yield f"asks for two values of the slot '{name}' at once; keep one of the conditions."
        if name not in slots and name not in _BUILT_IN_SLOTS:
            yield f"has a condition on the slot '{name}', which the domain lacks; correct the name or add the slot."
        elif not all(_possible(value, slots.get(name)) for value in wanted):
            yield f"has a value of the slot '{name}' which this slot cannot have; correct it."


def _possible(value: Any, slot: Any) -> bool:
    kind = slot.get("type") if isinstance(slot, Mapping) else None
    if value is None:
        return True
    if kind == "bool":
        return isinstance(value, bool)
    if kind == "float":
        return isinstance(value, int | float)
    if kind == "categorical":
        return _plain(value) in {_plain(possible) for possible in slot.get("values") or ()} | {"__other__"}
    return True


def _plain(value: Any) -> str:
    return value.casefold() if isinstance(value, str) else repr(value)


def _wrong_channel(variation: Variation, channels: Collection[str] | None) -> Iterator[str]:
    channel = variation.get("channel")
    if channel in _RESTS:
        yield (
            f"is for the channel '{channel}', whose answers Rasa sends as '{_COLLECTORS[0]}' ('{_COLLECTORS[1]}' when "
            "streamed); name that one."
        )
    elif channel is not None and channels is not None and channel not in channels:
        listed = ", ".join(sorted(channels)) or "none"
        yield f"is for the channel '{channel}', which the credentials lack ({listed}); correct the name."


def channels_of(credentials: Mapping[str, Any]) -> frozenset[str] | None:
    """The output channels' names of a bot with these credentials; None where a class of its own may have any name.

    >>> sorted(channels_of({"slack": {}, "rasa_emotion.EmotionRestInput": None}))
    ['emotion', 'slack']
    >>> sorted(channels_of({"rasa_emotion.relay.website": {"channel": "socketio"}}))
    ['socketio']
    """
    found: set[str] = set()
    for key, options in credentials.items():
        relayed = _RELAY.search(key) and isinstance(options, Mapping)
        channel = str(options.get("channel")) if relayed else key
        name = _OWN_CHANNELS.get(channel.rpartition(".")[2], channel)
        if "." in name:
            return None
        found.update(_COLLECTORS if name in _RESTS else (name,))
    return frozenset(found)
