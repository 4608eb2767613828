"""Speech that is lost and sounds that are taken for a voice are counted."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from rasa_emotion.audio import load_audio
from research.steadiness import measure
from research.steadiness.sounds import RATE, families

Speech = Callable[..., Path]


def test_the_families_are_sounds() -> None:
    found = list(families())
    assert len({name for name, _ in found}) == 8
    for _, samples in found[::50]:
        assert samples.dtype == np.float32
        assert 3.9 <= len(samples) / RATE <= 4.1
        assert np.abs(samples).max() == pytest.approx(0.3)


def test_a_voice_is_not_lost_and_a_tone_is(speech: Speech) -> None:
    spoken, tone = measure.Tally(), measure.Tally()
    measure.hear(load_audio(speech("I have been waiting for an hour.")).samples, spoken)
    assert (spoken.pieces, spoken.lost, spoken.turns, spoken.turns_lost) == (1, 0, 1, 0)
    assert spoken.later_ms[0] < 200
    name, samples = next(iter(families()))
    measure.hear(samples, tone)
    assert name == "held tones"
    assert (tone.pieces - tone.lost, tone.turns - tone.turns_lost) == (0, 0)


def test_the_command(speech: Speech, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = load_audio(speech("No.")).samples
    for number in range(3):
        soundfile.write(tmp_path / f"{number}.wav", samples, 16_000)
    lines = "path,corpus\n" + "".join(f"{number}.wav,own\n" for number in range(3))
    for name in measure.LISTS:
        (tmp_path / name).write_text(lines, encoding="utf-8")
    monkeypatch.setattr(measure, "families", lambda: list(families())[:2])
    out = tmp_path / "result.json"
    monkeypatch.setattr("sys.argv", ["measure", "--data", str(tmp_path), "--every", "3", "--out", str(out)])
    measure.main()
    result = json.loads(out.read_text(encoding="utf-8"))
    assert [(row["kind"], row["sounds"]) for row in result["speech"]] == [("own", 2), ("own, mu-law", 2)]
    assert {row["kind"] for row in result["sounds"]} == {
        "held tones, 4 s",
        "cadences, 4 s",
        "held tones, 1.5 s",
        "cadences, 1.5 s",
    }


def test_the_page_shows_the_result(repository: Path) -> None:
    page = (repository / "docs" / "models.md").read_text(encoding="utf-8")
    result = json.loads(measure.OUT.read_text(encoding="utf-8"))
    lines = {
        line: [row for row in result["speech"] if row["kind"].endswith("mu-law") is line] for line in (False, True)
    }
    for name in ("pieces", "turns"):
        clean, telephone = (f"{sum(row[name] for row in lines[line]):,}" for line in (False, True))
        assert f"| {clean} | {telephone} |" in page
    for row in result["sounds"]:
        name, _, secs = row["kind"].rpartition(", ")
        recorded = f"{row['pieces']}, {row['pieces'] - row['lost']}"
        shown = f"| {name} | {row['sounds']} | {recorded} | {row['turns']}, {row['turns'] - row['turns_lost']} |"
        assert secs != "4 s" or shown in page
