"""The channel that the documents show, copied from there into a bot's folder and served."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

pytestmark = pytest.mark.rasa


@pytest.fixture(scope="module")
def address(bot: Path, serve, repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("own") / "bot"
    shutil.copytree(bot, folder)
    page = (repository / "docs" / "own-channel.md").read_text(encoding="utf-8")
    for name, language in (("voicemail.py", "python"), ("credentials.yml", "yaml")):
        (folder / name).write_text(re.search(rf"```{language}\n(.*?)```", page, re.DOTALL)[1])
    with serve(folder) as server:
        yield f"{server}/webhooks/voicemail"


def test_words_and_voice_reach_the_bot(address: str, voice) -> None:
    answer = requests.post(f"{address}/ada", params={"words": "hello"}, data=voice(600), timeout=60)
    assert answer.text == "I am sorry for the trouble."
    assert requests.post(f"{address}/bob", data=voice(200), timeout=60).text == "I heard you, but no words."


def test_it_forgets_no_duty(address: str, voice) -> None:
    assert requests.post(f"{address}/{'x' * 256}", data=voice(200), timeout=60).status_code == 400
    assert requests.post(f"{address}/ada", params={"words": "x" * 2001}, data=voice(200), timeout=60).status_code == 413
    damaged = requests.post(f"{address}/ada", params={"words": "hello"}, data=b"no sound", timeout=60)
    assert damaged.ok
    assert damaged.text.endswith(".)")
