"""Decoding clips: what cannot be decoded is skipped, counted and named."""

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from rasa_emotion.corpora.clip import Clip
from rasa_emotion.corpora.splits import Split
from rasa_emotion.errors import ConfigError
from rasa_emotion.training.acoustic.clips import audible, audible_split, clip_sounds, noise_sounds, read_sounds


@pytest.fixture
def data(tmp_path: Path, tone: Callable[..., NDArray[np.float32]]) -> Path:
    for name in ("a", "b"):
        soundfile.write(tmp_path / f"{name}.wav", tone(300, 0.5), 16_000)
    (tmp_path / "broken.wav").write_bytes(b"RIFF")
    return tmp_path


def clip(name: str, speaker: str) -> Clip:
    return Clip(f"{name}.wav", "c", speaker, "joy", "happy", None, 0.5)


def test_unreadable_clips_are_skipped_counted_and_named_in_one_line(
    data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clips = [clip("a", "s1"), clip("broken", "s2"), clip("b", "s3")]
    for _ in ("decoded", "from the cache"):
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            sounds = clip_sounds(clips, data, data / "cache")
        assert set(sounds) == {"a.wav", "b.wav"}
        (line,) = [record.getMessage() for record in caplog.records]
        assert line.startswith("Skipped 1 of ")
        assert "broken.wav (" in line
    assert audible(clips, sounds) == [clips[0], clips[2]]
    split = audible_split(Split(clips[:2], clips[2:]), sounds)
    assert (split.train, split.test) == ([clips[0]], [clips[2]])


def test_a_mended_clip_is_heard_at_the_next_start(data: Path) -> None:
    paths = ["a.wav", "broken.wav"]
    assert set(read_sounds(paths, data, data / "cache")) == {"a.wav"}
    (data / "broken.wav").write_bytes((data / "a.wav").read_bytes())
    assert set(read_sounds(paths, data, data / "cache")) == set(paths)
    for name in paths:
        (data / name).unlink()
    assert set(read_sounds(paths, data, data / "cache")) == set(paths)  # from the cache


def test_a_folder_of_nothing_but_broken_files_stops_the_training(data: Path) -> None:
    with pytest.raises(ConfigError, match="None of the 1 audio files"):
        clip_sounds([clip("broken", "s1")], data, data / "cache")


def test_a_broken_noise_is_no_noise(data: Path) -> None:
    (data / "noise").mkdir()
    for name in ("1-a-A.wav", "3-c-A.wav"):
        (data / "noise" / name).write_bytes((data / "a.wav").read_bytes())
    (data / "noise/2-b-A.wav").write_bytes(b"RIFF")
    assert len(noise_sounds(data, data / "cache")) == 1  # the first is kept from training
