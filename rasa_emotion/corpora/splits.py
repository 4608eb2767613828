"""Splits in which no speaker stands on both sides."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from rasa_emotion.corpora.manifest import Clip
from rasa_emotion.errors import ConfigError


@dataclass(frozen=True)
class Split:
    """Clips to train on and to score.

    Raises:
        ConfigError: a speaker stands on both sides, or a side is empty.
    """

    train: Sequence[Clip]
    test: Sequence[Clip]

    def __post_init__(self) -> None:
        if not self.train or not self.test:
            raise ConfigError("A split needs clips on both sides: choose another fold or fewer held-out speakers.")
        shared = {clip.speaker for clip in self.train} & {clip.speaker for clip in self.test}
        if shared:
            raise ConfigError(f"Speakers on both sides of a split: {', '.join(sorted(shared))}; split by speaker.")


def fold_split(clips: Sequence[Clip], fold: int) -> Split:
    """Test on one official fold and train on the corpus' other folds."""
    folds = sorted({clip.fold for clip in clips if clip.fold is not None})
    if fold not in folds:
        raise ConfigError(f"There is no fold {fold}: choose one of {', '.join(map(str, folds)) or 'none'}.")
    return Split(
        train=[clip for clip in clips if clip.fold not in (None, fold)],
        test=[clip for clip in clips if clip.fold == fold],
    )


def speaker_split(clips: Sequence[Clip], *, speakers: int, seed: int = 0) -> Split:
    """Hold out that many speakers, drawn with a seed: an inner split to choose settings on."""
    names = sorted({clip.speaker for clip in clips})
    held_out = set(random.Random(seed).sample(names, min(speakers, len(names))))
    return Split(
        train=[clip for clip in clips if clip.speaker not in held_out],
        test=[clip for clip in clips if clip.speaker in held_out],
    )
