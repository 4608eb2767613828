"""espeak-ng's tone is measured on what it says."""

import asyncio
import shutil
import subprocess
import threading
from pathlib import Path

import numpy as np
import psutil
import pytest

from rasa_emotion.conversation.ssml import PROSODY, Prosody
from rasa_emotion.errors import ConfigError
from rasa_emotion.voice.synthesisers.espeak import THREADS, Espeak
from rasa_emotion.voice.synthesisers.speech import PLAIN, Speech, SynthesisError

pytestmark = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")

SENTENCE = "We are looking into the fault on your line right now"
TWO = f"{SENTENCE}. A technician will come on Monday morning."


async def samples(speech: Speech, **options) -> np.ndarray:
    pieces = [piece async for piece in Espeak(**options).speak(speech)]
    assert all(len(piece) % 2 == 0 for piece in pieces)
    return np.frombuffer(b"".join(pieces), "<i2").astype(np.float64) / 32768


def speaks(child: psutil.Process) -> bool:
    """Whether a process is espeak-ng; other tests' servers may run beside it."""
    try:
        return child.name().startswith("espeak")
    except psutil.NoSuchProcess:
        return False


async def until_none_speaks() -> None:
    while any(map(speaks, psutil.Process().children())):
        await asyncio.sleep(0.01)


def said(text: str, prosody: Prosody = PLAIN, **options) -> np.ndarray:
    return asyncio.run(samples(Speech(text, prosody), **options))


def pitch(sound: np.ndarray, rate: int = Espeak.sample_rate) -> float:
    """Hz: the median of voiced frames of 40 ms, by autocorrelation."""
    length, found = round(0.04 * rate), []
    for start in range(0, len(sound) - length, length // 2):
        frame = sound[start : start + length] - sound[start : start + length].mean()
        if np.sqrt(np.mean(frame**2)) < 0.02:
            continue
        correlation = np.correlate(frame, frame, "full")[length - 1 :]
        low, high = rate // 400, rate // 60
        lag = low + int(correlation[low:high].argmax())
        if correlation[lag] > 0.5 * correlation[0]:
            found.append(rate / lag)
    return float(np.median(found))


def longest_pause(sound: np.ndarray, rate: int = Espeak.sample_rate) -> float:
    """Milliseconds of the longest silence inside of what is said."""
    loud = np.flatnonzero(np.abs(sound) > 0.01)
    return float(np.diff(loud).max()) * 1000 / rate


def level_db(sound: np.ndarray) -> float:
    return float(20 * np.log10(np.sqrt(np.mean(sound[np.abs(sound) > 0.003] ** 2))))


@pytest.mark.parametrize("rate", [-30, -12, -8, 3, 25])
def test_the_rate_is_that_of_the_table(rate: int) -> None:
    faster = len(said(SENTENCE)) / len(said(SENTENCE, Prosody(rate=rate)))
    assert faster == pytest.approx(1 + rate / 100, rel=0.05)


@pytest.mark.parametrize("voice", ["en-gb", "en-us"])
@pytest.mark.parametrize("semitones", [-4, -2, -1, 1, 2, 4])
def test_the_pitch_is_that_of_the_table(semitones: int, voice: str) -> None:
    moved = 12 * np.log2(
        pitch(said(SENTENCE, Prosody(pitch=semitones), voice=voice)) / pitch(said(SENTENCE, voice=voice))
    )
    assert moved == pytest.approx(semitones, abs=0.6)


@pytest.mark.parametrize("volume", [-6, -2, 3])
def test_the_volume_is_that_of_the_table(volume: int) -> None:
    moved = level_db(said(SENTENCE, Prosody(volume=volume))) - level_db(said(SENTENCE))
    assert moved == pytest.approx(volume, abs=0.5)


@pytest.mark.parametrize("pause", [150, 300, 900])
def test_the_pause_comes_on_top_of_the_voice_s_own(pause: int) -> None:
    own, longer = longest_pause(said(TWO)), longest_pause(said(TWO, Prosody(pause_ms=pause)))
    assert longer - own == pytest.approx(pause, abs=60)


@pytest.mark.parametrize("mood", sorted(PROSODY))
def test_each_mood_s_tone_is_heard(mood: str) -> None:
    row, plain, toned = PROSODY[mood], said(TWO), said(TWO, PROSODY[mood])
    spoken = len(toned) - row.pause_ms * Espeak.sample_rate / 1000
    assert len(plain) / spoken == pytest.approx(1 + row.rate / 100, abs=0.06)
    assert 12 * np.log2(pitch(toned) / pitch(plain)) == pytest.approx(row.pitch, abs=0.6)
    assert level_db(toned) - level_db(plain) == pytest.approx(row.volume, abs=0.8)


def test_nothing_in_the_words_is_markup() -> None:
    plain = said("three is less than four")
    assert len(said("three < four & [[h@l'oU]] <break time='9s'/>")) < 6 * len(plain)
    assert len(said("[[h@l'oU w'3:ld]]")) != len(said("hello world"))


def test_markup_of_the_engine_is_spoken_as_such() -> None:
    marked = asyncio.run(samples(Speech("", ssml='<speak><prosody rate="50%">Good morning</prosody></speak>')))
    assert len(marked) > 1.5 * len(said("Good morning"))


def test_nothing_to_say_is_silence() -> None:
    assert len(said("")) == 0
    assert len(said("\x00\x07")) == 0


async def test_the_first_sound_comes_before_the_last_sentence_is_begun() -> None:
    voice = Espeak().speak(Speech(TWO * 20, Prosody(pause_ms=100)))
    first = await voice.__anext__()
    assert 0 < len(first) <= 4096
    await voice.aclose()  # and nobody is left waiting for the rest
    await until_none_speaks()


async def test_the_event_loop_starts_reads_and_ends_no_process_itself(monkeypatch) -> None:
    by: set[str] = set()

    class Watched(subprocess.Popen):
        def __init__(self, *args, **kwargs) -> None:
            by.add(threading.current_thread().name)
            super().__init__(*args, **kwargs)

        def wait(self, *args, **kwargs) -> int:
            by.add(threading.current_thread().name)
            return super().wait(*args, **kwargs)

    monkeypatch.setattr(subprocess, "Popen", Watched)
    assert len(await samples(Speech(SENTENCE))) > 0
    await until_none_speaks()
    assert by
    assert all(name.startswith("espeak") for name in by)


async def test_programs_that_say_nothing_hold_no_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "slow"
    program.write_text(f'#!/bin/sh\n[ -e "{tmp_path}/goes_on" ] && exec espeak-ng "$@"\nexec sleep 600\n')
    program.chmod(0o755)
    espeak = Espeak(program=str(program), timeout_secs=0.3)

    async def size() -> int:
        return sum([len(piece) async for piece in espeak.speak(Speech(SENTENCE))])

    silent = await asyncio.gather(*(size() for _ in range(THREADS + 2)), return_exceptions=True)
    assert all(isinstance(found, SynthesisError) for found in silent)
    (tmp_path / "goes_on").touch()
    monkeypatch.setattr(espeak, "_timeout", 60.0)
    assert await size() > 0


def test_a_program_that_is_missing_is_told_at_the_start() -> None:
    with pytest.raises(ConfigError, match="apt-get install espeak-ng"):
        Espeak(program="espeak-that-is-not-there")


@pytest.mark.parametrize("script", ["sleep 60", "head -c 50 /dev/zero"])
def test_a_program_that_hangs_or_gives_something_else_is_told(tmp_path, script: str) -> None:
    program = tmp_path / "espeak-ng"
    program.write_text(f"#!/bin/sh\nexec {script}\n")
    program.chmod(0o755)
    with pytest.raises(SynthesisError):
        asyncio.run(samples(Speech("hello"), program=str(program), timeout_secs=0.5))


def test_a_program_that_ends_at_once_says_nothing(tmp_path) -> None:
    program = tmp_path / "espeak-ng"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    with pytest.raises(SynthesisError):
        asyncio.run(samples(Speech("hello"), program=str(program)))
