"""How examples are split for training and scoring: as the papers split them, leaks included, and by speaker.

Clips that the manifest lists as augmented copies are trained on and never scored, whatever the protocol.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from rasa_emotion.corpora.catalogue import CORPORA
from rasa_emotion.corpora.layouts.layout import deal_speakers
from rasa_emotion.corpora.splits import ScriptSplit, SharedSpeakers, Split, deal_scripts
from rasa_emotion.errors import ConfigError
from research.systems.augment import Example

Rows = NDArray[np.int64]

FOREIGN = frozenset({"emodb"})
"""Corpora in another language than the others: what the protocol `language` scores."""
FOLDS = 5
HALVES = 2


@dataclass(frozen=True)
class Draw:
    """What a random split depends on."""

    test_share: float
    repeats: int
    seed: int


@dataclass(frozen=True)
class Part:
    """One training and its test: row numbers of the examples."""

    name: str
    train: Rows
    test: Rows


@dataclass(frozen=True)
class Rule:
    """A protocol.

    Args:
        parts: from the examples, their classes and the draw to its trainings.
        kind: the type of split that each training has to be, which refuses what its sides must not share: for `Split`
            speakers, for `ScriptSplit` scripts too, for `SharedSpeakers` clips alone. None where even the scored clips
            or copies of them may be trained on.
        split: a sentence for the table; `{share}`, `{repeats}` are filled in.
    """

    parts: Callable[[Sequence[Example], NDArray[np.int64], Draw], Iterator[Part]]
    kind: type[Split | SharedSpeakers] | None
    split: str


def split(protocol: str, examples: Sequence[Example], classes: NDArray[np.int64], draw: Draw) -> list[Part]:
    """The trainings of a protocol.

    Args:
        examples: originals, and the copies that a protocol may use.
        classes: the class number of each example.

    Raises:
        ConfigError: a part has nothing to train on or to score, or both sides share what the protocol keeps apart.
    """
    rule = PROTOCOLS[protocol]
    parts = list(rule.parts(examples, classes, draw))
    if not parts:
        raise ConfigError(f"Protocol '{protocol}' has nothing to score: name a corpus that is not of augmented copies.")
    for part in parts:
        if not len(part.train) or not len(part.test):
            raise ConfigError(f"Protocol '{protocol}' leaves a side of {part.name} empty: name a corpus it can score.")
        _refuse_leaks(rule, examples, part)
    return parts


def _refuse_leaks(rule: Rule, examples: Sequence[Example], part: Part) -> None:
    train, test = ([examples[row] for row in rows] for rows in (part.train, part.test))
    if rule.kind is None:
        return
    if any(example.is_copy for example in test):
        raise ConfigError(f"A copy of a clip would be scored in {part.name}: split before augmenting.")
    rule.kind([example.clip for example in train], [example.clip for example in test])


def _random(examples: Sequence[Example], classes: NDArray[np.int64], draw: Draw) -> Iterator[Part]:
    """Draw among the originals; the copies of those in training join it, the other copies are not used."""
    originals = _rows(examples, lambda example: _scorable(example) and not example.is_copy)
    strata = _strata(examples, classes)
    for repeat in range(draw.repeats):
        _, test = _drawn(originals, strata, draw, repeat)
        tested = {examples[row].clip.path for row in test}
        yield Part(f"draw {repeat + 1}", _rows(examples, lambda example, t=tested: example.clip.path not in t), test)  # type: ignore[misc]


def _random_augmented(examples: Sequence[Example], classes: NDArray[np.int64], draw: Draw) -> Iterator[Part]:
    """Draw among originals and copies alike, as if each were a recording of its own."""
    pool = _rows(examples, _scorable)
    strata = _strata(examples, classes)
    always = _rows(examples, lambda example: not _scorable(example))
    for repeat in range(draw.repeats):
        train, test = _drawn(pool, strata, draw, repeat)
        yield Part(f"draw {repeat + 1}", np.concatenate([train, always]), test)


def _speaker(examples: Sequence[Example], classes: NDArray[np.int64], draw: Draw) -> Iterator[Part]:
    """Five folds: RAVDESS' own (EmoBox), any other corpus' speakers dealt out after a shuffle."""
    fold = folds_of_speakers(examples, draw.seed)
    for number in range(1, FOLDS + 1):
        tested = {speaker for speaker, its in fold.items() if its == number}
        if tested:
            yield Part(
                f"fold {number}",
                _rows(examples, lambda example, t=tested: example.clip.speaker not in t),  # type: ignore[misc]
                _rows(examples, lambda example, t=tested: example.clip.speaker in t and not example.is_copy),  # type: ignore[misc]
            )


def _speaker_script(examples: Sequence[Example], classes: NDArray[np.int64], draw: Draw) -> Iterator[Part]:
    """The same folds, and the scripts in two halves: what is tested has neither a speaker nor a script in training.

    Every clip is tested once. Free speech is tested with the first half and may always be trained on.
    """
    halves = deal_scripts((e.clip for e in examples if _scorable(e)), HALVES)
    for whole in _speaker(examples, classes, draw):
        for half in range(HALVES):
            test = [row for row in whole.test if halves.get(examples[row].clip.script, 0) == half]
            train = [row for row in whole.train if halves.get(examples[row].clip.script) != half]
            if test:
                yield Part(f"{whole.name} scripts {half + 1}", np.array(train, np.int64), np.array(test, np.int64))


def _language(examples: Sequence[Example], classes: NDArray[np.int64], draw: Draw) -> Iterator[Part]:
    foreign = {corpus for corpus in FOREIGN if any(example.clip.corpus == corpus for example in examples)}
    yield Part(
        "foreign",
        _rows(examples, lambda example: example.clip.corpus not in foreign),
        _rows(examples, lambda example: example.clip.corpus in foreign and not example.is_copy),
    )


def _partitions(examples: Sequence[Example], classes: NDArray[np.int64], draw: Draw) -> Iterator[Part]:
    """The official partitions of the corpora that have them: the first test part, trained on the first of all."""
    sides: dict[str, tuple[int, int]] = {}
    for corpus in {example.clip.corpus for example in examples}:
        names = CORPORA[corpus].partitions if corpus in CORPORA else ()
        test = next((number for number, name in enumerate(names, start=1) if name.startswith("test")), 0)
        sides[corpus] = (1, test)

    def rows(side: int) -> Rows:
        return _rows(examples, lambda e: sides[e.clip.corpus][1] > 0 and e.clip.fold == sides[e.clip.corpus][side])

    yield Part("partition", rows(0), rows(1))


def _training(examples: Sequence[Example], classes: NDArray[np.int64], draw: Draw) -> Iterator[Part]:
    """The random split, scored on the part that was trained on."""
    for part in _random(examples, classes, draw):
        yield Part(part.name, part.train, part.train)


def folds_of_speakers(examples: Sequence[Example], seed: int) -> dict[str, int]:
    """The fold, from 1, in which each speaker that may be scored is tested."""
    official = {e.clip.speaker: e.clip.fold for e in examples if _scorable(e) and e.clip.fold is not None}
    found = dict(official)
    for corpus in sorted({e.clip.corpus for e in examples if _scorable(e)}):
        speakers = {e.clip.speaker for e in examples if e.clip.corpus == corpus} - set(official)
        found |= deal_speakers(speakers, FOLDS, seed=seed)
    return found


def _scorable(example: Example) -> bool:
    return not example.clip.augmented


def _rows(examples: Sequence[Example], wanted: Callable[[Example], bool]) -> Rows:
    return np.array([row for row, example in enumerate(examples) if wanted(example)], dtype=np.int64)


def _strata(examples: Sequence[Example], classes: NDArray[np.int64]) -> NDArray[np.str_]:
    """Corpus and class of each example: what a random split draws from in equal shares."""
    return np.array([f"{e.clip.corpus} {number}" for e, number in zip(examples, classes, strict=True)])


def _drawn(rows: Rows, strata: NDArray[np.str_], draw: Draw, repeat: int) -> tuple[Rows, Rows]:
    """Train and test rows, every stratum on both sides."""
    present, counts = np.unique(strata[rows], return_counts=True)
    if not len(rows):
        return rows, rows
    if counts.min() < 2:
        raise ConfigError("A random split needs two clips of each class that it scores: add some, or score by speaker.")
    size = max(len(present), round(draw.test_share * len(rows)))
    train, test = train_test_split(rows, test_size=size, stratify=strata[rows], random_state=draw.seed + repeat)
    return train, test


PROTOCOLS: Mapping[str, Rule] = MappingProxyType(
    {
        "random": Rule(
            _random,
            SharedSpeakers,
            "{share} of the clips at random{repeats}; every speaker is on both sides",
        ),
        "random-augmented": Rule(
            _random_augmented,
            None,
            "augmented first, then {share} of originals and copies at random{repeats}; speakers and copies of the same "
            "clip are on both sides",
        ),
        "training": Rule(
            _training,
            None,
            "{share} of the clips held out, the others trained on and scored",
        ),
        "speaker": Rule(_speaker, Split, "five folds, no speaker on both sides (RAVDESS: EmoBox folds 1 to 5)"),
        "speaker-script": Rule(
            _speaker_script,
            ScriptSplit,
            "five folds and two halves of the scripts, neither a speaker nor a script on both sides (RAVDESS: EmoBox "
            "folds 1 to 5, one sentence each way)",
        ),
        "partitions": Rule(
            _partitions, Split, "official partitions: trained on the training part, scored on the first test"
        ),
        "language": Rule(_language, Split, "trained on the other corpora, scored on all of EmoDB: another language"),
    }
)
