"""Batches hold what the recipe says, in an order that a resumed training can repeat."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from rasa_emotion.corpora.text import LabelledText
from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.errors import ConfigError
from rasa_emotion.training.text.data import as_target, epoch_batches, inner_split, spoken, tokenize
from rasa_emotion.training.text.recipe import Recipe, Source

NEUTRAL = EMOTIONS.index("neutral")
ROWS = [LabelledText(f"row-{i}", f"sentence {'very ' * (i % 9)}number {i}", {"neutral": 1.0}) for i in range(60)]
ROWS += [LabelledText(f"other-{i}", f"This makes me angry, {i}!", {"angry": 0.5, "sad": 0.5}) for i in range(20)]
RECIPE = Recipe(train=(Source("goemotions_train", neutral_limit=10),), labels=EMOTIONS, batch_size=8)


def test_neutral_is_limited_and_drawn_anew() -> None:
    rows = tokenize(ROWS, RECIPE)
    first, second = (torch.cat([b.targets for b in epoch_batches(rows, RECIPE, epoch)]) for epoch in (0, 1))
    assert len(first) == len(second) == 30
    assert first[:, NEUTRAL].sum() == 10
    ids = [{tuple(r[r != 0].tolist()) for b in epoch_batches(rows, RECIPE, e) for r in b.input_ids} for e in (0, 1)]
    assert ids[0] != ids[1]


def test_other_rows_can_be_limited_too() -> None:
    recipe = replace(RECIPE, train=(Source("goemotions_train", limit=5, neutral_limit=10),))
    targets = torch.cat([batch.targets for batch in epoch_batches(tokenize(ROWS, recipe), recipe, 0)])
    assert len(targets) == 15
    assert targets[:, NEUTRAL].sum() == 10


def test_an_epoch_is_the_same_each_time() -> None:
    rows = tokenize(ROWS, RECIPE)
    for first, second in zip(epoch_batches(rows, RECIPE, 2), epoch_batches(rows, RECIPE, 2), strict=True):
        assert torch.equal(first.input_ids, second.input_ids)
        assert torch.equal(first.targets, second.targets)


def test_repeat_and_soft_targets() -> None:
    recipe = replace(RECIPE, train=(Source("goemotions_train", repeat=3),))
    targets = torch.cat([batch.targets for batch in epoch_batches(tokenize(ROWS, recipe), recipe, 0)])
    assert len(targets) == 240
    assert targets[:, EMOTIONS.index("sad")].sum() == pytest.approx(30)


def test_plain_share_drops_punctuation() -> None:
    rows = tokenize(ROWS[-1:], RECIPE)
    recipe = replace(RECIPE, plain_share=1.0)
    assert epoch_batches(rows, recipe, 0)[0].input_ids.shape[1] == len(rows[0].tokens.ids) - 2
    assert spoken("Well, that's GREAT!") == "well that's great"


def test_inner_split_is_disjoint_and_stratified() -> None:
    kept, held = inner_split(ROWS, 0.1, seed=0)
    assert {row.id for row in kept} | {row.id for row in held} == {row.id for row in ROWS}
    assert len(kept) + len(held) == len(ROWS)
    assert sum("neutral" in row.target for row in held) == 6
    assert sum("angry" in row.target for row in held) == 2


def test_unknown_label_is_named() -> None:
    with pytest.raises(ConfigError, match="'bored'"):
        as_target(LabelledText("row-1", "so long", {"bored": 1.0}), EMOTIONS)


def test_mask_covers_all_tokens() -> None:
    for batch in epoch_batches(tokenize(ROWS, RECIPE), RECIPE, 0):
        assert np.array_equal(batch.attention_mask.numpy() == 1, batch.input_ids.numpy() != 0)
