"""A weighted, temperature-calibrated product of the modalities' probabilities (a logarithmic opinion pool).

log p(emotion) = sum over modalities m of r_m ((1 - r_o) + r_o w_m / T) log p_m + constant, where w are fitted weights,
T is a fitted temperature, r the reliabilities that travel with the evidence, and o the other modality. With both
reliable that is the weighted product (C. Genest and J. V. Zidek, "Combining probability distributions: a critique and
an annotated bibliography", 1986); as one becomes unreliable it turns into the other one alone, and as both do, into no
opinion.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rasa_emotion.emotions import EMOTIONS, NEGATIVE, POSITIVE, as_array, as_probabilities
from rasa_emotion.errors import ModelError
from rasa_emotion.estimate import MODALITIES, EmotionEstimate, Evidence
from rasa_emotion.model_folder import read_model_folder

FUSION_FILE = "fusion.json"
FLOOR = 1e-4
"""Probabilities are held above this before the logarithm, so that one modality cannot veto an emotion."""


def fusion_for(acoustic: str) -> str:
    """Name of the folder with the constants fitted for an acoustic model; "fusion" for any other name.

    >>> fusion_for("acoustic-emogator")
    'fusion-emogator'
    """
    return "fusion-" + acoustic.removeprefix("acoustic-") if acoustic.startswith("acoustic-") else "fusion"


UNIFORM = np.full(len(EMOTIONS), 1 / len(EMOTIONS))


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

        A single reliable modality is taken as it is: its model is calibrated on its own. Unreliable evidence is
        flattened, and that of reliability 0 ignored, but for the language that it names.
        """
        pieces = list(evidence)
        foreign_language = next((piece.foreign_language for piece in pieces if piece.foreign_language), None)
        usable = {piece.modality: piece for piece in pieces if piece.reliability > 0}
        if not usable:
            return EmotionEstimate.unknown(foreign_language=foreign_language)
        return EmotionEstimate.from_probabilities(
            as_probabilities(self._pool(usable)),
            usable,
            conflict=self.in_conflict(usable),
            confused=self._confused(usable.values()),
            foreign_language=foreign_language,
            min_confidence=self.min_confidence,
        )

    def in_conflict(self, evidence: Mapping[str, Evidence]) -> bool:
        """True when both modalities are confident and one is positive, the other negative."""
        if len(evidence) < len(MODALITIES):
            return False
        if any(piece.confidence < self.conflict_confidence for piece in evidence.values()):
            return False
        emotions = {piece.emotion for piece in evidence.values()}
        return bool(emotions & NEGATIVE) and bool(emotions & POSITIVE)

    def _confused(self, evidence: Iterable[Evidence]) -> float | None:
        """The mean of what the modalities say of the caller's confusion, by weight and reliability; None if none does.

        A linear pool, since no corpus with both a voice and free words is labelled with confusion, and so no product
        can be fitted: the mean is never surer than the surer one. As all become unreliable it fades to 0, not confused.
        """
        said = [(self.weights[e.modality] * e.reliability, e) for e in evidence if e.confused is not None]
        if not said:
            return None
        mean = sum(weight * (e.confused or 0.0) for weight, e in said) / max(sum(weight for weight, _ in said), 1e-12)
        return round(min(1.0, mean * max(e.reliability for _, e in said)), 6)

    def _pool(self, evidence: Mapping[str, Evidence]) -> NDArray[np.float64]:
        reliability = np.array([evidence[m].reliability if m in evidence else 0.0 for m in MODALITIES])
        fitted = np.array([self.weights[m] for m in MODALITIES]) / self.temperature
        others = reliability[::-1]
        stacked = np.stack([as_array(evidence[m].probabilities) if m in evidence else UNIFORM for m in MODALITIES])
        return pool(stacked, reliability * (1 - others + others * fitted))


def pool(probabilities: NDArray[np.float64], exponents: NDArray[np.float64]) -> NDArray[np.float64]:
    """The product of powers itself.

    Args:
        probabilities: shape [modalities, ..., emotions].
        exponents: shape [modalities], not negative.

    Returns:
        Shape [..., emotions], summing to 1 over the last axis.
    """
    logits = np.tensordot(exponents, np.log(np.maximum(probabilities, FLOOR)), axes=1)
    scaled = np.exp(logits - logits.max(axis=-1, keepdims=True))
    pooled: NDArray[np.float64] = scaled / scaled.sum(axis=-1, keepdims=True)
    return pooled
