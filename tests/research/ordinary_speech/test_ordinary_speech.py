"""Ordinary speech: what every engine shares, with a tone as the engine, and espeak-ng itself."""

import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile
from needed import needs

from research.ordinary_speech import clips, engines


def hum(clip: clips.Clip) -> clips.Sound:
    """As long as the words would take, at 8 kHz, half a second of silence on either side."""
    seconds = 0.3 * len(clip.text.split())
    voiced = 0.5 * np.sin(2 * np.pi * 200 * np.arange(int(8000 * seconds)) / 8000)
    return np.pad(voiced, 4000).astype(np.float32), 8000


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "speech.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_two_engines_share_one_manifest(tmp_path: Path) -> None:
    assert clips.make(tmp_path, "hum", ["low", "high"], 3, hum) == 6
    assert clips.make(tmp_path, "other", ["low"], 2, hum, test=True) == 2
    found = rows(tmp_path)
    assert {row["corpus"] for row in found} == {"hum", "test-other"}
    assert {row["speaker"] for row in found} == {"hum-low", "hum-high", "test-other-low"}
    for row in found:
        samples, rate = soundfile.read(tmp_path / row["path"])
        assert rate == clips.RATE
        assert samples.ndim == 1
        assert len(samples) / rate == pytest.approx(float(row["seconds"]), abs=0.001)
        assert 0.001 < np.sqrt(np.mean(samples**2)) < 0.13
        assert row["label"] == row["emotion"] == "neutral"
        # the silence around is cut to a tenth of a second
        assert float(row["seconds"]) == pytest.approx(0.3 * len(row["text"].split()) + 0.2, abs=0.02)
    learned, asked = ({row["text"] for row in found if row["corpus"] == name} for name in ("hum", "test-other"))
    assert not learned & asked


def test_a_run_goes_on_where_it_stopped_and_makes_the_same(tmp_path: Path) -> None:
    clips.make(tmp_path / "once", "hum", ["low"], 4, hum)
    clips.make(tmp_path / "twice", "hum", ["low"], 2, hum)
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "twice").rglob("*.flac")}
    clips.make(tmp_path / "twice", "hum", ["low"], 4, hum)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    for path in (tmp_path / "once").rglob("*.flac"):
        assert path.read_bytes() == (tmp_path / "twice" / path.relative_to(tmp_path / "once")).read_bytes()


def test_every_voice_speaks_before_one_speaks_twice() -> None:
    plan = list(clips.plan("hum", ["a", "b", "c"], 2, test=False, most_words=9))
    assert [clip.voice for clip in plan] == ["a", "b", "c", "a", "b", "c"]
    assert all(len(clip.text.split()) >= 6 for clip in plan)


def test_the_test_says_other_sentences() -> None:
    learned, asked = clips.lines("sentences.txt"), clips.lines("test_sentences.txt")
    assert len(set(learned)) == len(learned) > 250
    assert len(set(asked)) == len(asked) >= 75
    assert not set(learned) & set(asked)


def test_silence_and_noises_too_short_make_no_clip(tmp_path: Path) -> None:
    assert clips.make(tmp_path, "mute", ["a"], 1, lambda _: (np.zeros(32_000, np.float32), 16_000)) == 0
    assert clips.make(tmp_path, "blip", ["a"], 1, lambda _: (np.ones(800, np.float32), 16_000)) == 0
    assert rows(tmp_path) == []


@needs("espeak-ng")
def test_espeak_speaks(tmp_path: Path) -> None:
    assert clips.make(tmp_path, "espeak", ["f2", "klatt"], 1, engines.espeak) == 2
    for row in rows(tmp_path):
        assert 1.5 < float(row["seconds"]) < 9
