"""The weighted product: what it is fitted on, and how its constants are found."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.optimize import minimize

from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.fusion.product import exponents, pool
from rasa_emotion.fusion.trust import RELIABILITY, TRUST
from research.fusion.material import Floats
from research.fusion.pairs import Pairs

GAPS = 0.1
"""Share of the fitted pairs that lack the voice, and that lack the words."""

MODALITY_OF = {name: int(quantity.modality == "text") for name, quantity in TRUST.items()}
FIXED_POWERS = {name: float(quantity.name == RELIABILITY) for name, quantity in TRUST.items()}


class Strategy(Protocol):
    """A fitted way to fuse."""

    def fuse(self, pairs: Pairs) -> Floats:
        """Probabilities of the eight emotions, shape [pairs, 8]."""


def balance(pairs: Pairs) -> Floats:
    """Weights of the pairs, shape [pairs], with the same sum for each emotion and a mean of 1."""
    counts = np.bincount(pairs.labels, minlength=len(EMOTIONS))
    weights: Floats = len(pairs.labels) / (np.count_nonzero(counts) * counts[pairs.labels])
    return weights


@dataclass(frozen=True)
class Product:
    """The weighted product, as `rasa_emotion.fusion.Fusion` computes it but for conflicts."""

    weights: Floats
    temperature: float
    powers: Mapping[str, float]

    def fuse(self, pairs: Pairs) -> Floats:
        return self.on(pairs.probabilities, trusted(pairs, self.powers))

    def on(self, probabilities: Floats, trust: Floats) -> Floats:
        return pool(probabilities, exponents(trust, self.weights / self.temperature))


def trusted(pairs: Pairs, powers: Mapping[str, float]) -> Floats:
    """The trust in voice and words, shape [2, pairs]; 0 where one is absent."""
    return _trusted(pairs.present.astype(np.float64), pairs.shares, powers)


def _trusted(present: Floats, shares: Mapping[str, Floats], powers: Mapping[str, float]) -> Floats:
    found = present.copy()
    for name, share in shares.items():
        found[MODALITY_OF[name]] *= share ** powers[name]
    return found


def fit_product(pairs: Pairs, *, trust: bool) -> Product:
    """Weights, temperature and, with `trust`, powers of its measurements, of least balanced negative log-likelihood."""
    weights, shares, said, present = balance(pairs), pairs.shares, pairs.probabilities, pairs.present.astype(np.float64)
    rows = np.arange(len(pairs.labels))

    def unpack(free: Floats) -> Product:
        weight = 1 / (1 + np.exp(-free[0]))
        powers = dict(zip(TRUST, map(float, free[2:]), strict=True)) if trust else FIXED_POWERS
        return Product(np.array([weight, 1 - weight]), float(np.exp(free[1])), powers)

    def loss(free: Floats) -> float:
        product = unpack(free)
        likelihood = product.on(said, _trusted(present, shares, product.powers))[rows, pairs.labels]
        return float(-(weights * np.log(np.maximum(likelihood, 1e-12))).mean())

    bounds = [(-4.0, 4.0), (-2.0, 2.0)]
    if trust:  # a reliability of nearly 0 must stay nearly 0, so its power does not vanish
        bounds += [(0.25, 4.0) if FIXED_POWERS[name] else (0.0, 4.0) for name in TRUST]
    start = np.array([0.0, 0.0, *(FIXED_POWERS.values() if trust else ())])
    return unpack(minimize(loss, start, method="L-BFGS-B", bounds=bounds).x)
