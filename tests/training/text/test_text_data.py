"""Batches hold what the recipe says, in an order that a resumed training can repeat."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from rasa_emotion.corpora.text import LabelledText, Turn
from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.errors import ConfigError
from rasa_emotion.training.text.data import (
    as_target,
    epoch_batches,
    fold_numbers,
    in_order,
    inner_split,
    read_part,
    spoken,
    tokenize,
)
from rasa_emotion.training.text.recipe import Recipe, Source
from rasa_emotion.training.text.start import load_tokenizer

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


def test_earlier_turns_stand_before_the_utterance() -> None:
    earlier = (Turn("hello there", "Ann"), Turn("go on", "Ben"))
    row = LabelledText("row-1", "so long", {"sad": 1.0}, earlier=earlier, speaker="Ann", dialogue="d")
    tokenizer = load_tokenizer()

    def read(recipe: Recipe) -> str:
        return str(tokenizer.decode(tokenize([row], recipe)[0].tokens.ids, skip_special_tokens=False))

    assert read(RECIPE) == "[CLS] so long [SEP]"
    assert read(replace(RECIPE, context_turns=1)) == "[CLS] go on [SEP] so long [SEP]"
    named = replace(RECIPE, context_turns=9, speakers=True)
    assert read(named) == "[CLS] ann : hello there [SEP] ben : go on [SEP] ann : so long [SEP]"


def test_only_the_utterance_is_pooled() -> None:
    row = LabelledText("row-1", "so long", {"sad": 1.0}, earlier=(Turn("go on"),))
    rows = tokenize([row, row], replace(RECIPE, context_turns=1))
    (_, batch), *_ = in_order(rows, "utterance")
    assert batch.pooled[0].tolist() == [1, 0, 0, 0, 1, 1, 1]
    (_, batch), *_ = in_order(rows, "all")
    assert batch.pooled.eq(1).all()


def test_dialogues_stay_whole() -> None:
    rows = [LabelledText(f"row-{i}", "x", {"sad": 1.0}, dialogue=f"d{i // 5}") for i in range(100)]
    kept, held = inner_split(rows, 0.1, seed=0)
    assert len(held) == 10
    assert not {row.dialogue for row in kept} & {row.dialogue for row in held}
    fold = fold_numbers(rows, 4, seed=0)
    assert np.bincount(fold).tolist() == [25] * 4
    assert len({(row.dialogue, number) for row, number in zip(rows, fold, strict=True)}) == 20


def test_folds_spread_every_label() -> None:
    fold = fold_numbers(ROWS, 5, seed=0)
    labels = np.array(["neutral" in row.target for row in ROWS])
    assert np.bincount(fold[labels]).tolist() == [12] * 5
    assert np.bincount(fold[~labels]).tolist() == [4] * 5


def test_corpora_with_own_labels_keep_them_apart(tmp_path: Path) -> None:
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "dair_emotion_dev.tsv").write_text("text\tlabel\ni feel 😂\tjoy\n")
    recipe = replace(RECIPE, labels=("dair_emotion/joy", "meld/joy"), spell_emoji=True)
    rows = read_part(recipe, tmp_path, "dair_emotion_dev")
    assert rows[0].target == {"dair_emotion/joy": 1.0}
    tokens = tokenize(rows, recipe)[0].tokens.ids
    assert load_tokenizer().decode(tokens) == "i feel face with tears of joy"
