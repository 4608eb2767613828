"""Layers of the teacher: the right columns, and a corpus that taught nothing."""

import numpy as np

from rasa_emotion.training.voice.features import Rows
from research.voice.layers import LAYERS, WIDTH, of_layers, unheard_ua


def rows(count: int = 240) -> Rows:
    """Emotion 0 or 4, told by the third layer alone."""
    random = np.random.default_rng(0)
    emotion = np.where(np.arange(count) % 2, 0, 4)
    statistics = random.normal(0, 1, (count, LAYERS * 2 * WIDTH)).astype(np.float32)
    statistics[:, 4 * WIDTH : 5 * WIDTH] += np.where(emotion == 0, 2, -2)[:, None]
    corpus = np.array(["ravdess", "savee", "emodb", "nemo"])[np.arange(count) // 2 % 4]
    text = np.array([f"r{i}" for i in range(count)])
    return Rows(
        statistics, emotion, corpus, np.full(count, "clean"), text, text, np.arange(count) % 5, np.zeros(count, bool)
    )


def test_the_columns_are_those_of_the_layers() -> None:
    own = rows(8)
    chosen = of_layers(own, (3, 4)).statistics
    assert chosen.shape == (8, 4 * WIDTH)
    np.testing.assert_array_equal(chosen[:, 0], own.statistics[:, 4 * WIDTH])
    np.testing.assert_array_equal(chosen[:, -1], own.statistics[:, 8 * WIDTH - 1])


def test_only_layers_that_know_hear_an_unheard_corpus() -> None:
    own = rows()
    assert unheard_ua(of_layers(own, (3,)), "nemo", 0.1) > 0.9
    assert unheard_ua(of_layers(own, (1,)), "nemo", 0.1) < 0.75
