"""Two sentences about a conversation, put together without a model: what the caller wanted, and how the mood went."""

from collections.abc import Mapping, Sequence
from typing import Any

from rasa_emotion.conversation.decision import HANDOVER, Decision
from rasa_emotion.conversation.history import CHOICES
from rasa_emotion.handoff.packet import TimelineTurn

SMALL_TALK = frozenset(
    {
        *("affirm", "agree", "deny", "inform", "greet", "hello", "goodbye", "bye", "thank", "thanks", "thankyou"),
        *("mood_great", "mood_unhappy", "bot_challenge", "chitchat", "out_of_scope", "repeat", "stop", "complain"),
        *("nlu_fallback", "voice_without_words", "session_start", "restart", "back", "ask_human"),
        *CHOICES,
    }
)
"""Intents that do not say what a caller wants, by the names that bots commonly give them."""

MOST_TOPICS = 3
STEADY = 0.05
"""A probability that moved less than this is said to have stayed."""

NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def summary(
    intents: Sequence[str], timeline: Sequence[TimelineTurn], form: Mapping[str, Any] | None, decision: Decision
) -> str:
    """The two sentences.

    Args:
        intents: of the caller's turns, oldest first.
        timeline: the same turns.
        form: what was open, see `Packet`.
        decision: what was decided.

    >>> summary(["report_fault"], [], None, Decision("alert", "anger", "The caller was angry (anger 0.70)."))
    'The caller has spoken about "report fault". How the caller felt is not known; the bot raised an alert because of \
the rule "anger": the caller was angry (anger 0.70).'
    """
    return f"{_wanted(intents, timeline, form)}. {_felt(timeline)}; {_did(decision)}"


def _wanted(intents: Sequence[str], timeline: Sequence[TimelineTurn], form: Mapping[str, Any] | None) -> str:
    count = len(timeline)
    number = NUMBERS[count] if count < len(NUMBERS) else str(count)
    turns = f" {number} turn{'' if count == 1 else 's'}" if count else ""
    topics = _topics(intents)
    about = f"about {' and '.join(topics)}" if topics else "without a request that the bot knows"
    sentence = f"The caller has spoken{turns} {about}"
    if form is None:
        return sentence
    asked = f" (asked: {str(form['asked']).replace('_', ' ')})" if form.get("asked") else ""
    return f'{sentence} and was in the form "{str(form["name"]).replace("_", " ")}"{asked}'


def _topics(intents: Sequence[str]) -> list[str]:
    """The last things that were wanted, in the order in which they first came up."""
    wanted = list(dict.fromkeys(intent for intent in intents if intent.casefold() not in SMALL_TALK))
    return [f'"{intent.replace("_", " ").replace("/", ", ")}"' for intent in wanted[-MOST_TOPICS:]]


def _felt(timeline: Sequence[TimelineTurn]) -> str:
    heard = [turn for turn in timeline if turn.modalities or turn.confidence > 0]
    if not heard:
        return "How the caller felt is not known"
    anger, fear = [turn.anger for turn in heard], [turn.fear for turn in heard]
    name, values = ("Fear", fear) if max(fear) > max(anger) else ("Anger", anger)
    return f"{name} {_course(values)} and the mood is {timeline[-1].mood}"


def _course(values: Sequence[float]) -> str:
    first, last, peak = values[0], values[-1], max(values)
    if len(values) == 1:
        return f"is at {last:.2f}"
    if abs(last - first) < STEADY:
        course = f"stayed at {last:.2f}"
    else:
        course = f"{'rose' if last > first else 'fell'} from {first:.2f} to {last:.2f}"
    return course if peak - max(first, last) < STEADY else f"{course}, with a peak of {peak:.2f},"


def _did(decision: Decision) -> str:
    did = "handed over" if decision.action == HANDOVER else "raised an alert"
    reason = decision.reason.strip()
    # In the middle of a sentence; what begins with an acronym keeps its capitals.
    lowered = reason[:1].lower() + reason[1:] if reason[1:2].islower() else reason
    ended = lowered if lowered.endswith((".", "!", "?")) else f"{lowered}."
    return f'the bot {did} because of the rule "{decision.rule}": {ended}'
