"""Train a recipe on all of its training part with several seeds and score the mean of their probabilities once:
`python -m rasa_emotion.training.text.score RECIPE.yaml --part tweeteval_emotion_dev --out FOLDER`.

The recipe's epochs are chosen beforehand on an inner split, by rasa_emotion.training.text.train.
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

from rasa_emotion.corpora.text import read_text_corpus
from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.errors import RasaEmotionError
from rasa_emotion.evaluation.metrics import accuracy, bootstrap, class_recall, macro_f1, softmax
from rasa_emotion.training.text.data import tokenize
from rasa_emotion.training.text.recipe import Recipe, read_recipe
from rasa_emotion.training.text.train import predict, single_labels, train


def score(recipe: Recipe, data: Path, part: str, out: Path, *, beside: Path, seeds: Sequence[int]) -> dict[str, Any]:
    """Figures of each seed and of their mean on a part that was not trained on."""
    rows = tokenize(read_text_corpus(data, part, as_emotions=recipe.labels == EMOTIONS), recipe)
    single, truth = single_labels(rows)
    probabilities = []
    for seed in seeds:
        model = train(replace(recipe, seed=seed, inner_share=0.0), data, out / f"seed{seed}", beside=beside)
        probabilities.append(softmax(predict(model, rows)[single]))
    found = np.mean(probabilities, axis=0).argmax(1)
    recalls = class_recall(truth, found, len(recipe.labels))
    return {
        "part": part,
        "rows": len(truth),
        "macro_f1": str(bootstrap(macro_f1, truth, found)),
        "accuracy": round(accuracy(truth, found), 4),
        "recall": {label: round(float(recall), 3) for label, recall in zip(recipe.labels, recalls, strict=True)},
        "macro_f1_per_seed": [round(macro_f1(truth, single_seed.argmax(1)), 4) for single_seed in probabilities],
    }


def main() -> None:
    parser = ArgumentParser(prog="rasa_emotion.training.text.score", description=__doc__)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--part", required=True)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    try:
        figures = score(
            read_recipe(options.recipe),
            options.data,
            options.part,
            options.out,
            beside=options.recipe.parent,
            seeds=options.seeds,
        )
    except RasaEmotionError as error:
        sys.exit(str(error))
    text = json.dumps(figures, indent=2)
    (options.out / "figures.json").write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
