"""The ways to fuse: each is fitted on pairs and fuses others. One recipe each in `recipes/`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from scipy.optimize import minimize

from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.errors import ConfigError
from rasa_emotion.evaluation.metrics import softmax
from rasa_emotion.fusion.product import FLOOR
from rasa_emotion.fusion.trust import TRUST
from research.fusion.material import PARTS, Floats
from research.fusion.pairs import Pairs
from research.fusion.weighted import (
    FIXED_POWERS,
    MODALITY_OF,
    Strategy,
    balance,
    fit_product,
    trusted,
)

RECIPES = Path(__file__).parent / "recipes"


@dataclass(frozen=True)
class Recipe:
    """One strategy to fit.

    Args:
        name: of the recipe.
        title: what tables call it.
        method: "product", "average", "stacked", "early" or "attention".
        options: of the method; see the recipes.
    """

    name: str
    title: str
    method: str
    options: Mapping[str, Any]


def read_recipe(file: Path) -> Recipe:
    """Read a recipe.

    Raises:
        ConfigError: the file is missing or no YAML, or names no method that is known.
    """
    try:
        data = YAML(typ="safe").load(file.read_text(encoding="utf-8"))
    except (OSError, YAMLError) as error:
        raise ConfigError(f"Recipe '{file}' cannot be read ({type(error).__name__}); name a YAML file.") from error
    if not isinstance(data, dict) or not {"title", "method"} <= set(data):
        raise ConfigError(f"Recipe '{file}' lacks 'title' or 'method': copy one of those beside it.")
    title, method = str(data.pop("title")), str(data.pop("method"))
    if method not in METHODS:
        raise ConfigError(f"Recipe '{file}' has the method '{method}': name one of {', '.join(METHODS)}.")
    return Recipe(file.stem, title, method, data)


def shipped_recipes() -> list[Recipe]:
    """The recipes that ship, the simple ones first."""
    found = [read_recipe(file) for file in sorted(RECIPES.glob("*.yaml"))]
    return sorted(found, key=lambda recipe: (list(METHODS).index(recipe.method), recipe.name))


def fit(recipe: Recipe, pairs: Pairs) -> Strategy:
    """Fit a recipe's strategy.

    Raises:
        ConfigError: the recipe has an option that its method lacks.
    """
    try:
        return METHODS[recipe.method](pairs, **recipe.options)
    except TypeError as error:
        raise ConfigError(f"Recipe '{recipe.name}' has options that do not fit its method ({error}).") from error


def cross_fitted(recipe: Recipe, pairs: Pairs) -> list[Strategy]:
    """For each part, the strategy fitted on all others."""
    return [fit(recipe, pairs.where(pairs.parts != part)) for part in range(PARTS)]


def cross_fused(strategies: list[Strategy], pairs: Pairs) -> Floats:
    """Probabilities of pairs, each part by the strategy that was not fitted on it: shape [pairs, 8]."""
    fused = np.zeros((len(pairs.labels), len(EMOTIONS)))
    for part, strategy in enumerate(strategies):
        rows = pairs.parts == part
        if rows.any():
            fused[rows] = strategy.fuse(pairs.where(rows))
    return fused


@dataclass(frozen=True)
class Average:
    """The weighted average of the probabilities (a linear pool), then a temperature."""

    weight: float
    temperature: float

    def fuse(self, pairs: Pairs) -> Floats:
        return self.on(pairs.probabilities, trusted(pairs, FIXED_POWERS))

    def on(self, probabilities: Floats, trust: Floats) -> Floats:
        shares = np.array([[self.weight], [1 - self.weight]]) * np.maximum(trust, 1e-6)
        mean = (shares[:, :, None] * probabilities).sum(axis=0) / shares.sum(axis=0)[:, None]
        return softmax(np.log(np.maximum(mean, FLOOR)), self.temperature)


def fit_average(pairs: Pairs) -> Average:
    """Weight and temperature of least balanced negative log-likelihood."""
    weights, said, trust = balance(pairs), pairs.probabilities, trusted(pairs, FIXED_POWERS)
    rows = np.arange(len(pairs.labels))

    def unpack(free: Floats) -> Average:
        return Average(float(1 / (1 + np.exp(-free[0]))), float(np.exp(free[1])))

    def loss(free: Floats) -> float:
        likelihood = unpack(free).on(said, trust)[rows, pairs.labels]
        return float(-(weights * np.log(np.maximum(likelihood, 1e-12))).mean())

    return unpack(minimize(loss, np.zeros(2), method="L-BFGS-B", bounds=[(-4.0, 4.0), (-2.0, 2.0)]).x)


@dataclass(frozen=True)
class Stacked:
    """A meta-classifier on both modalities' log-probabilities, as they are and by trust, and on the measurements."""

    weight: Floats
    bias: Floats

    def fuse(self, pairs: Pairs) -> Floats:
        return softmax(stacked_features(pairs) @ self.weight + self.bias)


def stacked_features(pairs: Pairs) -> Floats:
    """Shape [pairs, features]."""
    logs = np.log(np.maximum(pairs.probabilities, FLOOR))
    centred = logs - logs.mean(axis=2, keepdims=True)
    shares = np.stack(list(pairs.shares.values())) * pairs.present[list(MODALITY_OF.values())]
    trust = trusted(pairs, dict.fromkeys(TRUST, 1.0))[:, :, None]
    return np.concatenate([*centred, *(centred * trust), shares.T], axis=1)


def fit_stacked(pairs: Pairs, *, strength: float = 1.0) -> Stacked:
    """Logistic regression; `strength` is the inverse of its penalty."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 -- takes a second to load

    model = LogisticRegression(C=strength, max_iter=1000)
    model.fit(stacked_features(pairs), pairs.labels, sample_weight=balance(pairs))
    return Stacked(model.coef_.T, model.intercept_)


def fit_early(pairs: Pairs, **options: Any) -> Strategy:
    """Concatenated embeddings; see `networks`."""
    from research.fusion.networks import fit_network  # noqa: PLC0415 -- torch

    return fit_network("early", pairs, **options)


def fit_attention(pairs: Pairs, **options: Any) -> Strategy:
    """Attention of frames to tokens and back; see `networks`."""
    from research.fusion.networks import fit_network  # noqa: PLC0415 -- torch

    return fit_network("attention", pairs, **options)


METHODS: Mapping[str, Callable[..., Strategy]] = {
    "product": fit_product,
    "average": fit_average,
    "stacked": fit_stacked,
    "early": fit_early,
    "attention": fit_attention,
}
