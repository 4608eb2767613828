"""From labelled sentences to batches: tokens, soft targets, an inner split, batches of similar length."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor

from rasa_emotion.corpora.text import LabelledText, read_sentences, read_text_corpus
from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.errors import ConfigError
from rasa_emotion.training.text.minilm import minilm_folder
from rasa_emotion.training.text.recipe import Recipe

POOL_BATCHES = 50
"""Batches of similar length are cut out of random pools of so many batches: less padding, order still random."""


@dataclass(frozen=True)
class Batch:
    """Token ids and mask [batch, tokens], targets [batch, labels]."""

    input_ids: Tensor
    attention_mask: Tensor
    targets: Tensor


@dataclass(frozen=True)
class TrainingText:
    """One row of the training part: tokens of the sentence as written and as a recogniser would print it."""

    tokens: tuple[int, ...]
    plain_tokens: tuple[int, ...]
    target: NDArray[np.float32]
    source: int


def load_tokenizer(max_tokens: int) -> Tokenizer:
    """MiniLM's WordPiece tokenizer, cutting after `max_tokens` and padding nothing."""
    tokenizer = Tokenizer.from_file(str(minilm_folder() / "tokenizer.json"))
    tokenizer.enable_truncation(max_tokens)
    tokenizer.no_padding()
    return tokenizer


def as_target(row: LabelledText, labels: Sequence[str]) -> NDArray[np.float32]:
    """The shares of a row's labels, float32, shape [labels]."""
    unknown = set(row.target) - set(labels)
    if unknown:
        raise ConfigError(f"Row '{row.id}' has the label '{sorted(unknown)[0]}', which the recipe's `labels` lack.")
    return np.array([row.target.get(label, 0.0) for label in labels], dtype=np.float32)


def spoken(text: str) -> str:
    """A sentence as many speech recognisers print it: no punctuation, no capitals.

    >>> spoken("Well, that's GREAT!")
    "well that's great"
    """
    return " ".join(re.sub(r"[^\w\s'’]", " ", text).lower().split())


def read_sources(recipe: Recipe, data: Path, beside: Path) -> list[list[LabelledText]]:
    """The rows of every source of a recipe; CSV files are looked for in the folder `beside`."""
    as_emotions = recipe.labels == EMOTIONS
    return [
        read_sentences(beside / source.corpus)
        if source.corpus.endswith(".csv")
        else read_text_corpus(data, source.corpus, as_emotions=as_emotions)
        for source in recipe.train
    ]


def inner_split(rows: Sequence[LabelledText], share: float, seed: int) -> tuple[list[LabelledText], list[LabelledText]]:
    """Rows to train on and rows to choose by; the second part has about `share` of every label."""
    order = np.random.default_rng(seed).permutation(len(rows))
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


def tokenize(rows: Sequence[LabelledText], recipe: Recipe, source: int = 0) -> list[TrainingText]:
    """Tokens and targets of rows."""
    tokenizer = load_tokenizer(recipe.max_tokens)
    written = tokenizer.encode_batch([row.text for row in rows])
    plain = tokenizer.encode_batch([spoken(row.text) or row.text for row in rows])
    return [
        TrainingText(tuple(a.ids), tuple(b.ids), as_target(row, recipe.labels), source)
        for row, a, b in zip(rows, written, plain, strict=True)
    ]


def epoch_batches(rows: Sequence[TrainingText], recipe: Recipe, epoch: int) -> list[Batch]:
    """The batches of one epoch; the same epoch of the same recipe always gives the same ones."""
    random = np.random.default_rng((recipe.seed, epoch))
    chosen = [rows[i] for i in random.permutation(_drawn(rows, recipe, random))]
    plain = random.random(len(chosen)) < recipe.plain_share
    pairs = [(row.plain_tokens if p else row.tokens, row.target) for row, p in zip(chosen, plain, strict=True)]
    size = recipe.batch_size
    batches = []
    for start in range(0, len(pairs), size * POOL_BATCHES):
        pool = sorted(pairs[start : start + size * POOL_BATCHES], key=lambda pair: len(pair[0]))
        batches += [collate(pool[i : i + size]) for i in range(0, len(pool), size)]
    return [batches[i] for i in random.permutation(len(batches))]


def collate(pairs: Sequence[tuple[Sequence[int], NDArray[np.float32]]]) -> Batch:
    """Pad tokens to the longest row with 0, which is [PAD]."""
    ids = torch.zeros(len(pairs), max(len(tokens) for tokens, _ in pairs), dtype=torch.long)
    for i, (tokens, _) in enumerate(pairs):
        ids[i, : len(tokens)] = torch.tensor(tokens)
    return Batch(ids, (ids != 0).long(), torch.from_numpy(np.stack([target for _, target in pairs])))


def in_order(rows: Sequence[TrainingText], size: int = 64) -> Iterator[tuple[NDArray[np.int64], Batch]]:
    """Batches of similar length with the row numbers that they hold."""
    order = np.argsort([len(row.tokens) for row in rows], kind="stable")
    for start in range(0, len(rows), size):
        numbers = order[start : start + size]
        yield numbers, collate([(rows[i].tokens, rows[i].target) for i in numbers])


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
