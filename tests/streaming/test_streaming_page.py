"""The examples of docs/streaming.md and docs/recognisers.md run as they stand."""

import asyncio
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from fake_analyzer import FakeAnalyzer

from rasa_emotion.streaming import SharedHearing
from rasa_emotion.voice.recognisers import load_recogniser


def examples(page: Path) -> list[str]:
    return re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)


def test_a_call_is_heard(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if shutil.which("espeak-ng") is None:
        pytest.skip("espeak-ng is not installed")
    exec(compile(examples(repository / "docs" / "streaming.md")[0], "streaming.md", "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) >= 4
    assert re.fullmatch(r"turn 1 from 0\.\d+ to [12]\.\d+ s: \w+", lines[-1])
    assert all(re.fullmatch(r"\d\.\d\d s: \w+ [01]\.\d\d", line) for line in lines[:-1])


async def test_many_calls(repository: Path) -> None:
    names: dict = {}
    exec(compile(examples(repository / "docs" / "streaming.md")[1], "streaming.md", "exec"), names)

    async def frames():
        for _ in range(50):
            yield b"\xff" * 160

    hearing = SharedHearing(FakeAnalyzer())
    await asyncio.gather(*(names["answer"](frames(), hearing) for _ in range(3)))
    hearing.close()


async def test_a_recogniser_of_ones_own(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "words_of_ours.py").write_text(examples(repository / "docs" / "recognisers.md")[0])
    monkeypatch.syspath_prepend(str(tmp_path))
    recogniser = load_recogniser("words_of_ours.OurRecogniser")
    await recogniser.start()
    assert (await recogniser.recognise(np.zeros(16_000, np.float32))).text == "hello"
