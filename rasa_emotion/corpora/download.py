"""Downloads that go on where an interrupted one stopped, for pooch to check."""

import http.client
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rasa_emotion.errors import ConfigError

Progress = Callable[[int, int | None], None]

BLOCK = 1 << 16
TIMEOUT_SECS = 60
ATTEMPTS = 5
"""Tries in a row that may bring nothing; one that brings a block starts the count again."""

CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)")


class ResumingDownload:
    """A pooch downloader (HTTP and HTTPS) that keeps what has come, and asks the server for the rest alone (Range).

    What has come lies in `part` until the file is complete, also over the end of the process. A server that has
    another file by now (its ETag or date differs), or that ignores Range, sends the whole file again.

    Args:
        part: where the incomplete file lies.
        checked: whether a checksum will be compared, so that a server may be trusted that names no version of its file.
        progress: told the number of bytes that are there, and of all where the server says it.
        pause_secs: before the second try; twice as long before each further one.
    """

    def __init__(
        self,
        part: Path,
        *,
        checked: bool = False,
        progress: Progress = lambda done, total: None,
        pause_secs: float = 1.0,
    ) -> None:
        self.part = part
        self.checked = checked
        self.validator = part.with_name(f"{part.name}.version")
        self.progress = progress
        self.pause_secs = pause_secs

    def __call__(self, url: str, output_file: str, pooch: Any) -> None:
        """Download to `output_file`, as pooch calls it.

        Raises:
            ConfigError: the address is not HTTP, the server refuses it, or the connection broke too often.
        """
        if not url.startswith(("http://", "https://")):
            raise ConfigError(f"'{url}' cannot be fetched: name an address that starts with https:// or http://.")
        failures = 0
        while True:
            before = self._size()
            try:
                self._fetch(url)
                break
            except urllib.error.HTTPError as error:
                if self._complete(error):
                    break
                self._refused(url, error)
                failures += 1
                reason = f"the server answers {error.code}"
            except (OSError, http.client.HTTPException) as error:
                failures = 1 if self._size() > before else failures + 1
                reason = str(error)
            if failures >= ATTEMPTS:
                raise ConfigError(
                    f"The download of {url} broke off after {self._size():,} bytes ({reason}): run the same command "
                    "again, it goes on from there."
                )
            time.sleep(self.pause_secs * 2 ** (failures - 1))
        self.part.replace(output_file)
        self.validator.unlink(missing_ok=True)

    def _fetch(self, url: str) -> None:
        done = self._size()
        with urllib.request.urlopen(self._request(url, done), timeout=TIMEOUT_SECS) as response:
            start, total = _extent(response)
            if start != done:  # the server sends from the beginning, or from where nobody asked
                if start:
                    self.part.unlink(missing_ok=True)
                    raise ConnectionError("the server sends another range than the one that was asked for")
                done = 0
            version = response.headers.get("ETag") or response.headers.get("Last-Modified") or ""
            self.validator.write_text(version, encoding="utf-8")
            with self.part.open("ab" if done else "wb") as stream:
                self.progress(done, total)
                while block := response.read(BLOCK):
                    stream.write(block)
                    done += len(block)
                    self.progress(done, total)
        if total is not None and done < total:
            raise ConnectionError(f"the connection closed {total - done:,} bytes early")

    def _request(self, url: str, done: int) -> urllib.request.Request:
        headers = {"User-Agent": "rasa-emotion", "Accept-Encoding": "identity"}
        version = self.validator.read_text(encoding="utf-8") if self.validator.is_file() else ""
        if version.startswith("W/"):
            version = ""  # a weak tag promises too little for ranges of bytes (RFC 9110, 13.1.5)
        if done and (version or self.checked):
            headers["Range"] = f"bytes={done}-"
            if version:
                headers["If-Range"] = version
        return urllib.request.Request(url, headers=headers)

    def _complete(self, error: urllib.error.HTTPError) -> bool:
        """Whether the server has nothing left to send, because the last try ended between download and check."""
        match = CONTENT_RANGE.fullmatch(error.headers.get("Content-Range", "")) if error.code == 416 else None
        return match is not None and match[2] == str(self._size())

    def _refused(self, url: str, error: urllib.error.HTTPError) -> None:
        """Go on after what may pass; raise what will not.

        Raises:
            ConfigError: another try would be refused as well.
        """
        if error.code == 416:  # the file has become shorter
            self.part.unlink(missing_ok=True)
        elif error.code < 500 and error.code != 429:
            raise ConfigError(
                f"The server refuses {url} ({error.code} {error.reason}): name another address with --url."
            ) from error

    def _size(self) -> int:
        return self.part.stat().st_size if self.part.is_file() else 0


def _extent(response: http.client.HTTPResponse) -> tuple[int, int | None]:
    """Where the answer starts in the file, and how long the file is where the server tells."""
    if response.status == http.client.PARTIAL_CONTENT:
        match = CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
        if match is None or match[1] is None:
            raise ConnectionError("the server does not say which range it sends")
        return int(match[1]), int(match[2]) if match[2] != "*" else None
    length = response.headers.get("Content-Length", "")
    return 0, int(length) if length.isdigit() else None
