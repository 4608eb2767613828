"""The users file: who may sign in, as what, and with which password. It is read again when it changes.

One line a person, `NAME ROLE HASH`, and one line `key KEY` with which sessions are signed. HASH is argon2id's, or the
word `proxy` for somebody whom a proxy signs in.
"""

import logging
import os
import secrets
import shlex
import stat
from dataclasses import dataclass, field
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from rasa_emotion.errors import ConfigError
from rasa_emotion.logs import named
from rasa_emotion.turn.keys import LOOSE
from rasa_emotion.turn.reread import Reread
from rasa_emotion.turn.roles import LONGEST_NAME, PERSON_NAME, Role

logger = logging.getLogger(__name__)

ROLES = (Role.AGENT, Role.SUPERVISOR, Role.OPERATOR)
"""Those who use the console."""

BY_PROXY = "proxy"
"""In the place of a hash: a proxy signs this person in, no password does."""

KEY = "key"
SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 1024
FORM = "write 'NAME ROLE HASH', or let 'rasa-emotion console user add' write it"

_HASHER = PasswordHasher()
_NOBODY = _HASHER.hash(secrets.token_urlsafe())
"""What a password is compared with where there is no such person, so that the time does not tell."""


@dataclass(frozen=True)
class User:
    """One line of the file."""

    name: str
    role: Role
    hash: str = field(repr=False)


@dataclass(frozen=True)
class Users:
    """The file's content: people by name, and the key that signs their sessions."""

    by_name: dict[str, User]
    key: bytes = field(repr=False)


def read_users(path: Path) -> Users:
    """The content of a users file.

    Raises:
        ConfigError: it cannot be read, others can read it, or a line has another form.
    """
    try:
        mode = path.stat().st_mode
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise ConfigError(
            f"The users file '{path}' cannot be read ({reason}); make one: rasa-emotion console user add NAME "
            f"--role agent --file {shlex.quote(str(path))}"
        ) from error
    if os.name == "posix" and stat.S_IMODE(mode) & LOOSE:
        raise ConfigError(f"Others can read or write the users file '{path}'; run: chmod 600 {shlex.quote(str(path))}")
    users: dict[str, User] = {}
    key = b""
    for number, line in enumerate(lines, start=1):
        parts = line.split()
        if not parts or parts[0].startswith("#"):
            continue
        if parts[0] == KEY and len(parts) == 2 and len(parts[1]) >= 32:
            key = parts[1].encode()
            continue
        user = _user(f"Line {number} of the users file '{path}'", parts)
        users[user.name] = user
    if not key:
        raise ConfigError(f"The users file '{path}' has no line '{KEY}'; let 'rasa-emotion console user add' make it.")
    return Users(users, key)


def _user(where: str, parts: list[str]) -> User:
    # The line itself is not quoted: it may end in a log.
    if len(parts) != 3 or parts[1] not in [role.value for role in ROLES] or not PERSON_NAME.fullmatch(parts[0]):
        named_roles = ", ".join(role.value for role in ROLES)
        raise ConfigError(f"{where} has another form; {FORM}, with a role of {named_roles}.")
    if parts[2] != BY_PROXY and not parts[2].startswith("$argon2"):
        raise ConfigError(f"{where} has no argon2 hash; {FORM}.")
    return User(parts[0], Role(parts[1]), parts[2])


def add_user(path: Path, name: str, role: Role, password: str | None) -> User:
    """Add a person to a file, which is made where there is none, for its owner alone; one of that name is replaced.

    Args:
        path: the users file.
        name: letters, digits and `.@+-_`, at most 64.
        role: agent, supervisor or operator.
        password: at least 10 characters; None for somebody whom a proxy signs in.

    Raises:
        ConfigError: name, role or password cannot be used, or the file is one that `read_users` refuses.
    """
    if not PERSON_NAME.fullmatch(name) or name == KEY:
        raise ConfigError(f"'{name}' cannot be a name; give letters, digits and .@+-_, at most {LONGEST_NAME}.")
    if role not in ROLES:
        raise ConfigError(f"'{role.value}' does not use the console; give {', '.join(role.value for role in ROLES)}.")
    if password is not None and not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise ConfigError(f"The password is too short or too long; give {SHORTEST_PASSWORD} characters or more.")
    known = read_users(path) if path.exists() else Users({}, secrets.token_urlsafe(32).encode())
    user = User(name, role, BY_PROXY if password is None else _HASHER.hash(password))
    _write(path, Users({**known.by_name, name: user}, known.key))
    return user


def remove_user(path: Path, name: str) -> None:
    """Take a person out of a file; their sessions end with it. Raises ConfigError where there is none of that name."""
    known = read_users(path)
    if name not in known.by_name:
        raise ConfigError(f"There is no '{name}' in the users file '{path}'; see: rasa-emotion console user list.")
    _write(path, Users({other: user for other, user in known.by_name.items() if other != name}, known.key))


def _write(path: Path, users: Users) -> None:
    """All at once, so that a running console never reads half of it."""
    new = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    lines = [f"{KEY} {users.key.decode()}"]
    lines += [f"{user.name} {user.role.value} {user.hash}" for user in users.by_name.values()]
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    new.replace(path)


def password_fits(user: User | None, password: str) -> bool:
    """Whether it is this person's password; takes as long where there is no such person. It takes 50 ms or more."""
    hashed = user.hash if user is not None and user.hash != BY_PROXY else _NOBODY
    try:
        fits = _HASHER.verify(hashed, password[:LONGEST_PASSWORD])
    except (VerificationError, InvalidHashError):
        return False
    return fits and hashed is not _NOBODY


class UserFile:
    """The people who may sign in now. A change counts at once; one that cannot be used is told and changes nothing.

    Args:
        path: the users file.

    Raises:
        ConfigError: as `read_users`.
    """

    def __init__(self, path: Path) -> None:
        self._file = Reread(path, read_users, failed=_failed)

    def now(self) -> Users:
        """The content that holds now."""
        return self._file.now()


def _failed(error: ConfigError) -> None:
    logger.error(
        "Those who could sign in before still can, and nobody beside them. %s",
        error,
        extra=named("console.users.failed"),
    )
