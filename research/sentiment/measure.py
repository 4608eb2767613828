"""How well the sentiment of a text model's answers agrees with people's:
`python -m research.sentiment.measure models/text --data ../shared/data`.

Sentiment is derived from the eight emotions; no model was trained on it. Prints one JSON object.
"""

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from rasa_emotion.corpora.text import read_text_corpus
from rasa_emotion.emotions import SENTIMENTS, sentiment
from rasa_emotion.errors import RasaEmotionError, TextError
from rasa_emotion.evaluation.metrics import (
    accuracy,
    bootstrap,
    class_recall,
    macro_f1,
    unweighted_accuracy,
    weighted_f1,
)
from rasa_emotion.text import TextClassifier

METRICS = {"ua": unweighted_accuracy, "accuracy": accuracy, "macro_f1": macro_f1, "weighted_f1": weighted_f1}


def score_sentiment(classifier: TextClassifier, data: Path, part: str) -> dict[str, Any]:
    """Figures of the sentiment on a part of a corpus that has such labels, each with its interval, and recalls.

    Raises:
        ConfigError: the corpus has no sentiment, or is missing.
    """
    truth, found = [], []
    for row in tqdm(read_text_corpus(data, part, labels="sentiment"), desc=part, disable=None):
        try:
            evidence = classifier.classify(row.text)
        except TextError:  # punctuation alone
            continue
        truth.append(SENTIMENTS.index(next(iter(row.target))))
        found.append(SENTIMENTS.index(sentiment(evidence.probabilities)))
    right, answers = np.array(truth), np.array(found)
    recalls = class_recall(right, answers, len(SENTIMENTS))
    return {
        "model": classifier.folder.name,
        "part": part,
        "rows": len(right),
        **{name: str(bootstrap(metric, right, answers)) for name, metric in METRICS.items()},
        "recall": {name: round(float(recall), 3) for name, recall in zip(SENTIMENTS, recalls, strict=True)},
    }


def main() -> None:
    parser = ArgumentParser(prog="research.sentiment.measure", description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--part", default="meld_dev")
    options = parser.parse_args()
    try:
        figures = score_sentiment(TextClassifier.load(options.model), options.data, options.part)
    except RasaEmotionError as error:
        sys.exit(str(error))
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
