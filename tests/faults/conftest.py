"""Processes that promise callers a human, for the tests of faults."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from judge import command_of, environment


@pytest.fixture
def promise(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess]:
    """`promise(number, "--kill", "before append 1", url=..., env=...)` runs a promiser to its end."""

    def run(
        number: int, *options: str, url: str = "", folder: Path = tmp_path, **more: str
    ) -> subprocess.CompletedProcess:
        arguments = (url or f"sqlite:///{folder}/bot.db", folder / "bot.db.spool", number, *options)
        return subprocess.run(
            command_of(*arguments), env=environment(**more), capture_output=True, text=True, check=False
        )

    return run
