"""A training resumes from its checkpoint to the same weights."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.training.text import train as training
from rasa_emotion.training.text.figures import single_labels
from rasa_emotion.training.text.model import TextEmotionModel, load_model, save_model, start_model
from rasa_emotion.training.text.recipe import Recipe, Source

SENTENCES = {
    "angry": "this is terrible",
    "happy": "this is lovely",
    "sad": "this is a pity",
    "neutral": "this is a box",
}


@pytest.fixture
def setting(tiny_model: TextEmotionModel, tmp_path: Path) -> Recipe:
    rows = [f"{text} {i},{emotion}" for i in range(10) for emotion, text in SENTENCES.items()]
    (tmp_path / "sentences.csv").write_text("text,emotion\n" + "\n".join(rows) + "\n")
    save_model(tiny_model, tmp_path / "start")
    return Recipe(
        train=(Source("sentences.csv"),),
        labels=EMOTIONS,
        start=str(tmp_path / "start"),
        epochs=2,
        batch_size=8,
        inner_share=0.2,
        learning_rate=1e-3,
        checkpoint_every=1,
    )


@pytest.mark.parametrize("keys", [{}, {"rdrop": 1.0, "average_decay": 0.9}])
def test_a_killed_training_goes_on(
    setting: Recipe, keys: dict[str, float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting = replace(setting, **keys)  # type: ignore[arg-type]
    whole = training.train(setting, tmp_path, tmp_path / "whole", beside=tmp_path)
    step, steps = training._step, []

    def killed(*arguments: object) -> float:
        if len(steps) == 6:
            raise KeyboardInterrupt
        steps.append(1)
        return step(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(training, "_step", killed)
    with pytest.raises(KeyboardInterrupt):
        training.train(setting, tmp_path, tmp_path / "killed", beside=tmp_path)
    monkeypatch.setattr(training, "_step", step)
    resumed = training.train(setting, tmp_path, tmp_path / "killed", beside=tmp_path)
    for (name, expected), found in zip(whole.state_dict().items(), resumed.state_dict().values(), strict=True):
        assert torch.allclose(found, expected, atol=1e-6), name
    assert (tmp_path / "killed" / "history.json").read_text() == (tmp_path / "whole" / "history.json").read_text()


def test_the_average_lags_behind(setting: Recipe, tmp_path: Path) -> None:
    last, averaged = (
        training.train(replace(setting, average_decay=decay), tmp_path, tmp_path / str(decay), beside=tmp_path)
        for decay in (0.0, 0.9)
    )
    start = load_model(tmp_path / "start").head.weight
    assert 0 < (averaged.head.weight - start).norm() < (last.head.weight - start).norm()


def test_it_learns(setting: Recipe, tmp_path: Path) -> None:
    kept, _ = training.load_rows(setting, tmp_path, tmp_path)
    longer = replace(setting, epochs=12, learning_rate=5e-3, head_learning_rate=5e-2, dropout=0.0, layer_decay=1.0)
    model = training.train(longer, tmp_path, tmp_path / "out", beside=tmp_path)
    single, truth = single_labels(kept)
    assert (training.predict(model, kept)[single].argmax(1) == truth).mean() > 0.9


def test_saved_models_load_equal(tiny_model: TextEmotionModel, tmp_path: Path) -> None:
    save_model(tiny_model, tmp_path)
    ids = torch.randint(1000, 2000, (1, 5))
    with torch.no_grad():
        expected, found = tiny_model(ids, torch.ones_like(ids)), load_model(tmp_path)(ids, torch.ones_like(ids))
    assert torch.equal(found[0], expected[0])


def test_another_head_starts_at_zero(tiny_model: TextEmotionModel, tmp_path: Path) -> None:
    save_model(tiny_model, tmp_path)
    assert start_model(str(tmp_path), EMOTIONS, 0.2).head.weight.abs().sum() > 0
    other = start_model(str(tmp_path), ("joy", "anger"), 0.2)
    assert other.head.weight.shape == (2, 32)
    assert other.head.weight.abs().sum() == 0
