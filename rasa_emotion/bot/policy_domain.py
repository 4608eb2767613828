"""What a domain must have for a policy that hands over to a human; what is missing is named with its remedy."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rasa.shared.core.domain import Domain
from rasa.shared.core.slots import AnySlot, BooleanSlot, Slot

from rasa_emotion.conversation.history import ESCALATED_SLOT, ESCALATION_SLOT

REASON_SLOT = "escalation_reason"

_SLOTS: dict[str, tuple[tuple[type[Slot], ...], str]] = {
    ESCALATED_SLOT: ((BooleanSlot, AnySlot), "bool"),
    ESCALATION_SLOT: ((AnySlot,), "any"),
}


@dataclass(frozen=True)
class Replies:
    """The actions that a policy may predict, each by the option that names it; None where the bot needs none."""

    handoff_action: str | None = None
    offer_action: str | None = None
    declined_action: str | None = None
    call_back_action: str | None = None

    def named(self) -> dict[str, str]:
        """Those that the bot has, by their option."""
        return {f"the '{option}'": action for option, action in vars(self).items() if action}


def missing_slot(domain: Domain) -> str | None:
    """The first slot that the domain lacks or has of another type; None where all are there."""
    slots = {slot.name: slot for slot in domain.slots}
    for name, (types, wanted) in _SLOTS.items():
        if name not in slots:
            return f"the domain has no slot '{name}'; add it with type {wanted} and a custom mapping."
        if not isinstance(slots[name], types):
            return f"the slot '{name}' is of type {slots[name].type_name}; make it {wanted}."
    return None


def missing_action(domain: Domain, named: Mapping[str, str]) -> str | None:
    """The first action, by what names it, that the domain lacks."""
    for name, action in named.items():
        if action not in domain.action_names_or_texts:
            return f"the domain has no action '{action}', {name}; add it or correct the name."
    return None


def missing_intent(domain: Domain, named: Mapping[str, Iterable[str]]) -> str | None:
    """The first intent, by the option that names it, that the domain lacks: no turn would ever match it."""
    for option, intents in named.items():
        for intent in sorted(intents):
            if intent not in domain.intents:
                return f"the domain has no intent '{intent}', named by {option}; add it or correct the name."
    return None
