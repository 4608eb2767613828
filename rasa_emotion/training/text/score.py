"""Cross-validate a recipe over its training part, and score a part that was not trained on once, with several seeds:
`python -m rasa_emotion.training.text.score RECIPE.yaml --folds 5 --part tweeteval_emotion_dev --out FOLDER`.

Epochs and settings are chosen by the cross-validation (`--folds`) or on an inner split, by
rasa_emotion.training.text.train. With one label a row, each seed then trains on all of the training part; with several,
each keeps an inner split of its own, which its thresholds are chosen on.
"""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from rasa_emotion.errors import ConfigError, RasaEmotionError
from rasa_emotion.evaluation.metrics import bootstrap, choose_thresholds, class_recall, label_f1, softmax
from rasa_emotion.training.text.data import TrainingText, fold_numbers, read_part, read_sources, tokenize
from rasa_emotion.training.text.figures import CHOSEN_BY, rounded, sigmoid, single_labels, targets_of
from rasa_emotion.training.text.predict import predict
from rasa_emotion.training.text.recipe import Recipe, read_recipe
from rasa_emotion.training.text.train import load_rows, train_rows

FIGURES_FILE = "figures.json"


def cross_validate(recipe: Recipe, data: Path, out: Path, *, beside: Path, folds: int) -> dict[str, Any]:
    """Figures of a recipe over its training part, each row answered by the model of a fold that did not train on it.

    Every fold trains all the recipe's epochs and keeps the last; dialogues stay whole. With several labels, the
    thresholds of a fold are chosen on the other folds' answers.
    """
    if any(source.teacher for source in recipe.train):
        raise ConfigError("The recipe names a teacher, which has seen every fold; score a part without --folds.")
    rows: list[TrainingText] = []
    numbers: list[int] = []
    for source, read in enumerate(read_sources(recipe, data, beside)):
        rows += tokenize(read, recipe, source)
        numbers += fold_numbers(read, folds, seed=0).tolist()
    fold = np.array(numbers)
    logits = np.zeros((len(rows), len(recipe.labels)))
    for number in range(folds):
        held = np.flatnonzero(fold == number)
        kept = [rows[i] for i in np.flatnonzero(fold != number)]
        model = train_rows(recipe, kept, [], out / f"fold{number}")
        logits[held] = predict(model, [rows[i] for i in held], recipe.pool)
    return {"folds": folds, **_cross_validated(rows, logits, fold, recipe)}


def _cross_validated(
    rows: Sequence[TrainingText], logits: NDArray[np.float64], fold: NDArray[np.int64], recipe: Recipe
) -> dict[str, Any]:
    if not recipe.multi_label:
        single, truth = single_labels(rows)
        return _single(truth, softmax(logits[single]), recipe.labels)
    true, probabilities = targets_of(rows) > 0, sigmoid(logits)
    margins = np.zeros_like(probabilities)
    for number in np.unique(fold):
        others = fold != number
        thresholds = choose_thresholds(true[others], probabilities[others])
        margins[~others] = probabilities[~others] - thresholds
    return _several(true, margins, recipe.labels)


def score(recipe: Recipe, data: Path, part: str, out: Path, *, beside: Path, seeds: Sequence[int]) -> dict[str, Any]:
    """Figures of each seed and of their mean on a part that was not trained on."""
    rows = tokenize(read_part(recipe, data, part), recipe)
    single, labels = single_labels(rows)
    truth = targets_of(rows) > 0 if recipe.multi_label else labels
    answers = []
    for seed in seeds:
        found = _answers(replace(recipe, seed=seed), data, out / f"seed{seed}", beside, rows)
        answers.append(found if recipe.multi_label else found[single])
    key = "macro_f1" if recipe.multi_label else recipe.choose_by
    return {
        "part": part,
        **_figures(truth, np.mean(answers, axis=0), recipe),
        f"{key}_per_seed": [_figures(truth, found, recipe)[key] for found in answers],
    }


def _answers(recipe: Recipe, data: Path, out: Path, beside: Path, rows: Sequence[TrainingText]) -> NDArray[np.float64]:
    """Probabilities of rows, or how far each label's probability is above its threshold; shape [rows, labels]."""
    if not recipe.multi_label:
        kept, _ = load_rows(replace(recipe, inner_share=0.0), data, beside)
        return softmax(predict(train_rows(recipe, kept, [], out), rows, recipe.pool))
    kept, held = load_rows(replace(recipe, inner_seed=recipe.seed), data, beside)
    if not held:
        raise ConfigError("A recipe with several labels needs an inner_share above 0, to choose the thresholds on.")
    model = train_rows(recipe, kept, held, out)
    thresholds = choose_thresholds(targets_of(held) > 0, sigmoid(predict(model, held, recipe.pool)))
    return sigmoid(predict(model, rows, recipe.pool)) - thresholds


def _figures(truth: NDArray[Any], answers: NDArray[np.float64], recipe: Recipe) -> dict[str, Any]:
    return (_several if recipe.multi_label else _single)(truth, answers, recipe.labels)


def _single(truth: NDArray[np.int64], probabilities: NDArray[np.float64], labels: Sequence[str]) -> dict[str, Any]:
    found = probabilities.argmax(1)
    recalls = class_recall(truth, found, len(labels))
    figures = rounded({name: metric(truth, found) for name, metric in CHOSEN_BY.items()})
    intervals = {f"{name}_interval": _interval(metric, truth, found) for name, metric in CHOSEN_BY.items()}
    recall = rounded({label: float(value) for label, value in zip(labels, recalls, strict=True)})
    return {"rows": len(truth), **figures, **intervals, "recall": recall}


def _several(truth: NDArray[np.bool_], margins: NDArray[np.float64], labels: Sequence[str]) -> dict[str, Any]:
    f1 = label_f1(truth, margins >= 0)
    interval = _interval(lambda a, b: float(label_f1(a > 0, b >= 0).mean()), truth.astype(np.int64), margins)
    per_label = rounded({label: float(value) for label, value in zip(labels, f1, strict=True)})
    return {"rows": len(truth), "macro_f1": round(float(f1.mean()), 4), "macro_f1_interval": interval, "f1": per_label}


def _interval(metric: Any, truth: NDArray[np.int64], answers: NDArray[Any]) -> list[float]:
    found = bootstrap(metric, truth, answers, samples=400)
    return [round(found.low, 4), round(found.high, 4)]


def main() -> None:
    parser = ArgumentParser(prog="rasa_emotion.training.text.score", description=__doc__)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--part", help="score this part, such as tweeteval_emotion_dev")
    parser.add_argument("--folds", type=int, default=0, help="cross-validate over the training part; 0 does not")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--start", help="instead of the recipe's")
    parser.add_argument("--set", dest="changes", default="", help="values instead of the recipe's: '{epochs: 5}'")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    figures: dict[str, Any] = {}
    try:
        if not options.part and options.folds < 2:
            raise ConfigError("There is nothing to score; name a part with --part, or at least two folds with --folds.")
        recipe, beside = read_recipe(options.recipe, options.changes, start=options.start), options.recipe.parent
        if options.folds:
            figures["cross_validation"] = cross_validate(
                recipe, options.data, options.out, beside=beside, folds=options.folds
            )
        if options.part:
            figures |= score(recipe, options.data, options.part, options.out, beside=beside, seeds=options.seeds)
    except RasaEmotionError as error:
        sys.exit(str(error))
    text = json.dumps(figures, indent=2)
    (options.out / FIGURES_FILE).write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
