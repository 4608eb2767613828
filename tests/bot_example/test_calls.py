"""Calls from espeak-ng, from a folder, and from actors."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from needed import needs
from playback.calls import SCRIPT, actors_call, folder_call, open_call, synthesised_call

from rasa_emotion.audio import load_audio
from rasa_emotion.errors import ConfigError

MANIFEST_HEADER = "path,corpus,speaker,label,emotion,fold,seconds,text\n"


def test_a_folder_gives_turns_in_order_with_voice_words_or_both(tmp_path: Path) -> None:
    (tmp_path / "01.wav").touch()
    (tmp_path / "01.txt").write_text(" Hello.\n", encoding="utf-8")
    (tmp_path / "02.txt").write_text("Only words.", encoding="utf-8")
    (tmp_path / "10.FLAC").touch()
    (tmp_path / "notes.md").touch()

    turns = folder_call(tmp_path).turns

    assert [turn.text for turn in turns] == ["Hello.", "Only words.", ""]
    assert [turn.audio and turn.audio.name for turn in turns] == ["01.wav", None, "10.FLAC"]


def test_names_with_signs_and_capitals_are_found(tmp_path: Path) -> None:
    (tmp_path / "call [3].WAV").write_bytes(b"sound")
    (tmp_path / "call [3].TXT").write_text("hello")
    (turn,) = folder_call(tmp_path).turns
    assert turn.text == "hello"
    assert turn.audio == tmp_path / "call [3].WAV"


def test_an_empty_transcript_without_a_recording_is_refused(tmp_path: Path) -> None:
    (tmp_path / "01.txt").write_text(" ")
    with pytest.raises(ConfigError, match=r"01\.txt' is empty"):
        folder_call(tmp_path)


def test_a_folder_without_turns_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no turns"):
        folder_call(tmp_path)


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not a folder"):
        folder_call(tmp_path / "absent")


def test_a_transcript_that_is_not_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "01.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match=r"01\.txt.*UTF-8"):
        folder_call(tmp_path)


def test_without_espeak_the_remedy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(ConfigError, match="apt-get install espeak-ng"):
        synthesised_call(tmp_path)


@needs("espeak-ng")
def test_the_synthesised_caller_raises_the_voice() -> None:
    with open_call(None, data=Path(), actor="") as call:
        assert [turn.text for turn in call.turns] == [line.text for line in SCRIPT]
        first, *_, last = [load_audio(turn.audio).samples for turn in call.turns if turn.audio]
    assert np.sqrt(np.mean(last**2)) > 1.5 * np.sqrt(np.mean(first**2))
    assert "synthetic" in call.caveat


def test_actors_need_the_corpora(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="RASA_EMOTION_DATA"):
        actors_call(tmp_path, "ravdess-01")


def test_an_unknown_actor_is_refused(tmp_path: Path) -> None:
    (tmp_path / "speech.csv").write_text(MANIFEST_HEADER, encoding="utf-8")
    with pytest.raises(ConfigError, match="no clips of 'ravdess-99'"):
        actors_call(tmp_path, "ravdess-99")


def test_an_actor_without_the_emotion_is_refused(tmp_path: Path) -> None:
    clip = "audio/03-01-01-01-01-01-01.flac,ravdess,ravdess-01,neutral,neutral,1,3.3,Kids\n"
    (tmp_path / "speech.csv").write_text(MANIFEST_HEADER + clip, encoding="utf-8")
    with pytest.raises(ConfigError, match="too few clips"):
        actors_call(tmp_path, "ravdess-01")


@pytest.mark.data
def test_an_actor_plays_the_script_and_names_the_fold(shared_data: Path) -> None:
    call = actors_call(shared_data, "ravdess-08")

    clips = [turn.audio for turn in call.turns]
    assert len(set(clips)) == len(SCRIPT)
    assert all(clip.is_file() and clip.parent.name == "Actor_08" for clip in clips)
    codes = {"neutral": "01", "calm": "02", "angry": "05", "fear": "06"}
    assert [clip.stem.split("-")[2] for clip in clips] == [codes[line.emotion] for line in SCRIPT]
    assert call.fold in range(1, 6)
