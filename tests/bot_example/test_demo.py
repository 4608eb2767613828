"""The demo itself: a real server, a call with audio over HTTP, a change of tone, a handoff, nothing left behind."""

import json
import signal
import subprocess
import sys
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
from playback.exchange import OUTCOME

pytestmark = pytest.mark.rasa


def demo(bot_folder: Path, *options: str) -> list[str]:
    return [sys.executable, str(bot_folder / "demo.py"), *options]


@pytest.fixture(scope="module")
def printed(bot_folder: Path, bot_model: Path, speech: Any) -> list[Any]:
    """The default call, as the demo prints it for programs, played once for all tests."""
    played = subprocess.run(
        demo(bot_folder, "--json"), cwd=bot_folder.parent, capture_output=True, text=True, check=False
    )
    assert played.returncode == 0, played.stderr
    return [json.loads(line) for line in played.stdout.splitlines()]


@pytest.fixture(scope="module")
def turns(printed: list[Any]) -> list[Any]:
    """The caller's turns."""
    return printed[:-1]


def test_every_turn_is_heard_and_answered(turns: list[Any]) -> None:
    assert [turn["turn"] for turn in turns] == list(range(1, len(turns) + 1))
    for turn in turns:
        assert turn["audio"]
        assert not turn["warning"]
        assert set(turn["evidence"]) == {"acoustic", "text"}
        assert sum(turn["probabilities"].values()) == pytest.approx(1, abs=1e-3)
    assert all(turn["answers"] for turn in turns[:-1])


def test_the_bot_understands_what_the_call_is_about(turns: list[Any]) -> None:
    assert [turn["intent"] for turn in turns[:2]] == ["greet", "report_fault"]


def test_the_tone_changes_with_the_caller(turns: list[Any]) -> None:
    worried, angry = turns[2], turns[4]
    assert (worried["emotion"], angry["emotion"]) == ("fear", "angry")
    assert worried["intent"] == angry["intent"] == "complain"
    assert worried["answers"][0] != angry["answers"][0]


def test_the_angry_caller_gets_a_human_at_the_end(turns: list[Any]) -> None:
    first = next(turn for turn in turns if turn["escalated"])
    assert first["emotion"] == "angry"
    assert "angry" in first["reason"]
    assert first["answers"]
    assert turns[-1]["escalated"]
    assert turns[-1]["mood"] == "hostile"
    assert not any(turn["escalated"] for turn in turns[:4])


def test_the_human_sees_the_packet_and_talks_to_the_caller(printed: list[Any], turns: list[Any]) -> None:
    ending = printed[-1]
    packet = ending["packet"]
    assert packet["reason"] == next(turn["reason"] for turn in turns if turn["escalated"])
    assert next(line["text"] for line in packet["transcript"] if line["speaker"] == "caller") == turns[0]["text"]
    assert packet["slots"]["line_type"] == "broadband"
    assert [line["speaker"] for line in ending["exchange"]] == ["human", "caller", "human", "caller", "bot"]


def test_the_bot_goes_on_and_knows_the_outcome(printed: list[Any]) -> None:
    ending = printed[-1]
    assert ending["outcome"] == OUTCOME
    assert "human" not in ending["exchange"][-1]["text"]  # it replays nothing of what was said


def test_ctrl_c_stops_the_server_too(bot_folder: Path, bot_model: Path, speech: Any) -> None:
    # Whoever starts the tests in the background starts them deaf to Ctrl-C, and the demo would inherit that.
    hearing = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(
        demo(bot_folder),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=hearing,  # noqa: PLW1509 -- nothing but the signal is touched
    ) as player:
        server = _server_of(player)
        player.send_signal(signal.SIGINT)
        _, complaint = player.communicate(timeout=60)
    assert player.returncode != 0
    assert "Traceback" not in complaint
    assert not server.is_running()


def _server_of(player: "subprocess.Popen[str]") -> psutil.Process:
    while player.poll() is None:
        for child in psutil.Process(player.pid).children():
            with suppress(psutil.NoSuchProcess):  # the demo also starts what ends at once
                if "run" in child.cmdline():
                    return child
        time.sleep(0.1)
    raise AssertionError(f"The demo ended with code {player.returncode} before it had a server.")
