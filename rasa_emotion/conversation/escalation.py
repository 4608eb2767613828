"""When a human should take over."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rasa_emotion.errors import ConfigError
from rasa_emotion.estimate import EmotionEstimate


@dataclass(frozen=True)
class EscalationRules:
    """Escalate on sustained anger, or at once on extreme anger.

    Args:
        threshold: a turn is angry from this probability of anger on.
        angry_turns: escalate when this many of the last `window` turns are angry, the last one among them.
        window: how many turns are looked at; turns without voice and words do not count.
        extreme: one turn from this probability of anger on is enough.

    Raises:
        ConfigError: a value is out of range.
    """

    threshold: float = 0.4
    angry_turns: int = 2
    window: int = 3
    extreme: float = 0.85

    def __post_init__(self) -> None:
        for name in ("threshold", "extreme"):
            _check_probability(name, getattr(self, name))
        for name in ("angry_turns", "window"):
            _check_count(name, getattr(self, name))
        if self.extreme < self.threshold:
            raise ConfigError(f"'extreme' ({self.extreme}) is below 'threshold' ({self.threshold}); raise it.")
        if self.angry_turns > self.window:
            raise ConfigError(f"'angry_turns' ({self.angry_turns}) exceeds 'window' ({self.window}); lower it.")

    def reason(self, estimates: Sequence[EmotionEstimate]) -> str | None:
        """Why to escalate after these turns, oldest first, in plain language; None when there is no reason.

        >>> angry = EmotionEstimate.from_probabilities({"angry": 0.7, "neutral": 0.3}, {})
        >>> EscalationRules().reason([angry, angry])
        'The caller was angry in 2 of the last 2 turns (anger 0.70 and 0.70).'
        """
        if not estimates or not estimates[-1].probabilities:
            return None
        anger = [_anger(estimate) for estimate in estimates if estimate.probabilities][-self.window :]
        if anger[-1] >= self.extreme:
            return f"The caller was very angry (anger {anger[-1]:.2f})."
        angry = [value for value in anger if value >= self.threshold]
        if anger[-1] < self.threshold or len(angry) < self.angry_turns:
            return None
        shown = " and ".join(f"{value:.2f}" for value in angry)
        return f"The caller was angry in {len(angry)} of the last {len(anger)} turns (anger {shown})."


def _anger(estimate: EmotionEstimate) -> float:
    return estimate.probabilities.get("angry", 0.0)


def _check_probability(name: str, value: object) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not number or not 0 < float(value) <= 1:  # type: ignore[arg-type]  # `number` has checked it
        raise ConfigError(f"'{name}' is {value!r}; give a number above 0 and at most 1.")


def _check_count(name: str, value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ConfigError(f"'{name}' is {value!r}; give a whole number of at least 1.")
