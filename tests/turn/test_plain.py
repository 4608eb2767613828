"""What a client puts beside its words must be JSON that bot, store and helpdesk can all read."""

import json

import pytest

from rasa_emotion.turn.plain import MOST_NESTED, MOST_VALUES, check_count, check_entities, check_metadata
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


def test_values_are_counted_before_they_are_read() -> None:
    check_count(b'{"audio": {"content": "' + b"A" * 10_000_000 + b'"}, "names": ["a", "b"]}')
    check_count(b"[" + b"1," * (MOST_VALUES - 2) + b"1]")
    for many in (b"[" + b"1," * MOST_VALUES + b"1]", b"[" * (MOST_VALUES + 1), b'{"a":' * (MOST_VALUES + 1)):
        with pytest.raises(TurnRefused, match="more than 100,000 values") as refused:
            check_count(many)
        assert refused.value.status == 413


def test_metadata_may_be_nested_as_deeply_as_readers_take_it() -> None:
    check_metadata({"a": json.loads(nested(MOST_NESTED - 1))}, 16)
    with pytest.raises(TurnRefused, match="In 'metadata': it is nested too deeply"):
        check_metadata({"a": json.loads(nested(MOST_NESTED))}, 16)
