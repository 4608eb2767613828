"""The mean of several trainings' weights."""

import json
from pathlib import Path

import pytest
import torch

from rasa_emotion.errors import ConfigError
from rasa_emotion.text.classifier import TOKENIZER_FILE
from rasa_emotion.training.text.model import TextEmotionModel, load_model, save_model
from rasa_emotion.training.text.provenance import PROVENANCE
from rasa_emotion.training.text.start import load_tokenizer
from research.text.average import averaged, write_average


def moved(model: TextEmotionModel, by: float) -> TextEmotionModel:
    """A copy, each weight of which is larger by so much."""
    copy = TextEmotionModel(type(model.encoder)(model.encoder.config), model.labels)
    copy.load_state_dict({name: value + by for name, value in model.state_dict().items()})
    return copy.eval()


def run(model: TextEmotionModel, folder: Path, *names: str) -> Path:
    save_model(model, folder)
    load_tokenizer().save(str(folder / TOKENIZER_FILE))
    (folder / PROVENANCE).write_text(json.dumps(names))
    return folder


def test_the_mean_lies_between_by_the_shares(tiny_model: TextEmotionModel) -> None:
    before = {name: value.clone() for name, value in tiny_model.state_dict().items()}
    mean = averaged([moved(tiny_model, 0.0), moved(tiny_model, 1.0)], [3, 1]).state_dict()
    for name, value in before.items():
        torch.testing.assert_close(mean[name], value + 0.25)


def test_a_mean_is_a_run_with_all_that_is_behind_it(tiny_model: TextEmotionModel, tmp_path: Path) -> None:
    first = run(tiny_model, tmp_path / "first", "goemotions", "minilm")
    second = run(moved(tiny_model, 1.0), tmp_path / "second", "meld", "minilm")
    write_average([first, second], [], tmp_path / "mean")
    found, expected = load_model(tmp_path / "mean").state_dict(), moved(tiny_model, 0.5).state_dict()
    torch.testing.assert_close(found, expected)
    assert json.loads((tmp_path / "mean" / PROVENANCE).read_text()) == ["goemotions", "meld", "minilm"]
    assert load_tokenizer(start=str(tmp_path / "mean")).get_vocab_size() == 30522


@pytest.mark.parametrize("shares", [[1.0], [1.0, 0.0], [1.0, -1.0], [1.0, float("nan")]])
def test_shares_that_do_not_fit_are_refused(shares: list[float], tiny_model: TextEmotionModel) -> None:
    with pytest.raises(ConfigError, match="give one above 0 for each"):
        averaged([tiny_model, tiny_model], shares)


def test_models_of_other_labels_are_refused(tiny_model: TextEmotionModel) -> None:
    other = TextEmotionModel(tiny_model.encoder, ["joy", "anger"])
    with pytest.raises(ConfigError, match="started from the same model"):
        averaged([tiny_model, other], [1, 1])
