"""The example bot, trained once for all of its tests."""

import sys
from pathlib import Path

import pytest
from made_once import made_once

BOT = Path(__file__).resolve().parents[2] / "bot_example"
sys.path.insert(0, str(BOT))  # the demo is a script beside its package, not an installed one


@pytest.fixture(scope="session")
def bot_folder() -> Path:
    return BOT


@pytest.fixture(scope="session")
def bot_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The trained bot; nothing is trained when nothing has changed since the last run."""
    from playback.server import trained_model  # noqa: PLC0415 -- on the path since this module was loaded

    made_once(tmp_path_factory, "example-bot", lambda _: trained_model())
    return trained_model()
