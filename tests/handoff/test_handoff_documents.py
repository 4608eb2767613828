"""docs/handoff.md names every option and leads to the schema."""

import json
import re
from dataclasses import fields
from pathlib import Path

import jsonschema
import pytest

from rasa_emotion.endpoints import DEFAULTS, Delivery
from rasa_emotion.handoff import redact
from rasa_emotion.handoff.packet import Line, Packet, TimelineTurn
from rasa_emotion.handoff.personal_data import FINDERS


@pytest.fixture(scope="module")
def page(repository: Path) -> str:
    return (repository / "docs" / "handoff.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def schema(repository: Path, page: str) -> dict:
    (link,) = re.findall(r"\]\((\S+\.schema\.json)\)", page)
    return json.loads((repository / "docs" / link).read_text(encoding="utf-8"))


def test_every_option_has_a_row_with_its_default(page: str) -> None:
    for name in DEFAULTS:
        assert f"\n| `{name}` | " in page
    for option in fields(Delivery):
        assert f"\n| `{option.name}` | {option.default:g} | " in page
    for name in redact.DEFAULTS:
        assert re.search(rf"^    {name}:", page, re.MULTILINE)
    for kind in FINDERS:
        assert f"\n| `{kind}` | " in page


def test_the_schema_is_one_and_has_every_field(schema: dict) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)
    for part, kind in ((schema, Packet), (schema["$defs"]["turn"], TimelineTurn), (schema["$defs"]["line"], Line)):
        names = {field.name for field in fields(kind)}
        assert set(part["properties"]) == set(part["required"]) == names
