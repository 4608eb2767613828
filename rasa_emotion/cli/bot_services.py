"""What endpoints.yml and credentials.yml lack: where handovers are kept, and the channels on which a human can talk."""

from collections.abc import Container, Iterator, Mapping
from typing import Any

from rasa_emotion.cli import additions
from rasa_emotion.cli.bot_files import BotFile, Change, same_class
from rasa_emotion.cli.yaml_edit import add, nest
from rasa_emotion.errors import ConfigError

_NOT_RELAYED = frozenset({"rasa", "cmdline"})
"""Channels that Rasa uses itself."""

_OWN = "rasa_emotion."

_SECTION = "rasa_emotion"
"""That of `rasa_emotion.endpoints`, which needs a database's packages; init does without."""

_SQLITE = "sqlite:///"


def endpoints(file: BotFile) -> tuple[Change | None, list[str]]:
    """What endpoints.yml lacks, and what is said about what it has.

    A tracker store that the bot names is never replaced: the relay looks through it instead.

    Raises:
        ConfigError: `nlg` is written as nothing that Rasa documents.
    """
    text, kept = file.text, []
    new: dict[str, Any] = {}
    nlg = file.data.get("nlg")
    if nlg is None:
        new["nlg"] = {"type": additions.RESPONSES}
    elif not isinstance(nlg, dict):
        raise ConfigError(f"'nlg' in '{file.path}' is not a mapping; write it as Rasa documents and run init again.")
    elif not same_class(nlg.get("type"), additions.RESPONSES):
        text = nest(text, "nlg", under="wrap", beside={"type": additions.RESPONSES})
        kept.append("What 'nlg' in endpoints.yml names goes on answering, wherever no reply fits the caller's emotion.")
    store = file.data.get("tracker_store")
    database = _sqlite_file(file.data)
    if store is None and database:
        new["tracker_store"] = {"type": additions.TRACKER_STORE, "dialect": "sqlite", "db": database}
        kept.append(f"Conversations were kept in memory; they are kept in '{database}' now, with the handovers.")
    elif not isinstance(store, dict) or not same_class(store.get("type"), additions.TRACKER_STORE):
        kind = store.get("type") if isinstance(store, dict) else "in memory"
        kept.append(
            f"The tracker store ({kind}) stays; handovers are kept in "
            f"'{database or 'the database that endpoints.yml names'}', and the relay adds those that it finds there."
        )
    text = add(text, new) if new else text
    return (Change(file, text) if text != file.text else None), kept


def channels(file: BotFile) -> tuple[Change | None, list[str]]:
    """What credentials.yml lacks, and what is said about the channels that are there.

    A relay is put around each: their names, addresses and credentials stay, and a human can talk on them.
    """
    text, kept, taken = file.text, [], set(file.data)
    for name in _to_relay(file.data):
        key = _relay_key(name, taken)
        taken.add(key)
        text = nest(text, name, name=key, beside={"channel": name}, under="options")
        kept.append(f"The channel '{name}' stays at its address; a human can talk to its callers ('{key}').")
    if not any(same_class(name, additions.CHANNEL) for name in (*file.data, *relayed(file.data))):
        text = add(text, {_relay_key(additions.CHANNEL, taken): {"channel": additions.CHANNEL}})
    return (Change(file, text) if text != file.text else None), kept


def is_relay(key: str) -> bool:
    """Whether a key of credentials.yml is a relay's."""
    return same_class(key, additions.RELAY) or key.startswith(additions.FURTHER_RELAY)


def relayed(credentials: Mapping[str, Any]) -> list[str]:
    """The channels around which there is a relay."""
    options = (options for key, options in credentials.items() if is_relay(key))
    return [str(one.get("channel")) for one in options if isinstance(one, Mapping)]


def _to_relay(credentials: Mapping[str, Any]) -> Iterator[str]:
    for name, options in credentials.items():
        ours = name.startswith(_OWN) and not same_class(name, additions.CHANNEL)
        if name not in _NOT_RELAYED and not ours and (options is None or isinstance(options, Mapping)):
            yield name


def _relay_key(channel: str, taken: Container[str]) -> str:
    if same_class(channel, additions.CHANNEL):
        if additions.RELAY not in taken:
            return additions.RELAY
        channel = "emotion"
    key = additions.FURTHER_RELAY + channel.rpartition(".")[2]
    number = 2
    while key in taken:
        key = f"{additions.FURTHER_RELAY}{channel.rpartition('.')[2]}_{number}"
        number += 1
    return key


def _sqlite_file(content: Mapping[str, Any]) -> str | None:
    """The file in which handovers are kept; None where they are in no file, or it cannot be told in which."""
    section = content.get(_SECTION)
    named = section.get("database") if isinstance(section, Mapping) else None
    if named is None:
        return additions.DATABASE
    file = str(named).removeprefix(_SQLITE)
    in_file = str(named).startswith(_SQLITE) and file not in {"", ":memory:"} and not set("?$") & set(file)
    return file if in_file else None
