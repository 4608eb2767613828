"""The comparison from made-up results, and that the one in the documents is what its command writes."""

import csv
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.errors import ConfigError
from rasa_emotion.evaluation.metrics import mcnemar
from rasa_emotion.evaluation.predictions import Predictions
from research.comparison.page import DOCUMENT, PLOT, main, write
from research.comparison.shipped import CONDITIONS, compare
from research.comparison.systems import OTHER, Answers, read_answers, read_systems


def row(protocol: str, ua: float, corpus: str = "ravdess", labels: str = "eight") -> dict[str, object]:
    return {
        "corpus": corpus,
        "protocol": protocol,
        "labels": labels,
        "split": f"made up, {protocol}",
        "clips": 192,
        "speakers": 6,
        "ua": ua,
        "ua_interval": [ua - 0.05, ua + 0.05],
        "accuracy": ua + 0.01,
        "macro_f1": ua - 0.01,
        "auc": 0.9,
        "ece": None,
        "recall": {},
    }


def system(letter: str, name: str, rows: list[dict[str, object]]) -> dict[str, object]:
    return {
        "system": letter,
        "name": name,
        "title": f"network {name}",
        "reported": "99.9 %",
        "paper_split": "at random | of copies",
        "parameters": 123_456,
        "latency_ms": {"p50": 12.345, "p95": 13.0},
        "deviations": ["fewer epochs.", "other data"],
        "command": f"python -m train {name}",
        "rows": rows,
    }


def write_csv(file: Path, rows: list[list[object]]) -> None:
    with file.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, lineterminator="\n").writerows(rows)


@pytest.fixture(scope="module")
def models(predictions: Predictions, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "acoustic"
    (folder / "folds").mkdir(parents=True)
    logits = np.log(predictions.probabilities)
    rows: list[list[object]] = [["path", "speaker", "fold", "condition", "emotion", *EMOTIONS]]
    for number, condition in enumerate(CONDITIONS):
        shrunk = np.where(np.arange(len(logits))[:, None] % 10 < number, -logits, logits)
        for path, speaker, truth, values in zip(
            predictions.paths, predictions.speakers, predictions.truth, shrunk, strict=True
        ):
            rows.append([path, speaker, 1, condition, EMOTIONS[truth], *values.round(4)])
    write_csv(folder / "folds" / "out_of_fold.csv", rows)
    figures = {
        "clips": 192,
        "speakers": 6,
        "ua": 0.777,
        "ua_interval": [0.7, 0.8],
        "accuracy": 0.778,
        "macro_f1": 0.776,
        "ece": 0.05,
        "latency_ms": {"p50": 3.0, "p95": 4.0},
        "other_corpora": {
            "emodb": {"clips": 339, "emotions": ["angry", "sad"], "ua": 0.39, "ua_among_its_emotions": 0.7}
        },
    }
    manifest = {
        "scored": "ravdess",
        "split": "Made-up folds.",
        "parameters": 700_000,
        "temperature": 1.0,
        "figures": figures,
    }
    (folder / "model.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def docs(predictions: Predictions, models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made-up results of three systems, with the document and the plot that the command made of them."""
    folder = tmp_path_factory.mktemp("docs") / "comparison"
    folder.mkdir()
    made = [
        system("B", "b-net", [row("random", 0.8, labels="four"), row("speaker", 0.6, labels="four")]),
        system(
            "A",
            "a-net",
            [row("speaker", 0.9, "other"), row("random-augmented", 0.95), row("random", 0.7), row("speaker", 0.4)],
        ),
        system("D", "d-net", [row("random", 0.24, labels="sixteen"), row("speaker-script", 0.3, labels="sixteen")]),
        system("D", "d-net-german", [row("language", 0.21, "emodb", "four")]),
    ]
    for part in made:
        (folder / f"{part['name']}.json").write_text(json.dumps(part), encoding="utf-8")
    names = [EMOTIONS[number] for number in predictions.truth]
    generator = np.random.default_rng(6)
    guessed = [name if right else "calm" for name, right in zip(names, generator.random(192) < 0.4, strict=True)]
    head: list[object] = ["path", "truth", "predicted"]
    eight = [list(values) for values in zip(predictions.paths, names, guessed, strict=True)]
    write_csv(folder / "a-net.csv", [head, *eight])
    write_csv(
        folder / "b-net.csv", [head, *(part for part in eight if part[1] in {"angry", "happy", "neutral", "sad"})]
    )
    write_csv(folder / "d-net.csv", [head, *([path, f"{t}_male", f"{p}_female"] for path, t, p in eight)])
    main([str(folder.parent), "--models", str(models), "--results", str(folder)])
    return folder.parent


def table(text: str, title: str) -> list[list[str]]:
    """The cells of the first table below a heading."""
    below = text.split(title, maxsplit=1)[1]
    lines = re.search(r"(?:^\|.*\n)+", below, flags=re.MULTILINE)
    assert lines
    return [re.split(r"(?<!\\)\|", line)[1:-1] for line in lines[0].splitlines()[2:]]


def cells(line: list[str]) -> list[str]:
    return [cell.strip() for cell in line]


def test_every_system_has_its_row(docs: Path) -> None:
    text = (docs / DOCUMENT).read_text(encoding="utf-8")
    first, second, third, own = map(cells, table(text, "# Comparison"))
    assert first == [
        "A: network a-net",
        "8",
        "99.9 %",
        r"at random \| of copies",
        "70.0 (65.0 to 75.0)",
        "95.0 (90.0 to 100.0)",
        "40.0 (35.0 to 45.0)",  # that of RAVDESS, not that of the other corpus
        "41.0",
        "39.0",
        "123,456",
        "12.35 (13.00)",
    ]
    assert second[:2] == ["B: network b-net", "4"]
    assert second[5] == "–"
    assert third[4:7] == ["24.0 (19.0 to 29.0)", "–", "30.0 (25.0 to 35.0)"]
    assert own == [
        "**the model that ships**",
        "8",
        *["–"] * 4,
        "**77.7 (70.0 to 80.0)**",
        "77.8",
        "77.6",
        "700,000",
        "3.00 (4.00)",
    ]


def test_the_leak_is_said_in_words_and_shown(docs: Path) -> None:
    text = " ".join((docs / DOCUMENT).read_text(encoding="utf-8").split())
    assert "95.0 % with copies of the tested clips in training, 70.0 % with the tested speakers" in text
    assert "55.0 points of the first figure are the split's" in text
    assert "a UA of 40.0 %; the model that ships here has one of 77.7" in text
    assert "A falls from 95 to 40 %" in text
    assert (
        "24.0 % with the tested speakers in training, 30.0 % on speakers that it has not heard. The split does" in text
    )
    picture = (docs / PLOT).read_text(encoding="utf-8")
    assert picture.count("<svg") == 1
    for label in ("A: network a-net (8 classes)", "the model that ships", "speakers and copies on both sides", "95"):
        assert label in picture


def test_what_was_scored_on_another_language_alone_has_a_table_of_its_own(docs: Path) -> None:
    text = (docs / DOCUMENT).read_text(encoding="utf-8")
    scored, whole, asked = (cells(line) for line in table(text, "## On another language"))
    assert scored[:5] == ["D: network d-net-german", "emodb", "4", "made up, language", "192 of 6"]
    assert scored[5:] == ["21.0 (16.0 to 26.0)", "22.0", "20.0"]
    elsewhere = ["trained on other corpora", "339"]
    assert whole == ["the model that ships", "emodb", "8", *elsewhere, "39.0", "–", "–"]
    assert asked == ["the model that ships, asked for these alone", "emodb", "2", *elsewhere, "70.0", "–", "–"]
    before = text.split("## Is the difference real?")[0]
    assert "d-net-german" not in before  # no row of dashes, no empty sentence
    assert "d-net-german" not in (docs / PLOT).read_text(encoding="utf-8")
    assert "python -m train d-net-german" in text


def test_paired_tests_use_what_both_share(docs: Path, predictions: Predictions) -> None:
    lines = [cells(line) for line in table((docs / DOCUMENT).read_text(encoding="utf-8"), "## Is the difference real?")]
    assert [line[:3] for line in lines] == [
        ["A: network a-net", "192", "8"],
        ["B: network b-net", "96", "4"],
        ["D: network d-net", "192", "8"],
    ]
    assert lines[0][3:] == lines[2][3:]  # only the sexes differ
    assert lines[1][3] != lines[0][3]
    answers = read_answers(docs / "comparison" / "a-net.csv")
    truth, theirs = answers.of(predictions.paths)
    expected = mcnemar(truth, predictions.predicted, theirs)
    assert lines[0][7] == ("< 0.001" if expected < 0.001 else f"{expected:.3f}")


def test_of_four_classes_the_most_probable_of_the_four_counts() -> None:
    angry, calm, happy = (EMOTIONS.index(name) for name in ("angry", "calm", "happy"))
    probabilities = np.zeros((2, 8))
    probabilities[0, [calm, angry]] = 0.6, 0.4
    probabilities[1, [calm, happy]] = 0.6, 0.4
    ours = Predictions(["a", "b"], ["s", "t"], np.array([angry, happy]), probabilities)
    found = compare(ours, Answers({"a": angry, "b": happy, "c": calm}, {"a": happy, "b": OTHER, "c": calm}))
    assert found is not None
    assert (found.clips, found.classes, found.ours, found.theirs) == (2, 2, 1.0, 0.0)
    assert found.gain.value == 1.0


def test_systems_on_other_clips_cannot_be_paired(predictions: Predictions) -> None:
    assert compare(predictions, Answers({"elsewhere.wav": 0}, {"elsewhere.wav": 0})) is None
    path, truth = predictions.paths[0], int(predictions.truth[0])
    with pytest.raises(ConfigError, match="other emotions of the same clips"):
        compare(predictions, Answers({path: truth + 1}, {path: truth}))


def test_answers_leave_the_sex_out_and_keep_what_is_no_emotion_as_wrong(tmp_path: Path) -> None:
    file = tmp_path / "answers.csv"
    write_csv(file, [["path", "truth", "predicted"], ["a", "sad_male", "pride"], ["b", "shame", "sad"]])
    sad = EMOTIONS.index("sad")
    assert read_answers(file) == Answers({"a": sad}, {"a": OTHER})


def test_conditions_are_the_shipped_models(docs: Path, predictions: Predictions) -> None:
    lines = [cells(line) for line in table((docs / DOCUMENT).read_text(encoding="utf-8"), "## On the telephone")]
    assert [line[0] for line in lines] == list(CONDITIONS.values())
    assert float(lines[0][2]) == pytest.approx(100 * np.mean(predictions.truth == predictions.predicted), abs=0.05)
    costs = [float(line[4]) for line in lines[1:]]
    assert costs == sorted(costs)
    assert costs[0] > 0


def test_the_same_results_make_the_same_files(docs: Path, models: Path) -> None:
    first = [(docs / name).read_bytes() for name in (DOCUMENT, PLOT)]
    write(docs, models, docs / "comparison")
    assert [(docs / name).read_bytes() for name in (DOCUMENT, PLOT)] == first


def test_without_systems_the_shipped_model_stands_alone(tmp_path: Path, models: Path) -> None:
    write(tmp_path, models, tmp_path)
    text = (tmp_path / DOCUMENT).read_text(encoding="utf-8")
    assert "No system has been scored yet." in text
    assert len(table(text, "# Comparison")) == 1


def test_earlier_turns_have_a_row_of_their_own(tmp_path: Path, models: Path) -> None:
    shutil.copytree(models, tmp_path / "acoustic")
    figures = {"without": 0.75, "prior 0": 0.79, "prior 2": 0.81}
    (tmp_path / "acoustic" / "folds" / "callers.json").write_text(json.dumps(figures), encoding="utf-8")
    write(tmp_path, tmp_path / "acoustic", tmp_path)
    text = (tmp_path / DOCUMENT).read_text(encoding="utf-8")
    assert len(table(text, "# Comparison")) == 2
    assert "79.0 to 81.0" in text
    assert "have 75.0 without" in " ".join(text.split())


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"rows": [row("speakers", 0.5)]}, "protocol 'speakers' is not one of random, random-augmented"),
        ({"latency_ms": {"p50": 1.0}}, "KeyError: 'p95'"),
        ({"parameters": "many"}, "ValueError"),
    ],
)
def test_a_result_that_is_none_is_refused(change: dict[str, object], complaint: str, tmp_path: Path) -> None:
    part = {**system("A", "a-net", [row("speaker", 0.5)]), **change}
    (tmp_path / "a-net.json").write_text(json.dumps(part), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"a-net\.json' is not the result of a system's recipe") as refused:
        read_systems(tmp_path)
    assert complaint in str(refused.value)


def test_a_model_that_is_not_there_is_refused(docs: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="name the folder of a model"):
        write(docs, tmp_path / "nowhere")


def test_the_documents_hold_what_the_command_writes(repository: Path, tmp_path: Path) -> None:
    made = tmp_path / "docs"
    made.mkdir()
    write(made, repository / "models" / "acoustic")
    for name in (DOCUMENT, PLOT):
        assert (made / name).read_text(encoding="utf-8") == (repository / "docs" / name).read_text(encoding="utf-8"), (
            "run: python -m research.comparison.page docs --models models/acoustic"
        )
