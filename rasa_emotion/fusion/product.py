"""A weighted, temperature-calibrated product of the modalities' probabilities (a logarithmic opinion pool).

log p(emotion) = (w_acoustic r_acoustic log p_acoustic + w_text r_text log p_text) / T + constant, where w are fitted
weights, r the reliabilities that travel with the evidence, and T a fitted temperature (C. Genest and J. V. Zidek,
"Combining probability distributions: a critique and an annotated bibliography", 1986).
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rasa_emotion.emotions import NEGATIVE, POSITIVE, as_array, as_probabilities
from rasa_emotion.errors import ModelError
from rasa_emotion.estimate import MODALITIES, EmotionEstimate, Evidence
from rasa_emotion.model_folder import read_model_folder

FUSION_FILE = "fusion.json"
FLOOR = 1e-4
"""Probabilities are held above this before the logarithm, so that one modality cannot veto an emotion."""


@dataclass(frozen=True)
class Fusion:
    """Fuses the evidence of one turn.

    Args:
        weights: one weight per modality, summing to 1.
        temperature: above 1 flattens the fused probabilities.
        min_confidence: below it the estimate is "unknown".
        conflict_confidence: both modalities must be at least this sure of opposite valence to be in conflict.
        checksum: of the folder that this was read from.

    >>> fusion = Fusion({"acoustic": 0.5, "text": 0.5}, 1.0, 0.3, 0.6)
    >>> fusion.fuse([Evidence("text", {"happy": 1.0})]).emotion
    'happy'
    """

    weights: Mapping[str, float]
    temperature: float
    min_confidence: float
    conflict_confidence: float
    checksum: str = ""

    @classmethod
    def load(cls, folder: str | Path) -> "Fusion":
        """Read the fitted constants. Raises ModelError when the folder is missing, altered or incomplete."""
        model = read_model_folder(folder, "fusion")
        try:
            data = json.loads(model.file(FUSION_FILE).read_text(encoding="utf-8"))
            return cls(
                weights={modality: float(data["weights"][modality]) for modality in MODALITIES},
                temperature=float(data["temperature"]),
                min_confidence=float(data["min_confidence"]),
                conflict_confidence=float(data["conflict_confidence"]),
                checksum=model.checksum,
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(f"'{model.file(FUSION_FILE)}' lacks fusion constants ({error}); fit it again.") from error

    def fuse(self, evidence: Iterable[Evidence]) -> EmotionEstimate:
        """One estimate from at most one evidence per modality; without usable evidence it is unknown.

        A single modality is taken as it is: its model is calibrated on its own. Evidence of reliability 0 is ignored.
        """
        usable = {piece.modality: piece for piece in evidence if piece.reliability > 0}
        if not usable:
            return EmotionEstimate.unknown()
        if len(usable) == 1:
            (only,) = usable.values()
            probabilities: Mapping[str, float] = only.probabilities
        else:
            probabilities = as_probabilities(self._pool(usable))
        return EmotionEstimate.from_probabilities(
            probabilities, usable, conflict=self.in_conflict(usable), min_confidence=self.min_confidence
        )

    def in_conflict(self, evidence: Mapping[str, Evidence]) -> bool:
        """True when both modalities are confident and one is positive, the other negative."""
        if len(evidence) < len(MODALITIES):
            return False
        if any(piece.confidence < self.conflict_confidence for piece in evidence.values()):
            return False
        emotions = {piece.emotion for piece in evidence.values()}
        return bool(emotions & NEGATIVE) and bool(emotions & POSITIVE)

    def _pool(self, evidence: Mapping[str, Evidence]) -> NDArray[np.float64]:
        weights = np.array([self.weights[modality] * piece.reliability for modality, piece in evidence.items()])
        stacked = np.stack([as_array(piece.probabilities) for piece in evidence.values()])
        return pool(stacked, weights / weights.sum(), self.temperature)


def pool(probabilities: NDArray[np.float64], weights: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    """The weighted product itself.

    Args:
        probabilities: shape [modalities, ..., emotions].
        weights: shape [modalities], summing to 1.
        temperature: positive.

    Returns:
        Shape [..., emotions], summing to 1 over the last axis.
    """
    logits = np.tensordot(weights, np.log(np.maximum(probabilities, FLOOR)), axes=1) / temperature
    scaled = np.exp(logits - logits.max(axis=-1, keepdims=True))
    pooled: NDArray[np.float64] = scaled / scaled.sum(axis=-1, keepdims=True)
    return pooled
