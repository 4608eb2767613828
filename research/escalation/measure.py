"""Simulate calls under the rules of escalation: `python -m research.escalation.measure models`.

The weights of the default rule are fitted anew for each caller, on other callers and other sentences. Writes
`simulation.json`, the page and its plot into the folder of the documents.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from rasa_emotion.anger_weights import SHIPPED, Models, weights_for
from rasa_emotion.conversation.anger import anger_score
from rasa_emotion.conversation.conditions import Accumulated, Condition, Lasting, TurnedAngry
from rasa_emotion.conversation.escalation import EscalationRules, Rule
from rasa_emotion.errors import RasaEmotionError
from rasa_emotion.estimate import EmotionEstimate
from rasa_emotion.evaluation.calls import Bank, Call, hear_call
from rasa_emotion.evaluation.simulation import Hearing, Played, draw_all, figures, play, swept_condition
from research.escalation.anger import TRAINING_HALF, as_json, fit, heard_calls, sentences
from research.escalation.calls import read
from research.escalation.page import PAGE
from research.fusion.material import read_words

PARTS = 5
LEVEL = 0.5

OTHERS: Mapping[str, Condition] = {
    "angry in 2 of 3 turns, or very angry once": Lasting(turns=2, of=3, at_once=0.85),
    "one angry turn": Lasting(at_least=0.85),
    "anger that adds up": Accumulated(),
}
"""Rules that are compared with the default one, each with the values that it has by itself."""

Player = Callable[[Call, list[EmotionEstimate]], Played]


def dealt(callers: Sequence[str]) -> dict[str, int]:
    """The part of each caller, 0 to PARTS - 1."""
    names = sorted(set(callers))
    order = np.random.default_rng(0).permutation(len(names))
    return {names[caller]: place % PARTS for place, caller in enumerate(order)}


def cross_fitted(hearing: Hearing, banks: Sequence[Bank]) -> Player:
    """The default rule whose weights are fitted on these banks of sentences, and without the caller."""
    heard = [call for bank in banks for call in heard_calls(hearing.voices, bank, hearing.fusion)]
    return default_player(fitted_without(heard, dealt([call.caller for call, _ in heard])))


def fitted_without(heard: Sequence[tuple[Call, list[EmotionEstimate]]], parts: Mapping[str, int]) -> dict[str, Models]:
    """For each caller, the weights fitted on the calls of the other parts."""
    found = [fit(pair for pair in heard if parts[pair[0].caller] != part) for part in range(PARTS)]
    return {caller: found[part] for caller, part in parts.items()}


def default_player(weights: Mapping[str, Models]) -> Player:
    """The default rule, with the weights that were fitted without the caller."""

    def played(call: Call, estimates: list[EmotionEstimate]) -> Played:
        def fitted(_: str) -> Models:
            return weights[call.caller]

        scores = tuple(anger_score(estimates[: turn + 1], fitted) or 0.0 for turn in range(len(estimates)))
        first = next((turn for turn, score in enumerate(scores) if score >= LEVEL), None)
        return Played(call, first, None if first is None else "anger", scores)

    return played


def rule_player(condition: Condition) -> Player:
    """A single rule."""
    rules = EscalationRules((Rule("anger", condition),))
    swept = swept_condition(rules)
    return lambda call, estimates: play(call, estimates, rules, swept)


def compared(hearing: Hearing, players: Mapping[str, Player], count: int, seed: int) -> dict[str, Any]:
    """Figures of each player on the same calls."""
    calls = draw_all(hearing, count=count, seed=seed)
    played: dict[str, list[Played]] = {name: [] for name in players}
    for call in tqdm(calls, desc=" and ".join(hearing.modalities), mininterval=10):
        heard = hear_call(call, hearing.voices, hearing.words, hearing.fusion, modalities=hearing.modalities)
        estimates = list(heard)
        for name, player in players.items():
            played[name].append(player(call, estimates))
    return {name: figures(found) for name, found in played.items()}


def build(models: Path, data: Path, cache: Path, *, count: int, seed: int) -> dict[str, Any]:
    """Everything that the page says.

    Raises:
        ConfigError: the data cannot be used.
        ModelError: a model folder cannot be used.
    """
    text = models / "text"
    banks = [sentences(read_words(text, data, cache), text), read(text, TRAINING_HALF)]
    both, emogator = (Hearing.load(models, name) for name in ("acoustic", "acoustic-emogator"))
    default = cross_fitted(both, banks)
    rules = {name: rule_player(condition) for name, condition in OTHERS.items()}
    rows = [
        *_rows("voice and words", compared(both, {"default": default, **rules}, count, seed)),
        *_rows("voice alone", compared(replace(both, modalities=("acoustic",)), {"default": default}, count, seed)),
        *_rows("words alone", compared(replace(both, modalities=("text",)), {"default": default}, count, seed)),
        *_rows(
            "voice (acoustic-emogator) and words",
            compared(emogator, {"default": rule_player(TurnedAngry())}, count, seed),
        ),
    ]
    return {
        "count": count,
        "seed": seed,
        "level": LEVEL,
        "weights": {name: as_json(weights_for(name)) for name in (SHIPPED, "acoustic-emogator")},
        "rows": rows,
    }


def _rows(heard: str, found: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for name, row in found.items():
        yield {"heard": heard, "rule": name, **row}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m research.escalation.measure", description=__doc__)
    parser.add_argument("models", type=Path, help="folder of the models")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the corpora")
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"), help="where evidence is kept between runs")
    parser.add_argument("--docs", type=Path, default=Path("docs"), help="receives figures, page and plot")
    parser.add_argument("--calls", type=int, default=10_000, help="calls of each kind")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    try:
        found = build(options.models, options.data, options.cache, count=options.calls, seed=options.seed)
        PAGE.publish(options.docs, found)
    except RasaEmotionError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
