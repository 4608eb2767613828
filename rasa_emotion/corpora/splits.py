"""Splits for training and scoring: without shared speakers, without shared scripts, and, openly named, with them."""

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass

from rasa_emotion.corpora.clip import Clip
from rasa_emotion.errors import ConfigError


@dataclass(frozen=True)
class Split:
    """Clips to train on and to score.

    Raises:
        ConfigError: a speaker stands on both sides, a side is empty, or an augmented copy is to be scored.
    """

    train: Sequence[Clip]
    test: Sequence[Clip]

    def __post_init__(self) -> None:
        _require_both(self.train, self.test)
        require_originals(self.test)
        shared = shared_speakers(self.train, self.test)
        if shared:
            raise ConfigError(f"Speakers on both sides of a split: {', '.join(sorted(shared))}; split by speaker.")


@dataclass(frozen=True)
class ScriptSplit(Split):
    """A split that shares neither a speaker nor a scripted sentence; free speech counts as no script.

    Raises:
        ConfigError: a script or a speaker stands on both sides, a side is empty, or an augmented copy is to be scored.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        shared = shared_scripts(self.train, self.test)
        if shared:
            raise ConfigError(f"Scripts on both sides of a split: {', '.join(sorted(shared))}; split by script too.")


@dataclass(frozen=True)
class SharedSpeakers:
    """A split whose speakers may stand on both sides: to repeat a published protocol, never to judge a model.

    It is no `Split`, so nothing that asks for one takes it unseen; no clip stands on both sides.

    Raises:
        ConfigError: a clip stands on both sides, a side is empty, or an augmented copy is to be scored.
    """

    train: Sequence[Clip]
    test: Sequence[Clip]

    def __post_init__(self) -> None:
        _require_both(self.train, self.test)
        require_originals(self.test)
        if {clip.path for clip in self.train} & {clip.path for clip in self.test}:
            raise ConfigError("A clip stands on both sides of a split: score only clips that training did not hear.")

    @property
    def speakers(self) -> set[str]:
        """Those that are on both sides."""
        return shared_speakers(self.train, self.test)


def fold_split(clips: Sequence[Clip], fold: int) -> Split:
    """Test on one official fold and train on the corpus' other folds."""
    _require_fold(clips, fold)
    return Split(
        train=[clip for clip in clips if clip.fold not in (None, fold)],
        test=[clip for clip in clips if clip.fold == fold],
    )


def script_split(clips: Sequence[Clip], fold: int) -> ScriptSplit:
    """Test on a fold's share of the scripts, and train on the other folds' clips with none of them.

    The scripts are dealt to as many groups as there are folds (or scripts, where they are fewer). A fold's test part is
    its speakers' clips of its own group and their free speech; clips that share only a speaker or only a script with
    it serve neither side. So system E's folds keep IEMOCAP's sessions and its scenes apart.
    """
    folds = _require_fold(clips, fold)
    dealt = deal_scripts(clips, len(folds))
    groups = max(dealt.values(), default=0) + 1
    own = folds.index(fold) % groups
    tested = {script for script, group in dealt.items() if group == own}
    return ScriptSplit(
        train=[clip for clip in clips if clip.fold not in (None, fold) and clip.script not in tested],
        test=[clip for clip in clips if clip.fold == fold and clip.script in {*tested, ""}],
    )


def partition_split(clips: Sequence[Clip], *, train: Collection[int], test: Collection[int]) -> Split | SharedSpeakers:
    """Train and test on official partitions by their numbers (see the catalogue); how honest it is, the type says."""
    sides = [[clip for clip in clips if clip.fold in numbers] for numbers in (train, test)]
    return (SharedSpeakers if shared_speakers(*sides) else Split)(*sides)


def speaker_split(clips: Sequence[Clip], *, speakers: int, seed: int = 0) -> Split:
    """Hold out that many speakers, drawn with a seed: an inner split to choose settings on."""
    names = sorted({clip.speaker for clip in clips})
    held_out = set(random.Random(seed).sample(names, min(speakers, len(names))))
    return Split(
        train=[clip for clip in clips if clip.speaker not in held_out],
        test=[clip for clip in clips if clip.speaker in held_out],
    )


def random_split(
    clips: Sequence[Clip],
    *,
    share: float = 0.2,
    seed: int = 0,
    by: Callable[[Clip], Hashable] = lambda clip: (clip.corpus, clip.label),
) -> SharedSpeakers:
    """Hold out a share of the clips of each label at random, as most papers do: for comparison only.

    Args:
        share: of the clips that are tested, above 0 and below 1.
        by: what is kept in proportion.

    Raises:
        ConfigError: `share` is out of range, or no clip is left for a side.
    """
    if not 0 < share < 1:
        raise ConfigError(f"The share of clips to test is {share}: choose one above 0 and below 1.")
    strata: dict[Hashable, list[Clip]] = defaultdict(list)
    for clip in sorted(clips, key=lambda clip: clip.path):
        strata[by(clip)].append(clip)
    generator = random.Random(seed)
    tested: set[str] = set()
    for members in strata.values():
        tested |= {clip.path for clip in generator.sample(members, round(share * len(members)))}
    return SharedSpeakers(
        train=[clip for clip in clips if clip.path not in tested],
        test=[clip for clip in clips if clip.path in tested],
    )


def require_originals(clips: Iterable[Clip]) -> None:
    """Refuse to score augmented copies, which sound like no recording that anybody will make.

    Raises:
        ConfigError: there are some.
    """
    corpora = sorted({clip.corpus for clip in clips if clip.augmented})
    if corpora:
        raise ConfigError(
            f"The clips of {', '.join(corpora)} are augmented copies, which are trained on and never scored: score "
            "another corpus or, if they are the published recordings, say 'no' in the manifest's column 'augmented'."
        )


def shared_speakers(train: Iterable[Clip], test: Iterable[Clip]) -> set[str]:
    """Speakers of both sides."""
    return {clip.speaker for clip in train} & {clip.speaker for clip in test}


def shared_scripts(train: Iterable[Clip], test: Iterable[Clip]) -> set[str]:
    """Scripts of both sides; free speech is none."""
    return ({clip.script for clip in train} & {clip.script for clip in test}) - {""}


def deal_scripts(clips: Iterable[Clip], groups: int) -> dict[str, int]:
    """Each script's group, counted from 0: the most frequent first, each to the group with the fewest clips."""
    counts = Counter(clip.script for clip in clips if clip.script)
    sizes = [0] * min(groups, len(counts))
    dealt = {}
    for script, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        group = sizes.index(min(sizes))
        sizes[group] += count
        dealt[script] = group
    return dealt


def _require_fold(clips: Sequence[Clip], fold: int) -> list[int]:
    folds = sorted({clip.fold for clip in clips if clip.fold is not None})
    if not folds:
        raise ConfigError(f"There is no fold {fold}, the column fold is empty: leave --fold out or use --held-out.")
    if fold not in folds:
        raise ConfigError(f"There is no fold {fold}: choose one of {', '.join(map(str, folds))}.")
    return folds


def _require_both(train: Sequence[Clip], test: Sequence[Clip]) -> None:
    if not train or not test:
        raise ConfigError("A split needs clips on both sides: choose another fold or fewer held-out speakers.")
