"""What recognisers behind a WebSocket have in common: the connection, its loss, and the answers of a turn."""

import asyncio
import json
import os
from collections.abc import Mapping
from typing import Any

import aiohttp
import numpy as np
from numpy.typing import NDArray

from rasa_emotion.audio.waveform import SAMPLE_RATE
from rasa_emotion.errors import ConfigError
from rasa_emotion.voice.recognisers.interface import RecogniserError, Transcript, Turn, Word

CHUNK_SECS = 0.1
"""Of audio in one message: services ask for 50 ms to 1 s."""

KEEP_ALIVE_SECS = 4.0
"""Of the clock without audio, after which a service that would close is told that the call goes on."""

HEARTBEAT_SECS = 10.0
"""Between two pings; half as long is waited for the answer. A line that was cut without a word would else be noticed
after a quarter of an hour, and all words until then be lost."""

CONNECT_SECS = 10.0
BEFORE_SECS = 0.5
"""A service may begin a word so much earlier than the voice detector a turn."""


class WebSocketRecogniser:
    """A recogniser (see `interface.Recogniser`) behind a WebSocket; derive from it and give what the vendor's protocol
    says.

    The key comes from the environment, never from a file of the bot's. A lost connection makes `feed` and `final`
    raise; who holds the call then starts it anew, and the service counts from the audio that comes afterwards.

    Args:
        key_variable: name of the environment variable with the key.
        wait_secs: longest wait for the words of a turn that has ended; what has come by then is taken.

    Raises:
        ConfigError: the variable is not set.
    """

    name = "websocket"
    is_remote = True
    vendor = "The service"

    def __init__(self, key_variable: str, wait_secs: float) -> None:
        key = os.environ.get(key_variable, "").strip()
        if not key:
            raise ConfigError(f"{self.vendor} needs a key; set it as {key_variable} in the environment.")
        self._key, self._key_variable, self._wait_secs = key, key_variable, wait_secs
        self._session: aiohttp.ClientSession | None = None
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._waiting = b""
        self._begun_secs = self._sent_secs = 0.0
        self._last_sent = 0.0
        self._pieces: list[Transcript] = []
        self._guess: Transcript | None = None
        self._complete = asyncio.Event()
        self._lost: str | None = None

    # What a vendor's protocol says.

    def address(self) -> tuple[str, Mapping[str, str], Mapping[str, str]]:
        """URL, its query, and headers."""
        raise NotImplementedError

    async def greeted(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Wait for the service's greeting, where it has one."""

    def take(self, message: Mapping[str, Any]) -> None:
        """Read one message: `_said`, `_guessed` and `_completed` take what it says. Raises RecogniserError."""
        raise NotImplementedError

    def settled(self) -> bool:
        """Whether all that was said until now is known, so that nothing has to be asked for."""
        raise NotImplementedError

    finalise = ""
    """JSON that asks for the words of the audio so far."""
    keep_alive: str | None = None
    """JSON that tells that the call goes on; None where the service needs none."""
    goodbye = ""
    """JSON that ends the session."""

    # The interface.

    async def start(self, *, at_secs: float = 0.0) -> None:
        """Connects; a connection that was lost is made anew."""
        await self.close()
        self._begun_secs, self._sent_secs, self._waiting, self._lost = at_secs, 0.0, b"", None
        self._pieces, self._guess = [], None
        url, query, headers = self.address()
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECS)
        self._session = aiohttp.ClientSession(timeout=timeout)
        try:
            self._socket = await asyncio.wait_for(
                self._session.ws_connect(
                    url,
                    params=dict(query),
                    headers=dict(headers),
                    max_msg_size=1 << 20,
                    heartbeat=HEARTBEAT_SECS,
                ),
                CONNECT_SECS,
            )
            await asyncio.wait_for(self.greeted(self._socket), CONNECT_SECS)
        except aiohttp.WSServerHandshakeError as error:
            await self.close()
            raise RecogniserError(self.refusal(error.status, (error.headers or {}).get("dg-error", ""))) from error
        except (aiohttp.ClientError, OSError, asyncio.TimeoutError) as error:
            await self.close()
            raise RecogniserError(
                f"{self.vendor} cannot be reached ({type(error).__name__}); see that this machine may connect to it."
            ) from error
        except RecogniserError:
            await self.close()
            raise
        loop = asyncio.get_running_loop()
        self._last_sent = loop.time()
        self._tasks = [loop.create_task(self._read(self._socket))]
        if self.keep_alive is not None:
            self._tasks.append(loop.create_task(self._stay(self._socket)))

    async def feed(self, samples: NDArray[np.float32]) -> None:
        """Sends the audio in pieces of `CHUNK_SECS`."""
        self._waiting += (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()
        if len(self._waiting) >= CHUNK_SECS * SAMPLE_RATE * 2:
            await self._flush()

    def pause(self, turn: Turn) -> None:
        """Nothing: the service hears all the time."""

    def partial(self) -> Transcript | None:
        """What was said in the turn under way, as far as the service knows."""
        pieces = [*self._pieces, *([self._guess] if self._guess else [])]
        return joined(pieces, is_final=False) if pieces else None

    async def final(self, turn: Turn) -> Transcript:
        """The words of a turn, once the service has said all of them or `wait_secs` have passed."""
        if self._socket is None:
            raise RecogniserError(self._lost or f"{self.vendor} is not connected; start it before the call.")
        await self._flush()
        if not self.settled():
            self._complete.clear()
            await self._send(self.finalise)
            try:
                await asyncio.wait_for(self._complete.wait(), self._wait_secs)
            except asyncio.TimeoutError:
                if self._guess is not None:
                    self._pieces.append(self._guess)  # the best that there is
        if self._lost is not None and not self._pieces:
            raise RecogniserError(self._lost)
        said = [piece for piece in self._pieces if _ends(piece, turn) > turn.start_secs - BEFORE_SECS]
        self._pieces, self._guess = [], None
        return joined(said)

    async def close(self) -> None:
        """Says goodbye and closes the connection."""
        for task in self._tasks:
            task.cancel()
        socket, session = self._socket, self._session
        self._tasks, self._socket, self._session = [], None, None
        try:
            if socket is not None and not socket.closed:
                await socket.send_str(self.goodbye)
                await socket.close()
        except (aiohttp.ClientError, OSError):
            pass  # it is gone already
        finally:
            if session is not None:
                await session.close()

    # For the vendors' classes.

    def refusal(self, status: int, said: str) -> str:
        """One sentence of why the service lets nobody in."""
        if status in (401, 403):
            return f"{self.vendor} refuses the key (status {status}); correct {self._key_variable}."
        if status == 402:
            return f"{self.vendor} asks for payment (status 402); see the account."
        if status == 429:
            return f"{self.vendor} has too many calls of this account (status 429); raise its limit."
        return f"{self.vendor} refuses the connection (status {status}{', ' + said if said else ''}); see its options."

    def _said(self, piece: Transcript, *, complete: bool) -> None:
        """Words that will not change; `complete` where they answer the request for the end of a turn."""
        self._guess = None
        if piece.text:
            self._pieces.append(piece)
        if complete:
            self._complete.set()

    def _guessed(self, piece: Transcript) -> None:
        self._guess = piece if piece.text else None

    def _word(self, text: Any, word: Mapping[str, Any], *, per_sec: float = 1.0) -> Word:
        """A word with its `start`, `end` and `confidence` as the service gives them, at the times of the call.

        Args:
            text: as it is shown.
            word: of the service's message.
            per_sec: what a second is to the service: 1000 where it counts milliseconds.
        """
        start, end = (round(self._begun_secs + float(word[key]) / per_sec, 3) for key in ("start", "end"))
        return Word(str(text), start, end, float(word["confidence"]))

    # Within.

    async def _flush(self) -> None:
        data, self._waiting = self._waiting, b""
        if data:  # an empty message ends the session at some services
            self._sent_secs += len(data) / (2 * SAMPLE_RATE)
            await self._send(data)

    async def _send(self, message: bytes | str) -> None:
        if self._lost is not None or self._socket is None or self._socket.closed:
            raise RecogniserError(self._lost or f"{self.vendor} is not connected; start it before the call.")
        try:
            if isinstance(message, bytes):
                await self._socket.send_bytes(message)
            else:
                await self._socket.send_str(message)
        except (aiohttp.ClientError, OSError) as error:
            raise RecogniserError(f"The connection to {self.vendor} was lost ({type(error).__name__}).") from error
        self._last_sent = asyncio.get_running_loop().time()

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        lost = None
        try:
            async for message in socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    content = json.loads(message.data)
                    if isinstance(content, dict):
                        self.take(content)
        except RecogniserError as error:
            lost = str(error)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            lost = f"{self.vendor} sent what its protocol does not know ({type(error).__name__})."
        # A connection lost without a word closes with 1000 or 1006, and its exception alone tells (aiohttp 3.9).
        silent = isinstance(socket.exception(), asyncio.TimeoutError)
        how = "does not answer any more" if silent else f"closed the connection (code {socket.close_code})"
        self._lost = lost or f"{self.vendor} {how}; it is connected anew."
        self._complete.set()

    async def _stay(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        loop = asyncio.get_running_loop()
        while not socket.closed:
            await asyncio.sleep(KEEP_ALIVE_SECS)
            if self.keep_alive and loop.time() - self._last_sent >= KEEP_ALIVE_SECS and not socket.closed:
                try:
                    await socket.send_str(self.keep_alive)
                except (aiohttp.ClientError, OSError):
                    return  # the reader tells


def joined(pieces: list[Transcript], *, is_final: bool = True) -> Transcript:
    """Pieces of one turn as one transcript; its confidence is their mean, weighted by their words.

    >>> joined([Transcript("good", 0.5), Transcript("morning", 1.0)])
    Transcript(text='good morning', confidence=0.75, words=(), language=None, is_final=True, warning=None)
    """
    sure = [(piece.confidence, len(piece.text.split())) for piece in pieces if piece.confidence is not None]
    count = sum(words for _, words in sure)
    return Transcript(
        " ".join(piece.text for piece in pieces if piece.text),
        round(sum(value * words for value, words in sure) / count, 4) if count else None,
        tuple(word for piece in pieces for word in piece.words),
        next((piece.language for piece in pieces if piece.language), None),
        is_final,
    )


def _ends(piece: Transcript, turn: Turn) -> float:
    return piece.words[-1].end_secs if piece.words else turn.end_secs
