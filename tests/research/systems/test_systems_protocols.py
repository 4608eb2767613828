"""What stands on both sides of a split: nothing that a protocol does not own up to."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rasa_emotion.corpora.manifest import Clip
from rasa_emotion.corpora.splits import ScriptSplit, SharedSpeakers, Split
from rasa_emotion.errors import ConfigError
from research.systems import protocols
from research.systems.augment import AUGMENTATIONS, Example, augmented, copies
from research.systems.labels import SCHEMES, speaker_sex
from research.systems.protocols import PROTOCOLS, Draw, Part, split

LABELS = ("angry", "sad")
ANYWHERE = ("random", "random-augmented", "speaker", "speaker-script")  # the others need certain corpora


def clip(corpus: str, speaker: int, label: str, take: int = 0) -> Clip:
    name = f"{corpus}-{speaker:02d}"
    fold = 1 + speaker % 5 if corpus == "ravdess" else None
    path = f"{name}-{label}-{take}"
    return Clip(path, corpus, name, label, label, fold, 1.0, augmented=corpus in {"tess", "savee"})


@st.composite
def examples(draw: st.DrawFn) -> list[Example]:
    corpora = draw(st.sets(st.sampled_from(["ravdess", "emodb", "tess", "savee"]), min_size=1)) | {"ravdess"}
    clips = [
        clip(corpus, speaker, label, take)
        for corpus in sorted(corpora)
        for speaker in range(draw(st.integers(5, 7)))
        for label in LABELS
        for take in range(draw(st.integers(1, 2)))
    ]
    names = draw(st.lists(st.sampled_from(sorted(AUGMENTATIONS)), unique=True))
    made = copies(clips, names, draw(st.none() | st.integers(0, 2)))
    return [*made, *(Example(clip) for clip in clips)]


def classes(found: list[Example]) -> np.ndarray:
    return np.array([LABELS.index(example.clip.label) for example in found])


def sides(found: list[Example], part: Part) -> tuple[list[Example], list[Example]]:
    return [found[row] for row in part.train], [found[row] for row in part.test]


@settings(max_examples=30)
@given(examples(), st.integers(0, 99), st.sampled_from([0.1, 0.2, 0.3]))
def test_protocols_leak_nothing_that_they_do_not_name(found: list[Example], seed: int, share: float) -> None:
    for name in ANYWHERE:
        rule = PROTOCOLS[name]
        for part in split(name, found, classes(found), Draw(share, 2, seed)):
            train, test = sides(found, part)
            assert set(part.train) & set(part.test) == set()
            assert not any(example.clip.augmented for example in test)
            if rule.kind is not None:
                assert {e.clip.path for e in train} & {e.clip.path for e in test} == set()
                assert not any(example.is_copy for example in test)
            if rule.kind is not None and issubclass(rule.kind, Split):
                assert {e.clip.speaker for e in train} & {e.clip.speaker for e in test} == set()


@settings(max_examples=30)
@given(examples(), st.integers(0, 99))
def test_every_original_of_a_scored_corpus_is_tested_once_by_speaker(found: list[Example], seed: int) -> None:
    parts = split("speaker", found, classes(found), Draw(0.2, 1, seed))
    tested = sorted(found[row].key for part in parts for row in part.test)
    assert tested == sorted(e.key for e in found if not e.clip.augmented and not e.is_copy)
    for part in parts:
        folds = {found[row].clip.fold for row in part.test if found[row].clip.corpus == "ravdess"}
        assert folds <= {int(part.name.split()[1])}


def test_the_leaking_protocols_leak_and_say_so() -> None:
    clips = [clip("ravdess", speaker, label) for speaker in range(10) for label in LABELS]
    found = [*(Example(c) for c in clips), *copies(clips, sorted(AUGMENTATIONS))]
    (random,) = split("random", found, classes(found), Draw(0.2, 1, 0))
    (leaking,) = split("random-augmented", found, classes(found), Draw(0.2, 1, 0))
    train, test = sides(found, random)
    assert {e.clip.speaker for e in train} & {e.clip.speaker for e in test}
    train, test = sides(found, leaking)
    assert {e.clip.path for e in train} & {e.clip.path for e in test}
    assert PROTOCOLS["random"].kind is SharedSpeakers
    assert PROTOCOLS["random-augmented"].kind is PROTOCOLS["training"].kind is None
    assert (PROTOCOLS["speaker"].kind, PROTOCOLS["speaker-script"].kind) == (Split, ScriptSplit)


@pytest.mark.parametrize(
    ("protocol", "train", "test", "says"),
    [
        ("speaker", ["1 sad"], ["1 angry"], "Speakers on both sides"),
        ("speaker-script", ["1 sad"], ["2 sad"], "Scripts on both sides"),
        ("random", ["1 sad"], ["1 sad"], "A clip stands on both sides"),
        ("random", ["1 sad"], ["2 sad copy"], "A copy of a clip would be scored"),
    ],
)
def test_what_a_protocol_must_not_share_is_refused(
    protocol: str, train: list[str], test: list[str], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def example(name: str) -> Example:
        speaker, label, *copy = name.split()
        made = replace(clip("ravdess", int(speaker), label), script=label)
        return Example(made, "noise" if copy else "")

    names = [*train, *test]
    part = Part("fold 1", np.arange(len(train)), np.arange(len(train), len(names)))
    rule = replace(PROTOCOLS[protocol], parts=lambda *_: iter([part]))
    monkeypatch.setattr(protocols, "PROTOCOLS", {protocol: rule})
    found = [example(name) for name in names]
    with pytest.raises(ConfigError, match=says):
        split(protocol, found, np.zeros(len(found), dtype=np.int64), Draw(0.2, 1, 0))


def test_draws_differ_and_repeat() -> None:
    found = [Example(clip("ravdess", speaker, label)) for speaker in range(10) for label in LABELS]
    one, two = split("random", found, classes(found), Draw(0.2, 2, 0))
    assert set(one.test) != set(two.test)
    again, _ = split("random", found, classes(found), Draw(0.2, 2, 0))
    np.testing.assert_array_equal(one.test, again.test)


@pytest.mark.parametrize("protocol", ANYWHERE)
def test_copies_alone_cannot_be_scored(protocol: str) -> None:
    found = [Example(clip("tess", 0, label, take)) for label in LABELS for take in range(5)]
    with pytest.raises(ConfigError, match="name a corpus"):
        split(protocol, found, classes(found), Draw(0.2, 1, 0))


def test_copies_are_repeatable_and_named() -> None:
    original = clip("ravdess", 1, "sad")
    sound = np.sin(np.arange(16_000) / 10).astype(np.float32)
    assert [copy.key for copy in copies([original], ["pitch", "noise"])] == [
        f"{original.path}#pitch",
        f"{original.path}#noise",
    ]
    assert len(copies([original], sorted(AUGMENTATIONS), 2)) == 2
    lengths = {}
    for copy in copies([original], sorted(AUGMENTATIONS)):
        first = augmented(copy, sound)
        np.testing.assert_array_equal(first, augmented(copy, sound))
        assert first.dtype == np.float32
        assert not np.array_equal(first, sound)
        lengths[copy.augmentation] = len(first)
    assert lengths.pop("stretch") in {20_000, round(16_000 / 1.2)}
    assert set(lengths.values()) == {16_000}
    assert augmented(Example(original), sound) is sound


def test_schemes() -> None:
    assert SCHEMES["sixteen"].of(clip("ravdess", 2, "sad")) == "sad_female"
    assert SCHEMES["sixteen"].of(clip("ravdess", 1, "sad")) == "sad_male"
    assert SCHEMES["sixteen"].of(clip("iesc", 1, "sad")) is None
    assert SCHEMES["four"].of(clip("ravdess", 1, "sad")) == "sad"
    assert SCHEMES["four"].of(clip("ravdess", 1, "fear")) is None
    pride = Clip("p", "emogator", "emogator-1", "Pride", None, None, 1.0)
    anger = Clip("a", "emogator", "emogator-1", "Anger", "angry", None, 1.0)
    assert SCHEMES["thirteen"].of(pride) == "pride"
    assert SCHEMES["thirteen"].of(anger) is None  # the eight come from RAVDESS alone
    assert [len(SCHEMES[name].classes) for name in ("eight", "thirteen", "sixteen", "four")] == [8, 13, 16, 4]
    sexes = {speaker_sex(clip("emodb", number, "sad")) for number in (3, 10, 11, 12, 15)}
    assert sexes == {"male"}
    assert {speaker_sex(clip("emodb", number, "sad")) for number in (8, 9, 13, 14, 16)} == {"female"}
