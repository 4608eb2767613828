"""Logits of sounds with what is known of them, as files keep them. Needs no torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

NEVER = "test-"
"""Corpora whose name begins so test and never train."""

SPEAKERS = "speakers"
"""Heard by heads that know the corpus but not the speaker; otherwise the heads know nothing of the corpus."""


@dataclass(frozen=True)
class Answers:
    """Logits of sounds, one row each.

    Args:
        logits: float64, shape [rows, 8].
        emotion, corpus, view, speaker, name: as in `Rows`.
        unheard: `SPEAKERS`, or the corpus that was left out of training.
    """

    logits: NDArray[np.float64]
    emotion: NDArray[np.int64]
    corpus: NDArray[np.str_]
    view: NDArray[np.str_]
    speaker: NDArray[np.str_]
    name: NDArray[np.str_]
    unheard: NDArray[np.str_]

    def where(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> "Answers":
        """The chosen rows, by a mask or by their numbers."""
        return Answers(**{key: value[chosen] for key, value in vars(self).items()})

    def bare(self) -> "Answers":
        """Without names, so that drawing from it many times is quick."""
        blank = np.zeros(len(self.emotion), "U1")
        return Answers(self.logits, self.emotion, blank, blank, blank, blank, blank)

    def of(self, *, corpus: str, view: str, unheard: str = SPEAKERS) -> "Answers":
        """The rows of one corpus in one view."""
        return self.where((self.corpus == corpus) & (self.view == view) & (self.unheard == unheard))

    def save(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(file, **vars(self))

    @classmethod
    def load(cls, file: Path) -> "Answers":
        with np.load(file) as stored:
            return cls(**{key: stored[key] for key in stored.files})


def joined(parts: Sequence[Answers]) -> Answers:
    return Answers(**{key: np.concatenate([vars(part)[key] for part in parts]) for key in vars(parts[0])})
