"""Reading a corpus folder: what is there, what is not, and its manifest."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rasa_emotion.corpora.layouts import layout, savee
from rasa_emotion.corpora.manifest import read_manifest, read_rows, write_manifest
from rasa_emotion.corpora.reading import read_corpus, relative_to
from rasa_emotion.errors import ConfigError

Write = Callable[..., Path]

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 12345\n".format("0" * 64)


@pytest.fixture
def whole(write: Write) -> Path:
    """All of SAVEE."""
    return write(*savee.published(), secs=0.01)


def test_a_whole_corpus_lacks_nothing(whole: Path) -> None:
    seen: list[int] = []
    reading = read_corpus(whole, progress=lambda done, total: seen.append(done))
    assert (reading.corpus, len(reading.clips), reading.lacking) == ("savee", 480, 0)
    assert reading.whole
    assert seen == list(range(1, 481))
    assert {clip.fold for clip in reading.clips} == {1, 2, 3, 4}


def test_missing_renamed_and_unreadable_files_are_named(whole: Path) -> None:
    folder = whole / "AudioData/DC"
    (folder / "a01.wav").unlink()
    (folder / "a02.wav").rename(folder / "anger2.wav")
    (folder / "a03.wav").write_bytes(b"RIFF of nothing")
    (folder / "a04.wav").write_bytes(b"")
    (folder / "a05.wav").write_text(POINTER)
    reading = read_corpus(whole)
    assert reading.missing == ["AudioData/DC/a01.wav", "AudioData/DC/a02.wav"]
    assert reading.strangers == ["AudioData/DC/anger2.wav"]
    assert list(reading.unreadable) == [f"AudioData/DC/a0{number}.wav" for number in (3, 4, 5)]
    assert reading.unreadable["AudioData/DC/a04.wav"] == "the file is empty"
    assert "Git LFS pointer" in reading.unreadable["AudioData/DC/a05.wav"]
    assert len(reading.clips) == 475
    assert not reading.whole


def test_where_no_names_are_published_the_number_is_compared(write: Write) -> None:
    reading = read_corpus(write("wav/03a01Fa.wav", "wav/08a01Na.wav"))
    assert (reading.corpus, reading.missing, reading.lacking) == ("emodb", [], 533)
    assert not reading.whole


def test_folds_are_dealt_where_none_are_official(write: Write) -> None:
    speakers = [f"{number:010x}{'0' * 46}" for number in range(1, 8)]
    reading = read_corpus(write(*(f"House/go-safe-calm-1-{speaker}.wav" for speaker in speakers)), "iesc")
    assert {clip.fold for clip in reading.clips} == {1, 2, 3, 4, 5}


def test_a_manifest_written_is_the_manifest_read(write: Write, tmp_path: Path) -> None:
    reading = read_corpus(write("Actor_12/03-01-06-01-02-01-12.wav", "Actor_01/03-01-01-01-01-01-01.wav"))
    clips = relative_to(reading, tmp_path / "data")
    write_manifest(tmp_path / "data", clips)
    assert read_manifest(tmp_path / "data") == clips
    assert clips[0].path == "../corpus/Actor_01/03-01-01-01-01-01-01.wav"
    assert (clips[1].fold, clips[1].seconds, clips[1].script) == (2, 0.1, "Dogs are sitting by the door")


def test_published_recordings_are_no_copies_and_their_manifest_says_so(write: Write, tmp_path: Path) -> None:
    reading = read_corpus(write("TESS/OAF_Fear/OAF_back_fear.wav", "TESS/YAF_sad/YAF_bar_sad.wav"))
    assert [clip.augmented for clip in reading.clips] == [False, False]
    write_manifest(tmp_path / "data", relative_to(reading, tmp_path / "data"))
    assert [clip.augmented for clip in read_manifest(tmp_path / "data")] == [False, False]
    rows = (tmp_path / "data" / "speech.csv").read_text().splitlines()
    (tmp_path / "data" / "speech.csv").write_text("\n".join(row.rsplit(",", 1)[0] for row in rows))
    copies = read_corpus(tmp_path / "data")  # as passed on, without a word about it
    write_manifest(tmp_path / "data", copies.clips)
    assert [clip.augmented for clip in read_manifest(tmp_path / "data")] == [True, True]


def test_a_data_folder_is_read_by_its_manifest(write: Write) -> None:
    root = write("a.wav", "b.wav")
    (root / "b.wav").write_bytes(b"broken")
    rows = "".join(f"{name}.wav,one,s1,joy,happy,1,9.9,hello\n" for name in "abc")
    (root / "speech.csv").write_text("path,corpus,speaker,label,emotion,fold,seconds,text\n" + rows)
    reading = read_corpus(root)
    assert (reading.corpus, reading.missing, list(reading.unreadable)) == ("manifest", ["c.wav"], ["b.wav"])
    assert reading.unreadable["b.wav"] == "it is no sound file, or a damaged one"
    assert [(clip.path, clip.seconds) for clip in reading.clips] == [("a.wav", 0.1)]


def test_scripts_of_a_manifest_come_from_its_column_or_the_names(tmp_path: Path) -> None:
    head = "path,corpus,speaker,label,emotion,fold,seconds,text"
    row = "OAF_back_fear.wav,tess,s1,fear,fear,,1,"
    (tmp_path / "OAF_back_fear.wav").touch()
    (tmp_path / "speech.csv").write_text(f"{head}\n{row}\n")
    assert read_manifest(tmp_path)[0].script == "back"
    (tmp_path / "speech.csv").write_text(f"{head},script\n{row},of my own\n")
    assert read_manifest(tmp_path)[0].script == "of my own"


def test_an_unheard_of_folder_or_corpus_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="There is no folder"):
        read_corpus(tmp_path / "gone")
    with pytest.raises(ConfigError, match="holds no sound file"):
        read_corpus(tmp_path)
    with pytest.raises(ConfigError, match="No layout is known for the corpus 'x'"):
        read_corpus(tmp_path, "x")


@pytest.mark.data
def test_the_shared_ravdess_lacks_the_actors_that_are_kept_aside(shared_data: Path) -> None:
    ravdess = layout("ravdess")
    scan = ravdess.scan(shared_data / "audio" / "ravdess")
    assert {path.split("/")[0] for path in scan.missing} == {"Actor_06", "Actor_13", "Actor_17", "Actor_22"}
    assert isinstance(ravdess.folds, dict)
    read = {f"audio/ravdess/{c.path}": (c.speaker, c.label, ravdess.folds[c.speaker], c.text) for c in scan.clips}
    rows = [clip for clip in read_rows(shared_data) if clip.corpus == "ravdess"]
    assert read == {row.path: (row.speaker, row.label, row.fold, row.text) for row in rows}
