import io
import json
import sys

import pytest
import soundfile
from rich.console import Console
from typer.testing import CliRunner

from rasa_emotion import EmotionAnalyzer
from rasa_emotion.cli import app, verbs  # noqa: F401 -- verbs register themselves
from rasa_emotion.cli.train import present
from rasa_emotion.errors import ConfigError

run = CliRunner().invoke

TINY = (
    "{epochs: 1, batch_size: 4, max_secs: 0.5, network: {channels: [4, 8], pools: [[2, 4], [2, 4]], depths: [1, 1], "
    "projection: 16, lstm: 8, embedding: 16}}"
)


@pytest.fixture
def recordings(tmp_path, tone):
    """Four callers, two pitches, no noise: a manifest as people write it."""
    folder = tmp_path / "recordings"
    folder.mkdir()
    rows = ["path,corpus,speaker,label,emotion,fold,seconds,text"]
    for speaker in range(4):
        for emotion, pitch in (("calm", 180), ("angry", 900)):
            for take in range(2):
                name = f"{speaker}-{emotion}-{take}.wav"
                soundfile.write(folder / name, tone(pitch + 10 * speaker + take, 0.6), 16_000)
                rows.append(f"{name},shop,caller{speaker},{emotion},{emotion},,0.6,")
    (folder / "speech.csv").write_text("\n".join(rows) + "\n")
    return folder


def test_from_recordings_to_a_model_that_the_analyzer_takes(recordings, tmp_path, speech):
    out = tmp_path / "mine"
    arguments = ["train", "acoustic", "calls-cnn", "--data", str(recordings), "--corpus", "shop", "--out", str(out)]
    arguments += ["--held-out", "2", "--cache", str(tmp_path / "cache"), "--set", TINY, "--threads", "1"]
    result = run(app, [*arguments, "--json"], catch_exceptions=False)
    found = json.loads(result.stdout.splitlines()[-1])
    assert found["folder"] == str(out)
    assert (found["clips"], found["speakers"]) == (8, 2)
    assert 0 <= found["ua_interval"][0] <= found["ua"] <= found["ua_interval"][1] <= 1
    assert found["export_difference"] < 1e-4
    assert found["latency_ms"]["p50"] > 0
    assert {path.name for path in out.iterdir()} == {"LICENSE", "card.md", "model.json", "model.onnx", "run"}

    spoken = str(speech("I would like to ask about my bill."))  # where nobody speaks, no voice is evidence
    estimate = EmotionAnalyzer.load(out).analyze(audio=spoken)
    assert estimate.evidence["acoustic"].model == "mine"
    assert sum(estimate.probabilities.values()) == pytest.approx(1, abs=1e-3)
    analyzed = run(app, ["analyze", spoken, "--models", str(out), "--json"])
    assert json.loads(analyzed.stdout)["evidence"]["acoustic"]["model"] == "mine"

    healthy = json.loads(run(app, ["doctor", "--models", str(out), "--json"]).stdout)
    assert {finding["name"]: finding["ok"] for finding in healthy["findings"] if finding["section"] == "model"} == {
        "acoustic": True,
        "text": True,
        "fusion": True,
    }

    # the second time nothing is left to train
    weights = (out / "run" / "weights.pt").stat().st_mtime_ns
    table = " ".join(run(app, arguments, catch_exceptions=False).stdout.split())
    assert (out / "run" / "weights.pt").stat().st_mtime_ns == weights
    assert "unweighted accuracy" in table
    assert "; 2 speakers: rough)" in table
    assert "each speaker at the others' temperature" in table
    assert "LicenseRef-Own, who may use it, you decide (see LICENSE)" in table
    card = (out / "card.md").read_text(encoding="utf-8")
    assert "Who may use it, you decide: see LICENSE." in card
    assert "; 2 speakers: rough)" in card
    assert "Companies" not in card
    assert "Noise:" not in card
    assert f'--models "{out}"' in table


def test_names_in_brackets_are_shown_as_they_are():
    found = {
        "folder": "[red]x[/red]",
        "licence": "[own]",
        "commercial": True,
        "latency_ms": {"p50": 1.0, "p95": 2.0},
        "export_difference": None,
    }
    for result, names in (
        (found, ["[red]x[/red]", '--models "[red]x[/red]"', "[own], companies may use it"]),
        ({"folder": None, "weights": "[red]w[/red]"}, ["[red]w[/red]"]),
    ):
        console = Console(file=io.StringIO(), width=200)
        present(result, console)
        for name in names:
            assert name in console.file.getvalue()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "Training needs recordings"),
        (["--export-only"], "name it with --from"),
        (["calls", "--label", "a=angry"], "name it with --from"),
        (["--from", "x", "--label", "a=angry"], "leave --label out"),
        (["calls", "--from", "x", "--export-only"], "trains nothing"),
        (["--from", "x", "--export-only", "--label", "angry"], "is not a pair"),
        (["nonsense", "--data", "."], "no recipe 'nonsense'"),
    ],
)
def test_what_does_not_go_together_is_said(arguments, says, tmp_path):
    result = run(app, ["train", "acoustic", *arguments, "--out", str(tmp_path / "out")])
    assert isinstance(result.exception, ConfigError)
    assert says in str(result.exception)
    assert not (tmp_path / "out").exists()


def test_without_the_extra_its_name_is_said(tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("rasa_emotion.training.acoustic")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    result = run(app, ["train", "acoustic", "calls", "--data", ".", "--out", str(tmp_path / "out")])
    assert "pip install 'rasa-emotion[train]'" in str(result.exception)


def test_help_shows_examples():
    shown = run(app, ["train", "acoustic", "--help"]).stdout
    assert "Example: rasa-emotion train acoustic --data my_calls" in " ".join(shown.split())
    assert "acoustic" in run(app, ["train", "--help"]).stdout
