"""IEMOCAP, MSP-PODCAST and MELD: corpora that tables of labels describe."""

import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_emotion.corpora.layouts import meld, recognise
from rasa_emotion.corpora.layouts.iemocap import turns
from rasa_emotion.corpora.layouts.msp_podcast import WITHOUT_SPEAKER
from rasa_emotion.corpora.reading import read_corpus
from rasa_emotion.errors import ConfigError

Write = Callable[..., Path]

EVALUATION = """% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]

[6.2901 - 8.2357]\t{dialog}_F000\tneu\t[2.5000, 2.5000, 2.5000]
C-E2:\tNeutral;\t()

[10.0100 - 11.3925]\t{dialog}_M000\texc\t[2.5000, 2.5000, 2.5000]
[12.0100 - 13.3925]\t{dialog}_MXX1\tfru\t[2.5000, 2.5000, 2.5000]
"""
TRANSCRIPT = (
    "{dialog}_F000 [006.2901-008.2357]: Excuse me.\n{dialog}_M000 [010.0100-011.3925]: Do you have your forms?\n"
)


@pytest.fixture
def iemocap(write: Write) -> Path:
    root = write("readme.wav").parent / "corpus"
    (root / "readme.wav").unlink()
    for session in range(1, 6):
        for scene in ("impro01", "script01_1", "script01_1b", "script02_2"):
            dialog = f"Ses0{session}F_{scene}"
            write(
                *(f"Session{session}/sentences/wav/{dialog}/{dialog}_{turn}.wav" for turn in ("F000", "M000", "MXX1"))
            )
            for folder, text in (("EmoEvaluation", EVALUATION), ("transcriptions", TRANSCRIPT)):
                file = root / f"Session{session}/dialog/{folder}/{dialog}.txt"
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text.format(dialog=dialog))
    return root


def test_iemocap_turns_have_speaker_scene_session_and_words(iemocap: Path) -> None:
    reading = read_corpus(iemocap)
    assert (reading.corpus, len(reading.clips), reading.missing) == ("iemocap", 60, [])
    first, second, third = reading.clips[:3]
    assert first.path == "Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav"
    assert (first.speaker, first.label, first.emotion, first.fold) == ("iemocap-Ses01F", "neu", "neutral", 1)
    assert (first.text, first.script, first.seconds) == ("Excuse me.", "", 0.1)
    assert (second.speaker, second.label, second.emotion) == ("iemocap-Ses01M", "exc", "happy")
    assert (third.label, third.emotion, third.text) == ("fru", None, "")
    assert {clip.script for clip in reading.clips} == {"", "script01_1", "script02_2"}
    assert {clip.fold for clip in reading.clips} == {1, 2, 3, 4, 5}


def test_a_missing_session_and_a_missing_turn_are_named(iemocap: Path) -> None:
    (iemocap / "Session2/sentences/wav/Ses02F_impro01/Ses02F_impro01_M000.wav").unlink()
    shutil.rmtree(iemocap / "Session4")
    reading = read_corpus(iemocap)
    assert reading.missing == [
        "Session2/sentences/wav/Ses02F_impro01/Ses02F_impro01_M000.wav",
        "Session4/dialog/EmoEvaluation",
    ]
    assert not reading.whole


@given(st.text(max_size=200), st.text(max_size=200))
def test_no_text_breaks_the_reading_of_a_dialog(evaluation: str, transcript: str) -> None:
    list(turns(evaluation, transcript))


@pytest.fixture
def podcast(write: Write) -> Path:
    names = [f"MSP-PODCAST_0001_000{number}.wav" for number in range(1, 6)]
    root = write(*(f"Audios/{name}" for name in names[:-1]))
    rows = [
        (names[0], "A", "127", "Train"),
        (names[1], "N", "8", "Development"),
        (names[2], "C", "9", "Test1"),
        (names[3], "H", "Unknown", "Test2"),
        (names[4], "S", "Unknown", "Train"),
    ]
    (root / "Labels").mkdir()
    table = "FileName,EmoClass,EmoAct,EmoVal,EmoDom,SpkrID,Gender,Split_Set\n"
    table += "".join(f"{name},{label},4.0,4.0,4.0,{speaker},Male,{part}\n" for name, label, speaker, part in rows)
    (root / "Labels/labels_consensus.csv").write_text(table)
    (root / "Transcripts").mkdir()
    (root / "Transcripts/MSP-PODCAST_0001_0001.txt").write_text("I told you so.\n")
    return root


def test_podcast_clips_have_their_partition(podcast: Path) -> None:
    reading = read_corpus(podcast)
    assert reading.corpus == "msp-podcast"
    told = [(clip.speaker, clip.label, clip.emotion, clip.fold, clip.text) for clip in reading.clips]
    assert told == [
        ("msp-podcast-127", "A", "angry", 1, "I told you so."),
        ("msp-podcast-8", "N", "neutral", 2, ""),
        ("msp-podcast-9", "C", None, 3, ""),
    ]
    assert reading.missing == ["Audios/MSP-PODCAST_0001_0005.wav"]
    assert reading.aside == {WITHOUT_SPEAKER: ["Audios/MSP-PODCAST_0001_0004.wav"]}


def test_podcast_partitions_are_read_from_their_list_too(podcast: Path) -> None:
    table = podcast / "Labels/labels_consensus.csv"
    table.write_text(table.read_text().replace("Split_Set", "Other"))
    (podcast / "Partitions.txt").write_text("Train; MSP-PODCAST_0001_0001.wav\nTest1; MSP-PODCAST_0001_0003.wav\n")
    assert [clip.fold for clip in read_corpus(podcast).clips] == [1, None, 3]


def test_a_table_without_speakers_is_refused(podcast: Path) -> None:
    (podcast / "Labels/labels_consensus.csv").write_text("FileName,EmoClass\n")
    with pytest.raises(ConfigError, match="lacks the columns SpkrID"):
        read_corpus(podcast)


HEAD = "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode,StartTime,EndTime\n"


@pytest.fixture
def series(write: Write) -> Path:
    root = write("train_splits/dia0_utt0.wav", "output_repeated_splits_test/dia0_utt0.wav")
    (root / "train/nested").mkdir(parents=True)
    rows = {
        "train": '1,"Oh my God, he’s lost it.",Phoebe,sadness,negative,0,0,4,7,"00:20:57,256","00:21:00,049"\n'
        "2,What?,Monica,surprise,negative,0,1,4,7,0,0\n",
        "dev": "1,Hey!,All,joy,positive,3,5,4,4,0,0\n",
        "test": "1,Fine.,Rachel,anger,negative,0,0,2,7,0,0\n",
    }
    for partition, row in rows.items():
        folder = root / "train/nested" if partition == "train" else root
        (folder / f"{partition}_sent_emo.csv").write_text(HEAD + row, encoding="utf-8")
    (root / "train_splits/dia0_utt1.mp4").write_bytes(b"a video")
    return root


def test_meld_utterances_have_their_partition_and_words(series: Path) -> None:
    assert recognise(series).corpus == "meld"
    reading = read_corpus(series)
    told = [(clip.path, clip.speaker, clip.label, clip.emotion, clip.fold, clip.text) for clip in reading.clips]
    assert told == [
        ("train_splits/dia0_utt0.wav", "meld-Phoebe", "sadness", "sad", 1, "Oh my God, he’s lost it."),
        ("output_repeated_splits_test/dia0_utt0.wav", "meld-Rachel", "anger", "angry", 3, "Fine."),
    ]
    assert reading.missing == ["dev_splits_complete/dia3_utt5.mp4"]
    assert reading.aside == {meld.STILL_VIDEO: ["train_splits/dia0_utt1.mp4"]}


def test_the_sound_of_videos_is_extracted_beside_them(
    series: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (series / "train_splits/dia0_utt2.mp4").write_bytes(b"broken")
    table = series / "train/nested/train_sent_emo.csv"
    table.write_text(table.read_text(encoding="utf-8") + "3,No,Ross,anger,negative,0,2,4,7,0,0\n", encoding="utf-8")
    # Stands for ffmpeg: writes a sound to its last argument, and fails on the file that is "broken".
    sound = series / "train_splits/dia0_utt0.wav"
    program = tmp_path / "bin/ffmpeg"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\ngrep -q broken "$5" && exit 1\nfor last; do :; done\ncp "{sound}" "$last"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    seen: list[tuple[int, int | None]] = []
    assert meld.extract_audio(series, lambda done, total: seen.append((done, total))) == ["train_splits/dia0_utt2.mp4"]
    assert seen == [(1, 2), (2, 2)]
    assert "train_splits/dia0_utt1.wav" in [clip.path for clip in read_corpus(series).clips]
    assert list(series.rglob("*.part")) == []


def test_without_ffmpeg_people_are_told(series: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ConfigError, match=r"1 videos .* install ffmpeg"):
        meld.extract_audio(series)


def test_a_table_of_another_kind_is_refused(series: Path) -> None:
    next(series.rglob("dev_sent_emo.csv")).write_text("a,b\n1,2\n")
    with pytest.raises(ConfigError, match="lacks the columns Dialogue_ID, Utterance_ID"):
        read_corpus(series)
