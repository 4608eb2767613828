"""Messages come from Sanic's own WebSocket to the call: whole, each once, in their order."""

import asyncio
import random
from types import SimpleNamespace

import pytest
from sanic.server.protocols import websocket_protocol
from sanic.server.websockets import impl
from websockets.frames import Frame, Opcode

from rasa_emotion.bot.channels.voice_inbox import MOST_UNREAD, Inbox, attach


@pytest.fixture
async def ws():
    # What Sanic itself imports: the name differs between its versions.
    made = getattr(websocket_protocol, "ServerConnection", None) or websocket_protocol.ServerProtocol
    return impl.WebsocketImplProtocol(made(state=impl.OPEN))


def frame(data, *, fin=True, opcode=None):
    kind = opcode if opcode is not None else Opcode.TEXT if isinstance(data, str) else Opcode.BINARY
    content = data.encode() if isinstance(data, str) else data
    return Frame(kind, content, fin).serialize(mask=True)


async def test_text_and_bytes_come_whole_and_in_their_order(ws):
    inbox, sent = Inbox(), []
    assert attach(ws, inbox)
    rng, data = random.Random(1), b""
    for number in range(200):
        message = f"message {number}: ü€😀" if number % 2 else bytes([number % 256]) * (number + 1)
        content = message.encode() if isinstance(message, str) else message
        cuts = sorted(rng.sample(range(len(content) + 1), rng.randint(0, min(2, len(content)))))
        parts = [content[a:b] for a, b in zip([0, *cuts], [*cuts, len(content)], strict=True)]
        first = Opcode.TEXT if isinstance(message, str) else Opcode.BINARY
        for place, part in enumerate(parts):
            last = place == len(parts) - 1
            data += frame(part, fin=last, opcode=Opcode.CONT if place else first)
            data += b"" if last else frame(b"", opcode=Opcode.PONG)  # control frames may come between
        sent.append(message)
    for start in range(0, len(data), 700):
        ws.data_received(data[start : start + 700])
    assert [await inbox.get() for _ in sent] == sent


async def test_what_came_before_goes_first(ws):
    inbox = Inbox()
    ws.data_received(frame("one") + frame("two"))
    await asyncio.sleep(0.01)
    assert not attach(ws, inbox)  # a message waits for `recv`
    assert await ws.recv() == "one"
    while not attach(ws, inbox):
        await inbox.put(await ws.recv())
    ws.data_received(frame("three"))
    assert [await inbox.get() for _ in range(2)] == ["two", "three"]


async def test_half_a_message_is_not_taken_over(ws):
    ws.data_received(frame("one ", fin=False))
    await asyncio.sleep(0.01)
    assert not attach(ws, Inbox())
    ws.data_received(frame(b"half", opcode=Opcode.CONT))
    assert await ws.recv() == "one half"


async def test_the_end_is_told(ws):
    inbox = Inbox()
    assert attach(ws, inbox)

    async def send(data):
        pass  # the answer to the closing frame

    ws.io_proto = SimpleNamespace(send=send, transport=None)
    ws.data_received(frame(b"\x03\xe8", opcode=Opcode.CLOSE))
    await asyncio.wait({ws.recv_cancel})


async def test_a_call_that_does_not_keep_up_makes_the_sender_wait_and_nobody_for_ever(ws):
    inbox = Inbox()
    assert attach(ws, inbox)
    paused = []
    ws.pause_frames = lambda: paused.append("paused") or True
    ws.resume_frames = lambda: paused.append("resumed") or True
    ws.data_received(b"".join(frame(str(number)) for number in range(3 * MOST_UNREAD)))
    await asyncio.sleep(0.01)
    assert inbox.is_full
    assert paused == ["paused"]
    assert [await inbox.get() for _ in range(MOST_UNREAD)] == [str(number) for number in range(MOST_UNREAD)]
    await asyncio.sleep(0.01)
    assert paused == ["paused", "resumed", "paused"]  # the next eight have come
    before = asyncio.all_tasks()
    inbox.close()
    await asyncio.sleep(0.01)
    assert len(asyncio.all_tasks()) < len(before)


def test_another_server_s_socket_is_left_to_recv():
    assert not attach(object(), Inbox())
