"""Reading the corpora's manifest, good and bad."""

from pathlib import Path

import pytest

from rasa_emotion.corpora.catalogue import commercial, corpus
from rasa_emotion.corpora.manifest import Clip, read_manifest
from rasa_emotion.corpora.splits import Split, fold_split, speaker_split
from rasa_emotion.errors import ConfigError

HEAD = "path,corpus,speaker,label,emotion,fold,seconds,text\n"


def write(folder: Path, *rows: str, head: str = HEAD, files: bool = True) -> Path:
    folder.joinpath("speech.csv").write_text(head + "\n".join(rows) + "\n", encoding="utf-8")
    for row in rows if files else ():
        folder.joinpath(row.split(",")[0]).touch()
    return folder


def clip(speaker: str, fold: int | None = None) -> Clip:
    return Clip("a.wav", "c", speaker, "x", "happy", fold, 1.0)


def test_reads_rows(tmp_path: Path) -> None:
    write(tmp_path, "a.wav,one,s1,joy,happy,2,1.5,hello", "b.wav,two,s2,Guilt,,,0.5,")
    first, second = read_manifest(tmp_path)
    assert first == Clip("a.wav", "one", "s1", "joy", "happy", 2, 1.5, "hello")
    assert (second.emotion, second.fold, second.text) == (None, None, "")
    assert [c.path for c in read_manifest(tmp_path, corpora=["two"])] == ["b.wav"]


@pytest.mark.parametrize(
    ("row", "head", "says"),
    [
        ("a.wav,one,s1,joy,glee,,1,", HEAD, "line 2: emotion 'glee'"),
        ("a.wav,one,s1,joy,happy,two,1,", HEAD, "line 2: fold and seconds must be numbers"),
        ("a.wav,one,s1,joy,happy,1,long,", HEAD, "line 2: fold and seconds must be numbers"),
        ("a.wav,one", "path,corpus\n", "lacks the columns speaker"),
        ("a.wav,one", HEAD, "line 2 has no speaker: fill it in"),
        ("a.wav,,s1,joy,happy,1,1,", HEAD, "line 2 has no corpus"),
        ("a.wav,one,s1,joy,happy,1,1,well, well", HEAD, "line 2 has more cells"),
        ("a.wav,one,s1,joy,happy,1,1,\na.wav,one,s2,joy,happy,2,1,", HEAD, r"1 files more than once \(a\.wav\)"),
    ],
)
def test_bad_rows_are_named(tmp_path: Path, row: str, head: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        read_manifest(write(tmp_path, row, head=head))


def test_a_spreadsheet_s_byte_order_mark_is_no_column_and_other_encodings_are_named(tmp_path: Path) -> None:
    write(tmp_path, "a.wav,one,s1,joy,happy,2,1.5,hello", head="\ufeff" + HEAD)
    assert [clip.path for clip in read_manifest(tmp_path)] == ["a.wav"]
    (tmp_path / "speech.csv").write_bytes(f"{HEAD}a.wav,one,s\xe9,joy,happy,2,1.5,".encode("latin-1"))
    with pytest.raises(ConfigError, match="not a CSV file in UTF-8"):
        read_manifest(tmp_path)


def test_copies_are_known_by_their_column_or_else_by_the_catalogue(tmp_path: Path) -> None:
    rows = ["a.wav,tess,s1,fear,fear,,1,", "b.wav,savee,s2,fear,fear,,1,", "c.wav,own,s3,fear,fear,,1,"]
    assert [clip.augmented for clip in read_manifest(write(tmp_path, *rows))] == [True, True, False]
    said = [f"{row},{word}" for row, word in zip(rows, ("no", "", "Yes"), strict=True)]
    head = HEAD.replace("text", "text,augmented")
    assert [clip.augmented for clip in read_manifest(write(tmp_path, *said, head=head))] == [False, True, True]
    with pytest.raises(ConfigError, match="line 2: augmented is 'perhaps': write yes or no"):
        read_manifest(write(tmp_path, f"{rows[0]},perhaps", head=head))


def test_missing_files_are_listed(tmp_path: Path) -> None:
    write(tmp_path, *(f"gone{i}.wav,one,s1,joy,happy,,1," for i in range(5)), files=False)
    with pytest.raises(
        ConfigError, match=r"5 audio files .* \(gone0.wav, gone1.wav, gone2.wav, \.\.\.\): put them back, or"
    ):
        read_manifest(tmp_path)
    write(tmp_path, "gone.wav,one,s1,joy,happy,,1,", files=False)
    with pytest.raises(
        ConfigError, match=r"^1 audio file of .* is missing \(gone.wav\): put it back, or delete its row"
    ):
        read_manifest(tmp_path)


def test_no_manifest_and_no_such_corpus(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"No speech\.csv"):
        read_manifest(tmp_path)
    with pytest.raises(ConfigError, match="no corpus three"):
        read_manifest(write(tmp_path, "a.wav,one,s1,joy,happy,,1,"), corpora=["three"])


def test_a_speaker_on_both_sides_is_refused() -> None:
    with pytest.raises(ConfigError, match="both sides of a split: s1"):
        Split([clip("s1"), clip("s2")], [clip("s1")])
    with pytest.raises(ConfigError, match="clips on both sides"):
        Split([clip("s1")], [])


def test_folds() -> None:
    clips = [clip("s1", 1), clip("s2", 1), clip("s3", 2), clip("s4")]
    split = fold_split(clips, 1)
    assert [c.speaker for c in split.train] == ["s3"]
    assert [c.speaker for c in split.test] == ["s1", "s2"]
    with pytest.raises(ConfigError, match="choose one of 1, 2"):
        fold_split(clips, 3)


def test_inner_speakers_are_drawn_with_a_seed() -> None:
    clips = [clip(f"s{i}") for i in range(10)]
    split = speaker_split(clips, speakers=3, seed=5)
    assert len({c.speaker for c in split.test}) == 3
    assert split == speaker_split(clips, speakers=3, seed=5)
    assert split != speaker_split(clips, speakers=3, seed=6)


def test_the_catalogue_knows_who_may_use_what() -> None:
    assert commercial(["emogator"])
    assert not commercial(["emogator", "ravdess"])
    with pytest.raises(ConfigError, match="no entry"):
        corpus("unheard-of")


@pytest.mark.data
def test_the_shared_corpora(shared_data: Path) -> None:
    clips = read_manifest(shared_data)
    assert {c.corpus for c in clips} >= {"ravdess", "emogator", "iesc", "tess", "savee"}
    folds = {c.speaker: c.fold for c in clips if c.corpus == "ravdess"}
    assert sorted(set(folds.values())) == [1, 2, 3, 4, 5]
    for c in clips:
        corpus(c.corpus)
