"""A call as a sound file, and who can be forgotten."""

import os
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from rasa_emotion.privacy.forget import Forgetter
from rasa_emotion.privacy.recordings import delete_older, folder_of, has_ended, new_recording
from rasa_emotion.voice.recorder import Recorder
from rasa_emotion.voice.sound import Format


@pytest.fixture
def bot_files(tmp_path, monkeypatch):
    """The endpoints.yml of a bot that records, in the working folder."""
    monkeypatch.chdir(tmp_path)
    endpoints = tmp_path / "endpoints.yml"
    endpoints.write_text(
        f"rasa_emotion: {{database: 'sqlite:///{tmp_path}/emotion.db', record: {{announcement: It is recorded.}}}}"
    )
    return endpoints


def test_the_caller_is_on_the_left_and_the_bot_on_the_right(tmp_path, tone):
    recorder = Recorder(tmp_path / "call.wav", Format("pcm_s16le", 8000))
    bot = (tone(300, 0.5, 8000) * 32767).astype("<i2").tobytes()
    recorder.caller(np.zeros(1600, np.float32))
    recorder.bot(bot)
    caller = tone(500, 1.0)
    for start in range(0, len(caller), 320):
        recorder.caller(caller[start : start + 320])
    recorder.close()
    samples, rate = soundfile.read(tmp_path / "call.wav")
    assert (rate, samples.shape) == (16_000, (17_600, 2))
    left, right = samples[1600:].T
    assert np.abs(np.fft.rfft(left)).argmax() == 500
    assert np.abs(np.fft.rfft(right[:7500])).argmax() * 16_000 / 7500 == pytest.approx(300, abs=5)
    assert np.abs(right[8000:]).max() < 0.01


def test_it_is_a_whole_file_at_every_moment(tmp_path, tone):
    recorder = Recorder(tmp_path / "call.wav", Format())
    for number in range(1, 4):
        recorder.caller(tone(500, 0.1))
        samples, rate = soundfile.read(tmp_path / "call.wav")
        assert (rate, samples.shape) == (16_000, (1600 * number, 2))
    recorder.close()


def test_its_file_says_when_the_call_is_over(tmp_path, tone):
    path = new_recording(tmp_path, "ada")
    recorder = Recorder(path, Format())
    recorder.caller(tone(500, 0.1))
    assert not has_ended(path.stat())
    recorder.close()
    recorder.close()
    assert has_ended(path.stat())
    assert delete_older(tmp_path, -1) == 1


def test_a_disk_that_is_full_ends_the_recording_alone(tone, caplog):
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    recorder = Recorder(full, Format())
    recorder.caller(tone(500, 0.1))
    recorder.caller(tone(500, 0.1))
    recorder.close()
    assert [record.event for record in caplog.records] == ["voice.recording.failed"]


def test_what_the_caller_interrupted_is_not_on_it(tmp_path, tone):
    recorder = Recorder(tmp_path / "call.wav", Format())
    recorder.bot((tone(300, 2.0) * 32767).astype("<i2").tobytes())
    recorder.caller(np.zeros(1600, np.float32))
    recorder.interrupted()
    recorder.caller(np.zeros(1600, np.float32))
    recorder.close()
    samples, _ = soundfile.read(tmp_path / "call.wav")
    assert np.abs(samples[:1600, 1]).max() > 0.1
    assert np.abs(samples[1600:, 1]).max() == 0


def test_a_discarded_recording_is_gone_and_takes_nothing_more(tmp_path):
    recorder = Recorder(tmp_path / "call.wav", Format())
    recorder.caller(np.zeros(1600, np.float32))
    recorder.discard()
    recorder.caller(np.zeros(1600, np.float32))
    recorder.close()
    assert list(tmp_path.iterdir()) == []


def test_forget_reaches_the_recordings_of_one_caller(bot_files, tmp_path):
    folder = tmp_path / "recordings"
    mine, other = new_recording(folder, "+447700900123"), new_recording(folder, "bob")
    assert "447700900123" not in str(mine)
    assert mine.stat().st_mode & 0o077 == 0
    forgetter = Forgetter(bot_files)
    traces = forgetter.find("+447700900123")
    assert {found.place.name: found.number for found in traces.found}["recordings"] == 1
    assert forgetter.delete(traces).numbers["recordings"] == 1
    assert not mine.exists()
    assert other.exists()


def test_old_recordings_go(tmp_path):
    old, new = new_recording(tmp_path, "ada"), new_recording(tmp_path, "ada")
    os.utime(old, (time.time() - 40 * 86_400,) * 2)
    assert delete_older(tmp_path, 30) == 1
    assert list(folder_of(tmp_path, "ada").iterdir()) == [new]
