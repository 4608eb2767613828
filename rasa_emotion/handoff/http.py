"""Requests to a helpdesk: what may go wrong is told apart into what passes by itself and what a person must correct."""

import asyncio
import ipaddress
import json
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from rasa_emotion.errors import ConfigError
from rasa_emotion.handoff.helpdesk import ConversationGone, PermanentFailure, TemporaryFailure
from rasa_emotion.settings import check_number, check_text

COMMON: dict[str, Any] = {
    # Seconds that one request may take.
    "timeout_secs": 20,
}
"""The options of every helpdesk that is reached over HTTP."""

MAX_ANSWER_BYTES = 4_000_000
IDLE_SECS = 2.0
"""How long a connection is kept for the next request. Servers close idle ones at a moment of their own, which would
look like a broken connection; requests of one delivery follow each other at once."""

TEMPORARY = {408, 425, 429}
DONE = range(200, 300)
MOVED = range(300, 400)

REMEDIES = {
    400: "it does not accept the request; see that its version is one that docs/helpdesks.md names",
    401: "it does not know the key; correct {key} in endpoints.yml",
    403: "the key is not allowed to do this; give its owner the rights that docs/helpdesks.md names",
    404: "there is nothing at this address; correct {place} in endpoints.yml",
    409: "it is in conflict with what is there; look at the conversation in the helpdesk",
    413: "it finds the packet too large; raise its limit or lower 'max_bytes' where the helpdesk has that option",
    422: "it does not accept what a field holds; compare {place} in endpoints.yml with what exists in the helpdesk",
}
OTHER_REMEDY = "it does not accept the request; compare {place} in endpoints.yml with docs/helpdesks.md"


@dataclass(frozen=True)
class Answer:
    """What came back.

    Args:
        status: of HTTP.
        body: decoded JSON; None where the answer is none.
    """

    status: int
    body: Any = field(repr=False, default=None)

    def find(self, *path: str | int) -> Any:
        """What stands at a place inside the body, such as `find("payload", 0, "id")`; None where it is missing.

        >>> Answer(200, {"payload": [{"id": 3}]}).find("payload", 0, "id")
        3
        """
        value = self.body
        for step in path:
            try:
                value = value[step]
            except (KeyError, IndexError, TypeError):
                return None
        return value

    def rows(self, *path: str | int) -> list[dict[str, Any]]:
        """The objects of the list at a place inside the body; empty where there is no list."""
        found = self.find(*path)
        return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


class Client:
    """The requests of one helpdesk. Errors name the server, never keys, addresses with keys in them, or what was said.

    Args:
        name: of the helpdesk, for messages.
        url: what the paths of requests are appended to, such as "https://desk.example.com".
        headers: sent with every request.
        auth: name and password for basic authentication.
        timeout_secs: seconds that one request may take.
        key: the options that hold the key, as a message names them, such as "'token'".
        place: the options that say what is asked for, such as "'url' or 'queue'".
    """

    def __init__(
        self,
        name: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout_secs: float = 20,
        key: str = "its key",
        place: str = "'url'",
    ) -> None:
        self.server = f"The helpdesk '{name}' at {urlsplit(url).hostname}"
        self._url = url.rstrip("/")
        self._headers = dict(headers or {})
        self._auth = aiohttp.BasicAuth(*auth, encoding="utf-8") if auth else None
        self._timeout = aiohttp.ClientTimeout(total=timeout_secs)
        self._names = {"key": key, "place": place}
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def request(
        self,
        method: str,
        path: str = "",
        *,
        body: bytes | None = None,
        content: Any = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        known: Collection[int] = (),
        gone: Collection[int] = (),
    ) -> Answer:
        """Ask once.

        Args:
            path: appended to the address.
            body: JSON that is already encoded; or
            content: what is to be encoded.
            query: appended to the path.
            headers: beside those of every request.
            known: statuses besides 2xx that the caller wants to see.
            gone: statuses that mean that the conversation no longer exists.

        Raises:
            TemporaryFailure, PermanentFailure, ConversationGone
        """
        sent = {**self._headers, **(headers or {})}
        if content is not None:
            body = json.dumps(content, ensure_ascii=False).encode("utf-8", "replace")
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
        try:
            async with self._connected().request(
                method,
                self._url + path,
                data=body,
                params=query,
                headers=sent,
                auth=self._auth,
                # A key must not follow to an address that nobody wrote down, and a POST would become a GET.
                allow_redirects=False,
            ) as response:
                status, retry_after = response.status, response.headers.get("Retry-After")
                answer = Answer(status, _decoded(await _read(response)))
        except aiohttp.InvalidURL as error:
            raise PermanentFailure(f"{self.server} has an address that cannot be asked; correct 'url'.") from error
        except asyncio.TimeoutError as error:
            raise TemporaryFailure(
                f"{self.server} did not answer within {self._timeout.total:g} s; see that it runs."
            ) from error
        except (aiohttp.ClientError, OSError) as error:
            raise TemporaryFailure(f"{self.server} cannot be reached ({_trouble(error)}); see that it runs.") from error
        if status in DONE or status in known:
            return answer
        raise self._failure(status, retry_after, gone)

    def unexpected(self, what: str) -> PermanentFailure:
        """The failure for an answer that lacks `what`: whatever is at that address, it is not this helpdesk."""
        return PermanentFailure(
            f"{self.server} answered without {what}; correct {self._names['place']} in endpoints.yml."
        )

    async def close(self) -> None:
        """Give back the connections."""
        session, self._session = self._session, None
        if session is not None and self._loop is asyncio.get_running_loop():
            await session.close()

    def _connected(self) -> aiohttp.ClientSession:
        # A session belongs to the loop that it was made in; a program may run several, one after the other.
        loop = asyncio.get_running_loop()
        if self._session is None or self._session.closed or self._loop is not loop:
            if self._session is not None:
                self._session.detach()  # its loop is gone, and its connections with it
            connector = aiohttp.TCPConnector(keepalive_timeout=IDLE_SECS)
            self._session, self._loop = aiohttp.ClientSession(connector=connector, timeout=self._timeout), loop
        return self._session

    def _failure(self, status: int, retry_after: str | None, gone: Collection[int]) -> Exception:
        if status in gone:
            return ConversationGone(f"{self.server} no longer knows the conversation (HTTP {status}).")
        if status in TEMPORARY or status >= 500:
            cause = "too many requests" if status == 429 else "it cannot answer now"
            return TemporaryFailure(
                f"{self.server} said HTTP {status}: {cause}; it will be asked again.",
                retry_after=retry_after_secs(retry_after),
            )
        if status in MOVED:
            remedy = "it has moved; write its new address into {place} in endpoints.yml"
        else:
            remedy = REMEDIES.get(status, OTHER_REMEDY)
        return PermanentFailure(f"{self.server} said HTTP {status}: {remedy.format(**self._names)}.")


def check_url(owner: str, key: str, value: Any) -> str:
    """The address without a slash at its end.

    Raises:
        ConfigError: it is no http(s) address, has a password in it, or would send keys in the open over a network.

    >>> check_url("The helpdesk", "url", "https://desk.example.com/")
    'https://desk.example.com'
    """
    check_text(owner, key, value)
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ConfigError(f"{owner}: '{key}' is not an address; write it like https://desk.example.com.")
    if parts.username is not None or parts.fragment:
        raise ConfigError(f"{owner}: '{key}' holds a name, a password or a #; use the options for keys.")
    if parts.scheme == "http" and not _private(str(parts.hostname)):
        raise ConfigError(f"{owner}: '{key}' would send keys and conversations unencrypted; write https://.")
    return str(value).rstrip("/")


def check_timeout(owner: str, settings: Mapping[str, Any]) -> float:
    """The option `timeout_secs`. Raises ConfigError unless it is a number above 0."""
    check_number(owner, "timeout_secs", settings["timeout_secs"], above=0)
    return float(settings["timeout_secs"])


def check_id(owner: str, key: str, value: Any) -> int:
    """A number that names something in a helpdesk, also where it comes from the environment as a text.

    Raises:
        ConfigError: it is none.

    >>> check_id("The helpdesk", "inbox_id", "7")
    7
    """
    text = str(value)
    if isinstance(value, bool) or not (text.isascii() and text.isdigit()) or not int(text):
        raise ConfigError(f"{owner}: '{key}' is {value!r}; give its number.")
    return int(text)


def retry_after_secs(header: str | None, now: float | None = None) -> float | None:
    """Seconds to wait after the header Retry-After, which holds seconds or a date (RFC 9110, 10.2.3).

    None where there is no header or it says neither; a date that is past is 0.

    >>> retry_after_secs("120"), retry_after_secs("soon")
    (120.0, None)
    """
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        until = parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return max(0.0, until - (time.time() if now is None else now))


def _private(host: str) -> bool:
    """Whether a host is this machine or one of the same network: one without a dot, or a private address."""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith((".local", ".internal", ".localhost"))


def _trouble(error: Exception) -> str:
    """The kind of error without its text, which may name addresses that hold keys."""
    if isinstance(error, aiohttp.ClientSSLError):
        return "its certificate is not trusted"
    if isinstance(error, aiohttp.ClientConnectorError):
        return error.os_error.strerror or "no connection"
    return "the connection broke"


async def _read(response: aiohttp.ClientResponse) -> bytes:
    content = bytearray()
    async for chunk in response.content.iter_chunked(65536):
        content += chunk
        if len(content) > MAX_ANSWER_BYTES:
            break  # no answer of a helpdesk; what is cut off is no JSON
    return bytes(content)


def _decoded(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None
