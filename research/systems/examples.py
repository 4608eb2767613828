"""What a recipe trains on and scores: clips and copies with their classes and features."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rasa_emotion.corpora.manifest import Clip, read_manifest
from rasa_emotion.errors import ConfigError
from rasa_emotion.training.acoustic.clips import Sounds, as_float, audible, clip_sounds
from research.systems.augment import Example, Samples, augmented, copies
from research.systems.features import extract_all
from research.systems.labels import SCHEMES
from research.systems.recipe import SystemRecipe

SMOKE_CLIPS = 4
"""Of each class and corpus, in a smoke run."""


@dataclass(frozen=True)
class Material:
    """Examples, the classes that they have, each one's class number [n] and features [n, frames, dims]."""

    examples: Sequence[Example]
    classes: Sequence[str]
    y: NDArray[np.int64]
    x: NDArray[np.float32]


def material(recipe: SystemRecipe, data: Path, cache: Path, *, smoke: bool = False) -> Material:
    """Read the clips of a recipe's corpora, make their copies, and extract or fetch their features.

    Clips that cannot be decoded are left out.

    Raises:
        ConfigError: the manifest cannot be used, or no clip has a class of the recipe's scheme.
    """
    scheme = SCHEMES[recipe.labels]
    clips = read_manifest(data, corpora=list(recipe.corpora))
    kept = [clip for clip in clips if scheme.of(clip) is not None]
    if smoke:
        kept = _few(kept, scheme.of)
    sounds = _sounds(kept, data, cache)
    kept = audible(kept, sounds)
    if not kept:
        raise ConfigError(f"No clip in '{data}' has a label of the scheme '{recipe.labels}': name other corpora.")
    examples = [*(Example(clip) for clip in kept), *copies(kept, recipe.augmentations, recipe.copies)]
    present = {scheme.of(clip) for clip in kept}
    classes = [name for name in scheme.classes if name in present]
    y = np.array([classes.index(scheme.of(example.clip) or "") for example in examples], dtype=np.int64)
    return Material(examples, classes, y, _features(recipe, examples, sounds, cache))


def _few(clips: Sequence[Clip], label: Callable[[Clip], str | None]) -> list[Clip]:
    """Clips of several speakers and of every class."""
    seen: dict[tuple[str, str, str | None], int] = {}
    speakers = {
        corpus: sorted({c.speaker for c in clips if c.corpus == corpus})[:6] for corpus in {c.corpus for c in clips}
    }
    chosen = []
    for clip in clips:
        key = (clip.corpus, clip.speaker, label(clip))
        seen[key] = seen.get(key, 0) + 1
        if clip.speaker in speakers[clip.corpus] and seen[key] <= SMOKE_CLIPS:
            chosen.append(clip)
    return chosen


def _sounds(clips: Sequence[Clip], data: Path, cache: Path) -> dict[str, NDArray[np.int16]]:
    """Decoded corpus by corpus, so that recipes that share a corpus share its cached clips."""
    sounds: dict[str, NDArray[np.int16]] = {}
    for corpus in sorted({clip.corpus for clip in clips}):
        sounds |= clip_sounds([clip for clip in clips if clip.corpus == corpus], data, cache)
    return sounds


def _features(recipe: SystemRecipe, examples: Sequence[Example], sounds: Sounds, cache: Path) -> NDArray[np.float32]:
    """Group by corpus and augmentation, so that recipes that share a group share its cached features."""
    groups: dict[tuple[str, str], list[int]] = {}
    for row, example in enumerate(examples):
        groups.setdefault((example.clip.corpus, example.augmentation), []).append(row)
    parts: list[NDArray[np.float32]] = []
    for rows in groups.values():
        group = [examples[row] for row in rows]
        samples = _samples_of(group, sounds)
        keys = [example.key for example in group]
        parts.append(extract_all(samples, keys, recipe.features, seconds=recipe.seconds, cache=cache))
    x = np.empty((len(examples), *parts[0].shape[1:]), dtype=np.float32)
    for rows, part in zip(groups.values(), parts, strict=True):
        x[rows] = part
    return x


def _samples_of(examples: Sequence[Example], sounds: Sounds) -> Callable[[str], Samples]:
    """Samples by an example's key."""
    by_key = {example.key: example for example in examples}
    return lambda key: augmented(by_key[key], as_float(sounds[by_key[key].clip.path]))
