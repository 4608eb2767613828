import json
import shutil
import subprocess
import sys

import pytest
import soundfile
from needed import needs
from typer.testing import CliRunner

from rasa_emotion.cli import app, main, verbs  # noqa: F401 -- verbs register themselves
from rasa_emotion.cli.evaluate import _show as show
from rasa_emotion.evaluation.figures import HEADLINE
from rasa_emotion.model_folder import shipped_models

run = CliRunner().invoke
FILES = {"report.html", "figures.json", "predictions.csv", "confusion.png", "recall.png", "reliability.png"}


@pytest.fixture
def calls(tmp_path, speech, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(speech("I have been waiting for an hour."), tmp_path / "voice.wav")
    lines = [
        "path,text,emotion,speaker",
        "voice.wav,,neutral,ann",
        ',"Thank you so much, I love it!",happy,bob',
        ",I am furious about this disgrace!,angry,ann",
        "missing.wav,,sad,bob",
    ]
    file = tmp_path / "calls.csv"
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def test_a_report_and_a_table_for_people(calls):
    result = run(app, ["evaluate", str(calls)])
    assert result.exit_code == 0, result.stderr
    assert {file.name for file in (calls.parent / "calls-report").iterdir()} == FILES | {"speakers.png"}
    assert "unweighted accuracy" in result.stdout
    assert "recall of happy" in result.stdout
    assert "1 skipped" in result.stdout
    assert "missing.wav" in result.stdout
    assert "calls-report/report.html" in result.stdout
    assert "Read this first" not in result.stdout
    assert "2 speakers: rough" in " ".join(result.stdout.split())


def test_json_and_a_folder_of_choice(calls):
    result = run(
        app, ["evaluate", str(calls), "--json", "--modality", "text", "--out", "here", "--split", "Own calls."]
    )
    found = json.loads(result.stdout)
    assert found == json.loads((calls.parent / "here" / "figures.json").read_text(encoding="utf-8"))
    assert found["utterances"] == 2
    assert found["ua"]["value"] == 1.0
    assert found["split"] == "Own calls."
    assert [turn["name"] for turn in found["skipped"]] == ["voice.wav", "missing.wav"]


def test_a_corpus_that_the_model_knows_is_warned_about(calls):
    head, *rows = calls.read_text(encoding="utf-8").splitlines()
    calls.write_text("\n".join([f"{head},corpus", *(f"{row},RAVDESS" for row in rows)]), encoding="utf-8")
    result = run(app, ["evaluate", str(calls)])
    assert "Read this first" in result.stdout
    assert "not out-of-fold" in " ".join(result.stdout.split())
    page = (calls.parent / "calls-report" / "report.html").read_text(encoding="utf-8")
    assert "not out-of-fold figures" in page
    temperature = json.loads((shipped_models() / "acoustic" / "model.json").read_text(encoding="utf-8"))["temperature"]
    assert f"models/acoustic/folds/out_of_fold.csv --condition clean --temperature {temperature}" in page


def test_the_honest_figures_of_a_model_of_ones_own_are_on_its_card(calls):
    head, *rows = calls.read_text(encoding="utf-8").splitlines()
    calls.write_text("\n".join([f"{head},corpus", *(f"{row},ravdess" for row in rows)]), encoding="utf-8")
    mine = calls.parent / "mine"
    shutil.copytree(shipped_models() / "acoustic", mine, ignore=shutil.ignore_patterns("folds"))
    found = json.loads(run(app, ["evaluate", str(calls), "--models", str(mine), "--json"]).stdout)
    assert f"'{mine / 'card.md'}'" in found["warnings"][0]
    assert "folds" not in found["warnings"][0]


def test_names_in_brackets_are_shown_as_they_are(tmp_path, capsys):
    part = {"value": 0.5, "low": 0.4, "high": 0.6}
    figures = {
        "warnings": ["Trained on [red]x[/red] and [/]."],
        "utterances": 1,
        "speakers": 1,
        "interval_over": "speakers",
        **dict.fromkeys(HEADLINE, part),
        "recall": {"sad": part},
        "skipped": [{"name": "[red]a[/red].wav", "reason": "[/] is no sound."}],
    }
    show(figures, tmp_path / "[red]x[/red]" / "report.html")
    told = "".join(capsys.readouterr().out.split())
    for name in ("Trainedon[red]x[/red]and[/].", "[red]a[/red].wav:[/]isnosound.", "/[red]x[/red]/report.html"):
        assert name in told


def test_ready_predictions_of_the_folds(repository, tmp_path):
    file = repository / "models" / "acoustic" / "folds" / "out_of_fold.csv"
    arguments = ["--predictions", str(file), "--condition", "clean", "--json", "--out", str(tmp_path / "folds")]
    found = json.loads(run(app, ["evaluate", *arguments]).stdout)
    card = json.loads((repository / "models" / "acoustic" / "model.json").read_text(encoding="utf-8"))["figures"]
    assert found["speakers"] == card["speakers"]
    assert found["recall"]["sad"]["value"] == card["recall"]["sad"]
    assert found["accuracy"]["value"] == card["accuracy"]
    assert "Not stated" in found["split"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "Name either a manifest"),
        (["calls.csv", "--predictions", "calls.csv"], "Name either a manifest"),
        (["nowhere.csv"], "nowhere.csv"),
        (["calls.csv", "--condition", "clean"], "--condition cannot be used with a manifest"),
        (["--predictions", "calls.csv", "--modality", "voice"], "--modality cannot be used with --predictions"),
        (["--predictions", "calls.csv"], "needs a column truth (or emotion) and one for each emotion"),
        (["calls.csv", "--models", "/nowhere"], "/nowhere"),
    ],
)
def test_an_error_is_one_line_and_no_traceback(arguments, complaint, calls, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["rasa-emotion", "evaluate", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    error = capsys.readouterr().err.strip()
    assert stopped.value.code == 1
    assert complaint in error
    assert len(error.splitlines()) == 1


def test_an_unknown_emotion_is_refused_with_its_line(calls, monkeypatch, capsys):
    calls.write_text("path,text,emotion,speaker\n,Hello,furious,ann\n", encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["rasa-emotion", "evaluate", str(calls)])
    with pytest.raises(SystemExit):
        main()
    assert "line 2: emotion 'furious'" in capsys.readouterr().err


def test_the_verb_loads_without_matplotlib():
    script = "import rasa_emotion.cli.verbs, sys; print(*sys.modules)"
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "matplotlib" not in answer.stdout.split()


def test_help_has_an_example():
    assert "Example: rasa-emotion evaluate calls.csv" in run(app, ["evaluate", "--help"]).stdout


def test_recordings_without_labels(calls, tone):
    (calls.parent / "tones").mkdir()
    soundfile.write(calls.parent / "tones" / "tone.wav", tone(220, 1.0), 16_000)
    result = run(app, ["evaluate", "--unlabelled", str(calls.parent / "tones"), "--out", "home"])
    assert result.exit_code == 1  # a tone is nobody's speech
    assert "Nobody speaks" in " ".join(result.output.split()) or "Nobody speaks" in str(result.exception)


@needs("espeak-ng")
def test_recordings_without_labels_as_a_table_and_as_json(calls):
    folder = calls.parent / "speech"
    folder.mkdir()
    text = "Good morning, I am calling about my last invoice."
    subprocess.run(["espeak-ng", "-w", str(folder / "call.wav"), text], check=True)
    result = run(app, ["evaluate", "--unlabelled", str(folder)])
    assert result.exit_code == 0, result.stderr
    assert "no opinion" in result.stdout
    assert "The voice is" in result.stdout
    assert "there is only one turn" in " ".join(result.stdout.split())
    assert "speech-report/report.html" in result.stdout
    found = json.loads(run(app, ["evaluate", "--unlabelled", str(folder), "--json"]).stdout)
    assert found == json.loads((calls.parent / "speech-report" / "figures.json").read_text(encoding="utf-8"))
    assert found["turns"] == found["recordings"] == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["calls.csv", "--unlabelled", "."], "Name either"),
        (["--unlabelled", ".", "--split", "x"], "--split cannot be used with --unlabelled"),
        (["--unlabelled", ".", "--modality", "text"], "--modality cannot be used with --unlabelled"),
        (["--unlabelled", "missing"], "is not a folder"),
    ],
)
def test_what_does_not_go_with_recordings_without_labels(calls, options, said):
    result = run(app, ["evaluate", *options])
    assert result.exit_code != 0
    assert said in str(result.exception)
