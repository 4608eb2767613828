import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from rasa_emotion import EmotionAnalyzer
from rasa_emotion.cli import app, main, verbs  # noqa: F401 -- verbs register themselves
from rasa_emotion.cli.analyze import answer_lines, as_table
from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.estimate import EmotionEstimate

run = CliRunner().invoke


@pytest.fixture(scope="module")
def analyzer():
    return EmotionAnalyzer.load()


@pytest.fixture
def clip(speech):
    return speech("I have been waiting for an hour.")


def test_a_table_for_people(clip):
    result = run(app, ["analyze", str(clip), "--text", "I am furious, this is a disgrace!"])
    assert result.exit_code == 0
    assert all(emotion in result.stdout for emotion in EMOTIONS)
    assert "voice" in result.stdout
    assert "█" in result.stdout


def test_the_table_says_how_confused_a_caller_is_where_a_model_does():
    probabilities = {"neutral": 1.0}
    assert "confused 0.62" in as_table(EmotionEstimate.from_probabilities(probabilities, {}, confused=0.62)).caption
    assert "confused" not in as_table(EmotionEstimate.from_probabilities(probabilities, {})).caption


def test_the_table_names_the_sentiment():
    assert as_table(EmotionEstimate.from_probabilities({"sad": 1.0}, {})).caption.startswith("negative, ")


def test_words_in_another_language_are_said_to_be_left_out(clip):
    result = run(app, ["analyze", str(clip), "--text", "Mir wurde zweimal dasselbe abgebucht"])
    assert "another language (de)" in " ".join(result.stdout.split())
    assert "voice" in result.stdout
    alone = run(app, ["analyze", "--text", "Mir wurde zweimal dasselbe abgebucht"])
    assert "another language (de)" in " ".join(alone.stdout.split())


def test_one_json_object(clip):
    result = run(app, ["analyze", str(clip), "--text", "Thank you, I love it!", "--json"])
    estimate = json.loads(result.stdout)
    assert set(estimate) == {
        "emotion",
        "confidence",
        "probabilities",
        "valence",
        "arousal",
        "sentiment",
        "confused",
        "conflict",
        "conflict_kind",
        "foreign_language",
        "warnings",
        "evidence",
    }
    assert set(estimate["evidence"]) == {"acoustic", "text"}


def test_lines_in_lines_out_in_order_and_a_bad_line_stops_nothing(clip):
    lines = [
        json.dumps({"id": 1, "audio": str(clip)}),
        "",
        "not json",
        json.dumps({"id": "two", "text": "I am so happy, thank you so much!"}),
        json.dumps([1, 2]),
        json.dumps({"id": 3}),
        json.dumps({"id": 4, "audio": 7}),
        json.dumps({"id": 5, "audio": "missing.wav"}),
        json.dumps({"id": 6, "text": ""}),
        "[" * 100_000,
    ]
    result = run(app, ["analyze", "--jsonl"], input="\n".join(lines))
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert [answer["id"] for answer in answers] == [1, None, "two", None, 3, 4, 5, 6, None]
    assert [("error" in answer) for answer in answers] == [False, True, False, True, True, True, True, True, True]
    assert answers[2]["emotion"] == "happy"
    assert "missing.wav" in answers[6]["error"]


def test_no_bytes_stop_the_lines():
    lines = [
        b'{"id": "\\ud800", "text": "hello there"}',
        b'{"id": "\xff", "text": "hello"}',
        b'{"id": 3, "text": "hi"}',
    ]
    command = [sys.executable, "-m", "rasa_emotion.cli", "analyze", "--jsonl"]
    finished = subprocess.run(command, input=b"\n".join(lines), capture_output=True, check=True)
    assert [json.loads(line)["id"] for line in finished.stdout.splitlines()] == ["\ud800", "\ufffd", 3]


def test_answers_come_as_the_lines_do(analyzer):
    def lines():
        yield json.dumps({"id": 1, "text": "hello there"})
        raise EOFError

    answers = answer_lines(analyzer, lines())
    assert next(answers)["id"] == 1
    with pytest.raises(EOFError):
        next(answers)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["analyze"], "nothing to analyse"),
        (["analyze", "call.wav", "--jsonl"], "standard input"),
        (["analyze", "--jsonl", "--text-confidence", "0.4"], 'write "text_confidence" into each line'),
        (["analyze", "call.wav", "--text-confidence", "0.4"], "give them with --text"),
        (["analyze", "missing.wav"], "missing.wav"),
        (["analyze", "--text", "..."], ""),
        (["analyze", "--text", "hello", "--models", "/nowhere"], "'/nowhere', which does not exist: name"),
        (["analyze", "--text", "hello", "--acoustic", "other"], "other': name one of acoustic, acoustic-emogator."),
    ],
)
def test_an_error_is_one_line_and_no_traceback(arguments, complaint, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["rasa-emotion", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    error = capsys.readouterr().err.strip()
    assert stopped.value.code == 1
    assert complaint in error
    assert "Traceback" not in error
    assert len(error.splitlines()) == 1


def test_help_has_an_example():
    assert "Example: rasa-emotion analyze call.wav" in run(app, ["analyze", "--help"]).stdout


def test_how_sure_a_recogniser_is_travels_with_the_words(clip):
    result = run(app, ["analyze", "--text", "I love it!", "--text-confidence", "0.4", "--json"])
    assert json.loads(result.stdout)["evidence"]["text"]["quality"]["recogniser_confidence"] == 0.4
    assert run(app, ["analyze", "--text", "I love it!", "--text-confidence", "4"]).exit_code != 0


def test_a_line_may_say_how_sure_a_recogniser_is():
    lines = [
        json.dumps({"id": n, "text": "I love it!", "text_confidence": c}) for n, c in enumerate((0.4, "high", 2, True))
    ]
    sure, *refused = answer_lines(EmotionAnalyzer.load(), lines)
    assert sure["evidence"]["text"]["quality"]["recogniser_confidence"] == 0.4
    assert all("confidence" in answer["error"] for answer in refused)


def test_a_turn_goes_on_with_its_words_where_the_voice_cannot_be_analysed(tmp_path):
    bad = tmp_path / "bad.wav"
    bad.write_text("no sound")
    words = "Thank you, I love it!"
    result = run(app, ["analyze", str(bad), "--text", words, "--json"])
    assert result.exit_code == 0
    assert set(json.loads(result.stdout)["evidence"]) == {"text"}
    assert "the words alone decide" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    turns = [{"id": 1, "audio": str(bad), "text": words}, {"id": 2, "audio": str(bad), "text": "..."}]
    read, refused = answer_lines(EmotionAnalyzer.load(), map(json.dumps, turns))
    assert read["emotion"] == "happy"
    assert "bad.wav" in read["warnings"][0]
    assert "bad.wav" in refused["error"]
