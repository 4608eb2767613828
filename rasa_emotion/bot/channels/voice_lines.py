"""Sockets of live calls: each message to the call and back, and an end that the other side understands."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from rasa_emotion.bot.channels.voice_calls import Calls
from rasa_emotion.bot.channels.voice_inbox import Inbox, attach
from rasa_emotion.logs import named
from rasa_emotion.turn.roles import ANYBODY, Identity
from rasa_emotion.voice.flow import LineClosed
from rasa_emotion.voice.transports.audiosocket import AudioSocket
from rasa_emotion.voice.transports.protocol import Message, Transport

logger = logging.getLogger(__name__)

READ_BYTES = 4096
NORMAL = 1000


async def hold_websocket(calls: Calls, transport: Transport, ws: Any, *, by: Identity = ANYBODY) -> None:
    """Hold a call over one of Sanic's WebSockets, in which somebody speaks who has proved to be `by`."""

    async def send(message: Message) -> None:
        try:
            await ws.send(message)
        except Exception as error:  # of Sanic, of websockets, of the loop: all say that it has gone
            raise ConnectionResetError from error

    async def read(inbox: Inbox) -> None:
        while not attach(ws, inbox):
            # Without a time limit in the one task that reads: Sanic loses a message for every one that is cancelled.
            if (message := await ws.recv()) is None:
                return
            await inbox.put(message)
        await asyncio.wait({ws.recv_cancel})

    closed = await _held(calls, transport, send, read, by)
    with suppress(Exception):  # it may have gone
        code, reason = (NORMAL, "") if closed is None else (closed.code, _short(str(closed)))
        await ws.close(code, reason)


async def hold_stream(calls: Calls, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Hold a call over a TCP connection of AudioSocket."""

    async def send(message: Message) -> None:
        assert isinstance(message, bytes)
        writer.write(message)
        await writer.drain()

    async def read(inbox: Inbox) -> None:
        while message := await reader.read(READ_BYTES):
            await inbox.put(message)

    try:
        await _held(calls, AudioSocket(), send, read)
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def _held(
    calls: Calls,
    transport: Transport,
    send: Callable[[Message], Awaitable[None]],
    read: Callable[[Inbox], Awaitable[None]],
    by: Identity = ANYBODY,
) -> LineClosed | None:
    inbox = Inbox()
    holding = asyncio.ensure_future(calls.hold(transport, send, inbox.get, by=by))
    reading = asyncio.ensure_future(_read(read, inbox))
    try:
        await asyncio.wait({holding, reading}, return_when=asyncio.FIRST_COMPLETED)
        if not holding.done():
            inbox.gone()
        return await asyncio.shield(holding)
    except asyncio.CancelledError:
        inbox.gone()
        raise
    finally:
        reading.cancel()
        inbox.close()


async def _read(read: Callable[[Inbox], Awaitable[None]], inbox: Inbox) -> None:
    with suppress(Exception, asyncio.CancelledError):  # whatever ends the reading, the line has gone
        await read(inbox)


async def listen(calls: Calls, host: str, port: int) -> asyncio.AbstractServer | None:
    """Take connections of AudioSocket; None, with one log line, where the port cannot be had."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await hold_stream(calls, reader, writer)

    try:
        return await asyncio.start_server(connected, host, port)
    except OSError as error:
        logger.error(
            "AudioSocket cannot listen at %s:%d (%s); choose another port.",
            host,
            port,
            error.strerror,
            extra=named("voice.port.failed"),
        )
        return None


def _short(reason: str) -> str:
    """A close frame holds 123 bytes of reason."""
    return reason.encode()[:120].decode(errors="ignore")
