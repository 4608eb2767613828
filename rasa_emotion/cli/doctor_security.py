"""`rasa-emotion doctor --security`: what of a bot is open, and the line that shuts it."""

import os
import shlex
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy.engine.url import make_url

from rasa_emotion.cli import additions
from rasa_emotion.cli.bot_files import read_file, same_class
from rasa_emotion.cli.bot_services import is_relay
from rasa_emotion.cli.doctor_bot import BotFinding, is_bot
from rasa_emotion.endpoints import read_endpoints
from rasa_emotion.errors import ConfigError
from rasa_emotion.turn.access import is_loopback
from rasa_emotion.turn.keys import SHORTEST_KEY, read_keys
from rasa_emotion.turn.roles import Role

KEY_FILE = "keys.txt"
"""What is proposed where the bot names no token file."""

_OF_RASA = frozenset({"rasa", "cmdline"})
_WITHOUT_A_KEY = ("rest", "callback", "rasa_emotion.EmotionRestInput", "RestInput", "CallbackInput")
"""Channels that let everybody in by themselves."""

OTHERS = 0o007


def examine_security(folder: Path) -> Iterator[BotFinding]:
    """Look at a bot's files; changes nothing.

    Raises:
        ConfigError: it is no bot, or a file of it cannot be read.
    """
    if not is_bot(folder):
        raise ConfigError(f"'{folder}' is not a Rasa bot, it lacks config.yml or a domain; name the bot's folder.")
    credentials = read_file(folder, Path("credentials.yml")).data
    for key, value in credentials.items():
        if key not in _OF_RASA:
            yield _channel(folder, key, value if isinstance(value, Mapping) else {})
    yield from _files(folder, credentials)
    yield BotFinding(
        "server",
        True,
        "cannot be seen from here: 'rasa run' binds to all addresses, and with --enable-api everybody reads every "
        "conversation; start it as 'rasa run -i 127.0.0.1', with --auth-token where the API is needed, behind a proxy "
        "with TLS and limits (docs/security.md)",
    )


def _channel(folder: Path, key: str, options: Mapping[str, Any]) -> BotFinding:
    relayed = is_relay(key)
    inner = options.get("options") if relayed else options
    inner = inner if isinstance(inner, Mapping) else {}
    wrapped = str(options.get("channel")) if relayed else key
    name = f"channel {wrapped}"
    if wrapped.rpartition(".")[2] in ("socketio", "SocketIOInput"):
        return _sockets(name, inner)
    calls = wrapped.rpartition(".")[2] == "VoiceInput"
    own = relayed or calls or same_class(key, additions.CHANNEL)
    asked = {one: options.get(one) or inner.get(one) for one in ("token", "token_file")}
    if own and any(asked.values()):
        return _asks(folder, name, asked)
    if calls:
        return _calls(name, inner)
    if not own and wrapped not in _WITHOUT_A_KEY:
        return BotFinding(name, True, "asks for what its platform documents, which is not looked at here")
    where = f"under '{key}' in credentials.yml"
    if not own:
        return BotFinding(
            name,
            False,
            f"asks for no key: put a relay around it, and 'token_file: {KEY_FILE}' there",
            "rasa-emotion init",
        )
    detail = f"asks for no key: whoever reaches it speaks in any caller's name. Write 'token_file: {KEY_FILE}' {where}"
    return BotFinding(name, False, detail, _draw(folder / KEY_FILE))


def _sockets(name: str, options: Mapping[str, Any]) -> BotFinding:
    if options.get("jwt_key"):
        return BotFinding(name, True, "asks for a token signed with 'jwt_key'")
    return BotFinding(name, False, "asks for nothing: give the channel its 'jwt_key' in credentials.yml")


def _calls(name: str, options: Mapping[str, Any]) -> BotFinding:
    """Live calls without a key. Asterisk's line has no proof of who connects, wherever it listens."""
    line = options.get("audiosocket")
    host = line.get("host") if isinstance(line, Mapping) else None
    if host is not None and not is_loopback(str(host)):
        detail = f"AudioSocket listens at '{host}' and cannot tell who connects: give it a host of this machine alone"
        return BotFinding(name, False, detail, "host: 127.0.0.1")
    return BotFinding(name, True, "asks for no key, and admits clients of this machine alone")


def _asks(folder: Path, name: str, asked: Mapping[str, Any]) -> BotFinding:
    """Whether what a channel asks for is any use."""
    token, path = asked["token"], asked["token_file"]
    if token and "${" not in str(token) and len(str(token)) < SHORTEST_KEY:
        return BotFinding(
            name,
            False,
            f"its 'token' has fewer than {SHORTEST_KEY} characters; draw a longer one",
            _draw(folder / KEY_FILE),
        )
    if not path:
        return BotFinding(name, True, "asks for one key; a 'token_file' could be changed while the server runs")
    file = folder / str(path)
    try:
        holders = {key.holder for key in read_keys(file)}
    except ConfigError as error:
        mend = str(error).partition("run: ")[2] if "run: " in str(error) else _draw(file)
        return BotFinding(name, False, str(error), mend)
    callers = holders & {Role.CALLER.value, "tickets"}
    if not callers:
        return BotFinding(name, False, f"'{path}' has no key by which a caller gets in", _draw(file))
    return BotFinding(name, True, f"asks for a key or a ticket of '{path}' ({', '.join(sorted(holders))})")


def _files(folder: Path, credentials: Mapping[str, Any]) -> Iterator[BotFinding]:
    """What on the disk others can read: the database of callers' words, and YAML with secrets in it."""
    kept = [folder / "credentials.yml"] if _holds_secret(credentials) else []
    endpoints = folder / "endpoints.yml"
    if endpoints.is_file() and _holds_secret(read_file(folder, Path("endpoints.yml")).data):
        kept.append(endpoints)
    try:
        url = make_url(read_endpoints(endpoints).database)
    except ConfigError as error:
        yield BotFinding("endpoints.yml", False, str(error))
    else:
        if url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:"):
            kept.append(folder / str(url.database))
    for path in kept:
        if not path.is_file() or os.name != "posix":
            continue
        loose = stat.S_IMODE(path.stat().st_mode) & OTHERS
        detail = "can be read by others on this machine" if loose else "is its owner's alone"
        yield BotFinding(f"file {path.name}", not loose, detail, f"chmod o= {shlex.quote(str(path))}" if loose else "")


def _holds_secret(value: Any, key: str = "") -> bool:
    """Whether a secret stands in a YAML file itself, and not in the environment."""
    if isinstance(value, Mapping):
        return any(_holds_secret(inner, str(name)) for name, inner in value.items())
    secret = any(word in key for word in ("token", "secret", "password", "jwt_key")) and not key.endswith("_file")
    return secret and isinstance(value, str) and bool(value) and "${" not in value


def _draw(path: Path) -> str:
    return f"rasa-emotion access key {Role.CALLER.value} --file {shlex.quote(str(path))}"
