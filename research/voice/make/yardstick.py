"""The rows by which one voice is chosen over another, from what they say of unheard speakers and corpora.

`unknown` counts as right for ordinary speech and as wrong wherever an emotion is asked for.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.evaluation.metrics import Interval, fit_temperature, resamples, softmax
from research.voice.make.answered import NEVER, SPEAKERS, Answers

NEUTRAL, CALM, ANGRY = (EMOTIONS.index(name) for name in ("neutral", "calm", "angry"))
NEGATIVE = [EMOTIONS.index(name) for name in ("angry", "disgust", "fear", "sad")]
CONFIDENT = 0.5
UNKNOWN = -1
ORDINARY = ("digits", "calls", "prompts")
ACTED = ("ravdess", "emodb", "nemo")
CORPORA_LEFT_OUT = ("emodb", "nemo", "urdu", "iesc")
SAMPLES = 1000


@dataclass(frozen=True)
class Rule:
    """From logits to an answer.

    Args:
        temperature: divides the logits.
        min_confidence: below it the answer is `unknown`.
    """

    temperature: float
    min_confidence: float

    def probabilities(self, logits: NDArray[np.float64]) -> NDArray[np.float64]:
        return softmax(logits, self.temperature)

    def answers(self, logits: NDArray[np.float64]) -> NDArray[np.int64]:
        """Index of the emotion, or `UNKNOWN`, shape [rows]."""
        probabilities = self.probabilities(logits)
        unsure = probabilities.max(axis=1) < self.min_confidence
        return np.where(unsure, UNKNOWN, probabilities.argmax(axis=1))


CALIBRATED_ON = ("ravdess", "emodb", "nemo", "digits", "calls")


def calibrate(answers: Answers, corpora: Sequence[str] = CALIBRATED_ON) -> float:
    """The temperature with the least loss on unheard speakers, the named corpora weighing alike.

    Corpora where a head may say neutral or calm have no one right answer to calibrate on: see `Blend.calibrated_on`.
    """
    able = (answers.unheard == SPEAKERS) & ~np.char.startswith(answers.corpus, NEVER)
    own = answers.where(able & np.isin(answers.corpus, corpora))
    random = np.random.default_rng(0)
    rows = [
        random.choice(np.flatnonzero((own.corpus == corpus) & (own.view == view)), 400)
        for corpus in np.unique(own.corpus)
        for view in np.unique(own.view)
    ]
    chosen = np.concatenate(rows)
    return fit_temperature(own.emotion[chosen], own.logits[chosen])


Figure = Callable[[Answers, Rule], float]


def ordinary(answers: Answers, rule: Rule) -> float:
    """The share that is neutral, calm or unknown."""
    return float(np.isin(rule.answers(answers.logits), (NEUTRAL, CALM, UNKNOWN)).mean())


def bad(answers: Answers, rule: Rule) -> float:
    """The share that is angry, disgusted, fearful or sad at a confidence of `CONFIDENT` or more."""
    probabilities = rule.probabilities(answers.logits)
    top = probabilities.argmax(axis=1)
    return float((np.isin(top, NEGATIVE) & (probabilities.max(axis=1) >= CONFIDENT)).mean())


def unknown(answers: Answers, rule: Rule) -> float:
    return float((rule.answers(answers.logits) == UNKNOWN).mean())


def strict(answers: Answers, rule: Rule) -> float:
    """UA over the corpus' emotions, choosing among all eight and unknown."""
    said = rule.answers(answers.logits)
    return float(np.mean([(said[answers.emotion == e] == e).mean() for e in np.unique(answers.emotion)]))


def among(answers: Answers, rule: Rule) -> float:
    """UA, choosing among the corpus' own emotions."""
    present = np.unique(answers.emotion)
    said = present[answers.logits[:, present].argmax(axis=1)]
    return float(np.mean([(said[answers.emotion == e] == e).mean() for e in present]))


def recall(emotion: int) -> Figure:
    """Of one emotion."""

    def figure(answers: Answers, rule: Rule) -> float:
        own = answers.where(answers.emotion == emotion)
        return float((rule.answers(own.logits) == emotion).mean()) if len(own.emotion) else float("nan")

    return figure


def interval(answers: Answers, rule: Rule, figure: Figure) -> Interval:
    """A figure with a bootstrap over speakers."""
    drawn = [
        figure(answers.where(rows), rule) for rows in resamples(len(answers.emotion), list(answers.speaker), SAMPLES, 0)
    ]
    low, high = np.nanpercentile(drawn, [2.5, 97.5])
    return Interval(figure(answers, rule), float(low), float(high))


def table(answers: Answers, rule: Rule, *, intervals: bool = False) -> dict[str, Any]:
    """All rows of a voice by name: a number, or [value, low, high] with `intervals`."""

    def of(figure: Figure, corpus: str, view: str, unheard: str = SPEAKERS) -> Any:
        rows = answers.of(corpus=corpus, view=view, unheard=unheard)
        if not len(rows.emotion):
            return None
        if not intervals:
            return round(figure(rows, rule), 4)
        found = interval(rows, rule, figure)
        return [round(value, 4) for value in (found.value, found.low, found.high)]

    found: dict[str, Any] = {}
    kinds = [*ORDINARY, *sorted({str(c) for c in answers.corpus if str(c).startswith(NEVER)})]
    for corpus in kinds:
        for view in ("clean", "line"):
            found[f"ordinary {corpus} {view}"] = of(ordinary, corpus, view)
            found[f"bad {corpus} {view}"] = of(bad, corpus, view)
        if corpus in ORDINARY:
            found[f"ordinary {corpus} never heard"] = of(ordinary, corpus, "line", corpus)
            found[f"bad {corpus} never heard"] = of(bad, corpus, "line", corpus)
    for corpus in (*ACTED, "urdu", "iesc"):
        for view in ("clean", "line"):
            found[f"UA {corpus} {view}"] = of(strict, corpus, view)
            found[f"angry {corpus} {view}"] = of(recall(ANGRY), corpus, view)
        found[f"neutral {corpus}"] = of(recall(NEUTRAL), corpus, "clean")
        found[f"unknown {corpus}"] = of(unknown, corpus, "clean")
    for corpus in CORPORA_LEFT_OUT:
        found[f"left out {corpus} among"] = of(among, corpus, "clean", corpus)
        found[f"left out {corpus} strict"] = of(strict, corpus, "clean", corpus)
        found[f"left out {corpus} angry"] = of(recall(ANGRY), corpus, "clean", corpus)
    if not intervals:
        found["left out among, mean"] = _mean(found, [f"left out {corpus} among" for corpus in CORPORA_LEFT_OUT])
        found["anger lost on the line"] = round(
            _mean(found, [f"angry {c} clean" for c in ACTED]) - _mean(found, [f"angry {c} line" for c in ACTED]), 4
        )
    return found


def _mean(found: Mapping[str, Any], names: Sequence[str]) -> float:
    known = [found[name] for name in names if found.get(name) is not None]
    return round(float(np.mean(known)), 4) if known else float("nan")
