"""The manifest reader and what an analyzer makes of the turns."""

import csv
import shutil
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_emotion import EmotionAnalyzer
from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.errors import ConfigError
from rasa_emotion.evaluation.turns import COLUMNS, Turn, known_corpora, read_turns, score, trained_on


@pytest.fixture(scope="module")
def analyzer() -> EmotionAnalyzer:
    return EmotionAnalyzer.load()


@pytest.fixture
def clip(tmp_path: Path, speech) -> Path:
    path = tmp_path / "clips" / "voice.wav"
    path.parent.mkdir()
    shutil.copy(speech("I have been waiting for an hour."), path)
    return path


def manifest(folder: Path, *lines: str, head: str = ",".join(COLUMNS)) -> Path:
    file = folder / "calls.csv"
    file.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    return file


def test_a_row_is_a_turn(tmp_path: Path) -> None:
    file = manifest(tmp_path, "a/b.wav,Hello there,happy,ann", ',"Well, no",angry,', "/x/c.wav,,sad,bob")
    turns = read_turns(file)
    assert turns[0] == Turn("a/b.wav", tmp_path / "a/b.wav", "Hello there", EMOTIONS.index("happy"), "ann")
    assert (turns[1].name, turns[1].audio, turns[1].text) == ("line 3", None, "Well, no")
    assert turns[2].audio == Path("/x/c.wav")


def test_a_byte_order_mark_and_other_columns_do_no_harm(tmp_path: Path) -> None:
    file = tmp_path / "calls.csv"
    file.write_text("speaker,note,emotion,text,path,corpus\nann,x,sad,Oh no,,EmoDB\n", encoding="utf-8-sig")
    assert read_turns(file) == [Turn("line 2", None, "Oh no", EMOTIONS.index("sad"), "ann", "EmoDB")]


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        (["a.wav,,furious,ann"], "line 2: emotion 'furious' is not one of angry, calm"),
        (["a.wav,,sad,ann", ",,sad,ann"], "line 3 has neither path nor text"),
        (["a.wav,well, no,sad,ann"], "line 2 has more cells"),
        (["a.wav"], "line 2: emotion '' is not one of"),
        ([], "no rows"),
        (['"a.wav,,sad,ann'], "not a CSV file"),
    ],
)
def test_a_manifest_that_cannot_be_used_is_refused(lines: list[str], complaint: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"calls\.csv") as refused:
        read_turns(manifest(tmp_path, *lines))
    assert complaint in str(refused.value)


def test_missing_columns_and_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="line 1 lacks the columns text, speaker"):
        read_turns(manifest(tmp_path, "a.wav,sad", head="path,emotion"))
    with pytest.raises(ConfigError, match=r"nowhere\.csv' cannot be read"):
        read_turns(tmp_path / "nowhere.csv")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_turns(tmp_path)
    (tmp_path / "binary.csv").write_bytes(b"path,text,emotion,speaker\n\xff\xfe\x00\n")
    with pytest.raises(ConfigError, match="not a CSV file in UTF-8"):
        read_turns(tmp_path / "binary.csv")


cells = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), max_size=20)


@given(rows=st.lists(st.tuples(cells, cells, st.sampled_from(EMOTIONS), cells), min_size=1, max_size=5))
def test_whatever_a_spreadsheet_writes_is_read(rows, tmp_path_factory: pytest.TempPathFactory) -> None:
    rows = [row for row in rows if row[0].strip() or row[1].strip()] or [("a.wav", "", "sad", "")]
    file = tmp_path_factory.getbasetemp() / "any.csv"
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, quoting=csv.QUOTE_ALL)
        writer.writerows([COLUMNS, *rows])
    turns = read_turns(file)
    assert [(turn.text, EMOTIONS[turn.truth], turn.speaker) for turn in turns] == [
        (text.strip(), emotion, speaker.strip()) for _, text, emotion, speaker in rows
    ]
    assert [turn.audio is None for turn in turns] == [not path.strip() for path, *_ in rows]


@given(content=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.getbasetemp() / "bytes.csv"
    file.write_bytes(b"path,text,emotion,speaker\n" + content)
    with suppress(ConfigError):
        assert read_turns(file)


def test_augmented_copies_are_not_scored(tmp_path: Path) -> None:
    head = ",".join((*COLUMNS, "corpus"))
    with pytest.raises(ConfigError, match=r"names 1 augmented copies \(a\.wav\).*never scored"):
        read_turns(manifest(tmp_path, "a.wav,,sad,ann,TESS", "b.wav,,sad,bob,mine", head=head))
    assert read_turns(manifest(tmp_path, ",Oh no,sad,ann,tess", head=head))  # words are words
    said = f"{head},augmented"
    assert read_turns(manifest(tmp_path, "a.wav,,sad,ann,tess,no", head=said))
    with pytest.raises(ConfigError, match="augmented copies"):
        read_turns(manifest(tmp_path, "a.wav,,sad,ann,mine,yes", head=said))


def test_copies_are_known_by_the_manifest_of_the_folder_that_they_lie_in(tmp_path: Path) -> None:
    data = tmp_path / "tess" / "data"  # somebody called Tess
    (data / "audio").mkdir(parents=True)
    turn = "tess/data/audio/{}.wav,,sad,ann".format
    rows = ["audio/a.wav,savee,s1,sad,sad,,1,", "audio/b.wav,calls,s2,sad,sad,,1,"]
    (data / "speech.csv").write_text("\n".join(["path,corpus,speaker,label,emotion,fold,seconds,text", *rows]))
    assert len(read_turns(manifest(tmp_path, turn("b"), turn("c")))) == 2
    with pytest.raises(ConfigError, match=r"1 augmented copies \(tess/data/audio/a\.wav\)"):
        read_turns(manifest(tmp_path, turn("a"), turn("b")))


def test_a_table_of_turns_may_be_called_like_a_manifest(tmp_path: Path) -> None:
    file = manifest(tmp_path, "a.wav,,sad,ann").rename(tmp_path / "speech.csv")
    assert len(read_turns(file)) == 1


def test_what_cannot_be_analysed_is_skipped_and_named(analyzer: EmotionAnalyzer, clip: Path) -> None:
    (clip.parent / "broken.wav").write_bytes(b"RIFF nothing")
    file = manifest(
        clip.parent.parent,
        "clips/voice.wav,,neutral,ann",
        "clips/broken.wav,I am furious!,angry,ann",
        "clips/missing.wav,,angry,ann",
        ',"Thank you so much, I love it!",happy,bob',
        ",...,neutral,bob",
    )
    found, skipped = score(analyzer, read_turns(file))
    assert found.paths == ["clips/voice.wav", "line 5"]
    assert found.speakers == ["ann", "bob"]
    assert EMOTIONS[found.predicted[1]] == "happy"
    assert np.allclose(found.probabilities.sum(axis=1), 1, atol=1e-4)
    assert [turn.name for turn in skipped] == ["clips/broken.wav", "clips/missing.wav", "line 6"]
    assert all(turn.reason for turn in skipped)


def test_a_modality_leaves_the_other_out(analyzer: EmotionAnalyzer, clip: Path) -> None:
    file = manifest(
        clip.parent.parent, 'clips/voice.wav,"Thank you so much, I love it!",happy,ann', ",Hello,neutral,ann"
    )
    turns = read_turns(file)
    voice, no_sound = score(analyzer, turns, "voice")
    words, _ = score(analyzer, turns, "text")
    both, _ = score(analyzer, turns)
    assert [turn.reason for turn in no_sound] == ["has no sound file."]
    assert len({tuple(part.probabilities[0]) for part in (voice, words, both)}) == 3
    alone = analyzer.analyze(audio=clip).probabilities
    assert voice.probabilities[0] == pytest.approx(list(alone.values()))


def test_nothing_to_score_is_refused(analyzer: EmotionAnalyzer, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"None of 1 turns.*missing\.wav"):
        score(analyzer, read_turns(manifest(tmp_path, "missing.wav,,sad,ann")))


def test_corpora_that_a_model_was_trained_on_are_found(analyzer: EmotionAnalyzer, tmp_path: Path) -> None:
    assert "ravdess" in trained_on(analyzer)["acoustic"]
    by_folder = read_turns(manifest(tmp_path, "audio/RAVDESS/Actor_01/x.wav,,sad,ann", "cremad/y.wav,,sad,bob"))
    assert known_corpora(analyzer, by_folder) == ["ravdess"]
    assert known_corpora(analyzer, by_folder, "text") == []
    head = ",".join((*COLUMNS, "corpus"))
    by_column = read_turns(
        manifest(tmp_path, "a.wav,,sad,ann,EmoGator", "audio/ravdess/x.wav,,sad,ann,mine", head=head)
    )
    assert known_corpora(analyzer, by_column) == ["emogator"]
