"""The running service against its description: what OpenAPI allows, and what it does not (schemathesis)."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from service_kit import served

from rasa_emotion.turn.keys import add_key

schemathesis.checks.load_all_checks()
SCHEMA = schemathesis.pytest.from_fixture("api")
LEFT_OUT = [
    # A body that fits the schema may still hold no sound or no words (422), or name a part that is not there (400).
    schemathesis.checks.CHECKS.get_one("positive_data_acceptance"),
]


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    path = tmp_path_factory.mktemp("keys") / "keys.txt"
    return path, add_key(path, "caller").secret


@pytest.fixture(scope="module")
def api(key: tuple[Path, str]) -> Iterator[schemathesis.BaseSchema]:
    with served("--token-file", key[0], "--head_secs", 600, "--body_secs", 600, "--analysis_secs", 600) as running:
        yield schemathesis.openapi.from_url(f"{running.url}/v1/openapi.json")


@SCHEMA.parametrize()
@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_every_route_does_what_the_description_says(case, key: tuple[Path, str]) -> None:
    case.call_and_validate(headers={"token": key[1]}, excluded_checks=LEFT_OUT)
