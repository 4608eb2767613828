"""Contextual against static embeddings on tiny data: splits that do not leak, vectors, files, the page."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import DistilBertModel

from rasa_emotion.errors import ConfigError
from rasa_emotion.evaluation.metrics import unweighted_accuracy
from rasa_emotion.training.text.minilm import distilbert_config
from research.embeddings import measure as embeddings
from research.embeddings.branch import Fitting, Padded, fit, probabilities
from research.embeddings.measure import CLASSES, FOLDS, cells, main, read_clips
from research.embeddings.vectors import (
    Sequences,
    Words,
    encoder_states,
    encoder_table,
    read_glove,
    static,
    train_vectors,
)

LABELS = {
    "anger": "I hate this mess",
    "joy": "I love this day",
    "neutral": "the bus is here",
    "sadness": "I miss you so",
}


@pytest.fixture(scope="module")
def encoder() -> DistilBertModel:
    torch.manual_seed(0)
    return DistilBertModel(distilbert_config(vocab_size=30522, n_layers=1, n_heads=2, dim=8, hidden_dim=8)).eval()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight speakers in twelve dialogues, each label once by everyone, and two words each of the other corpora."""
    folder = tmp_path_factory.mktemp("data") / "text"
    folder.mkdir()
    speakers = ["Ann", "Bob", "Cleo", "Dan", "Eve", "Finn", "Gus", "Hal", "Ann and Bob", "All"]
    rows = ["dialogue\tutterance\tspeaker\ttext\tlabel\tsentiment"]
    for dialogue in range(12):
        for number, speaker in enumerate(speakers):
            for label, text in (*LABELS.items(), ("surprise", "oh my")):
                rows.append(f"{dialogue}\t{number}\t{speaker}\t{text} {dialogue}\t{label}\tneutral")
    (folder / "meld_train.tsv").write_text("\n".join(rows) + "\n")
    (folder / "goemotions_train.tsv").write_text("text\tlabels\nI love this\tjoy\nI love this bus\tjoy\n")
    for name in ("tweeteval_emotion", "dair_emotion"):
        (folder / f"{name}_train.tsv").write_text("text\tlabel\nI hate this\tanger\n")
    (folder / "emocontext_train.tsv").write_text("turn1\tturn2\tturn3\tlabel\nyou are here\tso\tI miss you\tsad\n")
    return folder.parent


def test_neither_protocol_leaks_and_both_score_and_train_alike(data: Path) -> None:
    clips = read_clips(data)
    assert {clip.speaker for clip in clips} == {"Ann", "Bob", "Cleo", "Dan", "Eve", "Finn", "Gus", "Hal"}
    assert {clip.label for clip in clips} == set(CLASSES)
    parts = cells(clips, FOLDS, seed=1)
    scored = [clip.path for part in parts for clip in part.script.test]
    assert sorted(scored) == sorted(clip.path for clip in clips)  # everything once
    for part in parts:
        assert part.speaker.test == part.script.test
        assert len(part.speaker.train) == len(part.script.train)
        tested = {clip.speaker for clip in part.script.test}
        assert not tested & {clip.speaker for clip in (*part.speaker.train, *part.script.train)}
        assert not {c.script for c in part.script.test} & {c.script for c in part.script.train}
    assert any({c.script for c in part.speaker.test} & {c.script for c in part.speaker.train} for part in parts)


def test_a_corpus_of_few_speakers_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").mkdir()
    row = "0\t0\tAnn\thello\tjoy\tpositive\n"
    (tmp_path / "text" / "meld_train.tsv").write_text("dialogue\tutterance\tspeaker\ttext\tlabel\tsentiment\n" + row)
    with pytest.raises(ConfigError, match="fewer than 6 speakers"):
        read_clips(tmp_path)


def test_only_contextual_vectors_know_the_sentence(encoder: DistilBertModel) -> None:
    texts = ["sad", "not sad", "unquestionably sad"]
    for vectors, knows in ((encoder_states(encoder, texts), True), (encoder_table(encoder, texts), False)):
        assert [len(vectors[row]) for row in range(3)] == [1, 2, 2]  # words, not their pieces
        same = np.allclose(vectors[0][0], vectors[1][1], atol=1e-3)
        assert same is not knows


def test_static_vectors_are_zero_for_unknown_words() -> None:
    found = static({"sad": np.ones(4, dtype=np.float32)}, ["Sad tram", ""])
    assert found[0].tolist() == [[1.0] * 4, [0.0] * 4]
    assert found[1].tolist() == [[0.0] * 4]


def test_trained_vectors_repeat_themselves_and_leave_out_what_is_rare() -> None:
    sentences = [["so", "sad"], ["so", "glad"], ["sad", "tram"]]
    first, second = (train_vectors(sentences, seed=3) for _ in range(2))
    assert set(first) == {"so", "sad"}
    assert all(np.array_equal(first[word], second[word]) for word in first)
    with pytest.raises(ConfigError, match="No word"):
        train_vectors([["once"]], seed=3)


def test_a_glove_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "glove.txt"
    file.write_text("sad 1 -2.5 3e-1\n. . . 4 5 6\nglad 7 8 9\n", encoding="utf-8")
    found = read_glove(file, {"sad", ". . .", "tram"})
    assert {word: vector.round(3).tolist() for word, vector in found.items()} == {
        "sad": pytest.approx([1, -2.5, 0.3]),
        ". . .": [4, 5, 6],
    }


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"sad 1 2\nglad 1\n", "no word with 2 numbers in line 2"),
        (b"sad 1 2\nglad 1 x\n", "no word with 2 numbers in line 2"),
        (b"sad\n", "line 1"),
        (b"", "none of the corpus' words"),
        (b"tram 1 2\n", "none of the corpus' words"),
        (b"sad \xff\xfe\n", "UnicodeDecodeError"),
    ],
)
def test_a_malformed_glove_file_is_one_clear_sentence(content: bytes, complaint: str, tmp_path: Path) -> None:
    file = tmp_path / "glove.txt"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=complaint):
        read_glove(file, {"sad", "glad"})
    with pytest.raises(ConfigError, match="cannot be read"):
        read_glove(tmp_path / "missing.txt", {"sad"})


def test_a_branch_learns_from_the_order_of_words() -> None:
    random = np.random.default_rng(0)
    sad, not_ = np.eye(2, 6, dtype=np.float32)
    fillers = random.normal(0, 0.1, (400, 3, 6)).astype(np.float32)
    truth = np.arange(400) % 2
    parts = [
        np.stack([filler[0], *((not_, sad) if label else (sad, not_)), *filler[: 1 + row % 3]])
        for row, (filler, label) in enumerate(zip(fillers, truth, strict=True))
    ]
    sentences, rows = Padded(Sequences.of(parts)), np.arange(400)
    branch = fit(sentences, rows[:300], truth, Fitting(epochs=12))
    answers = probabilities(branch, sentences, rows[300:])
    assert answers.sum(axis=1) == pytest.approx(np.ones(100))
    assert unweighted_accuracy(truth[300:], answers.argmax(axis=1)) > 0.95
    again = probabilities(fit(sentences, rows[:300], truth, Fitting(epochs=12)), sentences, rows[300:])
    assert np.array_equal(answers, again)


def test_the_whole_way_to_the_page(
    data: Path, tmp_path: Path, encoder: DistilBertModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embeddings, "load_minilm", lambda: encoder)
    glove = tmp_path / "glove.txt"
    glove.write_text("love 1 0\nhate 0 1\n")
    docs, out = tmp_path / "docs", tmp_path / "out"
    options = [
        "--data",
        str(data),
        "--out",
        str(out),
        "--docs",
        str(docs),
        "--result",
        str(tmp_path / "result.json"),
        "--glove",
        str(glove),
    ]
    main([*options, "--rotations", "1", "--epochs", "1", "--samples", "20"])
    found = json.loads((tmp_path / "result.json").read_text())
    assert [(row["embedding"], row["protocol"]) for row in found["rows"]] == [
        (name, protocol)
        for name in ("minilm", "minilm-table", "word2vec", "glove")
        for protocol in ("speaker", "speaker-script")
    ]
    assert found["shared_dialogues"]["speaker-script"] == 0 < found["shared_dialogues"]["speaker"]
    assert {row["against"] for row in found["paired"]} == {"MiniLM's word table", "word2vec, trained here", "GloVe"}
    text = (docs / "embeddings.md").read_text(encoding="utf-8")
    assert "| GloVe | 2 | by speaker and script |" in text
    assert (docs / "embeddings.svg").read_text().count("<svg") == 1
    answers = (out / "answers.csv").read_text().splitlines()
    assert len(answers) == 1 + found["sentences"]
    assert "hate" not in "".join(answers)


def test_an_error_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"meld_train\.tsv' is missing"):
        main(["--data", str(tmp_path), "--out", str(tmp_path / "out"), "--docs", str(tmp_path)])


def test_words_are_those_that_the_encoder_sees() -> None:
    assert Words()("I'm SO sad…") == ["i", "'", "m", "so", "sad", "…"]
