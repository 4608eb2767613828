"""`rasa-emotion train voice`: from a corpus in CREMA-D's layout to a voice that the analyzer takes."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from rasa_emotion import EmotionAnalyzer
from rasa_emotion.cli import app, verbs  # noqa: F401 -- verbs register themselves
from rasa_emotion.corpora.layouts.crema_d import SENTENCES
from rasa_emotion.errors import ConfigError
from rasa_emotion.model_folder import read_model_folder, shipped_models

run = CliRunner().invoke


@pytest.fixture(scope="module")
def crema_d(speech: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four synthetic actors in CREMA-D's layout: anger is hasty and rough."""
    folder = tmp_path_factory.mktemp("corpus") / "AudioWAV"
    folder.mkdir()
    for number, variant in enumerate(("m1", "m7", "f1", "f4")):
        for sentence in ("DFA", "TSI", "MTI"):
            for label, speed in (("ANG", 260), ("NEU", 130)):
                said = speech(SENTENCES[sentence], f"en-us+{variant}", speed)
                samples, rate = soundfile.read(said)
                if label == "ANG":
                    samples = 0.5 * np.tanh(20 * samples)
                soundfile.write(folder / f"{1001 + number}_{sentence}_{label}_XX.wav", samples, rate)
    return folder.parent


@pytest.fixture(scope="module")
def data(crema_d: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The manifest as the corpora verb writes it."""
    folder = tmp_path_factory.mktemp("data")
    command = ["corpora", "manifest", str(crema_d), "--out", str(folder)]
    assert run(app, command, catch_exceptions=False).exit_code == 0
    return folder


def arguments(data: Path, out: Path, *more: str) -> list[str]:
    cache = out.parent / "cache"
    return ["train", "voice", "--data", str(data), "--out", str(out), "--cache", str(cache), "--threads", "1", *more]


def test_from_crema_ds_layout_to_a_voice_that_the_analyzer_takes(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "mine"
    result = run(app, arguments(data / "speech.csv", out, "--base", "acoustic", "--json"), catch_exceptions=False)
    found = json.loads(result.stdout.splitlines()[-1])
    assert (found["clips"], found["speakers"]) == (24, 4)
    assert found["ua"] > 0.9
    assert found["beneath"]["name"] == "acoustic"
    assert found["beneath"]["ua_among_own"] >= found["beneath"]["ua_among"]
    assert (found["licence"], found["commercial"]) == ("CC-BY-NC-SA-4.0", False)
    assert "happy" in found["cannot_hear"]
    assert {path.name for path in out.iterdir()} == {
        "LICENSE",
        "card.md",
        "heads.npz",
        "model.json",
        "model.onnx",
        "run",
    }

    estimate = EmotionAnalyzer.load(out).analyze(audio=str(_first(data, "ANG")))
    evidence = estimate.evidence["acoustic"]
    assert evidence.model == "mine"
    assert max(evidence.probabilities, key=lambda name: evidence.probabilities[name]) == "angry"

    doctor = json.loads(run(app, ["doctor", "--models", str(out), "--json"]).stdout)
    (said,) = [f["detail"] for f in doctor["findings"] if f["section"] == "model" and f["name"] == "acoustic"]
    assert "research and evaluation only" in said

    # the second time everything is there, and the figures are the same
    again = run(app, arguments(data / "speech.csv", out, "--base", "acoustic"), catch_exceptions=False)
    shown = " ".join(again.stdout.split())
    assert f"{found['ua']:.3f}" in shown
    assert f'--models "{out}"' in shown


def test_on_the_free_trunk_companies_may_use_it(data: Path, tmp_path: Path) -> None:
    rows = (data / "speech.csv").read_text(encoding="utf-8").splitlines()
    few = data / "few.csv"  # the free trunk is slow, and two speakers are enough to see the licence
    few.write_text("\n".join([rows[0], *(row for row in rows[1:] if "_MTI_" in row)][:5]) + "\n")
    out = tmp_path / "free"
    run(app, arguments(few, out), catch_exceptions=False)
    model = read_model_folder(out, "acoustic")
    assert model.commercial
    free = read_model_folder(shipped_models() / "acoustic-emogator", "acoustic")
    assert (shipped_models() / "acoustic-emogator" / "LICENSE").read_text() in (out / "LICENSE").read_text()
    assert set(free.settings["corpora"]) < set(model.settings["corpora"])
    card = (out / "card.md").read_text(encoding="utf-8")
    assert "rasa-emotion train voice" in card
    assert "acoustic-emogator" in card


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (["a.wav,shop,ann,angry,angry,,1,", "a2.wav,shop,bob,angry,angry,,1,"], "labels 1 emotions"),
        (["a.wav,shop,ann,angry,angry,,1,", "a2.wav,shop,ann,calm,calm,,1,"], "has one speaker"),
        (["a.wav,shop,ann,angry,angry,,1,", "gone.wav,shop,bob,calm,calm,,1,"], "gone.wav"),
    ],
)
def test_recordings_that_do_not_do_are_named(rows: list[str], says: str, tmp_path: Path) -> None:
    for name in ("a.wav", "a2.wav"):
        soundfile.write(tmp_path / name, np.zeros(16_000), 16_000)
    header = "path,corpus,speaker,label,emotion,fold,seconds,text"
    (tmp_path / "speech.csv").write_text("\n".join([header, *rows]) + "\n")
    result = run(app, arguments(tmp_path, tmp_path / "out"))
    assert isinstance(result.exception, ConfigError)
    assert says in str(result.exception)
    assert not (tmp_path / "out").exists()


def test_a_corpus_that_is_not_there_is_named(data: Path, tmp_path: Path) -> None:
    result = run(app, arguments(data, tmp_path / "out", "--corpus", "shop"))
    assert "no labelled corpus shop" in str(result.exception)


def test_help_shows_an_example() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "rasa_emotion.cli", "train", "voice", "--help"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "Example: rasa-emotion train voice --data my_calls" in " ".join(shown.split())


def _first(data: Path, label: str) -> Path:
    """A file of the manifest with that label."""
    rows = (data / "speech.csv").read_text(encoding="utf-8").splitlines()[1:]
    return data / next(row for row in rows if f"_{label}_" in row).split(",")[0]
