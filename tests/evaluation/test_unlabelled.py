"""Recordings without labels: which turns are heard, the figures, and what they are taken to mean."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from fake_analyzer import FakeAnalyzer, evidence
from needed import needs

from rasa_emotion.analyzer import EmotionAnalyzer
from rasa_emotion.audio import Waveform, load_audio, to_telephone
from rasa_emotion.errors import ConfigError
from rasa_emotion.estimate import Evidence
from rasa_emotion.evaluation.unlabelled import GROUPS, HeardTurn, Listened, home_figures, listen, sound_files
from rasa_emotion.evaluation.unlabelled_advice import AT_HOME, DOUBTFUL, NOT_AT_HOME, advise, verdict
from rasa_emotion.evaluation.unlabelled_page import write_home_report

needs_espeak = needs("espeak-ng")
TURN = HeardTurn("a.wav", 0.0, "neutral", 0.8, narrow=False, level_db=-25.0, snr_db=25.0, speech_secs=3.0)


class Fixed(FakeAnalyzer):
    """Hears the same in everything, with the speech that the audio's length suggests."""

    def __init__(self, emotion: str, probability: float) -> None:
        super().__init__()
        self.answer = (emotion, probability)

    def hear(self, audio: Waveform) -> Evidence:
        emotion, probability = self.answer
        loud = float(np.mean(np.abs(audio.samples) > 1e-3))
        quality = {"speech_secs": round(audio.seconds * loud, 2), "snr_db": 30.0}
        return replace(evidence("acoustic", emotion, probability), quality=quality)


def turns(count: int, recordings: int = 25, **changed: object) -> list[HeardTurn]:
    return [replace(TURN, recording=f"{number % recordings}.wav", **changed) for number in range(count)]


def findings(heard: list[HeardTurn]) -> tuple[str, str]:
    """The verdict, and all findings in one string."""
    advice = advise(home_figures(Listened(heard, 0, [])))
    return verdict(advice), "; ".join(piece.finding for piece in advice)


@pytest.fixture
def recordings(tmp_path: Path, tone: object) -> Path:
    folder = tmp_path / "calls"
    (folder / "june").mkdir(parents=True)
    soundfile.write(folder / "june" / "short.wav", tone(200, 3.0), 16_000)  # type: ignore[operator]
    long = np.concatenate([tone(200, 6.0), np.zeros(6 * 16_000, np.float32), tone(200, 5.0)])  # type: ignore[operator]
    soundfile.write(folder / "long.flac", long, 16_000)
    soundfile.write(folder / "silent.wav", np.zeros(16_000), 16_000)
    (folder / "broken.wav").write_bytes(b"no sound")
    (folder / "notes.txt").write_text("no recording")
    return folder


def test_every_recording_is_heard_in_stretches(recordings: Path) -> None:
    found = listen(Fixed("neutral", 0.9), recordings)  # type: ignore[arg-type]
    assert [(turn.recording, turn.start_secs) for turn in found.turns] == [
        ("june/short.wav", 0.0),
        ("long.flac", 0.0),
        ("long.flac", 12.0),
    ]
    assert found.without_speech == 2  # the other side's turn, and the silent recording
    assert [turn.name for turn in found.skipped] == ["broken.wav"]
    assert "broken.wav' is not audio" in found.skipped[0].reason


def test_folders_that_hold_nothing_to_hear(tmp_path: Path, recordings: Path) -> None:
    with pytest.raises(ConfigError, match="is not a folder"):
        sound_files(tmp_path / "missing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="holds no recordings"):
        sound_files(tmp_path / "empty")
    for path in recordings.rglob("*.*"):
        if path.name not in ("broken.wav", "silent.wav"):
            path.unlink()
    with pytest.raises(ConfigError, match="Nobody speaks"):
        listen(Fixed("neutral", 0.9), recordings)  # type: ignore[arg-type]


def test_figures_of_known_turns() -> None:
    heard = [
        *turns(6),
        *turns(2, emotion="unknown", confidence=0.2),
        *turns(1, emotion="angry", confidence=0.9, narrow=True),
        *turns(1, emotion="sad", confidence=0.4, snr_db=5.0, level_db=-50.0, speech_secs=1.0),
    ]
    found = home_figures(Listened(heard, 3, []))
    assert found["turns"] == 10
    assert found["recordings"] == 6
    assert found["without_speech"] == 3
    assert {name: share["value"] for name, share in found["shares"].items()} == {
        "unknown": 0.2,
        "ordinary": 0.8,
        "alarming": 0.1,  # sad is not sure enough
    }
    assert all(share["low"] <= share["value"] <= share["high"] for share in found["shares"].values())
    assert found["spread"]["neutral"] == 0.6
    assert sum(found["spread"].values()) == pytest.approx(1.0)
    assert sum(found["confidence"]["histogram"]) == 10
    assert found["lines"]["band"]["telephone, up to 4 kHz"] == {
        "turns": 1,
        "unknown": 0.0,
        "ordinary": 0.0,
        "alarming": 1.0,
    }
    assert found["lines"]["signal to noise"]["10 to 20 dB"] == {
        "turns": 0,
        "unknown": None,
        "ordinary": None,
        "alarming": None,
    }
    assert json.loads(json.dumps(found)) == found


@pytest.mark.parametrize("kind", GROUPS)
def test_every_turn_is_in_one_group_of_each_kind(kind: str) -> None:
    for level in (-60.0, -35.0, -20.0, -12.0, -3.0):
        for snr in (-10.0, 10.0, 19.9, 20.0, 60.0):
            for speech in (0.5, 1.5, 6.0):
                turn = replace(TURN, level_db=level, snr_db=snr, speech_secs=speech, narrow=level < -30)
                assert sum(belongs(turn) for _, belongs in GROUPS[kind]) == 1


def test_one_recording_tells_nothing_about_others() -> None:
    found = home_figures(Listened(turns(30, recordings=1), 0, []))
    assert found["shares"]["ordinary"] == {"value": 1.0, "low": 0.0, "high": 1.0}
    assert "one recording" in findings(turns(60, recordings=1))[1]


def test_an_ordinary_line_is_home() -> None:
    assert findings([*turns(90), *turns(8, emotion="happy"), *turns(5, emotion="angry")]) == (AT_HOME, "")


@pytest.mark.parametrize(
    ("heard", "expected", "finding"),
    [
        ([*turns(70), *turns(30, emotion="sad")], NOT_AT_HOME, "30 % of the turns sound surely"),
        ([*turns(50), *turns(50, emotion="surprise")], NOT_AT_HOME, "50 % of the turns are called surprise"),
        ([*turns(50), *turns(50, emotion="unknown")], DOUBTFUL, "no opinion on 50 %"),
        (turns(80, confidence=0.3), DOUBTFUL, "confidence under 0.30"),
        (turns(20, recordings=20), DOUBTFUL, "only 20 turns"),
        ([*turns(50), *turns(50, snr_db=3.0)], DOUBTFUL, "signal-to-noise ratio under 10 dB"),
        ([*turns(50), *turns(50, level_db=-60.0)], DOUBTFUL, "very quiet or very loud"),
        ([*turns(50), *turns(50, speech_secs=0.8)], DOUBTFUL, "less than 1.5 s of speech"),
    ],
)
def test_what_speaks_against_the_voice(heard: list[HeardTurn], expected: str, finding: str) -> None:
    told, found = findings(heard)
    assert told == expected
    assert finding in found


def test_a_voice_that_hears_the_line_is_not_at_home() -> None:
    """Few alarms in all, but all of them on the telephone."""
    telephone = [*turns(20, narrow=True), *turns(8, narrow=True, emotion="angry")]
    told, found = findings([*turns(200), *telephone])
    assert told == NOT_AT_HOME
    assert "band: 29 % surely negative at 'telephone, up to 4 kHz'" in found
    # of too few turns nothing is concluded
    assert "band" not in findings([*turns(200), *telephone[-8:]])[1]


@needs_espeak
def test_the_report_of_the_voice_that_ships(tmp_path: Path) -> None:
    for number, text in enumerate(("My order number is four seven one.", "Could you send me the receipt again?")):
        path = tmp_path / "speech" / f"{number}.wav"
        path.parent.mkdir(exist_ok=True)
        subprocess.run(["espeak-ng", "-w", str(path), text], check=True)
    narrow = to_telephone(load_audio(tmp_path / "speech" / "0.wav"))
    soundfile.write(tmp_path / "speech" / "telephone.wav", narrow.samples, narrow.sample_rate)
    listened = listen(EmotionAnalyzer.load(), tmp_path / "speech")
    assert [turn.narrow for turn in listened.turns] == [False, False, True]
    found = write_home_report(tmp_path / "report", listened, title="My <calls>", voice="voice")
    assert {path.name for path in (tmp_path / "report").iterdir()} == {
        "report.html",
        "figures.json",
        "turns.csv",
        "spread.png",
        "confidence.png",
        "lines.png",
    }
    assert found == json.loads((tmp_path / "report" / "figures.json").read_text(encoding="utf-8"))
    page = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert "My &lt;calls&gt;" in page
    assert "$" not in page.split("<main>")[1]
    assert 'src="http' not in page
    assert f"The voice is {found['verdict']}" in page
    assert (tmp_path / "report" / "turns.csv").read_text().count("\n") == 4
