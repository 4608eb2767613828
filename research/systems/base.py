"""What every system's model can do, so that one program trains and scores them all."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class SystemModel(Protocol):
    """A classifier of features. It is made from a `SystemRecipe` and trained once.

    Features are float32, shape [examples, frames, dims], as `features.extract` makes them: not normalised. A model
    that normalises, windows, pools or generates does so itself, with what it learned in `fit`.
    """

    parameters: int
    """Trained numbers: weights of a network, nodes of a forest; 0 before `fit`."""

    def fit(self, x: NDArray[np.float32], y: NDArray[np.int64], *, classes: int, seed: int) -> None:
        """Train on features and class numbers, 0 to `classes` - 1."""

    def probabilities(self, x: NDArray[np.float32]) -> NDArray[np.float64]:
        """Shape [examples, classes]; each row sums to 1."""
