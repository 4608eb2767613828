"""The token file: which keys hold, for which role, and which of them sign tickets. It is read again when it changes.

It holds the SHA-256 of a key, which lets nobody in; the key itself stands there only where it signs tickets, or where
somebody wrote it so. A slow hash would add nothing: keys are drawn with 256 bits, and cannot be guessed.
"""

import logging
import os
import secrets
import shlex
import stat
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from hashlib import sha256
from pathlib import Path

from rasa_emotion.errors import ConfigError
from rasa_emotion.logs import named
from rasa_emotion.turn.reread import Reread
from rasa_emotion.turn.roles import Role

logger = logging.getLogger(__name__)

TICKETS = "tickets"
"""What stands in the place of a role before a key that signs tickets."""

SHORTEST_KEY = 16
LOOSE = 0o027
"""Permissions that a token file must not have: others' reading and writing, and the group's writing."""

HOLDERS = (*(role.value for role in Role if role is not Role.HELPDESK), TICKETS)
"""What a line may begin with. A helpdesk has no key here: it signs with the 'secret' of endpoints.yml."""

HASHED = "sha256:"
"""Begins what stands in the place of a key."""

FORM = "write 'ROLE KEY' or 'ROLE KEY UNTIL', such as 'caller 0f3e... 2027-01-31'"


@dataclass(frozen=True)
class Key:
    """One line of the file.

    Args:
        holder: a role's name, or "tickets".
        digest: the key's SHA-256.
        until: seconds since 1970 from which it does not hold any more; None for never.
        secret: the key itself, where it is known.
    """

    holder: str
    digest: bytes = field(repr=False)
    until: float | None = None
    secret: str | None = field(default=None, repr=False, compare=False)

    @classmethod
    def of(cls, holder: str, secret: str, until: float | None = None) -> "Key":
        """A key that is known."""
        return cls(holder, digest_of(secret), until, secret)


def digest_of(key: str) -> bytes:
    """SHA-256 of a key, whatever somebody sent as one."""
    return sha256(key.encode("utf-8", "surrogatepass")).digest()


def read_keys(path: Path) -> tuple[Key, ...]:
    """The keys of a file.

    Raises:
        ConfigError: it cannot be read, others can read it, a line has another form, or there is no key in it.
    """
    try:
        mode = path.stat().st_mode
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise ConfigError(f"The token file '{path}' cannot be read ({reason}); check its path and owner.") from error
    if os.name == "posix" and stat.S_IMODE(mode) & LOOSE:
        raise ConfigError(f"Others can read or write the token file '{path}'; run: chmod 600 {shlex.quote(str(path))}")
    words = [(number, line.partition("#")[0].split()) for number, line in enumerate(lines, start=1)]
    keys = tuple(_key(path, number, parts) for number, parts in words if parts)
    if not keys:
        raise ConfigError(f"The token file '{path}' holds no key; {FORM}.")
    return keys


def _key(path: Path, number: int, parts: list[str]) -> Key:
    # The line itself is not quoted: it may end in a log.
    where = f"Line {number} of the token file '{path}'"
    if len(parts) not in (2, 3) or parts[0] not in HOLDERS:
        raise ConfigError(f"{where} has another form; {FORM}, with a role of {', '.join(HOLDERS)}.")
    until = _moment(where, parts[2]) if len(parts) == 3 else None
    if parts[1].startswith(HASHED):
        return Key(parts[0], _digest(where, parts[0], parts[1].removeprefix(HASHED)), until)
    if len(parts[1]) < SHORTEST_KEY:
        raise ConfigError(f"{where} has a key of fewer than {SHORTEST_KEY} characters; draw a longer one.")
    return Key.of(parts[0], parts[1], until)


def _digest(where: str, holder: str, text: str) -> bytes:
    if holder == TICKETS:
        raise ConfigError(f"{where} has the hash of a key that signs tickets, which takes the key itself; write that.")
    try:
        digest = bytes.fromhex(text)
    except ValueError:
        digest = b""
    if len(digest) != sha256().digest_size:
        raise ConfigError(f"{where} has '{HASHED}' and no SHA-256 behind it; write 64 hexadecimal digits.")
    return digest


def _moment(where: str, text: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"{where} ends in '{text}', which is no date; write it as 2027-01-31.") from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()


def add_key(path: Path, holder: str, *, until: str | None = None) -> Key:
    """Draw a key and add its hash to a file, which is made where there is none, for its owner alone.

    What signs tickets stands there itself: a signature takes the key. The key of the result is not to be had again.

    Args:
        path: the token file.
        holder: a role's name, or "tickets".
        until: a date, such as "2027-01-31", from which the key does not hold any more.

    Raises:
        ConfigError: the holder does not exist, the date is none, or the file is one that `read_keys` refuses.
    """
    drawn, end = secrets.token_urlsafe(32), [] if until is None else [until]
    key = _key(path, 1, [holder, drawn, *end])
    parts = [holder, drawn if holder == TICKETS else HASHED + key.digest.hex(), *end]
    if path.exists():
        read_keys(path)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(handle, "a+", encoding="utf-8") as file:
        file.write(" ".join(parts) + "\n")
    return key


class KeyFile:
    """The keys that hold now. A change of the file counts at once; one that cannot be used is told and changes nothing.

    Args:
        path: the token file.
        clock: seconds since 1970.

    Raises:
        ConfigError: as `read_keys`.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._file = Reread(path, read_keys, failed=_failed, changed=_changed)

    def keys(self) -> tuple[Key, ...]:
        """Those that hold now."""
        kept, now = self._file.now(), self._clock()
        return tuple(key for key in kept if key.until is None or now < key.until)


def _failed(error: ConfigError) -> None:
    logger.error(
        "The keys that were read before go on holding, and none beside them. %s",
        error,
        extra=named("access.keys.failed"),
    )


def _changed(keys: Sequence[Key]) -> None:
    logger.info("The token file was read again: it has %d keys.", len(keys), extra=named("access.keys.read"))
