"""Rows under the answers of a teacher: what a larger model says of sentences, whatever their own labels, is what a
smaller one learns (Hinton, Vinyals, Dean 2015, "Distilling the knowledge in a neural network", at temperature 1).
"""

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from rasa_emotion.corpora.text import LabelledText
from rasa_emotion.errors import ConfigError
from rasa_emotion.evaluation.metrics import softmax
from rasa_emotion.training.device import pick_device
from rasa_emotion.training.text.data import read_sources, tokenize
from rasa_emotion.training.text.model import load_model
from rasa_emotion.training.text.predict import predict
from rasa_emotion.training.text.recipe import Recipe
from rasa_emotion.training.text.start import require_fit


def read_taught_sources(recipe: Recipe, data: Path, beside: Path) -> list[list[LabelledText]]:
    """As `read_sources`, with a teacher's probabilities for the labels of a source that names one.

    Raises:
        ConfigError: a teacher is missing, or answers with other labels than the recipe's.
    """
    rows = read_sources(recipe, data, beside)
    for number, source in enumerate(recipe.train):
        if source.teacher:
            rows[number] = _taught(replace(recipe, seed=0, train=(source,), start=source.teacher), data, beside)
    return rows


# Several seeds learn from the same answers, and a teacher is slow.
@lru_cache(maxsize=16)
def _taught(asked: Recipe, data: Path, beside: Path) -> list[LabelledText]:
    teacher = asked.start
    if asked.multi_label:
        raise ConfigError(f"The teacher '{teacher}' gives shares of one label; a recipe with multi_label takes none.")
    model = load_model(Path(teacher)).to(pick_device())
    if model.labels != asked.labels:
        raise ConfigError(f"The teacher '{teacher}' says {', '.join(model.labels)}; give the recipe the same `labels`.")
    require_fit(model.encoder, teacher, asked.max_tokens)
    rows = read_sources(asked, data, beside)[0]
    logits = predict(model, tokenize(rows, asked), asked.pool, task=f"asking {teacher}")
    return [
        replace(row, target=dict(zip(asked.labels, found, strict=True)))
        for row, found in zip(rows, softmax(logits).tolist(), strict=True)
    ]
