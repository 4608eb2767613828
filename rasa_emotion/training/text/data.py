"""From labelled sentences to batches: tokens, soft targets, an inner split, batches of similar length."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor

from rasa_emotion.corpora.text import LabelledText, Turn, read_sentences, read_text_corpus
from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.errors import ConfigError
from rasa_emotion.text.context import Tokens, join_turns
from rasa_emotion.text.emoji import spell_emoji
from rasa_emotion.training.text.recipe import Recipe, Source
from rasa_emotion.training.text.start import end_marks, load_tokenizer

POOL_BATCHES = 50
"""Batches of similar length are cut out of random pools of so many batches: less padding, order still random."""


@dataclass(frozen=True)
class Batch:
    """Token ids, mask and what is pooled (0 or 1) [batch, tokens], targets [batch, labels]."""

    input_ids: Tensor
    attention_mask: Tensor
    pooled: Tensor
    targets: Tensor


@dataclass(frozen=True)
class TrainingText:
    """One row of the training part: tokens of the sentence as written and as a recogniser would print it."""

    tokens: Tokens
    plain_tokens: Tokens
    target: NDArray[np.float32]
    source: int


def as_target(row: LabelledText, labels: Sequence[str], *, multi_label: bool = False) -> NDArray[np.float32]:
    """The shares of a row's labels (each 1 where several may be true), float32, shape [labels]."""
    unknown = set(row.target) - set(labels)
    if unknown:
        raise ConfigError(f"Row '{row.id}' has the label '{sorted(unknown)[0]}', which the recipe's `labels` lack.")
    shares = np.array([row.target.get(label, 0.0) for label in labels], dtype=np.float32)
    return (shares > 0).astype(np.float32) if multi_label else shares


def spoken(text: str) -> str:
    """A sentence as many speech recognisers print it: no punctuation, no capitals.

    >>> spoken("Well, that's GREAT!")
    "well that's great"
    """
    return " ".join(re.sub(r"[^\w\s'’]", " ", text).lower().split())


def read_sources(recipe: Recipe, data: Path, beside: Path) -> list[list[LabelledText]]:
    """The rows of every source of a recipe; CSV files are looked for in the folder `beside`.

    Rows that a teacher is asked about come without labels: theirs need be none of the recipe's.
    """
    return [_read_source(recipe, source, data, beside) for source in recipe.train]


def _read_source(recipe: Recipe, source: Source, data: Path, beside: Path) -> list[LabelledText]:
    if source.corpus.endswith(".csv"):
        rows = read_sentences(beside / source.corpus)
    elif source.teacher:
        rows = read_text_corpus(data, source.corpus, as_emotions=False)
    else:
        return read_part(recipe, data, source.corpus)
    return [replace(row, target={}) for row in rows] if source.teacher else rows


def split_sources(
    recipe: Recipe, sources: Sequence[Sequence[LabelledText]]
) -> list[tuple[list[LabelledText], list[LabelledText]]]:
    """Of each source, the rows to train on and those that are held for choosing: none that a teacher labelled."""
    return [
        inner_split(rows, 0.0 if source.teacher else recipe.inner_share, recipe.inner_seed)
        for source, rows in zip(recipe.train, sources, strict=True)
    ]


def read_part(recipe: Recipe, data: Path, name: str) -> list[LabelledText]:
    """The rows of a corpus' part, such as "meld_dev", under the recipe's labels."""
    rows = read_text_corpus(data, name, as_emotions=recipe.labels == EMOTIONS)
    if not any("/" in label for label in recipe.labels):
        return rows
    corpus = name.rpartition("_")[0]
    return [replace(row, target={f"{corpus}/{label}": p for label, p in row.target.items()}) for row in rows]


def inner_split(rows: Sequence[LabelledText], share: float, seed: int) -> tuple[list[LabelledText], list[LabelledText]]:
    """Rows to train on and rows to choose by; the second part has about `share` of every label, or of the dialogues."""
    generator = np.random.default_rng(seed)
    dialogues = sorted({row.dialogue for row in rows})
    if len(dialogues) > 1:  # the turns of one are each other's context: they stay together
        chosen = {dialogues[i] for i in generator.permutation(len(dialogues))[: round(len(dialogues) * share)]}
        return [row for row in rows if row.dialogue not in chosen], [row for row in rows if row.dialogue in chosen]
    order = generator.permutation(len(rows))
    by_label: dict[str, list[LabelledText]] = {}
    for index in order:
        row = rows[index]
        by_label.setdefault(",".join(row.target), []).append(row)
    kept: list[LabelledText] = []
    held: list[LabelledText] = []
    for group in by_label.values():
        cut = round(len(group) * share)
        held += group[:cut]
        kept += group[cut:]
    return kept, held


def fold_numbers(rows: Sequence[LabelledText], folds: int, seed: int) -> NDArray[np.int64]:
    """The fold of each row, 0 to folds - 1: every label spread evenly, or dialogues whole; shape [rows]."""
    groups: dict[str, list[list[int]]] = {}  # what is spread: rows of a label, or one list of dialogues
    dialogues: dict[str, list[int]] = {}
    for number, row in enumerate(rows):
        if row.dialogue:
            dialogues.setdefault(row.dialogue, []).append(number)
        else:
            groups.setdefault(",".join(row.target), []).append([number])
    generator = np.random.default_rng(seed)
    found = np.zeros(len(rows), dtype=np.int64)
    for units in (*groups.values(), list(dialogues.values())):
        for place, unit in enumerate(generator.permutation(len(units))):
            found[units[unit]] = place % folds
    return found


def tokenize(rows: Sequence[LabelledText], recipe: Recipe, source: int = 0) -> list[TrainingText]:
    """Tokens and targets of rows."""
    tokenizer = load_tokenizer(start=recipe.start)
    written, plain = (_with_turns(rows, recipe, tokenizer, form) for form in (str, _as_spoken))
    return [
        TrainingText(a, b, as_target(row, recipe.labels, multi_label=recipe.multi_label), source)
        for row, a, b in zip(rows, written, plain, strict=True)
    ]


def _with_turns(
    rows: Sequence[LabelledText], recipe: Recipe, tokenizer: Tokenizer, form: Callable[[str], str]
) -> list[Tokens]:
    """Tokens of each row behind its earlier turns; turns that many rows share are tokenized once."""
    turns = [[*earlier_turns(row, recipe), Turn(row.text, row.speaker)] for row in rows]
    texts = sorted({_line(turn, recipe, form) for said in turns for turn in said})
    encoded = tokenizer.encode_batch(texts, add_special_tokens=False)
    ids = {text: encoding.ids for text, encoding in zip(texts, encoded, strict=True)}
    marks = end_marks(tokenizer)
    found = []
    for said in turns:
        *earlier, utterance = (ids[_line(turn, recipe, form)] for turn in said)
        found.append(join_turns(utterance, earlier, max_tokens=recipe.max_tokens, **marks))
    return found


def earlier_turns(row: LabelledText, recipe: Recipe) -> tuple[Turn, ...]:
    """As many of the turns before a row as the recipe takes, the oldest first."""
    return row.earlier[-recipe.context_turns :] if recipe.context_turns else ()


def _line(turn: Turn, recipe: Recipe, form: Callable[[str], str]) -> str:
    text = spell_emoji(turn.text) if recipe.spell_emoji else turn.text
    return form(f"{turn.speaker}: {text}" if recipe.speakers and turn.speaker else text)


def _as_spoken(text: str) -> str:
    return spoken(text) or text


def epoch_batches(rows: Sequence[TrainingText], recipe: Recipe, epoch: int) -> list[Batch]:
    """The batches of one epoch; the same epoch of the same recipe always gives the same ones."""
    random = np.random.default_rng((recipe.seed, epoch))
    chosen = [rows[i] for i in random.permutation(_drawn(rows, recipe, random))]
    plain = random.random(len(chosen)) < recipe.plain_share
    pairs = [(row.plain_tokens if p else row.tokens, row.target) for row, p in zip(chosen, plain, strict=True)]
    size = recipe.batch_size
    batches = []
    for start in range(0, len(pairs), size * POOL_BATCHES):
        pool = sorted(pairs[start : start + size * POOL_BATCHES], key=lambda pair: len(pair[0].ids))
        batches += [collate(pool[i : i + size], recipe.pool) for i in range(0, len(pool), size)]
    return [batches[i] for i in random.permutation(len(batches))]


def collate(pairs: Sequence[tuple[Tokens, NDArray[np.float32]]], pool: str) -> Batch:
    """Pad tokens to the longest row with 0, which is masked; pool "all" of them, or [CLS] and the "utterance"."""
    ids = torch.zeros(len(pairs), max(len(tokens.ids) for tokens, _ in pairs), dtype=torch.long)
    mask = torch.zeros_like(ids)
    for i, (tokens, _) in enumerate(pairs):
        ids[i, : len(tokens.ids)] = torch.tensor(tokens.ids)
        mask[i, : len(tokens.ids)] = 1
    pooled = mask.clone()
    if pool == "utterance":
        for i, (tokens, _) in enumerate(pairs):
            pooled[i, 1 : tokens.start] = 0
    return Batch(ids, mask, pooled, torch.from_numpy(np.stack([target for _, target in pairs])))


def in_order(rows: Sequence[TrainingText], pool: str, size: int = 64) -> Iterator[tuple[NDArray[np.int64], Batch]]:
    """Batches of similar length with the row numbers that they hold."""
    order = np.argsort([len(row.tokens.ids) for row in rows], kind="stable")
    for start in range(0, len(rows), size):
        numbers = order[start : start + size]
        yield numbers, collate([(rows[i].tokens, rows[i].target) for i in numbers], pool)


def _drawn(rows: Sequence[TrainingText], recipe: Recipe, random: np.random.Generator) -> NDArray[np.int64]:
    """Row numbers of one epoch: limited and repeated as the sources say."""
    source = np.array([row.source for row in rows])
    only_neutral = np.zeros(len(rows), dtype=bool)
    if "neutral" in recipe.labels:
        neutral = recipe.labels.index("neutral")
        only_neutral = np.array([row.target[neutral] == 1 for row in rows])
    parts = []
    for number, settings in enumerate(recipe.train):
        for kind, limit in ((~only_neutral, settings.limit), (only_neutral, settings.neutral_limit)):
            found = np.flatnonzero((source == number) & kind)
            if limit:
                found = random.permutation(found)[:limit]
            parts += [np.tile(found, settings.repeat)]
    return np.concatenate(parts)
