"""What leaves a call: messages to its line, and what is told of it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from rasa_emotion.voice.flow import LineClosed
from rasa_emotion.voice.transports.protocol import Message, Transport

SEND_SECS = 10.0
"""A client that has taken nothing for so long does not read."""

MOST_UNTOLD = 256
"""Events that wait for a slow client; further ones are left out."""

Subscriber = Callable[[Mapping[str, Any]], None]


class Outlet:
    """Sends one message after the other, each whole.

    Args:
        transport: of the call.
        send: sends one message; raises ConnectionError where the line has gone.
    """

    def __init__(self, transport: Transport, send: Callable[[Message], Awaitable[None]]) -> None:
        self._transport, self._raw_send = transport, send
        self._sending = asyncio.Lock()
        self._untold: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue(MOST_UNTOLD)
        self._subscribers: list[Subscriber] = []

    async def send(self, messages: Sequence[Message]) -> None:
        """Send them. Raises LineClosed for a client that does not read, ConnectionError for one that has gone."""
        async with self._sending:
            for message in messages:
                try:
                    await asyncio.wait_for(self._raw_send(message), SEND_SECS)
                except asyncio.TimeoutError as error:
                    raise LineClosed(1008, "The client does not read what it is sent.") from error

    def tell(self, event: Mapping[str, Any]) -> None:
        """Tell subscribers at once, and the client when it is its turn."""
        for subscriber in list(self._subscribers):
            subscriber(event)
        with suppress(asyncio.QueueFull):
            self._untold.put_nowait(event)

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Let somebody be told; returns what ends that."""
        self._subscribers.append(subscriber)
        return lambda: self._subscribers.remove(subscriber)

    async def run(self) -> None:
        """Tell the client for as long as the call lasts. Raises as `send` does."""
        while True:
            await self.send(self._transport.tell(await self._untold.get()))

    async def finish(self) -> None:
        """Tell the client what it has not been told, if it is still there."""
        with suppress(LineClosed, ConnectionError):
            while not self._untold.empty():
                await self.send(self._transport.tell(self._untold.get_nowait()))
