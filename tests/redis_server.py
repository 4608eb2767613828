"""A Redis server for the tests that want one, where Debian's is installed."""

import socket
import subprocess
from collections.abc import Iterator

import pytest
from programs import why_not


@pytest.fixture(scope="session")
def redis_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port on this machine of an empty server that ends with the tests."""
    if reason := why_not("redis-server"):
        pytest.skip(reason)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    place = str(tmp_path_factory.mktemp("redis"))
    options = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", place]
    with subprocess.Popen(["redis-server", *options], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = ""
        while "ready to accept connections" not in (line := process.stdout.readline().lower()):
            said += line
            if not line:
                pytest.skip(f"Redis does not start: {said}")
        yield port
        process.terminate()
