"""Speech over HTTP: one request a sentence, samples as they come, and errors told in a sentence each."""

import asyncio
import os
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import aiohttp

from rasa_emotion.errors import ConfigError
from rasa_emotion.voice.synthesisers.speech import SynthesisError

FIRST_SECS = 5.0
"""How long the first sound may take; a caller waits for it."""

LONGEST_RETRY_SECS = 1.0
"""A server that asks for a longer pause is not asked again: the caller would hear nothing meanwhile."""

LARGEST_BYTES = 50_000_000
PASSES = {429, 500, 502, 503, 504}


class SpeechClient:
    """The requests of one engine. Texts and keys stand in no error and no log.

    Args:
        name: of the engine, for errors.
        remedies: what a person can do, by HTTP status.
        first_secs: how long the first sound may take.
    """

    def __init__(self, name: str, remedies: Mapping[int, str], *, first_secs: float = FIRST_SECS) -> None:
        self._name, self._remedies, self._first_secs = name, remedies, first_secs
        self._session: aiohttp.ClientSession | None = None

    async def post(
        self, url: str, *, headers: Mapping[str, str], data: bytes | str | None = None, json: Any = None
    ) -> AsyncGenerator[bytes, None]:
        """What the server answers, piece by piece; tried once more where a fault may pass. Raises SynthesisError."""
        for last in (False, True):
            try:
                answer = await asyncio.wait_for(
                    self._client().post(url, headers=dict(headers), data=data, json=json, allow_redirects=False),
                    self._first_secs,
                )
            except (aiohttp.ClientError, asyncio.TimeoutError, OSError) as error:
                if last:
                    raise self._failed(f"did not answer ({type(error).__name__})") from error
                continue
            async with answer:
                if answer.status == 200:
                    async for piece in self._pieces(answer):
                        yield piece
                    return
                wait = _retry_secs(answer.headers.get("Retry-After"))
                if last or answer.status not in PASSES or wait > LONGEST_RETRY_SECS:
                    raise self._refused(answer.status)
            await asyncio.sleep(wait)

    async def close(self) -> None:
        """Let go of the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _pieces(self, answer: aiohttp.ClientResponse) -> AsyncGenerator[bytes, None]:
        size = 0
        try:
            while piece := await asyncio.wait_for(answer.content.readany(), self._first_secs):
                size += len(piece)
                if size > LARGEST_BYTES:
                    raise self._failed("sends without an end")
                yield piece
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError) as error:
            raise self._failed(f"broke off ({type(error).__name__})") from error

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            # Without redirects and cookies: keys go to the address that was configured, or nowhere.
            self._session = aiohttp.ClientSession(
                trust_env=True, timeout=aiohttp.ClientTimeout(total=None), cookie_jar=aiohttp.DummyCookieJar()
            )
        return self._session

    def _refused(self, status: int) -> SynthesisError:
        remedy = self._remedies.get(status, "look at its own log or status page")
        return self._failed(f"refused to speak with status {status}; {remedy}")

    def _failed(self, what: str) -> SynthesisError:
        return SynthesisError(f"The synthesiser '{self._name}' {what}.")


async def whole_samples(pieces: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """The pieces cut so that no 16 bit sample is divided; half a sample at the end is dropped."""
    rest = b""
    async for piece in pieces:
        data = rest + piece
        whole = len(data) // 2 * 2
        rest = data[whole:]
        if whole:
            yield data[:whole]


def key_of(owner: str, variable: str, given: str | None = None) -> str:
    """A key that was given, or that of the environment. Raises ConfigError where there is none."""
    key = given or os.environ.get(variable, "")
    if not key.strip():
        raise ConfigError(f"{owner} needs a key; set the environment variable {variable}.")
    return key.strip()


def _retry_secs(given: str | None) -> float:
    try:
        return max(0.0, float(given)) if given else 0.1
    except ValueError:  # a date
        return LONGEST_RETRY_SECS + 1
