"""A PostgreSQL server for the tests that want one, where its programs are installed."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from programs import why_not


def programs() -> Path | None:
    """The folder of Debian's newest server, or of the one in the path."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), key=lambda path: float(path.parts[-3]))
    found = versions[-1] if versions else shutil.which("pg_ctl")
    return Path(found).parent if found else None


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The address of a server that ends with the tests. It refuses to run as root, so that it runs as `postgres`."""
    folder = programs()
    if folder is None:
        pytest.skip(why_not("postgresql"))
    as_user = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups"] if os.geteuid() == 0 else []
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # Its socket's path must be short.
    with tempfile.TemporaryDirectory(prefix="pg-") as place:
        if as_user:
            shutil.chown(place, "postgres", "postgres")
        data = f"{place}/data"
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={place}"
        made = ["initdb", "-D", data, "-U", "tester", "-A", "trust", "-E", "UTF8", "--locale=C"]
        run = ["pg_ctl", "-D", data, "-w", "-l", f"{place}/log", "-o", options]
        try:
            for program, *arguments in (made, [*run, "start"]):
                command = [*as_user, str(folder / program), *arguments]
                subprocess.run(command, check=True, capture_output=True, text=True, cwd=place)
        except (OSError, subprocess.CalledProcessError) as error:
            pytest.skip(f"PostgreSQL does not start: {getattr(error, 'stderr', '') or error}")
        yield f"postgresql://tester@127.0.0.1:{port}"
        stop = [*as_user, str(folder / "pg_ctl"), "-D", data, "-m", "immediate", "stop"]
        subprocess.run(stop, check=True, capture_output=True, cwd=place)


@pytest.fixture
def postgresql(postgresql_server: str) -> str:
    """The URL of an empty database."""
    from sqlalchemy import create_engine  # noqa: PLC0415 -- not in every environment that collects tests

    name = f"test_{uuid4().hex}"
    engine = create_engine(f"{postgresql_server}/postgres", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return f"{postgresql_server}/{name}"


@pytest.fixture(params=["sqlite", "postgresql"])
def either_engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    """A database of our tables, of each of the two kinds in turn."""
    from rasa_emotion.database import create_tables, open_database  # noqa: PLC0415

    file = f"sqlite:///{tmp_path}/either.db"
    made = open_database(file if request.param == "sqlite" else request.getfixturevalue("postgresql"))
    create_tables(made)
    yield made
    made.dispose()
