"""Slots that a turn has filled and must not keep, because its words were not meant for them; and slots to keep."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from rasa.shared.core.constants import ACTIVE_LOOP, MAPPING_CONDITIONS, REQUESTED_SLOT, SlotMappingType
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import (
    ActionExecuted,
    ActionReverted,
    AllSlotsReset,
    Event,
    SlotSet,
    UserUtteranceReverted,
    UserUttered,
)
from rasa.shared.core.trackers import DialogueStateTracker

from rasa_emotion.bot.rasa_versions import CUSTOM_MAPPING, MAPPING_TYPE, slot_mappings

_FROM_ENTITY = str(SlotMappingType.FROM_ENTITY)


def answer_taken_back(tracker: DialogueStateTracker, domain: Domain) -> list[Event]:
    """Events that undo what a yes or a no has filled.

    Slots are filled before policies run, so that a form's `from_text` takes the "no" for its answer. What an entity of
    the same message fills is information and stays, and so do slots of custom actions that are not the form's.
    """
    required = _required(tracker, domain)
    said = {entity.get("entity") for entity in tracker.latest_message.entities}

    def is_answer(name: str) -> bool:
        mappings = slot_mappings(tracker.slots[name])
        if any(mapping.get(MAPPING_TYPE) == _FROM_ENTITY and mapping.get("entity") in said for mapping in mappings):
            return False
        filled_by_words = (mapping.get(MAPPING_TYPE) not in (_FROM_ENTITY, CUSTOM_MAPPING) for mapping in mappings)
        return name in required or any(filled_by_words)

    return [_as_before(tracker, name) for name in _filled(tracker) if is_answer(name)]


def form_as_before(tracker: DialogueStateTracker, domain: Domain) -> list[Event]:
    """Events that undo what the turn has filled of the active form: another than the form answers this turn.

    Slots are filled before policies run, so that a form's `from_text` takes "give me a human" for its answer; and a
    form validates only as the first action of a turn.
    """
    own = _required(tracker, domain) | _filled_only_in_forms(tracker)
    return [_as_before(tracker, name) for name in _filled(tracker) if name in own]


def set_again(tracker: DialogueStateTracker, names: Iterable[str]) -> list[Event]:
    """Events that give slots back the value that an action of this turn took from them.

    With `AllSlotsReset`, or with a None for each slot that the tracker has, such an action means the bot's own slots.
    Empty where no action of this turn did so.
    """
    known = [name for name in names if name in tracker.slots]
    if not _may_have_reset(tracker, known):
        return []
    events = tracker.applied_events()
    turn = next((place for place in range(len(events) - 1, -1, -1) if isinstance(events[place], UserUttered)), 0)
    acted = next(
        (place for place in range(turn, len(events)) if isinstance(events[place], ActionExecuted)), len(events)
    )
    found: list[Event] = []
    for name in known:
        # What mappings made of the caller's words, before any action, is the slot's value, also where it is none.
        kept = [event for place, event in enumerate(events) if place < acted or not _takes(event, name)]
        value = _value_before(kept, name, tracker.slots[name].initial_value)
        if value != tracker.get_slot(name):
            found.append(SlotSet(name, value))
    return found


def _takes(event: Event, name: str) -> bool:
    return isinstance(event, AllSlotsReset) or (
        isinstance(event, SlotSet) and event.key == name and event.value is None
    )


def _may_have_reset(tracker: DialogueStateTracker, names: Collection[str]) -> bool:
    """Whether slots were reset since the caller's latest utterance, or it takes all events to tell.

    Rasa goes through the whole conversation for the events that still apply; most turns need not know.
    """
    for event in reversed(tracker.events):
        if event.type_name == UserUttered.type_name:
            return False
        if event.type_name in _LOOK_CLOSER or (
            isinstance(event, SlotSet) and event.value is None and event.key in names
        ):
            return True
    return False


_LOOK_CLOSER = frozenset(kind.type_name for kind in (AllSlotsReset, UserUtteranceReverted, ActionReverted))


def _filled_only_in_forms(tracker: DialogueStateTracker) -> set[str]:
    """The slots whose every mapping has the condition that a form is active; empty where none is.

    Which forms they are does not matter: what such a slot got in this turn, it got because this form is active.
    """
    if not tracker.active_loop_name:
        return set()

    def in_forms(mapping: Mapping[str, Any]) -> bool:
        conditions = mapping.get(MAPPING_CONDITIONS) or []
        return bool(conditions) and all(condition.get(ACTIVE_LOOP) for condition in conditions)

    mappings = {name: slot_mappings(slot) for name, slot in tracker.slots.items()}
    return {name for name, found in mappings.items() if found and all(map(in_forms, found))}


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
    return SlotSet(name, _value_before(events[:latest], name, tracker.slots[name].initial_value))


def _value_before(events: Sequence[Event], name: str, initial: Any) -> Any:
    """The value of a slot after these events."""
    for event in reversed(events):
        if isinstance(event, SlotSet) and event.key == name:
            return event.value
        if isinstance(event, AllSlotsReset):
            break
    return initial
