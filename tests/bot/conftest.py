"""What Rasa's components need in order to be made without a bot."""

from uuid import uuid4

import pytest
from fake_analyzer import install


@pytest.fixture
def analyzer(monkeypatch):
    """The foreseeable analyzer in place of the real one."""
    install(monkeypatch)


@pytest.fixture
def graph(tmp_path):
    """Arguments of a graph component's `create`, after the config."""
    from rasa.engine.graph import ExecutionContext, GraphSchema  # noqa: PLC0415 -- loads Rasa
    from rasa.engine.storage.local_model_storage import LocalModelStorage  # noqa: PLC0415
    from rasa.engine.storage.resource import Resource  # noqa: PLC0415

    folder = tmp_path / "storage"
    folder.mkdir()
    storage = LocalModelStorage.create(folder)
    return storage, Resource("emotion"), ExecutionContext(GraphSchema({}), uuid4().hex)
