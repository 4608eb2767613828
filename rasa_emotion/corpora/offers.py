"""The splits that a corpus offers: how much each trains on and scores, and what both of its sides share."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from rasa_emotion.corpora.clip import Clip
from rasa_emotion.corpora.splits import (
    SharedSpeakers,
    Split,
    fold_split,
    partition_split,
    random_split,
    script_split,
    shared_scripts,
    shared_speakers,
)
from rasa_emotion.errors import ConfigError


@dataclass(frozen=True)
class Offer:
    """One split of a corpus.

    Args:
        split: what it is called.
        train, test: clips of each side.
        speakers, scripts: how many are on both sides; free speech is no script.
        refused: why it cannot be made; empty where it can.
    """

    split: str
    train: int = 0
    test: int = 0
    speakers: int = 0
    scripts: int = 0
    refused: str = ""


def offers(clips: Sequence[Clip], partitions: Sequence[str] = ()) -> list[Offer]:
    """The splits of a corpus' clips, each fold or official test part on its own.

    Args:
        clips: of one corpus.
        partitions: the names of its official parts, from fold 1; none where its folds take turns.

    >>> clips = [Clip(f"{n}.wav", "c", "ann", "joy", "happy", None, 1.0, "", "hello") for n in range(5)]
    >>> offers(clips)
    [Offer(split='a fifth at random', train=4, test=1, speakers=1, scripts=1, refused='')]
    """
    return [_offer(name, make) for name, make in _ways(clips, partitions)]


def _ways(
    clips: Sequence[Clip], partitions: Sequence[str]
) -> Iterator[tuple[str, Callable[[], Split | SharedSpeakers]]]:
    tests = [number for number, name in enumerate(partitions, start=1) if name.startswith("test")]
    for number in tests:
        name = f"{partitions[0]} against {partitions[number - 1]}"
        yield name, partial(partition_split, clips, train={1}, test={number})
    folds = [] if partitions else sorted({clip.fold for clip in clips if clip.fold is not None})
    for fold in folds:
        yield f"fold {fold}", partial(fold_split, clips, fold)
    if any(clip.script for clip in clips):
        for fold in folds:
            yield f"fold {fold}, no script shared", partial(script_split, clips, fold)
    yield "a fifth at random", partial(random_split, clips)


def _offer(name: str, make: Callable[[], Split | SharedSpeakers]) -> Offer:
    try:
        split = make()
    except ConfigError as error:
        return Offer(name, refused=str(error))
    sides = split.train, split.test
    return Offer(name, len(split.train), len(split.test), len(shared_speakers(*sides)), len(shared_scripts(*sides)))
