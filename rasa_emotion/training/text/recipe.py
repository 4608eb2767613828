"""The settings of one training of the text model, read from a YAML file with comments."""

import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from rasa_emotion.errors import ConfigError
from rasa_emotion.settings import check_keys
from rasa_emotion.text.reading import ENGLISH


@dataclass(frozen=True)
class Source:
    """A corpus to train on.

    Args:
        corpus: a name for `read_text_corpus`, or the path of a CSV file (text, emotion) beside the recipe.
        repeat: how often each row is seen per epoch.
        limit: at most that many rows that are not neutral alone, drawn anew each epoch; 0 keeps all.
        neutral_limit: the same for rows that are neutral and nothing else.
        teacher: the folder of a training whose answers take the place of the corpus' own labels.
    """

    corpus: str
    repeat: int = 1
    limit: int = 0
    neutral_limit: int = 0
    teacher: str = ""


@dataclass(frozen=True)
class Recipe:
    """What a recipe file may say; see `recipes/` for advice on each value.

    Args:
        train: the corpora.
        labels: what the model says, in the order of its logits; the eight emotions map each corpus' labels on them.
            "meld/joy" is the label joy of the corpus MELD alone: each row then is asked for its own corpus' labels,
            which teaches one encoder several corpora without saying that their labels mean the same.
        languages: codes of those that the corpora are in, such as [de]; words in another one are left out at run time.
        multi_label: several labels may be true of a sentence, each has a probability of its own.
        choose_by: the figure on the inner split whose best epoch is kept: macro_f1, weighted_f1 or accuracy.
        context_turns: so many earlier turns of a dialogue stand before the utterance.
        speakers: whether each turn begins with its speaker's name, where the corpus has one.
        spell_emoji: whether emoji are read as their names; else the vocabulary has no word for them.
        rdrop: how much two passes of a row under different dropout should agree; 0 makes one pass only, which is
            twice as fast.
        average_decay: the weights that are kept are the moving average of those of the steps, with this decay, such as
            0.99; 0 keeps the last ones.
        freeze_embeddings: leave the embeddings of the words as they are.
        freeze_layers: leave these and so many of the lowest layers as they are, which is faster.
        pool: the embedding is the mean over "all" tokens, or over those of the "utterance" without the earlier turns.
    """

    train: tuple[Source, ...]
    labels: tuple[str, ...]
    languages: tuple[str, ...] = ("en",)
    multi_label: bool = False
    choose_by: str = "macro_f1"
    context_turns: int = 0
    speakers: bool = False
    pool: str = "all"
    spell_emoji: bool = False
    start: str = "minilm"
    seed: int = 1
    inner_share: float = 0.1
    inner_seed: int = 0
    epochs: int = 3
    batch_size: int = 32
    max_tokens: int = 64
    learning_rate: float = 5e-5
    head_learning_rate: float = 1e-3
    layer_decay: float = 0.9
    warmup_share: float = 0.06
    weight_decay: float = 0.01
    label_smoothing: float = 0.05
    class_balance: float = 0.5
    dropout: float = 0.1
    rdrop: float = 0.0
    average_decay: float = 0.0
    plain_share: float = 0.0
    freeze_embeddings: bool = True
    freeze_layers: int = 0
    checkpoint_every: int = 300


LANGUAGE_CODE = re.compile("[a-z]{2,3}")
CHOICES = {"choose_by": ("macro_f1", "weighted_f1", "accuracy"), "pool": ("all", "utterance")}
"""Keys that take one of a few words."""


def read_recipe(path: Path, changes: str = "", **overrides: Any) -> Recipe:
    """Read a recipe.

    Args:
        path: the YAML file.
        changes: YAML of values that take the place of the file's, such as "{epochs: 5, rdrop: 1.0}".
        overrides: the same; those that are None change nothing.

    Raises:
        ConfigError: the file is missing, is no YAML, names a key that does not exist, or has a value of the wrong type.
    """
    try:
        data = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except (OSError, YAMLError, ValueError, RecursionError) as error:
        raise ConfigError(f"Recipe '{path}' cannot be read ({type(error).__name__}); name a YAML file.") from error
    try:
        changed = YAML(typ="safe").load(changes) or {}
    except YAMLError as error:
        raise ConfigError(f"--set '{changes}' is no YAML; write it as in \"epochs: 5\".") from error
    if not isinstance(data, dict):
        raise ConfigError(f"Recipe '{path}' holds no settings; copy one of rasa_emotion/training/text/recipes.")
    _check(changed, Recipe, f"--set '{changes}': a recipe")
    data |= changed
    _check(data, Recipe, f"Recipe '{path}'")
    for missing in {"train", "labels"} - set(data):
        raise ConfigError(f"Recipe '{path}' lacks '{missing}'; copy one of rasa_emotion/training/text/recipes.")
    for key in ("train", "labels"):
        if not isinstance(data[key], list):
            raise ConfigError(f"Recipe '{path}' sets {key} to '{data[key]}'; give a list, as the recipes beside it do.")
    for source in data["train"]:
        _check(source, Source, f"Recipe '{path}'")
        if "corpus" not in source:
            raise ConfigError(f"Recipe '{path}' trains on something without a 'corpus'; name it.")
    data.update({key: value for key, value in overrides.items() if value is not None})
    sources = tuple(Source(**source) for source in data.pop("train"))
    languages = _languages(data.pop("languages", ENGLISH), path)
    return Recipe(train=sources, labels=tuple(data.pop("labels")), languages=languages, **data)


def _languages(given: Any, path: Path) -> tuple[str, ...]:
    codes = list(given) if isinstance(given, list | tuple) else []
    if not codes or not all(isinstance(code, str) and LANGUAGE_CODE.fullmatch(code) for code in codes):
        raise ConfigError(f"Recipe '{path}' sets languages to '{given}'; give a list of codes, such as [de].")
    return tuple(codes)


def _check(data: Any, kind: type[Any], where: str) -> None:
    """Refuse keys that `kind` lacks and values of another type than its defaults."""
    if not isinstance(data, dict):
        raise ConfigError(f"{where} has '{data}' where `key: value` lines belong; see the recipes beside it.")
    defaults = {field.name: field.default for field in fields(kind)}
    check_keys(where, data, defaults)
    for key, value in data.items():
        expected = type(defaults[key])
        fits = isinstance(value, expected) or (expected is float and type(value) is int)
        if expected in (bool, int, float, str) and not fits:
            raise ConfigError(f"{where} sets {key} to '{value}'; it must be of type {expected.__name__}.")
        if value not in CHOICES.get(key, (value,)):
            raise ConfigError(f"{where} sets {key} to '{value}'; it may be {' or '.join(CHOICES[key])}.")
