"""What agents say of the emotions becomes corpora that the trainers read."""

import csv
import hashlib
import json
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner
from voice_kit import needs_espeak, speech

from rasa_emotion.cli.verbs import app
from rasa_emotion.console.frame import Console, consents_of
from rasa_emotion.console.training_data import export
from rasa_emotion.corpora.manifest import read_manifest
from rasa_emotion.handoff.desk_record import DeskRecord, Judgement
from rasa_emotion.privacy.recordings import folder_of

BEGAN = datetime(2026, 11, 30, 12, 0, 0, tzinfo=timezone.utc).timestamp()


def judged(sender: str = "anna", emotion: str = "sad", **more) -> Judgement:
    said = {"turn_at": BEGAN + 7, "author": "ada", "heard": "angry", "text": "Where is it?", "created": BEGAN + 60}
    return Judgement(sender=sender, emotion=emotion, correct=emotion == "angry", **{**said, **more})


def rows(out: Path) -> list[list[str]]:
    with (out / "text.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))[1:]


def test_who_may_not_be_analysed_and_what_people_disagree_on_is_left_out(console: Console, tmp_path: Path) -> None:
    consents = consents_of(console)
    consents.set("nora", False)
    said = [
        judged(),
        judged(author="bob"),
        judged(author="cy", emotion="angry"),  # two against one
        judged("otto", "angry"),
        judged("otto", "sad", author="bob"),  # one against one
        judged("nora"),
        judged("mute", text=""),
    ]
    done = export(said, consents, tmp_path / "out")
    assert rows(tmp_path / "out") == [["Where is it?", "sad"]]
    assert (done.texts, done.clips, done.opted_out, done.disagreed) == (1, 0, 1, 1)


@needs_espeak
def test_a_turn_is_cut_out_of_the_recording_and_the_trainers_read_it(console: Console, tmp_path: Path) -> None:
    first, last = (speech(text) / np.float32(32_768) for text in ("Good morning to you.", "Where is my refund?"))
    pause = np.zeros(32_000, np.float32)
    caller = np.concatenate([pause, first, pause, last, pause])
    end = BEGAN + (len(caller) - len(pause)) / 16_000
    place = folder_of(tmp_path / "recordings", "anna")
    place.mkdir(parents=True)
    bot = 0.5 * np.ones_like(caller)
    soundfile.write(place / "20261130T120000-0123abcd.wav", np.stack([caller, bot], axis=1), 16_000)
    (place / "20261130T110000-broken.wav").write_bytes(b"RIFF")
    (place / "nonsense.wav").write_bytes(b"")
    out = tmp_path / "out"
    done = export([judged(turn_at=end + 0.5)], consents_of(console), out, tmp_path / "recordings")
    assert done.clips == 1
    (clip,) = read_manifest(out)
    assert (clip.emotion, clip.corpus, clip.text) == ("sad", "calls", "Where is it?")
    assert "anna" not in clip.speaker
    assert hashlib.sha256(b"anna").hexdigest()[:16] != clip.speaker  # phone numbers can all be tried against that
    sound, rate = soundfile.read(out / clip.path, dtype="float32")
    assert rate == 16_000
    assert len(sound) / rate == pytest.approx(len(last) / 16_000, abs=0.6)


def test_the_command_says_what_it_wrote(tmp_path: Path, console: Console) -> None:
    (tmp_path / "endpoints.yml").write_text(f"rasa_emotion: {{database: '{console.engine.url}'}}\n")
    DeskRecord(console.engine).judge(judged())
    arguments = ["feedback", "export", str(tmp_path / "out"), "--endpoints", str(tmp_path / "endpoints.yml"), "--json"]
    told = json.loads(CliRunner().invoke(app, arguments).output)
    assert (told["texts"], told["clips"]) == (1, 0)
    (tmp_path / "empty.yml").write_text(f"rasa_emotion: {{database: 'sqlite:///{tmp_path}/none.db'}}\n")
    refused = CliRunner().invoke(app, [*arguments[:4], str(tmp_path / "empty.yml")])
    assert "Nobody has said anything" in str(refused.exception)
    assert not (tmp_path / "none.db").exists()
