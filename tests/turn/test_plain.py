"""What a client puts beside its words must be JSON that bot, store and helpdesk can all read."""

import json

import pytest

from rasa_emotion.turn.plain import MOST_NESTED, check_entities, check_metadata
from rasa_emotion.turn.refusal import TurnRefused


def nested(levels: int) -> str:
    return "[" * levels + "]" * levels


@pytest.mark.parametrize(
    "text",
    [
        "hello {you}",
        "/inform",
        '/inform{"city": "Bonn"}',
        '/inform@0.9{"city": ["Bonn", {"since": 1e3}], "none": null} and hurry up',
        "/inform{city: NaN}",  # no JSON, which Rasa goes on without
        "/inform{",
        "/ or {NaN}",
        f'/inform{{"city": {nested(MOST_NESTED - 1)}}}',
    ],
)
def test_entities_that_can_be_stored(text: str) -> None:
    check_entities(text)


@pytest.mark.parametrize("value", ["NaN", "-Infinity", "1e999", nested(MOST_NESTED), nested(950)])
@pytest.mark.parametrize("text", ['/inform{"city": %s}', ' /inform@0.5{"a": 1, "b": {"c": %s}} please'])
def test_entities_that_cannot(text: str, value: str) -> None:
    with pytest.raises(TurnRefused, match="In 'message': ") as refused:
        check_entities(text % value)
    assert refused.value.status == 400
    assert str(refused.value).endswith(".")


def test_metadata_may_be_nested_as_deeply_as_readers_take_it() -> None:
    check_metadata({"a": json.loads(nested(MOST_NESTED - 1))}, 16)
    with pytest.raises(TurnRefused, match="In 'metadata': it is nested too deeply"):
        check_metadata({"a": json.loads(nested(MOST_NESTED))}, 16)
