"""The action server of the bot with forms: validates what callers say, and asks a business for its floor."""

from typing import Any

from rasa_sdk import FormValidationAction, Tracker
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.types import DomainDict


class ValidateFaultForm(FormValidationAction):
    """Fails on what is no text, as validation that people write does."""

    def name(self) -> str:
        return "validate_fault_form"

    async def required_slots(
        self, domain_slots: list[str], dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict
    ) -> list[str]:
        business = "business" in (tracker.get_slot("line") or "")
        return [*domain_slots, "floor"] if business else domain_slots

    def validate_line(
        self, value: Any, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict
    ) -> dict[str, Any]:
        return {"line": value.strip().lower()}

    def validate_symptom(
        self, value: Any, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict
    ) -> dict[str, Any]:
        if "?" in value:
            dispatcher.utter_message(text="That is a question.")
            return {"symptom": None}
        return {"symptom": value.strip().lower()}

    def validate_floor(
        self, value: Any, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict
    ) -> dict[str, Any]:
        return {"floor": value.strip().lower()}

    def validate_urgent(
        self, value: Any, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict
    ) -> dict[str, Any]:
        return {"urgent": bool(value)}
