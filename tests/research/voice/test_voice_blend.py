"""Linear parts beside a head become one head."""

import numpy as np
import pytest

from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.training.voice.features import Rows
from rasa_emotion.training.voice.heads import HeadRecipe, fit_head
from research.voice.make.blend import Beside, Blend, fit_blend
from research.voice.make.linear import fit_linear, linear_logits

QUICK = HeadRecipe(hidden=8, epochs=1, seeds=(1,))


def rows(corpora: tuple[str, ...] = ("ravdess", "nemo"), size: int = 12, each: int = 80) -> Rows:
    random = np.random.default_rng(0)
    count = each * len(corpora)
    emotion = random.integers(len(EMOTIONS), size=count)
    statistics = random.normal(3.0, 2.0, (count, size)).astype(np.float32)
    statistics[:, : len(EMOTIONS)] += 4 * np.eye(len(EMOTIONS), dtype=np.float32)[emotion]
    return Rows(
        statistics=statistics,
        emotion=emotion,
        corpus=np.repeat(np.array(corpora), each),
        view=np.full(count, "clean"),
        speaker=np.array([f"s{number % 5}" for number in range(count)]),
        name=np.array([str(number) for number in range(count)]),
        fold=np.arange(count) % 5,
        augmented=np.zeros(count, bool),
    )


def test_the_parts_add_up() -> None:
    own = rows()
    parts = (Beside(0.5, {"ravdess": 1.0}, 0.1), Beside(0.25))
    wanted = fit_head(own, QUICK).logits(own.statistics)
    for part in parts:
        wanted += part.share * linear_logits(fit_linear(own, part.recipe(own)), own.statistics)
    given = fit_blend(own, Blend(QUICK, parts)).logits(own.statistics)
    np.testing.assert_allclose(given, wanted, atol=1e-3)


def test_without_parts_it_is_the_head() -> None:
    own = rows()
    np.testing.assert_array_equal(
        fit_blend(own, Blend(QUICK)).logits(own.statistics), fit_head(own, QUICK).logits(own.statistics)
    )


def test_a_part_learns_from_the_corpora_that_are_there() -> None:
    own = rows(("nemo",))
    assert Beside(1.0).recipe(own).weights == {"nemo": 0.5}
    with pytest.raises(ValueError, match="no rows"):
        fit_blend(own, Blend(QUICK, (Beside(1.0, {"savee": 1.0}),)))


def test_it_is_read_from_json() -> None:
    blend = Blend.read({"epochs": 2, "seeds": [1, 2], "beside": [{"share": 0.3, "corpora": {"tess": 1.0}}]})
    assert blend.head == HeadRecipe(epochs=2, seeds=(1, 2))
    assert blend.beside == (Beside(0.3, {"tess": 1.0}),)
