"""How often and how soon rules escalate simulated calls: rates, delays and the trade-off over thresholds."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from rasa_emotion.conversation.conditions import Felt, TurnedAngry
from rasa_emotion.conversation.decision import ALERT, Decision
from rasa_emotion.conversation.escalation import EscalationRules, decide
from rasa_emotion.conversation.history import Recorded, Turn
from rasa_emotion.estimate import MODALITIES, EmotionEstimate
from rasa_emotion.evaluation.calls import CALLS_FILE, Bank, Call, draw_calls, hear_call, read_bank
from rasa_emotion.evaluation.metrics import resamples
from rasa_emotion.fusion import Fusion
from rasa_emotion.fusion.product import fusion_for
from rasa_emotion.model_folder import model_path

SAMPLES = 400
SOON = (2, 3)
"""Angry turns within which a call should be escalated."""

LEVEL_OF = 3
"""A third of the calls is told again in a level voice, and three in four of these have words of the emotion."""
LEVEL_VOICE = "words of the emotion in a level voice"

CURVE_POINTS = 60
FALSE_GOAL = 0.02

Interval = tuple[float, float, float]


@runtime_checkable
class Graded(Protocol):
    """A condition whose threshold can be swept: it has a strength."""

    def strength(self, turns: Sequence[Turn]) -> float: ...


@dataclass(frozen=True)
class Played:
    """One call and what the rules made of it.

    Args:
        call: as it was drawn.
        first: index of the turn of the first decision that the caller notices; None where there is none.
        rule: that decided.
        strengths: of the swept condition, turn by turn; empty without one.
    """

    call: Call
    first: int | None
    rule: str | None = None
    strengths: tuple[float, ...] = ()


@dataclass(frozen=True)
class Hearing:
    """What simulated turns are heard with.

    Args:
        voices, words: evidence of clips and sentences.
        fusion: the bot's.
        modalities: what the bot has of each turn.
    """

    voices: Bank
    words: Bank
    fusion: Fusion
    modalities: tuple[str, ...] = MODALITIES

    @classmethod
    def load(cls, models: Path | None, acoustic: str, modalities: tuple[str, ...] = MODALITIES) -> "Hearing":
        """From the model folders. Raises ModelError where one lacks the evidence for simulated calls."""
        return cls(
            read_bank(model_path(models, "acoustic", acoustic) / CALLS_FILE),
            read_bank(model_path(models, "text", "text") / CALLS_FILE),
            Fusion.load(model_path(models, "fusion", fusion_for(acoustic))),
            modalities,
        )


def draw_all(hearing: Hearing, *, count: int, seed: int) -> list[Call]:
    """So many calm calls, so many that turn angry, and a quarter as many of each in a level voice."""
    return [
        call
        for level in (False, True)
        for turning in (False, True)
        for call in draw_calls(
            hearing.voices,
            hearing.words,
            count=count // LEVEL_OF if level else count,
            turning=turning,
            seed=2 * seed + turning,
            level=level,
        )
    ]


def play_all(
    rules: EscalationRules, hearing: Hearing, *, count: int, seed: int, track: Callable[..., Iterable[Call]] = list
) -> Iterator[Played]:
    """The calls of `draw_all`, played; `track` may show the progress."""
    drawn = draw_all(hearing, count=count, seed=seed)
    swept = swept_condition(rules)
    for call in track(drawn):
        heard = hear_call(call, hearing.voices, hearing.words, hearing.fusion, modalities=hearing.modalities)
        yield play(call, heard, rules, swept)


def play(
    call: Call, estimates: Iterable[EmotionEstimate], rules: EscalationRules, swept: Graded | None = None
) -> Played:
    """Let the rules decide turn by turn, as the policy does. Alerts, which the caller does not notice, go on."""
    turns: list[Turn] = []
    alerts: list[tuple[int, Decision]] = []
    strengths: list[float] = []
    found: tuple[int, str] | None = None
    for number, estimate in enumerate(estimates):
        turns.append(Turn(None, estimate))
        if swept is not None:
            strengths.append(swept.strength(turns))
        if found is None:
            earlier = [Recorded(decision, number - at) for at, decision in alerts]
            decision = decide(rules, turns, earlier=earlier)
            if decision is not None and decision.action == ALERT:
                alerts.append((number, decision))
            elif decision is not None:
                found = number, decision.rule
    first, rule = found or (None, None)
    return Played(call, first, rule, tuple(strengths))


def swept_condition(rules: EscalationRules) -> Graded | None:
    """The condition of the first rule on anger whose threshold can be swept."""
    return next((rule.when for rule in rules.rules if isinstance(rule.when, Graded) and _on_anger(rule.when)), None)


def _on_anger(condition: object) -> bool:
    return isinstance(condition, TurnedAngry) or (isinstance(condition, Felt) and "angry" in condition.emotions)


def figures(played: Sequence[Played]) -> dict[str, Any]:
    """Rates with 95 % bootstrap intervals over callers, delays, slices, and the curve of the swept condition.

    Rates of finding are shares of the calls that turn angry; an escalation before the caller turned finds nothing.
    False ones are shares of the calm calls. Calls in a level voice count in their own slice alone.
    """
    calm, turning = _by_kind([one for one in played if not one.call.level])
    level = _by_kind([one for one in played if one.call.level])
    return {
        "calls": {"calm": len(calm), "turning": len(turning), "callers": len({one.call.caller for one in played})},
        **_rates(calm, turning),
        "delays": _delays(turning),
        "rules": _counts(one.rule for one in played if one.rule),
        "slices": {
            name: _plain_rates(
                [one for one in calm if in_slice(one.call)], [one for one in turning if in_slice(one.call)]
            )
            for name, in_slice in SLICES.items()
        }
        | ({LEVEL_VOICE: _plain_rates(*level)} if all(level) else {}),
        "curve": curve(calm, turning) if all(one.strengths for one in played) else [],
    }


def _by_kind(played: Sequence[Played]) -> tuple[list[Played], list[Played]]:
    """The calm calls, and those that turn angry."""
    return [one for one in played if one.call.turned is None], [one for one in played if one.call.turned is not None]


SLICES: Mapping[str, Callable[[Call], bool]] = {
    "undisturbed, words of the emotion": lambda call: not call.disturbed and not call.neutral_words,
    "undisturbed, neutral words": lambda call: not call.disturbed and call.neutral_words,
    "telephone in noise, words of the emotion": lambda call: call.disturbed and not call.neutral_words,
    "telephone in noise, neutral words": lambda call: call.disturbed and call.neutral_words,
}


def _rates(calm: Sequence[Played], turning: Sequence[Played]) -> dict[str, Any]:
    found = {f"within_{count}": _interval(turning, [_within(one, count) for one in turning]) for count in SOON}
    return {
        **found,
        "ever": _interval(turning, [_delay(one) is not None for one in turning]),
        "early": _interval(turning, [_is_early(one) for one in turning]),
        "false": _interval(calm, [one.first is not None for one in calm]),
    }


def _plain_rates(calm: Sequence[Played], turning: Sequence[Played]) -> dict[str, float]:
    return {
        **{f"within_{count}": _mean([_within(one, count) for one in turning]) for count in SOON},
        "false": _mean([one.first is not None for one in calm]),
    }


def curve(calm: Sequence[Played], turning: Sequence[Played]) -> list[dict[str, float]]:
    """False and found shares over thresholds, from strict to lenient."""
    highest = np.sort([max(one.strengths) for one in calm])[::-1]
    shares = np.unique(np.concatenate([[FALSE_GOAL], np.geomspace(0.001, 0.3, CURVE_POINTS)]))
    places = np.minimum((shares * len(highest)).astype(int), len(highest) - 1)
    rows = []
    for threshold in dict.fromkeys(float(value) for value in highest[places]):
        again = [Played(one.call, _first_above(one.strengths, threshold)) for one in turning]
        rows.append(
            {
                "threshold": round(threshold, 4),
                "false": round(float((highest > threshold).mean()), 4),
                **{f"within_{count}": _mean([_within(one, count) for one in again]) for count in SOON},
            }
        )
    return rows


def at_false(rows: Sequence[Mapping[str, float]], share: float = FALSE_GOAL) -> Mapping[str, float]:
    """The most lenient point of a curve with at most that share of false escalations."""
    return max((row for row in rows if row["false"] <= share), key=lambda row: row["false"], default=rows[0])


def _first_above(strengths: Sequence[float], threshold: float) -> int | None:
    return next((number for number, value in enumerate(strengths) if value > threshold), None)


def _is_early(one: Played) -> bool:
    return one.first is not None and one.call.turned is not None and one.first < one.call.turned


def _delay(one: Played) -> int | None:
    """Which angry turn it was, from 1; a relapse counts to the one before. None where nothing was found."""
    if one.first is None or _is_early(one):
        return None
    return sum(one.call.angry[: one.first + 1])


def _within(one: Played, count: int) -> bool:
    delay = _delay(one)
    return delay is not None and delay <= count


def _delays(turning: Sequence[Played]) -> dict[str, float]:
    """Share of the calls by the angry turn in which they were escalated."""
    counts = _counts(str(delay) if (delay := _delay(one)) is not None else "never" for one in turning)
    return {name: round(count / len(turning), 4) for name, count in counts.items()}


def _counts(names: Iterable[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for name in names:
        found[name] = found.get(name, 0) + 1
    return dict(sorted(found.items()))


def _mean(values: Sequence[bool]) -> float:
    return round(float(np.mean(values)), 4) if values else 0.0


def _interval(played: Sequence[Played], values: Sequence[bool]) -> Interval:
    """A share with its bootstrap interval: callers are drawn whole, since calls of one sound alike."""
    told: NDArray[np.float64] = np.array(values, dtype=np.float64)
    callers = [one.call.caller for one in played]
    drawn = [told[rows].mean() for rows in resamples(len(told), callers, SAMPLES, seed=0)]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return round(float(told.mean()), 4), round(float(low), 4), round(float(high), 4)
