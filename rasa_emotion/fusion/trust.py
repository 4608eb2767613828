"""How far a modality can be trusted in one turn: what was measured of it, each measurement to a fitted power."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from rasa_emotion.estimate import Evidence

RELIABILITY, SNR, RECOGNISER = "reliability", "snr_db", "recogniser_confidence"


@dataclass(frozen=True)
class Quantity:
    """A measurement behind the trust in a modality.

    Args:
        modality: whose it is.
        name: its key in the evidence's `quality`; RELIABILITY for the evidence's own.
        full: from this value on it lowers nothing. 0 lowers most.
    """

    modality: str
    name: str
    full: float


TRUST: Mapping[str, Quantity] = MappingProxyType(
    {
        "length": Quantity("acoustic", RELIABILITY, 1.0),
        "snr": Quantity("acoustic", SNR, 30.0),
        "language": Quantity("text", RELIABILITY, 1.0),
        "recogniser": Quantity("text", RECOGNISER, 1.0),
    }
)
"""The measurements by name. The acoustic model's reliability tells how much speech there was, the text model's how much
of it was English. Undisturbed recordings of the corpora have an estimated signal-to-noise ratio above 30 dB."""

LEAST = 0.05
"""The least share of a measurement other than the reliability, which alone can silence a modality."""


def share(quantity: Quantity, evidence: Evidence) -> float:
    """A measurement as a share of what it should be, 0 to 1; 1 where it was not measured."""
    if quantity.name == RELIABILITY:
        return evidence.reliability
    measured = evidence.quality.get(quantity.name)
    return 1.0 if measured is None else min(1.0, max(LEAST, measured / quantity.full))


def trust(evidence: Evidence, powers: Mapping[str, float]) -> float:
    """The product of the modality's shares, each to its power: 0 to 1, and 0 for a reliability of 0.

    A power of 0 disregards the measurement; reliabilities count with power 1 unless `powers` says otherwise.

    >>> trust(Evidence("text", {"happy": 1.0}, quality={"recogniser_confidence": 0.5}), {"recogniser": 2.0})
    0.25
    """
    if evidence.reliability == 0:  # whatever its power
        return 0.0
    found = 1.0
    for name, quantity in TRUST.items():
        if quantity.modality == evidence.modality:
            found *= share(quantity, evidence) ** powers.get(name, 1.0 if quantity.name == RELIABILITY else 0.0)
    return found
