"""The sockets of live calls: nothing that was sent is lost, and each call ends in good order, however the line goes."""

import asyncio
import gc
import logging
from contextlib import suppress
from types import SimpleNamespace

import pytest
from fake_analyzer import FakeAnalyzer

from rasa_emotion.bot.channels import voice_calls, voice_lines
from rasa_emotion.bot.channels.voice_calls import Calls
from rasa_emotion.bot.channels.voice_options import VoiceOptions
from rasa_emotion.turn.intake import Intake
from rasa_emotion.voice.flow import LineClosed
from rasa_emotion.voice.recognisers import RecogniserError
from rasa_emotion.voice.sound import Format
from rasa_emotion.voice.strain import LOOKS
from rasa_emotion.voice.transports.protocol import Started


class Socket:
    """As Sanic's: who cancels `recv` while it waits loses a message, and nobody is told."""

    def __init__(self, messages):
        self.messages, self.lost, self.closed = list(messages), 0, None
        self.gone = asyncio.Event()

    async def recv(self, timeout=None):
        try:
            await asyncio.sleep(0.002)
        except asyncio.CancelledError:
            if self.messages:
                self.messages.pop(0)
                self.lost += 1
            raise
        if self.messages:
            return self.messages.pop(0)
        await self.gone.wait()
        return None

    async def send(self, message):
        pass

    async def close(self, code, reason):
        self.closed = code, reason


class Held:
    """In place of the calls: takes messages slowly, and cleans up in several steps."""

    def __init__(self, *, until=None, closed=None):
        self.until, self.closed = until, closed
        self.heard, self.steps, self.by = [], [], None

    async def hold(self, transport, send, receive, *, by):
        self.by = by
        while (message := await receive()) is not None:
            self.heard.append(message)
            await asyncio.sleep(0.001)
            if len(self.heard) == self.until:
                break
        for step in range(3):  # as a call saves its words and its recording
            await asyncio.sleep(0.01)
            self.steps.append(step)
        return self.closed


async def test_no_message_is_lost_however_slowly_they_are_taken():
    sent = [f"message {number}" for number in range(100)]
    socket, calls = Socket(sent), Held(until=100)
    await voice_lines.hold_websocket(calls, None, socket)
    assert calls.heard == sent
    assert socket.lost == 0
    assert socket.closed == (1000, "")


async def test_a_task_that_is_cancelled_twice_ends_its_call_all_the_same():
    # Sanic does so when a client vanishes: the second time in the middle of the clean-up.
    calls = Held()
    holding = asyncio.ensure_future(voice_lines.hold_websocket(calls, None, Socket(["hello"])))
    while not calls.heard:
        await asyncio.sleep(0.001)
    holding.cancel()
    await asyncio.sleep(0)
    holding.cancel()
    with suppress(asyncio.CancelledError):
        await holding
    while len(calls.steps) < 3:
        await asyncio.sleep(0.001)
    assert calls.heard == ["hello"]


async def test_a_call_that_fails_is_no_hang_up():
    socket = Socket([])
    calls = Held(until=0, closed=LineClosed(1011, "The call failed on the server. " + "x" * 200))
    socket.gone.set()
    await voice_lines.hold_websocket(calls, None, socket)
    code, reason = socket.closed
    assert code == 1011
    assert reason.startswith("The call failed")
    assert len(reason.encode()) <= 123  # what a close frame holds


class Ready:
    """A recogniser with a model of its own."""

    name, is_remote, loaded, fails = "ready", False, 0, False

    def load(self):
        if Ready.fails:
            raise RecogniserError("Its weights are missing; install them.")
        Ready.loaded += 1

    async def start(self, *, at_secs=0.0): ...
    async def feed(self, samples): ...
    def pause(self, turn): ...
    def partial(self): ...
    async def final(self, turn): ...
    async def close(self): ...


@pytest.fixture
def calls(monkeypatch):
    monkeypatch.setattr(voice_calls, "shared_analyzer", lambda *_: FakeAnalyzer())
    monkeypatch.setattr(Ready, "loaded", 0)
    name = f"{Ready.__module__}.Ready"
    options = VoiceOptions.checked({"recogniser": name, "local_recogniser": name})

    async def on_new_message(message):
        raise AssertionError("nobody calls")

    parts = {"voices": [], "on_new_message": on_new_message, "agent": SimpleNamespace}
    return Calls("voice", options, intake=Intake("VoiceInput"), **parts)


async def test_recognisers_are_loaded_before_the_first_call(calls):
    await calls.prepare()
    assert Ready.loaded == 2
    await calls.prepare()
    assert Ready.loaded == 2
    await calls.close()


async def test_what_was_loaded_is_no_work_for_the_collector_of_garbage(calls, monkeypatch):
    frozen = []
    monkeypatch.setattr(gc, "freeze", lambda: frozen.append(Ready.loaded))
    await calls.prepare()
    assert frozen == [2]  # once, and when all was loaded
    await calls.close()


async def test_the_more_calls_the_more_sound_is_heard_at_once(calls):
    parts = await calls.prepare()
    assert parts.gather_secs() == 0
    for number in range(50):
        calls.admit(Started(str(number), Format()), object())
    assert parts.gather_secs() == pytest.approx(0.1)
    await calls.close()


async def test_a_server_that_does_not_keep_up_takes_no_further_call(calls):
    await calls.prepare()
    calls.admit(Started("one", Format()), object())
    for _ in range(LOOKS):
        calls.strain.note(10.0)
    with pytest.raises(LineClosed, match="All lines are busy") as refused:
        calls.admit(Started("two", Format()), object())
    assert refused.value.code == 1013
    calls.strain.note(0.0)
    assert calls.admit(Started("two", Format()), object()) == "two"
    await calls.close()


async def test_one_that_cannot_be_loaded_is_told_and_calls_are_held_without_words(calls, monkeypatch, caplog):
    monkeypatch.setattr(Ready, "fails", True)
    with caplog.at_level(logging.ERROR):
        assert (await calls.prepare()).hearing is not None
    assert {record.event for record in caplog.records} == {"voice.recogniser.unready"}
    assert "Its weights are missing; install them." in caplog.text
    await calls.close()
