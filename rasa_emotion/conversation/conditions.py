"""The conditions that a rule of escalation may have: each is a pure function of the caller's turns.

A condition on an emotion has a `strength`, the number that it compares with its threshold, so that a sweep over
thresholds needs it only once per turn. Turns without an estimate count for none of them, and none holds in such a turn.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from rasa_emotion.conversation.anger import anger_score
from rasa_emotion.conversation.history import Turn
from rasa_emotion.conversation.trend import trend
from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.errors import ConfigError
from rasa_emotion.estimate import EmotionEstimate
from rasa_emotion.settings import check_flag, check_number

MEMORY = 20
"""Turns that a condition may look back."""

SOURCES = ("both", "voice", "words", "either")
"""What an emotion is read from: the fused estimate, one modality, or whichever of them says most."""

_CONTRADICTIONS = {
    "any": "voice and words contradicted each other",
    "sarcastic": "words were friendly and the voice was angry",
    "masked": "words were angry or sad and the voice was friendly",
}
CONFLICTS = tuple(_CONTRADICTIONS)

_ADJECTIVES = {"disgust": "disgusted", "fear": "afraid", "surprise": "surprised"}
_NOUNS = {"angry": "anger", "calm": "calm", "happy": "happiness", "neutral": "neutrality", "sad": "sadness"}
_MODALITIES = {"voice": "acoustic", "words": "text"}
_CLIP = 0.01


class Condition(Protocol):
    """What a rule asks of a conversation."""

    def reason(self, turns: Sequence[Turn]) -> str | None:
        """Why the condition holds after these turns, oldest first, in one plain sentence; None where it does not."""


@dataclass(frozen=True)
class Felt:
    """What the conditions on an emotion share.

    Args:
        emotions: whose probabilities are summed.
        source: one of `SOURCES`.
        sarcasm: count a sarcastic turn (`conflict_kind`) as angry as its voice, anger and disgust together.
    """

    emotions: tuple[str, ...] = ("angry",)
    source: str = "both"
    sarcasm: bool = True

    def __post_init__(self) -> None:
        if not self.emotions or not set(self.emotions) <= set(EMOTIONS):
            raise ConfigError(f"when: 'emotion' is {list(self.emotions)}; choose from {', '.join(EMOTIONS)}.")
        if self.source not in SOURCES:
            raise ConfigError(f"when: 'source' is {self.source!r}; choose from {', '.join(SOURCES)}.")
        check_flag("when", "sarcasm", self.sarcasm)

    @property
    def noun(self) -> str:
        """ "anger", or "fear or sadness"."""
        return " or ".join(_NOUNS.get(emotion, emotion) for emotion in self.emotions)

    @property
    def adjective(self) -> str:
        """ "angry", or "afraid or sad"."""
        return " or ".join(_ADJECTIVES.get(emotion, emotion) for emotion in self.emotions)

    def score(self, estimate: EmotionEstimate) -> float | None:
        """Probability of the emotions in one turn, 0 to 1; None where nothing was heard of the source."""
        if self.source == "both":
            found = self._mass(estimate.probabilities)
        elif self.source == "either":
            pieces = [estimate.probabilities, *(piece.probabilities for piece in estimate.evidence.values())]
            found = max((mass for mass in map(self._mass, pieces) if mass is not None), default=None)
        else:
            piece = estimate.evidence.get(_MODALITIES[self.source])
            found = self._mass(piece.probabilities) if piece else None
        if found is not None and self.sarcasm and estimate.conflict_kind == "sarcastic" and "angry" in self.emotions:
            return max(found, _angry_voice(estimate))
        return found

    def _mass(self, probabilities: Mapping[str, float]) -> float | None:
        if not probabilities:
            return None
        return sum(probabilities.get(emotion, 0.0) for emotion in self.emotions)

    def recent(self, turns: Sequence[Turn], count: int) -> list[float]:
        """The scores of the last `count` turns that have one, newest first; empty where the latest has none."""
        scores: list[float] = []
        for turn in reversed(turns):
            score = self.score(turn.estimate)
            if score is not None:
                scores.append(score)
                if len(scores) == count:
                    break
            elif not scores:
                break
        return scores


@dataclass(frozen=True)
class Lasting(Felt):
    """The emotion is there in enough of the last turns, the latest among them, or is extreme in the latest.

    Args:
        at_least: probability from which on a turn counts, above 0 and at most 1.
        turns: so many turns must count ...
        of: ... of the last so many that have an estimate; as many as `turns` by default.
        at_once: probability at which the latest turn alone is enough; None for never.

    >>> from rasa_emotion.estimate import EmotionEstimate
    >>> angry = Turn(None, EmotionEstimate.from_probabilities({"angry": 0.7, "neutral": 0.3}, {}))
    >>> Lasting(turns=2, of=3).reason([angry, angry])
    'The caller was angry in 2 of the last 2 turns (anger 0.70 and 0.70).'
    """

    at_least: float = 0.4
    turns: int = 1
    of: int | None = None
    at_once: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number("when", "at_least", self.at_least, above=0, at_most=1)
        check_number("when", "at_once", self.at_once, above=0, at_most=1, optional=True)
        _check_turns(self.turns, self.of)
        if self.at_once is not None and self.at_once < self.at_least:
            raise ConfigError(f"when: 'at_once' ({self.at_once}) is below 'at_least' ({self.at_least}); raise it.")

    def strength(self, turns: Sequence[Turn]) -> float:
        """The largest `at_least` with which enough turns count, leaving `at_once` aside; 0 to 1."""
        scores = self.recent(turns, self.of or self.turns)
        if len(scores) < self.turns:
            return 0.0
        return min(scores[0], sorted(scores, reverse=True)[self.turns - 1])

    def reason(self, turns: Sequence[Turn]) -> str | None:
        """See `Condition`."""
        scores = self.recent(turns, self.of or self.turns)
        if not scores or scores[0] < self.at_least:
            return None
        if self.at_once is not None and scores[0] >= self.at_once:
            return f"The caller was very {self.adjective} ({self.noun} {scores[0]:.2f})."
        found = [score for score in reversed(scores) if score >= self.at_least]
        if len(found) < self.turns:
            return None
        if self.turns == 1:
            return f"The caller was {self.adjective} ({self.noun} {scores[0]:.2f})."
        shown = " and ".join(f"{score:.2f}" for score in found)
        return f"The caller was {self.adjective} in {len(found)} of the last {len(scores)} turns ({self.noun} {shown})."


@dataclass(frozen=True)
class Accumulated(Felt):
    """Evidence for the emotion has added up: one clear turn, or several of which each alone would say little.

    A cumulative sum that leaks (E. S. Page, "Continuous inspection schemes", Biometrika 41, 1954): each turn adds the
    log-odds of the emotion over those of `neutral_at`; before, the sum is multiplied by `decay`, and it never falls
    below 0. With calibrated probabilities an addend is the log-likelihood ratio of the emotion, `neutral_at` being how
    often it is met.

    Args:
        level: sum from which on the condition holds, above 0; a turn adds at most 6 with the default `neutral_at`.
        decay: share of the sum that is left after a turn, 0 to 1.
        neutral_at: probability that changes nothing, between 0 and 1.
    """

    level: float = 3.0
    decay: float = 0.8
    neutral_at: float = 0.2

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number("when", "level", self.level, above=0, at_most=100)
        check_number("when", "decay", self.decay, above=-1e-9, at_most=1)
        check_number("when", "neutral_at", self.neutral_at, above=0, at_most=0.99)

    def strength(self, turns: Sequence[Turn]) -> float:
        """The sum after these turns, 0 or more; 0 where the latest has no estimate."""
        start, total = _log_odds(self.neutral_at), 0.0
        for score in reversed(self.recent(turns, MEMORY)):
            total = max(0.0, self.decay * total + _log_odds(score) - start)
        return total

    def reason(self, turns: Sequence[Turn]) -> str | None:
        """See `Condition`. It holds only where the latest turn has raised the sum."""
        latest = self.recent(turns, 1)
        if not latest or latest[0] <= self.neutral_at:
            return None
        total = self.strength(turns)
        if total < self.level:
            return None
        return f"The caller's {self.noun} has added up to {total:.1f} ({self.noun} {latest[0]:.2f} in the last turn)."


@dataclass(frozen=True)
class TurnedAngry:
    """The latest turn's voice and words, against the caller's own earlier ones, tell that the caller has turned angry.

    Args:
        turned_angry: score from which on the condition holds, above 0 and at most 1; see `anger_score`.
    """

    turned_angry: float = 0.5

    def __post_init__(self) -> None:
        check_number("when", "turned_angry", self.turned_angry, above=0, at_most=1)

    def strength(self, turns: Sequence[Turn]) -> float:
        """The score of the latest turn, 0 to 1; 0 where nothing was heard in it."""
        return anger_score([turn.estimate for turn in turns]) or 0.0

    def reason(self, turns: Sequence[Turn]) -> str | None:
        """See `Condition`."""
        score = self.strength(turns)
        if score < self.turned_angry:
            return None
        anger = turns[-1].estimate.probabilities.get("angry", 0.0)
        return f"The caller has turned angry (score {score:.2f}, anger {anger:.2f} in the last turn)."


@dataclass(frozen=True)
class Rising(Felt):
    """The emotion rises.

    Args:
        rise: how much the end-weighted trend has risen over the turns, above 0 and at most 1.
        of: how many turns are looked at, at least 2.
        at_least: probability that the latest turn must have, too.
    """

    rise: float = 0.4
    of: int = 4
    at_least: float = 0.3

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number("when", "rise", self.rise, above=0, at_most=1)
        check_number("when", "at_least", self.at_least, above=0, at_most=1)
        _check_count("of", self.of, least=2)

    def strength(self, turns: Sequence[Turn]) -> float:
        """By how much the trend has risen over these turns."""
        scores = self.recent(turns, self.of)
        return trend(scores[::-1]) * (len(scores) - 1)

    def reason(self, turns: Sequence[Turn]) -> str | None:
        """See `Condition`."""
        scores = self.recent(turns, self.of)
        if not scores or scores[0] < self.at_least:
            return None
        rise = trend(scores[::-1]) * (len(scores) - 1)
        if rise < self.rise:
            return None
        return f"The caller's {self.noun} has risen by {rise:.2f} within {len(scores)} turns, to {scores[0]:.2f}."


@dataclass(frozen=True)
class Requested:
    """The caller asks for a human: the intent of the latest turn is one of these."""

    intents: frozenset[str]

    def __post_init__(self) -> None:
        if not self.intents:
            raise ConfigError("when: 'intents' is empty; name the intents with which a caller asks for a human.")

    def reason(self, turns: Sequence[Turn]) -> str | None:
        """See `Condition`."""
        return "The caller asked for a human." if turns and turns[-1].intent in self.intents else None


@dataclass(frozen=True)
class NotUnderstood:
    """The bot did not understand so many turns in a row."""

    fallbacks: int = 2

    def __post_init__(self) -> None:
        _check_count("fallbacks", self.fallbacks)

    def reason(self, turns: Sequence[Turn]) -> str | None:
        """See `Condition`."""
        last = turns[-self.fallbacks :]
        if len(last) < self.fallbacks or not all(turn.fallback for turn in last):
            return None
        times = "times in a row" if self.fallbacks > 1 else "time"
        return f"The bot did not understand the caller {self.fallbacks} {times}."


@dataclass(frozen=True)
class Contradicted:
    """Voice and words contradict each other in enough of the last turns, the latest among them.

    Args:
        conflict: one of `CONFLICTS`: which kind counts.
        turns: so many turns must count ...
        of: ... of the last so many; as many as `turns` by default.
    """

    conflict: str = "any"
    turns: int = 1
    of: int | None = None

    def __post_init__(self) -> None:
        if self.conflict not in CONFLICTS:
            raise ConfigError(f"when: 'conflict' is {self.conflict!r}; choose from {', '.join(CONFLICTS)}.")
        _check_turns(self.turns, self.of)

    def reason(self, turns: Sequence[Turn]) -> str | None:
        """See `Condition`."""
        last = [self._counts(turn.estimate) for turn in turns[-(self.of or self.turns) :]]
        if not last or not last[-1] or sum(last) < self.turns:
            return None
        return f"The caller's {_CONTRADICTIONS[self.conflict]} in {sum(last)} of the last {len(last)} turns."

    def _counts(self, estimate: EmotionEstimate) -> bool:
        return estimate.conflict and self.conflict in ("any", estimate.conflict_kind)


def _angry_voice(estimate: EmotionEstimate) -> float:
    voice = estimate.evidence.get("acoustic")
    return voice.probabilities.get("angry", 0.0) + voice.probabilities.get("disgust", 0.0) if voice else 0.0


def _log_odds(probability: float) -> float:
    # Beyond the clip a probability says nothing that data could have taught.
    clipped = min(max(probability, _CLIP), 1 - _CLIP)
    return math.log(clipped / (1 - clipped))


def _check_count(name: str, value: object, *, least: int = 1) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= MEMORY:
        raise ConfigError(f"when: '{name}' is {value!r}; give a whole number from {least} to {MEMORY}.")


def _check_turns(turns: object, of: int | None) -> None:
    _check_count("turns", turns)
    if of is not None:
        _check_count("of", of)
        if isinstance(turns, int) and of < turns:
            raise ConfigError(f"when: 'turns' ({turns}) exceeds 'of' ({of}); lower it.")
