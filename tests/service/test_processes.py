"""Several processes behind one port: shared, watched, started again, drained; and what Prometheus sees of them."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import urllib3
from service_kit import Served, served

TEXT = {"turns": [{"text": "I am furious"}]}


def ask(running: Served, text: str = "I am furious") -> str:
    """The process that answers, on a connection of its own."""
    with urllib3.PoolManager(retries=False) as http:
        answer = http.request("POST", f"{running.url}/v1/analyze", json={"text": text})
        assert answer.status == 200
        return answer.json()["checksum"]


def figures(running: Served) -> dict[str, float]:
    text = urllib3.request("GET", f"{running.url}/metrics").data.decode()
    rows = re.findall(r"^(\S+) (\S+)$", text, flags=re.MULTILINE)
    return {name: float(value) for name, value in rows}


def test_processes_share_a_port_and_their_figures_are_summed_also_of_one_that_died() -> None:
    with served("--processes", 2, "--checksum", "pid") as running:
        pids = {ask(running) for _ in range(40)}
        assert len(pids) == 2
        found = figures(running)
        assert found['rasa_emotion_requests_total{route="/v1/analyze",status="200"}'] == 40
        assert found['rasa_emotion_estimates_total{emotion="angry"}'] == 40
        assert found['rasa_emotion_request_seconds_count{route="/v1/analyze"}'] == 40
        assert (found["rasa_emotion_processes"], found["rasa_emotion_waiting"]) == (2, 0)
        with pytest.raises(urllib3.exceptions.HTTPError):
            ask(running, "die")
        died = running.wait_for("service.process.died")
        assert "exit code 7" in died["message"]
        # The counters stay, the gauges of the dead do not; the other one goes on answering.
        later = {ask(running) for _ in range(40)}
        assert len(later - pids) <= 1
        found = figures(running)
        assert found['rasa_emotion_estimates_total{emotion="angry"}'] == 80
        while found["rasa_emotion_processes"] != 2:
            assert found["rasa_emotion_processes"] == 1
            time.sleep(0.1)
            found = figures(running)
        assert len({ask(running) for _ in range(40)} - pids) == 1
        assert running.end() == 0
        running.wait_for("service.stopped", lambda message: "All processes" in message)


def test_a_kill_under_load_loses_no_request_that_is_sent_again() -> None:
    with served("--processes", 2, "--checksum", "pid") as running, ThreadPoolExecutor(4) as threads:
        http = urllib3.PoolManager(maxsize=4, retries=False)

        def twice(number: int) -> int:
            word, emotion = (("furious", "angry"), ("wonderful", "happy"))[number % 2]
            for _ in range(2):
                try:
                    answer = http.request("POST", f"{running.url}/v1/analyze", json={"text": word})
                except urllib3.exceptions.HTTPError:
                    time.sleep(0.5)  # as a client does: until it is reaped, the dead process is given connections
                    continue
                assert (answer.status, answer.json()["emotion"]) == (200, emotion)
                return 1
            return 0

        pid = int(ask(running))
        answered = threads.map(twice, range(300))
        for _ in range(50):
            next(answered)
        os.kill(pid, signal.SIGKILL)
        assert sum(answered) == 250
        running.wait_for("service.process.died")


def test_all_drain_and_nothing_is_left(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with served("--processes", 2) as running:
        assert len(list(tmp_path.glob("rasa-emotion-metrics-*"))) == 1
        assert running.end() == 0
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", running.port))
    assert list(tmp_path.iterdir()) == []


def test_processes_do_not_outlive_their_parent() -> None:
    with served("--processes", 2, "--checksum", "pid") as running:
        pids = {int(ask(running)) for _ in range(40)}
        running.process.kill()
        running.process.wait()
        while any(alive(pid) for pid in pids):
            time.sleep(0.05)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def test_what_cannot_start_says_why_and_leaves_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "rasa_emotion.cli", "serve", "--port", "0", "--processes", "2"]
    done = subprocess.run([*command, "--models", tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert str(tmp_path) in done.stderr.replace("\n", "")
    assert "Traceback" not in done.stderr


def test_another_service_at_the_port_is_told() -> None:
    """Also one that shares its port: the kernel would spread connections over both."""
    with served("--processes", 2) as running:
        command = [sys.executable, "-m", "rasa_emotion.cli", "serve", "--port", str(running.port), "--processes", "2"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert "cannot listen" in done.stderr.replace("\n", " ")


def test_a_port_that_is_taken_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for more in ([], ["--processes", "2"]):
            command = [sys.executable, "-m", "rasa_emotion.cli", "serve", "--port", port, *more]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert done.returncode != 0
            assert "cannot listen" in done.stderr.replace("\n", " ")
            assert "Traceback" not in done.stderr
