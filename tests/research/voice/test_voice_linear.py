"""Linear heads by ridge regression, and a model with another head on its trunk."""

from pathlib import Path

import numpy as np
import pytest

from rasa_emotion.acoustic.classifier import OnnxNetwork
from rasa_emotion.acoustic.heads import OtherHead
from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.errors import ModelError
from rasa_emotion.training.voice.features import Rows
from research.voice.make.linear import LinearRecipe, fit_linear, linear_logits
from research.voice.make.other_head import write_with_head

ANGRY, NEUTRAL = EMOTIONS.index("angry"), EMOTIONS.index("neutral")


def rows(emotions: list[int], corpora: list[str], *, away: float = 3.0, seed: int = 0) -> Rows:
    """Anger lies at `away` in the first value of four, everything else at 0."""
    random = np.random.default_rng(seed)
    emotion = np.array(emotions)
    statistics = random.normal(5, 1, (len(emotion), 4)).astype(np.float32)
    statistics[:, 0] += away * (emotion == ANGRY)
    return Rows(
        statistics=statistics,
        emotion=emotion,
        corpus=np.array(corpora),
        view=np.full(len(emotion), "clean"),
        speaker=np.array([f"s{number % 7}" for number in range(len(emotion))]),
        name=np.array([str(number) for number in range(len(emotion))]),
        fold=np.zeros(len(emotion), np.int64),
        augmented=np.zeros(len(emotion), bool),
    )


def test_a_linear_head_finds_what_tells_the_emotions_apart() -> None:
    train, test = (rows([ANGRY, NEUTRAL] * 200, ["own"] * 400, seed=seed) for seed in (1, 2))
    head = fit_linear(train, LinearRecipe(weights={"own": 1.0}, penalty=0.01))
    said = linear_logits(head, test.statistics).argmax(axis=1)
    assert (said == test.emotion).mean() > 0.9


def test_emotions_weigh_alike_and_a_corpus_without_a_weight_stays_out() -> None:
    few = rows([ANGRY] * 20 + [NEUTRAL] * 380, ["own"] * 400)
    wrong = rows([NEUTRAL, ANGRY] * 200, ["other"] * 400, away=-9.0)
    both = Rows(**{key: np.concatenate([vars(few)[key], vars(wrong)[key]]) for key in vars(few)})
    recipe = LinearRecipe(weights={"own": 1.0}, penalty=0.01)
    alone, beside = fit_linear(few, recipe), fit_linear(both, recipe)
    np.testing.assert_allclose(alone["weight"], beside["weight"], rtol=1e-4)
    found = linear_logits(alone, few.statistics).argmax(axis=1)[:20]
    assert (found == ANGRY).mean() > 0.8  # twenty of four hundred are not drowned
    with pytest.raises(ValueError, match="no row"):
        fit_linear(few, LinearRecipe(weights={"third": 1.0}))


def test_the_prior_moves_neutral_and_half_of_it_calm() -> None:
    train = rows([ANGRY, NEUTRAL] * 50, ["own"] * 100)
    plain = fit_linear(train, LinearRecipe(weights={"own": 1.0}))
    moved = fit_linear(train, LinearRecipe(weights={"own": 1.0}, prior=-1.0))
    change = moved["bias"] - plain["bias"]
    expected = np.zeros(len(EMOTIONS))
    expected[NEUTRAL], expected[EMOTIONS.index("calm")] = -1.0, -0.5
    np.testing.assert_allclose(change, expected, atol=1e-5)


@pytest.mark.parametrize("hidden", [0, 16])
@pytest.mark.parametrize(("name", "size"), [("acoustic", 1024), ("acoustic-emogator", 2048)])
def test_another_head_leaves_the_embedding_as_it_is(
    name: str, size: int, hidden: int, repository: Path, tmp_path: Path
) -> None:
    random = np.random.default_rng(0)
    head = {"weight": random.normal(0, 0.1, (size, 8)), "bias": random.normal(0, 1, 8)}
    if hidden:
        head["hidden.weight"] = random.normal(0, 0.1, (size, hidden))
        head["hidden.bias"] = random.normal(0, 0.1, hidden)
        head["out.weight"] = random.normal(0, 0.1, (hidden, 8))
    weights = {key: value.astype(np.float32) for key, value in head.items()}
    source, file = repository / "models" / name / "model.onnx", tmp_path / "model.onnx"
    write_with_head(source, weights, file)
    write_with_head(file, weights, file)  # again: nothing of the first one stays
    sounds = [random.normal(0, 0.1, count).astype(np.float32) for count in (16_000, 24_000)]
    expected = OtherHead(OnnxNetwork(source), weights).run(["logits", "embedding"], sounds)
    for found, wanted in zip(OnnxNetwork(file).run(["logits", "embedding"], sounds), expected, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-3)
    assert file.stat().st_size < source.stat().st_size * 1.1


def test_a_model_without_an_embedding_is_refused(repository: Path, tmp_path: Path) -> None:
    source = repository / "models" / "vad" / "model.onnx"
    with pytest.raises(ModelError, match="embedding"):
        write_with_head(source, {}, tmp_path / "model.onnx")
