"""A head with linear parts beside it, all of them one head in the end.

The hidden layer learns which recordings it was shown. Linear parts transfer better to corpora that it never heard, and
one that heard all ordinary speech keeps callers ordinary (docs/experiments.md). They cost nothing in use: their weights
are added to those of the head's own linear part.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from rasa_emotion.training.voice.features import Rows
from rasa_emotion.training.voice.heads import OTHER, WEIGHTS, Fitted, HeadRecipe, fit_head
from research.voice.make.linear import LinearRecipe, fit_linear
from research.voice.make.yardstick import CALIBRATED_ON


@dataclass(frozen=True)
class Beside:
    """A linear part.

    Args:
        share: its logits are multiplied by it and added to those of the head.
        corpora: that it learns from, and how much each counts; empty for all, counting as in the head.
        penalty: of `LinearRecipe`.
    """

    share: float
    corpora: Mapping[str, float] = field(default_factory=dict)
    penalty: float = 0.03

    def recipe(self, rows: Rows) -> LinearRecipe:
        """For rows whose corpora are known."""
        every = {corpus: WEIGHTS.get(corpus, OTHER) for corpus in map(str, np.unique(rows.corpus))}
        return LinearRecipe(weights=self.corpora or every, penalty=self.penalty)


@dataclass(frozen=True)
class Blend:
    """How a voice's head is made.

    Args:
        head: the recipe of the head.
        beside: linear parts.

    >>> Blend.read({"epochs": 6, "beside": [{"share": 0.5}]}).beside[0].share
    0.5
    """

    head: HeadRecipe = field(default_factory=HeadRecipe)
    beside: Sequence[Beside] = ()

    @classmethod
    def read(cls, settings: Mapping[str, Any]) -> "Blend":
        """From JSON: the keys of `HeadRecipe`, and `beside`, a list of `Beside`."""
        given: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in settings.items()
        }
        beside = tuple(Beside(**part) for part in given.pop("beside", ()))
        return cls(HeadRecipe(**given), beside)

    def calibrated_on(self) -> list[str]:
        """The corpora that the temperature is fitted to: those that have one right answer for this head."""
        return [corpus for corpus in CALIBRATED_ON if corpus not in self.head.either]


def fit_blend(rows: Rows, blend: Blend) -> Fitted:
    """The head with its linear parts added to its own.

    Raises:
        ValueError: there are no rows, or none that a part learns from.
    """
    fitted = fit_head(rows, blend.head)
    for part in blend.beside:
        _add(fitted, fit_linear(rows, part.recipe(rows)), part.share)
    return fitted


def _add(fitted: Fitted, linear: Mapping[str, NDArray[np.float32]], share: float) -> None:
    """Add a linear part that reads statistics as they come to a head that reads them normalised."""
    weight, bias = linear["weight"].astype(np.float64), linear["bias"].astype(np.float64)
    skip = fitted.head.skip
    with torch.no_grad():
        skip.weight.add_(share * torch.from_numpy((weight * fitted.deviation[:, None]).T.astype(np.float32)))
        skip.bias.add_(share * torch.from_numpy((bias + fitted.mean @ weight).astype(np.float32)))


SHIPPED = Blend(HeadRecipe(seeds=(1, 2), anger=0.4))
"""How the voice that ships is made: two heads, no linear part, some belief in anger; docs/experiments.md says why."""
