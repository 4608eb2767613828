"""docs/live.asyncapi.yaml is a description that programs can read, and says what the channel really does."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from ruamel.yaml import YAML

from rasa_emotion.voice.transports.json_audio import JsonAudio

# The AsyncAPI initiative's own schema of its version 2.6.0, of the package @asyncapi/specs (Apache-2.0), as published.
SCHEMA = "asyncapi-2.6.0.json"


@pytest.fixture(scope="module")
def document(repository: Path) -> dict[str, Any]:
    return YAML(typ="safe").load(repository / "docs" / "live.asyncapi.yaml")


def validator_of(document: dict[str, Any], message: str) -> Draft7Validator:
    payload = document["components"]["messages"][message]["payload"]
    return Draft7Validator({**payload, "components": document["components"]})


def test_it_is_valid_asyncapi(document: dict[str, Any], repository: Path) -> None:
    schema = json.loads((repository / "tests" / "data" / SCHEMA).read_text(encoding="utf-8"))
    assert [error.message for error in Draft7Validator(schema).iter_errors(document)] == []
    broken = {**document, "channels": {"/x": {"publish": {"message": 7}}}}
    assert not Draft7Validator(schema).is_valid(broken)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("audio", {"type": "audio", "audio": "AAA=", "sequence": 1, "timestamp_ms": 20}),
        ("mark", {"type": "mark", "mark": {"name": "m1"}}),
        ("digit", {"type": "digit", "digit": "5"}),
        ("transcript", {"type": "transcript", "text": "hello", "confidence": 0.5}),
        ("hangup", {"type": "hangup"}),
    ],
)
def test_what_a_client_may_send_is_understood(document: dict[str, Any], kind: str, message: dict[str, Any]) -> None:
    assert list(validator_of(document, kind).iter_errors(message)) == []
    assert len(JsonAudio("c1").receive(json.dumps(message))) == 2  # the call's start, and what the message says


def test_what_a_client_gets_is_described(document: dict[str, Any]) -> None:
    call = JsonAudio("c1", events=True)
    sent = [*call.play(b"\0\0"), *call.mark("m1"), *call.clear(), *call.tell({"event": "partial", "text": "hel"})]
    for text in sent:
        message = json.loads(text)
        assert list(validator_of(document, message["type"]).iter_errors(message)) == []
