"""What leaves a call: a client that does not read is closed, and what waits for it is bounded."""

import asyncio

import pytest

from rasa_emotion.voice import outlet
from rasa_emotion.voice.flow import LineClosed
from rasa_emotion.voice.outlet import MOST_UNTOLD, Outlet
from rasa_emotion.voice.transports.json_audio import JsonAudio


async def test_a_client_that_does_not_read_is_closed_with_a_reason(monkeypatch):
    # A socket blocks when the buffers of both kernels are full, some megabytes after its client has stopped.
    monkeypatch.setattr(outlet, "SEND_SECS", 0.02)
    full = asyncio.Event()
    told = Outlet(JsonAudio("call-1", events=True), lambda message: full.wait())
    with pytest.raises(LineClosed, match="does not read") as closed:
        await told.send(["a message"])
    assert closed.value.code == 1008
    told.tell({"event": "partial", "text": "hello"})
    with pytest.raises(LineClosed):
        await told.run()
    told.tell({"event": "end"})
    await told.finish()  # the end of the call does not wait for it a second time with an error


async def test_what_waits_for_a_slow_client_is_bounded_and_subscribers_are_told_all():
    sent, heard = [], []

    async def send(message):
        sent.append(message)

    told = Outlet(JsonAudio("call-1", events=True), send)
    leave = told.subscribe(heard.append)
    for number in range(MOST_UNTOLD + 50):
        told.tell({"event": "emotion", "at": number})
    leave()
    told.tell({"event": "emotion", "at": -1})
    await told.finish()
    assert len(sent) == MOST_UNTOLD
    assert [event["at"] for event in heard] == list(range(MOST_UNTOLD + 50))
