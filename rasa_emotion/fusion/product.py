"""A weighted, temperature-calibrated product of the modalities' probabilities (a logarithmic opinion pool).

log p(emotion) = sum over modalities m of r_m ((1 - r_o) + r_o w_m / T) log p_m + constant, where w are fitted weights,
T is a fitted temperature, r is how far each modality can be trusted in this turn, and o is the other modality. With
both trusted that is the weighted product (C. Genest and J. V. Zidek, "Combining probability distributions: a critique
and an annotated bibliography", 1986); as one becomes unreliable it turns into the other one alone, and as both do, into
no opinion.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rasa_emotion.emotions import EMOTIONS, as_array, as_probabilities
from rasa_emotion.errors import ModelError
from rasa_emotion.estimate import MODALITIES, EmotionEstimate, Evidence
from rasa_emotion.fusion.conflict import CONFLICTS, conflict_kind, resolved
from rasa_emotion.fusion.trust import TRUST, trust
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
        conflicts: the score from which on each kind of conflict is found, above 0 and up to 1; see `conflict_scores`.
        powers: how fast each measurement lowers a modality's trust; see `trust`.
        checksum: of the folder that this was read from.
        level: the score from which on words that name a feeling are not outvoted by a level voice; see `level_score`.
            None, as in folders fitted before there was one: they may be.

    >>> fusion = Fusion({"acoustic": 0.5, "text": 0.5}, 1.0, 0.3, {"sarcastic": 0.6})
    >>> fusion.fuse([Evidence("text", {"happy": 1.0})]).emotion
    'happy'
    """

    weights: Mapping[str, float]
    temperature: float
    min_confidence: float
    conflicts: Mapping[str, float]
    powers: Mapping[str, float] = field(default_factory=dict)
    checksum: str = ""
    level: float | None = None

    def __post_init__(self) -> None:
        levels = {} if self.level is None else {"level": self.level}
        for kind, threshold in (dict(self.conflicts) | levels).items():
            if not 0 < threshold <= 1:
                raise ValueError(f"The threshold {threshold} of '{kind}' is not above 0 and up to 1")

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
                conflicts={kind: float(data["conflicts"][kind]) for kind in CONFLICTS},
                powers={quantity: float(data["powers"][quantity]) for quantity in TRUST},
                checksum=model.checksum,
                level=None if data.get("level") is None else float(data["level"]),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(f"'{model.file(FUSION_FILE)}' lacks fusion constants ({error}); fit it again.") from error

    def fuse(self, evidence: Iterable[Evidence]) -> EmotionEstimate:
        """One estimate from at most one evidence per modality; without usable evidence it is unknown.

        A single reliable modality is taken as it is: its model is calibrated on its own. Unreliable evidence is
        flattened, and that of reliability 0 ignored, but for the language that it names. Where voice and words
        contradict each other, the estimate names the kind of conflict and follows the side that is meant; see
        `resolved`.
        """
        pieces = list(evidence)
        usable = {piece.modality: piece for piece in pieces if piece.reliability > 0}
        warnings = tuple(warning for piece in pieces for warning in piece.warnings)
        language = next((piece.foreign_language for piece in pieces if piece.foreign_language), None)
        if not usable:
            return EmotionEstimate.unknown(foreign_language=language, warnings=warnings)
        said, trusted = self._heard(usable)
        fused, kind = self._pool(said, trusted), None
        if len(usable) == len(MODALITIES):
            alone = np.stack([pool(said[[m]], trusted[[m]]) for m in range(len(MODALITIES))])
            kind = conflict_kind(alone, self.conflicts)
            fused = resolved(fused, alone, kind, self.level)
        return EmotionEstimate.from_probabilities(
            as_probabilities(fused),
            usable,
            conflict=kind is not None,
            conflict_kind=kind,
            confused=self._confused(usable.values()),
            foreign_language=language,
            warnings=warnings,
            min_confidence=self.min_confidence,
        )

    def _heard(self, evidence: Mapping[str, Evidence]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """What each modality says, shape [2, emotions], and its trust, shape [2]; an absent one is not trusted."""
        said = [as_array(evidence[m].probabilities) if m in evidence else UNIFORM for m in MODALITIES]
        trusted = [trust(evidence[m], self.powers) if m in evidence else 0.0 for m in MODALITIES]
        return np.stack(said), np.array(trusted)

    def _pool(self, said: NDArray[np.float64], trusted: NDArray[np.float64]) -> NDArray[np.float64]:
        fitted = np.array([self.weights[m] for m in MODALITIES]) / self.temperature
        return pool(said, exponents(trusted, fitted))

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


def exponents(trusted: NDArray[np.float64], fitted: NDArray[np.float64]) -> NDArray[np.float64]:
    """Exponents of the product, shape [2, ...]: r_m ((1 - r_o) + r_o fitted_m).

    Args:
        trusted: r, how far voice and words can be trusted, shape [2, ...], each 0 to 1.
        fitted: weight over temperature of voice and words, shape [2].
    """
    others = trusted[::-1]
    powers: NDArray[np.float64] = trusted * (1 - others + others * fitted.reshape(-1, *[1] * (trusted.ndim - 1)))
    return powers


def pool(probabilities: NDArray[np.float64], powers: NDArray[np.float64]) -> NDArray[np.float64]:
    """The product of powers itself.

    Args:
        probabilities: shape [modalities, ..., emotions].
        powers: shape [modalities] or [modalities, ...], not negative.

    Returns:
        Shape [..., emotions], summing to 1 over the last axis.
    """
    logs = np.log(np.maximum(probabilities, FLOOR))
    logits = (logs * powers.reshape(*powers.shape, *[1] * (logs.ndim - powers.ndim))).sum(axis=0)
    scaled = np.exp(logits - logits.max(axis=-1, keepdims=True))
    pooled: NDArray[np.float64] = scaled / scaled.sum(axis=-1, keepdims=True)
    return pooled
