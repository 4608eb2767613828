"""The measurement of what a few examples bring, on sentences whose answer is known."""

import json
import sys

import numpy as np
import pytest

from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.errors import ConfigError
from research.few_shot import measure as few_shot
from research.few_shot.measure import Draw, Reading, drawn_rows, figures, head_draws, inner_halves, plot


@pytest.fixture
def reading():
    """`reading(per_emotion, seed)`: each emotion has a direction of its own; the model knows nothing."""

    def make(per_emotion, seed):
        labels = np.repeat(np.arange(8), per_emotion)
        embeddings = 3 * np.eye(16)[labels] + np.random.default_rng(seed).normal(size=(len(labels), 16))
        own = np.full((len(labels), 8), 0.125)
        return Reading([str(number) for number in range(len(labels))], labels, own, embeddings)

    return make


def test_draws_hold_each_emotion_alike_and_no_row_twice():
    labels = np.repeat(np.arange(8), 5)
    rows = drawn_rows(labels, 3, seed=1)
    assert len(set(rows)) == 24
    assert set(np.bincount(labels[rows])) == {3}
    assert not np.array_equal(rows, drawn_rows(labels, 3, seed=2))


def test_more_examples_than_there_are_is_refused():
    with pytest.raises(ConfigError, match="Of 3 angry examples only 2 can be drawn; draw fewer"):
        drawn_rows(np.array([0, 0, 1, 1]), 3, seed=0)


def test_the_inner_halves_share_no_sentence(reading):
    drawn_from, scored = inner_halves(reading(30, 0))
    assert len(drawn_from.texts) == 200
    assert not set(drawn_from.texts) & set(scored.texts)


def test_examples_of_a_domain_that_the_model_does_not_know_are_a_gain(reading):
    row = figures(few_shot.HEAD, 4, list(head_draws(reading(8, 0), reading(10, 1), 4, seeds=2)))
    assert row.before == 1 / 8
    assert row.after > 0.7
    assert row.gain == pytest.approx(row.after - row.before)
    assert row.low > 0
    assert row.p < 0.05
    assert len(row.draws) == 2


def test_answers_that_stay_are_no_gain():
    own = np.eye(8)
    row = figures(few_shot.CONTRASTIVE, 8, [Draw(np.arange(8), own, own, None)])
    assert (row.gain, row.low, row.high, row.p, row.blend) == (0, 0, 0, 1, None)


def test_the_plot_is_a_drawing(reading):
    row = figures(few_shot.HEAD, 4, list(head_draws(reading(8, 0), reading(10, 1), 4, seeds=2)))
    assert b"<svg" in plot([row])


def test_the_command_prints_its_figures(built, tmp_path, monkeypatch, capsys):
    for part, shift in (("train", 0), ("test", 100)):
        rows = [f"sentence {i + shift} of kind {emotion},{emotion}" for emotion in EMOTIONS for i in range(3)]
        (tmp_path / f"{part}.csv").write_text("text,emotion\n" + "\n".join(rows) + "\n")
    arguments = ["few_shot", "--data", str(tmp_path), "--model", str(built), "--per-emotion", "2", "--seeds", "2"]
    monkeypatch.setattr(sys, "argv", [*arguments, "--json", "--plot", str(tmp_path / "plot.svg")])
    few_shot.main()
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["way"], row["per_emotion"], row["blend"]) == ("head", 2, 0.2)
    assert (tmp_path / "plot.svg").is_file()
