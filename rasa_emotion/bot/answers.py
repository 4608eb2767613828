"""Slots that a turn has filled and must not keep: its words were meant for the offer of a human, not for them."""

from rasa.shared.core.constants import (
    MAPPING_TYPE,
    REQUESTED_SLOT,
    SlotMappingType,
)
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import AllSlotsReset, Event, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

_FROM_ENTITY, _CUSTOM = str(SlotMappingType.FROM_ENTITY), str(SlotMappingType.CUSTOM)


def answer_taken_back(tracker: DialogueStateTracker, domain: Domain) -> list[Event]:
    """Events that undo what a yes or a no has filled.

    Slots are filled before policies run, so that a form's `from_text` takes the "no" for its answer. What an entity of
    the same message fills is information and stays, and so do slots of custom actions that are not the form's.
    """
    required = _required(tracker, domain)
    said = {entity.get("entity") for entity in tracker.latest_message.entities}

    def is_answer(name: str) -> bool:
        mappings = tracker.slots[name].mappings
        if any(mapping.get(MAPPING_TYPE) == _FROM_ENTITY and mapping.get("entity") in said for mapping in mappings):
            return False
        return name in required or any(mapping.get(MAPPING_TYPE) not in (_FROM_ENTITY, _CUSTOM) for mapping in mappings)

    return [_as_before(tracker, name) for name in _filled(tracker) if is_answer(name)]


def unvalidated_taken_back(tracker: DialogueStateTracker, domain: Domain) -> list[Event]:
    """Events that undo what the turn has filled for a form that validates with an action of the bot's.

    A form validates only as the first action of a turn: what it could not see is asked again.
    """
    form = tracker.active_loop_name
    if not form or f"validate_{form}" not in domain.action_names_or_texts:
        return []
    required = _required(tracker, domain)
    return [_as_before(tracker, name) for name in _filled(tracker) if name in required]


def _required(tracker: DialogueStateTracker, domain: Domain) -> set[str]:
    form = tracker.active_loop_name
    if not form:
        return set()
    return {*domain.required_slots_for_form(form), tracker.get_slot(REQUESTED_SLOT)}


def _filled(tracker: DialogueStateTracker) -> list[str]:
    """Names of the slots that were set since the caller's latest utterance."""
    names: dict[str, None] = {}
    for event in reversed(tracker.events):
        if isinstance(event, UserUttered):
            break
        if isinstance(event, SlotSet) and event.key in tracker.slots and event.key != REQUESTED_SLOT:
            names[event.key] = None
    return list(names)[::-1]


def _as_before(tracker: DialogueStateTracker, name: str) -> SlotSet:
    events = tracker.applied_events()
    latest = max(place for place, event in enumerate(events) if isinstance(event, UserUttered))
    for event in reversed(events[:latest]):
        if isinstance(event, SlotSet) and event.key == name:
            return SlotSet(name, event.value)
        if isinstance(event, AllSlotsReset):
            break
    return SlotSet(name, tracker.slots[name].initial_value)
