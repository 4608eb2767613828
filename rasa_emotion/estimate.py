"""What is passed around: `Evidence` of one modality and the fused `EmotionEstimate`. Frozen and JSON-safe."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rasa_emotion.emotions import EMOTIONS, UNKNOWN, coordinates, sentiment

MODALITIES: tuple[str, ...] = ("acoustic", "text")

_KNOWN = frozenset(EMOTIONS)


@dataclass(frozen=True)
class Evidence:
    """What one modality says about one turn.

    Args:
        modality: "acoustic" or "text".
        probabilities: one probability per emotion, summing to 1.
        reliability: 0 (ignore me) to 1 (as good as the data that the model was measured on).
        model: name of the model that said so.
        quality: measurements such as `speech_secs`, `snr_db` or `recogniser_confidence`; small numbers only.
        confused: probability that the caller is confused, 0 to 1, beside any of the emotions; None where the model
            does not say.
        foreign_language: code of the words' language (ISO 639) where the text model does not read it; the reliability
            is then 0. None otherwise.
        warnings: one sentence for whatever of the turn was missing, damaged or left out.

    >>> Evidence("text", {"happy": 1.0}).emotion
    'happy'
    """

    modality: str
    probabilities: Mapping[str, float]
    reliability: float = 1.0
    model: str = ""
    quality: Mapping[str, float] = field(default_factory=dict)
    confused: float | None = None
    foreign_language: str | None = None
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.modality not in MODALITIES:
            raise ValueError(f"Modality '{self.modality}' is not one of {', '.join(MODALITIES)}.")
        unknown = self.probabilities.keys() - _KNOWN
        if unknown:
            raise ValueError(f"Evidence names unknown emotions: {', '.join(sorted(unknown))}.")
        values = self.probabilities.values()
        # So that what is no number is refused as well: it makes the sum none.
        if not abs(sum(values) - 1) <= 1e-3 or min(values) < 0:
            raise ValueError("The probabilities of an evidence must be finite, not negative and sum to 1.")
        if not 0 <= self.reliability <= 1:
            raise ValueError(f"Reliability {self.reliability} is not between 0 and 1.")
        _check_confused(self.confused)

    @property
    def emotion(self) -> str:
        """The most probable emotion."""
        return max(self.probabilities, key=lambda emotion: self.probabilities[emotion])

    @property
    def confidence(self) -> float:
        """The probability of the most probable emotion."""
        return max(self.probabilities.values())

    def to_dict(self) -> dict[str, Any]:
        return {
            **vars(self),  # `asdict` would copy all of it, which takes as long as the fusion
            "probabilities": dict(self.probabilities),
            "quality": dict(self.quality),
            "warnings": list(self.warnings),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Evidence":
        """Raises ValueError, KeyError or TypeError when `data` is no evidence."""
        return cls(
            modality=data["modality"],
            probabilities=_numbers(data["probabilities"]),
            reliability=float(data.get("reliability", 1.0)),
            model=str(data.get("model", "")),
            quality=_numbers(data.get("quality", {})),
            confused=_optional(data.get("confused")),
            foreign_language=_optional_text(data.get("foreign_language")),
            warnings=_texts(data.get("warnings", ())),
        )


@dataclass(frozen=True)
class EmotionEstimate:
    """The fused answer for one turn.

    `emotion` is one of the eight or "unknown"; `probabilities` stay there also when it is unknown (empty only without
    any evidence). `evidence` maps each modality that was heard to its `Evidence`. `conflict` is true when voice and
    words contradict each other, and `conflict_kind` says what that likely means: "sarcastic" (positive words in an
    angry or disgusted voice) or "masked" (negative words in a happy or calm voice); None without a conflict, and in
    estimates that were stored before there were kinds. `confused` is the probability that the caller is confused, 0
    to 1, beside any of the emotions; None where no model says it. `foreign_language` is the code of the words' language
    (ISO 639) where the text model does not read it, so that the words were left out; None otherwise. `warnings` are
    one sentence each for whatever was missing, damaged or left out, such as the end of a recording that breaks off.

    >>> EmotionEstimate.unknown().emotion
    'unknown'
    """

    emotion: str
    confidence: float
    probabilities: Mapping[str, float]
    valence: float
    arousal: float
    evidence: Mapping[str, Evidence] = field(default_factory=dict)
    conflict: bool = False
    confused: float | None = None
    foreign_language: str | None = None
    conflict_kind: str | None = None
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_confused(self.confused)

    @property
    def modalities(self) -> tuple[str, ...]:
        """The modalities that this estimate rests on, in a fixed order."""
        return tuple(modality for modality in MODALITIES if modality in self.evidence)

    @property
    def sentiment(self) -> str:
        """ "positive", "neutral" or "negative", from the probabilities; "unknown" where there are none.

        See `rasa_emotion.emotions.sentiments` for the formula.
        """
        return sentiment(self.probabilities)

    @classmethod
    def unknown(cls, *, foreign_language: str | None = None, warnings: tuple[str, ...] = ()) -> "EmotionEstimate":
        """The estimate of a turn without any usable evidence."""
        return cls(UNKNOWN, 0.0, {}, 0.0, 0.0, foreign_language=foreign_language, warnings=warnings)

    @classmethod
    def from_probabilities(
        cls,
        probabilities: Mapping[str, float],
        evidence: Mapping[str, Evidence],
        *,
        conflict: bool = False,
        conflict_kind: str | None = None,
        confused: float | None = None,
        foreign_language: str | None = None,
        warnings: tuple[str, ...] = (),
        min_confidence: float = 0.0,
    ) -> "EmotionEstimate":
        """The most probable emotion, or "unknown" where its probability is below `min_confidence`."""
        best = max(probabilities, key=lambda emotion: probabilities[emotion])
        confidence = probabilities[best]
        valence, arousal = coordinates(probabilities)
        emotion = best if confidence >= min_confidence else UNKNOWN
        return cls(
            emotion,
            confidence,
            dict(probabilities),
            valence,
            arousal,
            dict(evidence),
            conflict,
            confused,
            foreign_language,
            conflict_kind,
            warnings,
        )

    def to_dict(self) -> dict[str, Any]:
        return {
            "emotion": self.emotion,
            "confidence": self.confidence,
            "probabilities": dict(self.probabilities),
            "valence": self.valence,
            "arousal": self.arousal,
            "sentiment": self.sentiment,
            "confused": self.confused,
            "conflict": self.conflict,
            "conflict_kind": self.conflict_kind,
            "foreign_language": self.foreign_language,
            "warnings": list(self.warnings),
            "evidence": {modality: evidence.to_dict() for modality, evidence in self.evidence.items()},
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "EmotionEstimate":
        """Raises ValueError, KeyError or TypeError when `data` is no estimate."""
        return cls(
            emotion=str(data["emotion"]),
            confidence=float(data["confidence"]),
            probabilities=_numbers(data["probabilities"]),
            valence=float(data["valence"]),
            arousal=float(data["arousal"]),
            evidence={str(k): Evidence.from_dict(v) for k, v in data.get("evidence", {}).items()},
            conflict=bool(data.get("conflict", False)),
            confused=_optional(data.get("confused")),
            foreign_language=_optional_text(data.get("foreign_language")),
            conflict_kind=_optional_text(data.get("conflict_kind")),
            warnings=_texts(data.get("warnings", ())),
        )


def _check_confused(value: float | None) -> None:
    if value is not None and not 0 <= value <= 1:
        raise ValueError(f"A probability of being confused of {value} is not between 0 and 1.")


def _numbers(data: Mapping[Any, Any]) -> dict[str, float]:
    # Read for every turn of a conversation, in every turn.
    return dict(zip(map(str, data.keys()), map(float, data.values()), strict=True))


def _optional(value: Any) -> float | None:
    return None if value is None else float(value)


def _optional_text(value: Any) -> str | None:
    return None if value is None else str(value)


def _texts(value: Iterable[Any]) -> tuple[str, ...]:
    return tuple(map(str, value))
