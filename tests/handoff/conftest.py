"""The databases that a handoff queue is kept in: each test that asks for `engine` runs on both."""

import pytest
from sqlalchemy.engine import Engine


@pytest.fixture
def engine(either_engine: Engine) -> Engine:
    """A fresh database with its tables, of each kind."""
    return either_engine
