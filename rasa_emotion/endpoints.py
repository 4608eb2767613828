"""What the operator sets for the handover to people: the section `rasa_emotion:` of the bot's endpoints.yml."""

import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml.error import YAMLError
from sqlalchemy.engine.url import URL

from rasa_emotion.database import DEFAULT_DATABASE
from rasa_emotion.errors import ConfigError
from rasa_emotion.plain_yaml import read_plain_yaml
from rasa_emotion.settings import check_number, check_text, checked

PATH_VARIABLE = "RASA_EMOTION_ENDPOINTS"
"""The environment variable that names the file, where it is not `endpoints.yml` in the working folder."""

SECTION = "rasa_emotion"

VOICE_CHANNEL = "voice"
"""The channel of live calls, which speaks each reply in its tone without being named in endpoints.yml."""

CONSENT_MODES = ("opt_out", "opt_in")

DEFAULTS: dict[str, Any] = {
    # Where handoffs, messages and consents are kept; null takes the tracker store's where that is ours, else a file.
    "database": None,
    # Who takes over: the desk of this package, or `type` of an adapter with its own options.
    "helpdesk": {"type": "desk"},
    # Which personal data is struck out of a packet, see docs/handoff.md; null keeps the defaults.
    "redact": None,
    # Minutes without a word of the human after which the bot takes a conversation back; null leaves it to the human.
    "give_back_minutes": 30,
    # Days after which what was delivered and closed is deleted; null keeps it.
    "retention_days": 30,
    # Whose emotions are analysed: opt_out for all who have not said no, opt_in for those alone who have said yes.
    "consent": "opt_out",
    # How the worker delivers, see `Delivery`.
    "delivery": {},
    # Links for the person who takes over, by name; {sender} and {key} are filled in.
    "links": {},
    # Where what the database refuses is kept, see `SpoolOptions`.
    "spool": {},
    # What people at the console may begin with, by the bot's language and the caller's mood; null has English alone.
    "first_sentences": None,
    # Where live calls are recorded, see `RecordOptions`; null records nothing.
    "record": None,
}


@dataclass(frozen=True)
class Delivery:
    """How the worker delivers.

    Args:
        attempts: tries after which a packet or message is given up: 150 take about three days.
        first_wait_secs: the longest wait before the second try; it doubles with each further one ...
        longest_wait_secs: ... up to this one.
        timeout_secs: how long one try may take.
        at_once: packets that are delivered at the same time; as many messages beside them.
    """

    attempts: int = 150
    first_wait_secs: float = 2.0
    longest_wait_secs: float = 3600.0
    timeout_secs: float = 60.0
    at_once: int = 4


@dataclass(frozen=True)
class RecordOptions:
    """How live calls are recorded; see docs/live.md.

    Args:
        announcement: what a caller is told before the recording begins.
        folder: of the recordings, from the working folder on.
        retention_days: after which a recording is deleted.
    """

    announcement: str
    folder: Path = Path("recordings")
    retention_days: float = 30


@dataclass(frozen=True)
class SpoolOptions:
    """Where what the database refuses is kept until it answers; see docs/durability.md.

    Args:
        folder: by default beside the SQLite file, else `rasa_emotion.spool` in the working folder.
        max_mb: megabytes that each server process allocates at its start.
        key_file: of the key with which it is encrypted; None leaves it readable for its owner.
    """

    folder: str | None = None
    max_mb: float = 16
    key_file: str | None = None


@dataclass(frozen=True)
class Endpoints:
    """The section, checked.

    Args:
        database: SQLAlchemy URL.
        helpdesk: `type` and the options of that adapter.
        redact: options of the redaction; None for the defaults.
        retention_days: days after which closed handoffs are deleted; None keeps them.
        links: templates of addresses, by name.
        consent: "opt_out" analyses callers till they say no, "opt_in" only when they have said yes.
        delivery: how the worker delivers.
        give_back_minutes: without a word of the human, after which the bot takes a conversation back; None for never.
        voice_channels: channels that speak to callers: `VOICE_CHANNEL`, and those that the file's `nlg` names.
        spool: where what the database refuses is kept.
        record: how live calls are recorded; None where they are not.
        first_sentences: what people at the console may begin with, by the bot's language and the caller's mood.
    """

    database: str = DEFAULT_DATABASE
    helpdesk: Mapping[str, Any] = field(default_factory=lambda: {"type": "desk"})
    redact: Mapping[str, Any] | None = None
    retention_days: float | None = 30
    links: Mapping[str, str] = field(default_factory=dict)
    consent: str = "opt_out"
    delivery: Delivery = field(default_factory=Delivery)
    give_back_minutes: float | None = 30
    voice_channels: frozenset[str] = frozenset({VOICE_CHANNEL})
    spool: SpoolOptions = field(default_factory=SpoolOptions)
    record: RecordOptions | None = None
    first_sentences: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def endpoints_path() -> Path:
    """The file that is read where no other is named."""
    return Path(os.environ.get(PATH_VARIABLE) or "endpoints.yml")


def read_endpoints(path: Path | None = None) -> Endpoints:
    """The section of a bot's endpoints.yml; the defaults where the file or the section is missing.

    Raises:
        ConfigError: the file is no YAML, names an environment variable that is not set, or an option is wrong.
    """
    path = path or endpoints_path()
    content = read_content(path)
    section = content.get(SECTION) or {}
    if not isinstance(section, dict):
        raise ConfigError(f"'{SECTION}' in '{path}' is {section!r}; give a mapping of options.")
    return _checked(f"'{SECTION}' in '{path}'", resolved(section, str(path)), content)


def read_content(path: Path) -> dict[str, Any]:
    """All of a bot's endpoints.yml as it is written; empty without the file. Raises ConfigError where it is no YAML."""
    try:
        content = read_plain_yaml(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, YAMLError, ValueError, RecursionError) as error:
        # YAML's own messages have several lines, and dates or numbers that are none are errors of Python's.
        said = " ".join(str(error).split())
        raise ConfigError(f"'{path}' cannot be read as YAML ({said}); correct it.") from error
    return content if isinstance(content, dict) else {}


def resolved(value: Any, where: str) -> Any:
    """A value with `${NAME}` replaced from the environment, as Rasa does. Raises ConfigError where one is not set."""
    if isinstance(value, dict):
        return {key: resolved(item, where) for key, item in value.items()}
    if isinstance(value, list):
        return [resolved(item, where) for item in value]
    if isinstance(value, str):
        return re.sub(r"\$\{(\w+)\}", lambda found: _variable(found[1], where), value)
    return value


def _variable(name: str, where: str) -> str:
    if name not in os.environ:
        raise ConfigError(f"'{where}' names the environment variable '{name}', which is not set; set it.")
    return os.environ[name]


def _checked(owner: str, section: Mapping[str, Any], content: Mapping[str, Any]) -> Endpoints:
    settings = checked(owner, section, DEFAULTS)
    check_text(owner, "database", settings["database"], optional=True)
    for name in ("retention_days", "give_back_minutes"):
        check_number(owner, name, settings[name], above=0, optional=True)
    helpdesk = settings["helpdesk"]
    if not isinstance(helpdesk, dict) or not isinstance(helpdesk.get("type"), str):
        raise ConfigError(f"{owner}: 'helpdesk' is {helpdesk!r}; give a mapping with a 'type', such as desk.")
    for name in ("redact", "links", "delivery", "spool", "record", "first_sentences"):
        if settings[name] is not None and not isinstance(settings[name], dict):
            raise ConfigError(f"{owner}: '{name}' is {settings[name]!r}; give a mapping.")
    if settings["consent"] not in CONSENT_MODES:
        raise ConfigError(f"{owner}: 'consent' is {settings['consent']!r}; write one of {', '.join(CONSENT_MODES)}.")
    database = settings["database"] or _tracker_database(content, owner) or DEFAULT_DATABASE
    return Endpoints(
        database,
        helpdesk,
        settings["redact"],
        settings["retention_days"],
        _links(owner, settings["links"] or {}),
        settings["consent"],
        _delivery(owner, settings["delivery"] or {}),
        settings["give_back_minutes"],
        _voice_channels(content),
        _spool(owner, settings["spool"] or {}),
        _record(owner, settings["record"]),
        _first_sentences(f"{owner}: 'first_sentences'", settings["first_sentences"] or {}),
    )


def _first_sentences(owner: str, given: Mapping[str, Any]) -> Mapping[str, Mapping[str, str]]:
    for language, sentences in given.items():
        where = f"{owner}: '{language}'"
        if not isinstance(sentences, dict) or not sentences:
            raise ConfigError(f"{where} is {sentences!r}; give a sentence for each mood.")
        for mood, sentence in sentences.items():
            check_text(where, str(mood), sentence)
    return given


def _record(owner: str, given: Mapping[str, Any] | None) -> RecordOptions | None:
    if given is None:
        return None
    owner = f"{owner}: 'record'"
    settings = checked(owner, given, {"announcement": None, "folder": "recordings", "retention_days": 30})
    for key in ("announcement", "folder"):
        check_text(owner, key, settings[key])
    check_number(owner, "retention_days", settings["retention_days"], above=0)
    return RecordOptions(settings["announcement"], Path(settings["folder"]), settings["retention_days"])


def _voice_channels(content: Mapping[str, Any]) -> frozenset[str]:
    """What the response generator takes for voices; it checks its options itself."""
    nlg = content.get("nlg")
    named = nlg.get("voice_channels") if isinstance(nlg, dict) else None
    given = [name for name in named if isinstance(name, str)] if isinstance(named, list) else []
    return frozenset([VOICE_CHANNEL, *given])


def _links(owner: str, links: Mapping[str, Any]) -> Mapping[str, str]:
    for name, link in links.items():
        check_text(f"{owner}: 'links'", str(name), link)
    return links


def _delivery(owner: str, given: Mapping[str, Any]) -> Delivery:
    owner = f"{owner}: 'delivery'"
    settings = checked(owner, given, asdict(Delivery()))
    for key, value in settings.items():
        check_number(owner, key, value, above=0)
    for key in ("attempts", "at_once"):
        if not isinstance(settings[key], int):
            raise ConfigError(f"{owner}: '{key}' is {settings[key]!r}; give a whole number.")
    return Delivery(**settings)


def _spool(owner: str, given: Mapping[str, Any]) -> SpoolOptions:
    owner = f"{owner}: 'spool'"
    settings = checked(owner, given, asdict(SpoolOptions()))
    for key in ("folder", "key_file"):
        check_text(owner, key, settings[key], optional=True)
    check_number(owner, "max_mb", settings["max_mb"], above=0, at_most=10_000)
    return SpoolOptions(**settings)


def _tracker_database(content: Mapping[str, Any], where: str) -> str | None:
    """The URL of the tracker store, where that is the one that writes handoffs itself."""
    store = content.get("tracker_store")
    if not isinstance(store, dict) or str(store.get("type", "")).rpartition(".")[2] != "EmotionTrackerStore":
        return None
    return sql_url(resolved(store, where))


def sql_url(options: Mapping[str, Any]) -> str:
    """The URL of the database that the options of Rasa's SQL tracker store name.

    >>> sql_url({"type": "SQL", "db": "bot.db"})
    'sqlite:///bot.db'
    """
    host, port = options.get("url"), options.get("port")
    if host and "://" in host:
        return str(host)
    if host and ":" in host:
        host, _, port = host.rpartition(":")
    url = URL.create(
        options.get("dialect", "sqlite"),
        options.get("username"),
        options.get("password"),
        host,
        int(port) if port else None,
        options.get("db", "rasa.db"),
        options.get("query") or {},
    )
    return str(url.render_as_string(hide_password=False))
