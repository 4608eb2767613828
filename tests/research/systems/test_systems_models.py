"""The models of systems A, B and C: shapes, learning, and what the papers fix."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from research.systems.brain import NeuralModel
from research.systems.features import KINDS, extract
from research.systems.models import Cnn1d, Cnn2d, CnnBiLstm, CnnLstm, Forest, ModifiedAlexNet
from research.systems.recipe import SystemRecipe, read_system_recipe

NEURAL = [CnnLstm, ModifiedAlexNet, Cnn1d, Cnn2d, CnnBiLstm]


def settings(**changes: object) -> SystemRecipe:
    fixed = {"epochs": 3, "batch_size": 8, "lr": 0.003, "optimizer": "adam"}
    return replace(read_system_recipe("c-cnn2d"), **{**fixed, **changes})  # type: ignore[arg-type]


def two_classes(dims: int = 64) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    generator = np.random.default_rng(0)
    y = np.arange(24) % 2
    x = generator.normal(5, 3, size=(24, 60, dims)) + 4 * y[:, None, None]
    return x.astype(np.float32), y


@pytest.mark.parametrize("model", NEURAL)
def test_networks_learn_and_repeat(model: type[NeuralModel]) -> None:
    x, y = two_classes()
    first, second = model(settings()), model(settings())
    for trained in (first, second):
        trained.fit(x, y, classes=3, seed=1)
    probabilities = first.probabilities(x)
    np.testing.assert_array_equal(probabilities, second.probabilities(x))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert probabilities.shape == (24, 3)
    assert first.parameters > 1000
    assert first.losses[-1] < first.losses[0]
    # one clip alone is heard as it is among others
    np.testing.assert_allclose(first.probabilities(x[:1]), probabilities[:1], atol=1e-5)


def test_a_forest_knows_classes_that_its_part_lacks() -> None:
    x, y = two_classes(4)
    forest = Forest(settings(), trees=10)
    forest.fit(x, y * 2, classes=4, seed=0)
    probabilities = forest.probabilities(x)
    assert probabilities.shape == (24, 4)
    assert (probabilities.argmax(axis=1) == y * 2).all()
    assert (probabilities[:, [1, 3]] == 0).all()
    assert forest.parameters > 10


@pytest.mark.parametrize("kinds", [["zcr"], ["chroma"], ["mfcc", "mel", "chroma", "zcr"]])
@pytest.mark.parametrize("model", [Cnn1d, Cnn2d, CnnBiLstm])
def test_system_c_takes_every_kind_of_feature(model: type[NeuralModel], kinds: list[str]) -> None:
    features = extract(np.random.default_rng(0).normal(size=9000).astype(np.float32), kinds, seconds=0.8)
    network = model(settings()).build(*features.shape, 8).eval()
    assert network(torch.from_numpy(features)[None]).shape == (1, 8)


def test_the_rate_of_system_b_falls_every_thirty_epochs() -> None:
    model = ModifiedAlexNet(read_system_recipe("b-alexnet"))
    assert model.schedule is not None
    optimizer = torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))], lr=1e-4)
    scheduler = model.schedule(optimizer)
    rates = []
    for _ in range(61):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    assert [rates[29], rates[30], rates[60]] == pytest.approx([1e-4, 1e-5, 1e-6])


def test_what_the_papers_fix() -> None:
    b, c, rnn = (read_system_recipe(name) for name in ("b-alexnet", "c-cnn2d", "c-cnn-bilstm"))
    assert (b.optimizer, b.lr, b.test_share, b.repeats) == ("adam", 1e-4, 0.1, 3)
    assert (c.optimizer, c.lr, c.test_share, c.smote) == ("rmsprop", 5e-5, 0.2, True)
    assert set(c.augmentations) == {"pitch", "stretch", "volume", "noise"}
    lstm = next(m for m in CnnBiLstm(rnn).build(60, 117, 8).modules() if isinstance(m, torch.nn.LSTM))
    assert (lstm.hidden_size, lstm.bidirectional) == (128, True)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_features_are_frames_of_numbers(kind: str) -> None:
    generator = np.random.default_rng(0)
    for samples in (generator.normal(0, 0.1, 20_000), np.zeros(20_000), generator.normal(0, 0.1, 300)):
        features = extract(samples.astype(np.float32), [kind], seconds=1.0)
        assert features.ndim == 2
        assert features.dtype == np.float32
        assert np.isfinite(features).all()
        assert len(features) == len(extract(np.zeros(5, np.float32), [kind], seconds=1.0))


def test_a_spectrogram_shows_where_a_tone_lies() -> None:
    tone = np.sin(2 * np.pi * 3000 * np.arange(16_000) / 16_000).astype(np.float32)
    bands = extract(tone, ["spectrogram"], seconds=1.0)
    assert bands.shape == (42, 64)
    assert int(bands[20].argmax()) == 3000 // 125 - 1  # 3,000 Hz ends band 23: its edges are above 2,875 Hz
