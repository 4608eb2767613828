"""Splits: none shares a speaker or a script unless its type says so."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_emotion.corpora.clip import Clip
from rasa_emotion.corpora.splits import (
    ScriptSplit,
    SharedSpeakers,
    Split,
    fold_split,
    partition_split,
    random_split,
    script_split,
)
from rasa_emotion.errors import ConfigError


def clip(number: int, speaker: str, *, fold: int | None = None, script: str = "", label: str = "joy") -> Clip:
    return Clip(f"{number}.wav", "c", speaker, label, "happy", fold, 1.0, "", script)


def acted(speakers: int, scripts: int) -> list[Clip]:
    """Every speaker says every script and something of their own, a fold each."""
    rows = [(s, f"script{i}" if i else "") for s in range(speakers) for i in range(scripts + 1)]
    return [clip(n, f"s{s}", fold=s + 1, script=script) for n, (s, script) in enumerate(rows)]


@given(st.integers(2, 6), st.integers(2, 7), st.data())
def test_a_script_split_shares_neither_speaker_nor_script(speakers: int, scripts: int, data: st.DataObject) -> None:
    clips = acted(speakers, scripts)
    fold = data.draw(st.integers(1, speakers))
    split = script_split(clips, fold)
    assert isinstance(split, ScriptSplit)
    assert {c.speaker for c in split.test} == {f"s{fold - 1}"}
    assert not {c.script for c in split.test} & {c.script for c in split.train} - {""}
    assert "" in {c.script for c in split.test}
    assert len(split.train) + len(split.test) < len(clips)


def test_every_script_is_tested_once_when_there_are_as_many_folds() -> None:
    clips = acted(3, 3)
    tested = [{c.script for c in script_split(clips, fold).test} - {""} for fold in (1, 2, 3)]
    assert sorted(script for scripts in tested for script in scripts) == ["script1", "script2", "script3"]


def test_a_shared_script_is_refused() -> None:
    with pytest.raises(ConfigError, match="Scripts on both sides of a split: hello"):
        ScriptSplit([clip(1, "a", script="hello")], [clip(2, "b", script="hello")])
    with pytest.raises(ConfigError, match="Speakers on both sides of a split: a"):
        ScriptSplit([clip(1, "a", script="hello")], [clip(2, "a", script="bye")])
    assert ScriptSplit([clip(1, "a")], [clip(2, "b")])  # free speech shares nothing


def test_without_scripts_a_script_split_is_a_fold() -> None:
    clips = [clip(1, "a", fold=1), clip(2, "b", fold=2)]
    assert script_split(clips, 2).test == fold_split(clips, 2).test
    with pytest.raises(ConfigError, match="no fold 3: choose one of 1, 2"):
        script_split(clips, 3)
    with pytest.raises(ConfigError, match="the column fold is empty: leave --fold out or use --held-out"):
        fold_split([clip(1, "a"), clip(2, "b")], 3)


@given(st.integers(1, 9), st.integers(0, 3))
def test_a_random_split_keeps_each_label_in_proportion(tenths: int, seed: int) -> None:
    clips = [clip(n, f"s{n % 4}", label="joy" if n < 40 else "anger") for n in range(60)]
    split = random_split(clips, share=tenths / 10, seed=seed)
    assert sorted(c.path for c in [*split.train, *split.test]) == sorted(c.path for c in clips)
    assert sum(c.label == "joy" for c in split.test) == 4 * tenths
    assert sum(c.label == "anger" for c in split.test) == 2 * tenths
    assert split == random_split(list(reversed(clips))[::-1], share=tenths / 10, seed=seed)


def test_a_random_split_is_no_honest_split() -> None:
    split = random_split([clip(n, f"s{n % 2}") for n in range(20)])
    assert not isinstance(split, Split)
    assert split.speakers == {"s0", "s1"}
    with pytest.raises(ConfigError, match="Speakers on both sides"):
        Split(split.train, split.test)
    with pytest.raises(ConfigError, match="above 0 and below 1"):
        random_split([clip(1, "a")], share=1.0)


def test_no_clip_may_stand_on_both_sides_of_any_split() -> None:
    with pytest.raises(ConfigError, match="A clip stands on both sides"):
        SharedSpeakers([clip(1, "a"), clip(2, "a")], [clip(1, "a")])


def test_augmented_copies_are_trained_on_and_never_scored() -> None:
    copies = [replace(clip(n, "copied"), augmented=True) for n in range(8)]
    assert Split(copies, [clip(9, "a")]).train == copies
    for kind in (Split, ScriptSplit, SharedSpeakers):
        with pytest.raises(ConfigError, match=r"clips of c are augmented copies.*never scored"):
            kind([clip(9, "a")], copies)
    with pytest.raises(ConfigError, match="augmented copies"):
        random_split(copies)


def test_official_partitions_say_by_their_type_whether_they_share_speakers() -> None:
    podcast = [clip(1, "a", fold=1), clip(2, "b", fold=2), clip(3, "c", fold=3)]
    series = [*podcast, clip(4, "a", fold=3)]
    assert isinstance(partition_split(podcast, train={1}, test={3}), Split)
    leaking = partition_split(series, train={1, 2}, test={3})
    assert isinstance(leaking, SharedSpeakers)
    assert leaking.speakers == {"a"}
    with pytest.raises(ConfigError, match="Speakers on both sides"):
        fold_split(series, 3)
