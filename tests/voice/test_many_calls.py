"""Whole calls without a socket, an hour long and a thousand in a row: they take no more than short ones."""

import asyncio
import base64
import gc
import json
import tracemalloc

import psutil
import pytest
from voice_kit import LoudnessAnalyzer, ScriptedRecogniser, line_of, needs_espeak, speech

from rasa_emotion.streaming import SharedHearing
from rasa_emotion.voice.call_settings import CallSettings
from rasa_emotion.voice.clock import Clock
from rasa_emotion.voice.flow import FlowLimits
from rasa_emotion.voice.parts import Known, Parts
from rasa_emotion.voice.session import Call
from rasa_emotion.voice.synthesisers.speech import Speech
from rasa_emotion.voice.transports.json_audio import JsonAudio

pytestmark = needs_espeak

PATIENT = FlowLimits(idle_secs=1e9, patience_secs=1e9, longest_secs=1e9)
SETTINGS = CallSettings(silence_secs=None, flow=PATIENT)
SPEED = 1000.0
"""Time goes by so fast; sound is sent as fast as it is taken."""


class Voice:
    """Answers with half a second of silence."""

    name, sample_rate, dialect = "fake", 16_000, None

    async def speak(self, speech):
        yield bytes(16_000)

    async def close(self):
        pass


class Bot:
    """Answers each turn."""

    def __init__(self):
        self.turns = 0

    def admit(self, started, call):
        return started.call

    async def take(self, turn, call):
        self.turns += 1
        call.say(Speech("Yes"))

    async def known(self, sender):
        return Known(mood="calm")

    def record(self, sender, format_):
        return None

    def may_analyse(self, sender):
        return True


@pytest.fixture
def parts():
    # `made` keeps each recogniser for the tests that look at them, and would be what grows here.
    def make():
        recogniser = ScriptedRecogniser(["yes"] * 100_000)
        ScriptedRecogniser.made.clear()
        return recogniser

    return Parts(SharedHearing(LoudnessAnalyzer()), make, [Voice()], None, SETTINGS)


def messages(rounds):
    """A caller who says something, and then nothing, so many times."""
    samples = line_of(0.3, speech("yes, thank you"), 1.0)
    sound = [samples[start : start + 1600].tobytes() for start in range(0, len(samples), 1600)]
    sent = [json.dumps({"type": "audio", "audio": base64.b64encode(piece).decode()}) for piece in sound]
    return (message for _ in range(rounds) for message in sent), len(samples) * rounds / 16_000


async def call(parts, bot, name, rounds):
    """A whole call; its client sends marks back, as one that plays what it gets."""
    sent, _ = messages(rounds)
    marks = []

    async def take(message):
        if json.loads(message)["type"] == "mark":
            marks.append(message)

    async def receive():
        await asyncio.sleep(0)
        return marks.pop() if marks else next(sent, None)

    await Call(JsonAudio(name), take, bot, parts, Clock(SPEED)).run(receive)


def taken():
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


async def no_growth(parts, steps, step, most):
    """Memory and descriptors after these steps are those after the first few."""
    for number in range(5):
        await step(number)
    process = psutil.Process()
    tracemalloc.start()
    await step(5)
    before, open_files = taken(), process.num_fds()
    for number in range(6, 6 + steps):
        await step(number)
    grown = taken() - before
    tracemalloc.stop()
    assert grown < most
    assert process.num_fds() <= open_files
    assert len(asyncio.all_tasks()) < 10


async def in_a_row(parts, calls):
    bot = Bot()
    await no_growth(parts, calls, lambda number: call(parts, bot, f"call-{number}", 2), 300_000)
    assert bot.turns >= calls
    parts.hearing.close()


async def test_ten_calls_in_a_row(parts):
    await in_a_row(parts, 10)


@pytest.mark.nightly
async def test_a_thousand_calls_in_a_row(parts):
    await in_a_row(parts, 1000)


async def one_call(parts, minutes):
    """A call of so many minutes leaves no more behind, and holds no more, than one of a minute."""
    bot = Bot()
    _, secs = messages(1)
    short = round(60 / secs)
    tracemalloc.start()
    await call(parts, bot, "first", short)
    before = taken()
    tracemalloc.reset_peak()
    await call(parts, bot, "long", short * minutes)
    grown = taken() - before
    peak = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    assert grown < 300_000
    assert peak < 10_000_000
    assert bot.turns > short * minutes * 0.8
    parts.hearing.close()


async def test_a_call_of_two_minutes(parts):
    await one_call(parts, 2)


@pytest.mark.nightly
async def test_a_call_of_an_hour(parts):
    await one_call(parts, 60)
