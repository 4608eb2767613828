"""The mood of a conversation: recent turns weigh more, unsure turns less, and a state is entered harder than kept."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

from rasa_emotion.conversation.history import current_turns
from rasa_emotion.conversation.trend import DECAY, trend
from rasa_emotion.estimate import EmotionEstimate

MOODS: tuple[str, ...] = ("calm", "tense", "upset", "hostile", "distressed")

MEMORY = 20
"""Turns that are worth reading: what is older weighs less than a ten-thousandth."""

UPSET, TENSE = -0.31, -0.13
"""Valence from which on a caller is upset or tense: about a half and a fifth of the valence of sad and disgust."""

LINGER = 0.7
"""A state is left only when what it was entered by has fallen to this share of it."""


class _Feeling(NamedTuple):
    anger: float
    fear: float
    valence: float
    arousal: float


@dataclass(frozen=True)
class Mood:
    """How the caller has been lately.

    Args:
        state: one of `MOODS`.
        turns: number of turns with an estimate.
        angry_turns: how many of them were angry.
        anger, fear: smoothed probabilities, 0 to 1.
        valence, arousal: smoothed, each -1 to 1.
        anger_trend, valence_trend, arousal_trend: their change per turn, lately.
        peak_anger: the largest probability of anger in any turn.
        turns_in: how many turns each state lasted.
        secs_in: how many seconds each state lasted, from the turn that it began with to the next state's; as far as
            the turns have timestamps.
    """

    state: str
    turns: int
    angry_turns: int
    anger: float
    fear: float
    valence: float
    arousal: float
    anger_trend: float
    valence_trend: float
    arousal_trend: float
    peak_anger: float
    turns_in: Mapping[str, int]
    secs_in: Mapping[str, float]


def mood_of(events: Iterable[Any]) -> Mood:
    """The mood after these events since the last restart, new session or hand-back, reverted turns included.

    >>> mood_of([{"event": "user", "text": "hello"}]).state
    'calm'
    """
    turns = current_turns(events)
    return mood([turn.estimate for turn in turns], timestamps=[turn.timestamp for turn in turns])


def mood_state(estimates: Iterable[EmotionEstimate]) -> str:
    """The state after these turns, oldest first, as `mood` has it; for callers who need no more.

    >>> mood_state([EmotionEstimate.from_probabilities({"fear": 1.0}, {})])
    'distressed'
    """
    heard = [estimate for estimate in estimates if _counts(estimate)]
    states = _states([_feeling(estimate) for estimate in heard], [estimate.confidence for estimate in heard])[1]
    return states[-1] if states else "calm"


def mood(estimates: Sequence[EmotionEstimate], *, timestamps: Sequence[float | None] | None = None) -> Mood:
    """The mood after these turns, oldest first. Turns without probabilities change nothing.

    Args:
        estimates: of the turns.
        timestamps: of the turns, in seconds; None where it is not known.

    >>> angry = EmotionEstimate.from_probabilities({"angry": 1.0}, {})
    >>> mood([angry, angry]).state
    'hostile'
    """
    moments = timestamps if timestamps is not None else [None] * len(estimates)
    heard = [(estimate, moment) for estimate, moment in zip(estimates, moments, strict=True) if _counts(estimate)]
    feelings = [_feeling(estimate) for estimate, _ in heard]
    weights = [estimate.confidence for estimate, _ in heard]
    smooth, states = _states(feelings, weights)
    return Mood(
        state=states[-1] if states else "calm",
        turns=len(heard),
        angry_turns=sum(estimate.emotion == "angry" for estimate, _ in heard),
        **smooth._asdict(),
        anger_trend=trend([feeling.anger for feeling in feelings], weights=weights),
        valence_trend=trend([feeling.valence for feeling in feelings], weights=weights),
        arousal_trend=trend([feeling.arousal for feeling in feelings], weights=weights),
        peak_anger=round(max((feeling.anger for feeling in feelings), default=0.0), 6),
        turns_in={state: states.count(state) for state in MOODS},
        secs_in=_secs_in(states, [moment for _, moment in heard]),
    )


def _counts(estimate: EmotionEstimate) -> bool:
    return bool(estimate.probabilities) and estimate.confidence > 0


def _feeling(estimate: EmotionEstimate) -> _Feeling:
    said = estimate.probabilities
    return _Feeling(said.get("angry", 0.0), said.get("fear", 0.0), estimate.valence, estimate.arousal)


def _states(feelings: Sequence[_Feeling], weights: Sequence[float]) -> tuple[_Feeling, list[str]]:
    """The feeling in the end, smoothed, and the state after each turn."""
    anger = fear = valence = arousal = total = 0.0
    states = ["calm"]
    for feeling, weight in zip(feelings, weights, strict=True):
        total = DECAY * total + weight
        share = weight / total
        anger += share * (feeling.anger - anger)
        fear += share * (feeling.fear - fear)
        valence += share * (feeling.valence - valence)
        arousal += share * (feeling.arousal - arousal)
        states.append(_next_state(states[-1], anger, fear, valence))
    return _Feeling(*(round(value, 6) for value in (anger, fear, valence, arousal))), states[1:]


def _next_state(state: str, anger: float, fear: float, valence: float) -> str:
    if anger >= 0.5 * (LINGER if state == "hostile" else 1) and anger >= fear:
        return "hostile"
    if fear >= 0.4 * (LINGER if state == "distressed" else 1):
        return "distressed"
    if valence <= UPSET * (LINGER if state == "upset" else 1):
        return "upset"
    tense = LINGER if state == "tense" else 1
    return "tense" if valence <= TENSE * tense or anger >= 0.25 * tense else "calm"


def _secs_in(states: Sequence[str], moments: Sequence[float | None]) -> dict[str, float]:
    secs = dict.fromkeys(MOODS, 0.0)
    known = [(state, moment) for state, moment in zip(states, moments, strict=True) if moment is not None]
    for (state, begin), (_, end) in pairwise(known):
        secs[state] += max(0.0, end - begin)
    return {state: round(value, 3) for state, value in secs.items()}
