"""Sources that are no ordinary file: pipes, streams that cannot be wound back, a day of sound."""

import os
import struct
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile

from rasa_emotion.audio import load_audio, stream_windows
from rasa_emotion.errors import AudioError

DAY = 24 * 3600
RATE = 8_000
ONE = "from rasa_emotion.audio import load_audio; import sys; print(load_audio({source}).seconds)"


@pytest.fixture
def clip(tmp_path: Path, tone) -> Path:
    path = tmp_path / "clip.wav"
    soundfile.write(path, tone(440, 1.0, RATE), RATE)
    return path


def test_a_pipe_as_a_path_is_refused_and_waits_for_nobody(tmp_path: Path) -> None:
    pipe = tmp_path / "call.wav"
    os.mkfifo(pipe)
    with pytest.raises(AudioError, match="is not a file"):
        load_audio(pipe)


def test_a_pipe_that_somebody_writes_to_is_refused_alike(tmp_path: Path, clip: Path) -> None:
    pipe = tmp_path / "call.wav"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(clip.read_bytes()), daemon=True)
    writer.start()
    with pytest.raises(AudioError, match="is not a file"):
        load_audio(pipe)
    os.close(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK))  # lets the writer go


def test_standard_input_as_a_stream_is_heard(clip: Path) -> None:
    with clip.open("rb") as stream, subprocess.Popen(["cat"], stdin=stream, stdout=subprocess.PIPE) as cat:
        code = ONE.format(source="sys.stdin.buffer")
        heard = subprocess.run(
            [sys.executable, "-c", code], stdin=cat.stdout, capture_output=True, text=True, check=True
        )
    assert float(heard.stdout) == pytest.approx(1.0, abs=0.01)


def day_long(path: Path, held_secs: float) -> Path:
    """A WAV file whose header announces a day; it begins with a second of a tone, and holds so many seconds."""
    size = DAY * RATE * 2
    header = struct.pack(
        "<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + size, b"WAVE", b"fmt ", 16, 1, 1, RATE, 2 * RATE, 2, 16, b"data", size
    )
    sound = (9000 * np.sin(np.arange(RATE) * 0.3)).astype("<i2").tobytes()
    path.write_bytes(header + sound)
    os.truncate(path, len(header) + round(held_secs * RATE) * 2)  # sparse: it takes no room on the disk
    return path


def test_a_day_that_is_there_is_refused_as_soon_as_it_is_too_long(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="longer than 30 s"):
        load_audio(day_long(tmp_path / "day.wav", DAY), max_secs=30)


def test_a_day_is_heard_window_by_window(tmp_path: Path) -> None:
    windows = stream_windows(day_long(tmp_path / "day.wav", DAY))
    assert next(windows).seconds == 10.0
    assert next(windows).seconds == 10.0


def test_a_header_that_announces_a_day_and_a_file_of_two_seconds(tmp_path: Path) -> None:
    notes: list[str] = []
    assert load_audio(day_long(tmp_path / "day.wav", 2.0), notes=notes).seconds == pytest.approx(2.0, abs=0.01)
    assert "breaks off" in notes[0]
