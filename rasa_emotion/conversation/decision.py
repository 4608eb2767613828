"""What was decided about a conversation: by whom it goes on, why, and how soon."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

OFFER, ASK, HANDOVER, ALERT = ACTIONS = ("offer", "ask", "handover", "alert")
"""What a decision may do: offer a human, ask whether one is wanted, hand over, or only tell the humans."""

NORMAL, HIGH, URGENT = URGENCIES = ("normal", "high", "urgent")


@dataclass(frozen=True)
class Decision:
    """One decision.

    Args:
        action: one of `ACTIONS`.
        rule: name of the rule that decided.
        reason: why, one sentence in plain language.
        urgency: one of `URGENCIES`.
        dry_run: whether it is recorded alone, and nothing is done.
        call_back: whether the caller is offered a call back, since no human is there; it is not stored.

    >>> Decision("alert", "anger", "The caller was angry (anger 0.70).").to_dict()["urgency"]
    'normal'
    """

    action: str
    rule: str
    reason: str
    urgency: str = NORMAL
    dry_run: bool = False
    call_back: bool = False

    def to_dict(self) -> dict[str, Any]:
        """What the slot `escalation` holds; JSON-safe."""
        return {
            "action": self.action,
            "rule": self.rule,
            "reason": self.reason,
            "urgency": self.urgency,
            "dry_run": self.dry_run,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Decision":
        """Raises ValueError, KeyError or TypeError when `data` is no decision."""
        if data["action"] not in ACTIONS:
            raise ValueError(f"Action '{data['action']}' is not one of {', '.join(ACTIONS)}.")
        urgency = str(data.get("urgency", NORMAL))
        if urgency not in URGENCIES:
            raise ValueError(f"Urgency '{urgency}' is not one of {', '.join(URGENCIES)}.")
        return cls(data["action"], str(data["rule"]), str(data["reason"]), urgency, bool(data.get("dry_run", False)))
