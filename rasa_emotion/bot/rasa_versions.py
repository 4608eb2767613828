"""What differs between Rasa Open Source 3.6.21 and Rasa Pro 3.21, where this package touches it; nothing else knows.

Both call their package `rasa`. What the two have in common is imported where it is needed.
"""

import logging
from collections.abc import Mapping
from inspect import signature
from types import SimpleNamespace
from typing import Any

from rasa.core.lock_store import RedisLockStore
from rasa.core.nlg.response import TemplatedNaturalLanguageGenerator
from rasa.shared.core.constants import SlotMappingType
from rasa.utils.endpoints import EndpointConfig
from rasa.version import __version__

from rasa_emotion.logs import named
from rasa_emotion.settings import check_keys

try:  # Rasa Open Source
    from rasa.core.tracker_store import (
        DynamoTrackerStore,
        InMemoryTrackerStore,
        MongoTrackerStore,
        RedisTrackerStore,
        SQLTrackerStore,
        TrackerStore,
    )

    PRO = False
except ModuleNotFoundError:  # Rasa Pro
    from rasa.core.tracker_stores.dynamo_tracker_store import DynamoTrackerStore
    from rasa.core.tracker_stores.mongo_tracker_store import MongoTrackerStore
    from rasa.core.tracker_stores.redis_tracker_store import RedisTrackerStore
    from rasa.core.tracker_stores.sql_tracker_store import SQLTrackerStore
    from rasa.core.tracker_stores.tracker_store import InMemoryTrackerStore, TrackerStore

    PRO = True

logger = logging.getLogger(__name__)

TESTED = {False: "3.6.21", True: "3.21.0"}
"""The release of Open Source and of Pro that the tests run with."""

__all__ = [
    "CUSTOM_MAPPING",
    "MAPPING_TYPE",
    "PRO",
    "DynamoTrackerStore",
    "InMemoryTrackerStore",
    "MongoTrackerStore",
    "RedisTrackerStore",
    "SQLTrackerStore",
    "TrackerStore",
    "channel_name",
    "filled",
    "inner_store",
    "is_paused",
    "named_output",
    "redis_lock_options",
    "slot_mappings",
    "socket_server",
    "tell_untried",
]


def tell_untried(version: str, *, pro: bool) -> None:
    """Say in one log line that this Rasa is none of those that were tried; the bot goes on.

    Args:
        version: Rasa's own, such as "3.9.1".
        pro: whether it is Rasa Pro.
    """
    tested = TESTED[pro]
    if version.split(".")[:2] != tested.split(".")[:2]:
        logger.warning(
            "Rasa%s %s is not a version that rasa-emotion was tested with: install Rasa Open Source %s or Rasa Pro %s "
            "if anything fails.",
            " Pro" if pro else "",
            version,
            TESTED[False],
            TESTED[True],
            extra=named("rasa.version.untried"),
        )


tell_untried(__version__, pro=PRO)

MAPPING_TYPE = "type"
"""The key of a slot mapping's kind: `MAPPING_TYPE` there, `KEY_MAPPING_TYPE` here."""

CUSTOM_MAPPING = str(getattr(SlotMappingType, "CUSTOM", None) or SlotMappingType.CONTROLLED)
"""The kind of a mapping that an action of the bot's fills; Rasa Pro calls it controlled."""


def is_paused(tracker: Any) -> bool:
    """Whether the conversation is paused: a method of Open Source's tracker, a property of Pro's."""
    return bool(tracker.is_paused() if hasattr(tracker, "is_paused") else tracker.paused)


def slot_mappings(slot: Any) -> list[Mapping[str, Any]]:
    """What fills a slot, as the domain says it: Open Source keeps the dictionaries, Pro makes objects of them."""
    return [mapping if isinstance(mapping, Mapping) else mapping.as_dict() for mapping in slot.mappings]


def channel_name(output_channel: Any) -> str:
    """The name of an output channel: Open Source gives a generator the name, Pro the object."""
    return output_channel if isinstance(output_channel, str) else str(output_channel.name())


def named_output(channel: str) -> Any:
    """What a generator is given for an output channel of which only the name is known."""
    return SimpleNamespace(name=lambda: channel) if PRO else channel


def filled(
    variation: Mapping[str, Any], utter_action: str, tracker: Any, channel: str, kwargs: Mapping[str, Any]
) -> dict[str, Any] | None:
    """A response's variation with its placeholders filled; Pro fills in the dialogue stack's too, and translates.

    Args:
        variation: without its condition.
        utter_action: the response's name.
        tracker: the conversation.
        channel: the output channel's name.
        kwargs: further values of placeholders.
    """
    generator = TemplatedNaturalLanguageGenerator({utter_action: [dict(variation)]})
    slots = tracker.current_slot_values()
    if not PRO:
        found: dict[str, Any] | None = generator.generate_from_slots(utter_action, slots, channel, **kwargs)
        return found
    context, language = tracker.stack.current_context(), tracker.current_language
    found = generator.generate_from_slots(utter_action, slots, context, channel, language, **kwargs)
    return None if found is None else dict(generator.translate_response(found, language))


def inner_store(tracker_store: Any) -> Any:
    """A bot's tracker store without Rasa's wrappers around it, which neither version lets through in public.

    Open Source has one, which goes on in memory when a database fails; Pro puts another inside, which signs in again.
    """
    while hasattr(tracker_store, "_tracker_store"):
        tracker_store = tracker_store._tracker_store
    return tracker_store


def socket_server(channel: Any) -> Any:
    """The server behind the channel `socketio`, None until its routes are made: the two give it different names."""
    return channel.sio_server if hasattr(channel, "sio_server") else channel.sio


def redis_lock_options(endpoint: EndpointConfig) -> dict[str, Any]:
    """What `RedisLockStore` is made with, from the section `lock_store` of endpoints.yml.

    Args:
        endpoint: the section; its `url` is the host.

    Raises:
        ConfigError: it has an option that the store does not know.
    """
    given = {"host": endpoint.url or "localhost", **endpoint.kwargs}
    if not PRO:
        check_keys("'lock_store'", given, list(signature(RedisLockStore).parameters))
        return given
    from rasa.core.lock_store import RedisLockStoreConfig  # noqa: PLC0415 -- Pro alone has it

    check_keys("'lock_store'", given, list(RedisLockStoreConfig.model_fields))
    return {"config": RedisLockStoreConfig.model_validate(given)}
