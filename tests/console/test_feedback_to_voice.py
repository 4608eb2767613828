"""The whole path: recorded callers are handed over, an agent says in a browser how they sound, a voice learns."""

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from console_kit import PASSWORD, PATIENCE_MS, listening
from test_training_data import rows
from typer.testing import CliRunner, Result

from rasa_emotion import EmotionAnalyzer
from rasa_emotion.audio.waveform import SAMPLE_RATE
from rasa_emotion.cli.verbs import app
from rasa_emotion.console.doors import Doors
from rasa_emotion.console.running import open_console
from rasa_emotion.console.users import UserFile
from rasa_emotion.corpora.manifest import MANIFEST, read_manifest
from rasa_emotion.handoff.outbox import Outbox
from rasa_emotion.handoff.packet import Line, Packet, TimelineTurn
from rasa_emotion.privacy.consent import Consents
from rasa_emotion.privacy.recordings import delete_older, new_recording, recordings_of
from rasa_emotion.voice.recorder import Recorder
from rasa_emotion.voice.sound import Format

CALLERS = {"+44 7700 900001": "m1", "+44 7700 900002": "m7", "+44 7700 900003": "f1", "+44 7700 900004": "f4"}
"""Who calls, in which of espeak-ng's voices."""

SAID = (
    "Where is my order?",
    "It should have been here on Monday.",
    "I want my money back.",
    "That is what you said before.",
)
SOUNDS = ("angry", "neutral", "angry", "neutral")
"""How each of the sentences is said: anger is hasty and rough."""

PAUSE_SECS, LATE_SECS = 2.0, 0.7
"""Between turns; and from a turn's end until the bot has noted it."""


@dataclass(frozen=True)
class Bot:
    """A bot's folder with a caller's voice by name and turn."""

    folder: Path
    clips: dict[tuple[str, int], np.ndarray]

    @property
    def endpoints(self) -> Path:
        return self.folder / "endpoints.yml"


@pytest.fixture
def bot(speech: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bot:
    """A bot that records; four callers have been handed over, each heard as calm throughout."""
    monkeypatch.chdir(tmp_path)
    section = {"database": f"sqlite:///{tmp_path}/bot.db", "record": {"announcement": "We record.", "folder": "calls"}}
    (tmp_path / "endpoints.yml").write_text(json.dumps({"rasa_emotion": section}))
    console = open_console(tmp_path / "endpoints.yml")
    clips = {}
    for caller, voice in CALLERS.items():
        for number, (text, sound) in enumerate(zip(SAID, SOUNDS, strict=True)):
            samples, rate = soundfile.read(speech(text, f"en-us+{voice}", 260 if sound == "angry" else 130))
            loud = 0.5 * np.tanh(20 * samples) if sound == "angry" else samples
            clips[caller, number] = soxr.resample(loud, rate, SAMPLE_RATE).astype(np.float32)
        call(Outbox(console.engine), caller, [clips[caller, number] for number in range(len(SAID))])
    console.engine.dispose()
    return Bot(tmp_path, clips)


def call(outbox: Outbox, caller: str, turns: list[np.ndarray]) -> None:
    """Record a call, and hand it over."""
    began = time.time()
    recorder = Recorder(new_recording(Path("calls"), caller), Format())
    silence = np.zeros(round(PAUSE_SECS * SAMPLE_RATE), np.float32)
    heard, timeline, lines = 0, [], []
    for number, (samples, text) in enumerate(zip(turns, SAID, strict=True), start=1):
        for piece in (silence, samples):
            recorder.caller(piece)
            heard += len(piece)
        at = began + heard / SAMPLE_RATE + LATE_SECS
        timeline.append(TimelineTurn(number, at, "calm", 0.5, 0.0, 0.2, 0.0, -0.2, ("acoustic",), None, "calm"))
        lines.append(Line("caller", text, at, number))
    recorder.caller(silence)
    recorder.close()
    said = {
        "rule": "r",
        "reason": "Asked for.",
        "urgency": "high",
        "summary": "",
        "mood": "calm",
        "created": time.time(),
    }
    packet = Packet(caller[-1], "handover", caller, "voice", timeline=tuple(timeline), transcript=tuple(lines), **said)
    outbox.enqueue(packet)


def judge_all(browser, address: str) -> None:
    """Be an agent who takes each call and says how each turn sounds."""
    page = browser.new_context().new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{address}/sign-in")
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/desk")
    for caller in CALLERS:
        page.locator("#queue button", has_text=caller).click()
        page.locator("#who", has_text=caller).wait_for()
        page.click("#take")
        page.locator("#say textarea:enabled").wait_for()
        for number, sound in enumerate(SOUNDS, start=1):
            with page.expect_response("**/desk/feedback") as answer:
                page.get_by_label(f"Emotion of turn {number} as you heard it").select_option(sound)
            assert answer.value.ok
        assert page.is_hidden("#notice")
    page.context.close()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments], catch_exceptions=False)


def export(bot: Bot, out: Path) -> dict:
    return json.loads(run("feedback", "export", str(out), "--endpoints", str(bot.endpoints), "--json").output)


@pytest.fixture
def judged(bot: Bot, browser, users: Path) -> Bot:
    with listening(open_console(bot.endpoints), Doors(UserFile(users))) as address:
        judge_all(browser, address)
    return bot


def test_what_agents_say_becomes_a_voice_and_who_wants_to_be_forgotten_is(judged: Bot, tmp_path: Path) -> None:
    out, voice = tmp_path / "my_calls", tmp_path / "my_voice"
    assert (export(judged, out)["texts"], export(judged, out)["clips"]) == (16, 16)
    for clip in read_manifest(out):
        assert clip.emotion == SOUNDS[SAID.index(clip.text)]
        assert "7700" not in f"{clip.path} {clip.speaker}"
    options = ["--data", str(out), "--out", str(voice), "--base", "acoustic", "--threads", "1", "--json"]
    trained = run("train", "voice", *options, "--cache", str(tmp_path / "cache"))
    found = json.loads(trained.stdout.splitlines()[-1])
    assert (found["clips"], found["speakers"]) == (16, 4)
    evidence = heard(voice, judged.clips["+44 7700 900001", 0])
    assert max(evidence, key=evidence.get) == "angry"

    # One says no, one wants to be forgotten: the next export has neither, in the same folder.
    no, forgotten, *others = CALLERS
    Consents(f"sqlite:///{tmp_path}/bot.db").set(no, False)
    told = run("forget", forgotten, "--endpoints", str(judged.endpoints), "--yes").output
    assert "feedback export" in " ".join(told.split())
    assert recordings_of(Path("calls"), forgotten) == []
    again = export(judged, out)
    assert (again["texts"], again["clips"], again["opted_out"]) == (8, 8, 4)
    assert len({clip.speaker for clip in read_manifest(out)}) == len(others)
    assert len(list((out / "clips").iterdir())) == 8

    # The recordings are kept for a shorter time than what was said of them.
    for path in Path("calls").glob("*/*.wav"):
        os.utime(path, (time.time() - 40 * 86_400,) * 2)
    delete_older(Path("calls"), 30)
    (out / "mine.txt").write_text("Not of an export.")
    after = export(judged, out)
    assert (after["texts"], after["clips"]) == (8, 0)
    assert not (out / MANIFEST).exists()
    assert (out / "mine.txt").exists()

    # Retention reaches what was said as well.
    engine = open_console(judged.endpoints).engine
    Outbox(engine, now=lambda: time.time() + 31 * 86_400).delete_old(30)
    engine.dispose()
    assert export(judged, out)["texts"] == 0
    assert rows(out) == []


def test_without_recordings_there_is_no_sound_to_export(bot: Bot, tmp_path: Path) -> None:
    bot.endpoints.write_text(json.dumps({"rasa_emotion": {"database": f"sqlite:///{tmp_path}/bot.db"}}))
    assert export(bot, tmp_path / "out")["clips"] == 0


def heard(voice: Path, samples: np.ndarray) -> dict[str, float]:
    path = voice.parent / "turn.wav"
    soundfile.write(path, samples, SAMPLE_RATE)
    return dict(EmotionAnalyzer.load(voice).analyze(audio=str(path)).evidence["acoustic"].probabilities)
