"""From a socket to a call: messages in their order, and a sender that waits while the call does not keep up."""

import asyncio
import codecs
from typing import Any

from rasa_emotion.voice.transports.protocol import Message

MOST_UNREAD = 8
"""Messages that wait for the call; then the socket is not read, and the sender has to wait."""

TEXT, BINARY, CONTINUED = 1, 2, 0
"""Kinds of frames of a WebSocket that hold a message (RFC 6455, section 5.2)."""


class Inbox:
    """Messages between the task that reads the socket and the call, which is another: Sanic cancels the first one,
    twice, when a client vanishes, and then the call has still to be ended in good order.
    """

    def __init__(self) -> None:
        self._messages: asyncio.Queue[Message | None] = asyncio.Queue()
        self._room = asyncio.Semaphore(MOST_UNREAD)
        self._over = False

    @property
    def is_full(self) -> bool:
        """Whether who puts a message has to wait."""
        return self._room.locked()

    async def put(self, message: Message) -> None:
        """Hand a message on, when there is room."""
        await self._room.acquire()
        if self._over:
            self._room.release()  # for whoever waits too
        else:
            self._messages.put_nowait(message)

    def gone(self) -> None:
        """There will be no further one."""
        self._messages.put_nowait(None)

    def close(self) -> None:
        """Nobody takes any further one: who waits for room is let go."""
        self._over = True
        self._room.release()

    async def get(self) -> Message | None:
        """The next message; None when the line has gone."""
        message = await self._messages.get()
        self._room.release()
        return message


def attach(ws: Any, inbox: Inbox) -> bool:
    """Let one of Sanic's WebSockets put its messages into an inbox itself, and end its `recv_cancel` when it closes.

    Sanic's `recv` makes two tasks and two futures for a message, which is a third of what a call's frame costs. This
    takes the place of what joins the frames for `recv`, as it is in Sanic 21.12 to 25.12.

    Returns:
        False where that cannot be done now, since a message is under way, or this is another server's socket; `recv`
        then has the next message.
    """
    joins = getattr(ws, "assembler", None)
    needed = ("pause_frames", "resume_frames", "process_events", "recv_cancel")
    if joins is None or not all(hasattr(ws, name) for name in needed):
        return False
    if joins.chunks or joins.write_mutex.locked() or joins.message_complete.is_set():
        return False
    ws.assembler = _Joined(ws, inbox)
    ws.recv_cancel = asyncio.get_running_loop().create_future()
    return True


class _Joined:
    """In place of `sanic.server.websockets.frame.WebsocketFrameAssembler`."""

    def __init__(self, ws: Any, inbox: Inbox) -> None:
        self._ws, self._inbox = ws, inbox
        self._parts: list[Message] = []
        self._decoder: codecs.IncrementalDecoder | None = None

    async def put(self, frame: Any) -> None:
        """Take a frame, one after the other. Raises UnicodeDecodeError for a text that is none."""
        if frame.opcode == TEXT:
            self._decoder = codecs.getincrementaldecoder("utf-8")(errors="strict")
        elif frame.opcode == BINARY:
            self._decoder = None
        elif frame.opcode != CONTINUED:
            return
        decoder = self._decoder
        self._parts.append(frame.data if decoder is None else decoder.decode(frame.data, frame.fin))
        if not frame.fin:
            return
        message: Message = (b"" if decoder is None else "").join(self._parts)  # type: ignore[arg-type]
        self._parts = []
        paused = self._inbox.is_full and self._ws.pause_frames()
        await self._inbox.put(message)
        if paused:
            self._ws.resume_frames()
