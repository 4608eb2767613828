"""What `rasa-emotion doctor` finds in a bot's folder: is it wired, who hears, who gets a handover, who delivers it."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy.engine.url import make_url

from rasa_emotion.cli import additions
from rasa_emotion.cli.bot_files import BotFile, domain_files, named, names_in, read_file, same_class
from rasa_emotion.cli.bot_notes import own_entities
from rasa_emotion.cli.bot_services import is_relay
from rasa_emotion.database import holds, open_database
from rasa_emotion.endpoints import Endpoints, read_endpoints
from rasa_emotion.errors import ConfigError, ModelError
from rasa_emotion.handoff.helpdesks import open_helpdesk
from rasa_emotion.handoff.outbox import Outbox
from rasa_emotion.handoff.tables import handoffs
from rasa_emotion.model_folder import model_path, read_model_folder
from rasa_emotion.spool.shared import spool_of

UNTRIED_SECS = 60.0
"""After which a packet that nobody tried to deliver shows that nobody does: a worker takes it within a second."""

INIT = "rasa-emotion init"

_NOT_FOR_CALLERS = frozenset({"rasa", "cmdline"})


@dataclass(frozen=True)
class BotFinding:
    """One part of a bot.

    Args:
        name: the part's name.
        ok: whether it is as the plugin needs it.
        detail: one line for people.
        mend: the command that mends it; empty where it is ok, or no command does.
    """

    name: str
    ok: bool
    detail: str
    mend: str = ""


@dataclass(frozen=True)
class _Channel:
    """A channel of the bot: its name in Rasa, its options, and the relay's where there is one."""

    name: str
    options: Mapping[str, Any]
    relay: Mapping[str, Any] | None

    @property
    def hears(self) -> bool:
        return same_class(self.name, additions.CHANNEL)


def is_bot(folder: Path) -> bool:
    """Whether a folder is a Rasa bot's."""
    return (folder / "config.yml").is_file() and ((folder / "domain.yml").is_file() or (folder / "domain").is_dir())


def examine_bot(folder: Path) -> Iterator[BotFinding]:
    """Look at a bot's files and, where there is one, the database of its handovers; changes nothing.

    Raises:
        ConfigError: it is no bot, or a file of it cannot be read.
    """
    if not is_bot(folder):
        raise ConfigError(f"'{folder}' is not a Rasa bot, it lacks config.yml or a domain; name the bot's folder.")
    config = read_file(folder, Path("config.yml"))
    channels = _channels(read_file(folder, Path("credentials.yml")).data)
    policy = named(config.data.get("policies"), additions.POLICY)
    yield _wiring(config, domain_files(folder, None), read_file(folder, Path("endpoints.yml")))
    yield _policy(policy)
    hands_over = policy is not None and not policy.get("dry_run")
    yield from (_channel(channel, observes=policy is not None and not hands_over) for channel in channels)
    yield _voice(named(config.data.get("pipeline"), additions.CLASSIFIER) or {}, channels)
    try:
        endpoints = read_endpoints(folder / "endpoints.yml")
        yield _people(channels, endpoints, hands_over=hands_over)
        yield _delivery(folder, channels, endpoints, hands_over=hands_over)
        yield from _spool(folder, endpoints)
    except ConfigError as error:
        yield BotFinding("handover", False, str(error))


def _channels(credentials: Mapping[str, Any]) -> list[_Channel]:
    found = []
    for key, value in credentials.items():
        options = value if isinstance(value, Mapping) else {}
        if is_relay(key):
            found.append(_Channel(str(options.get("channel")), options.get("options") or {}, options))
        elif key not in _NOT_FOR_CALLERS:
            found.append(_Channel(key, options, None))
    return found


def _wiring(config: BotFile, domain: list[BotFile], endpoints: BotFile) -> BotFinding:
    slots = set(names_in(domain, "slots"))
    lacking = [f"the slot {name}" for name in additions.SLOT_TYPES if name not in slots]
    if named(config.data.get("pipeline"), additions.CLASSIFIER) is None:
        lacking.insert(0, "EmotionClassifier in the pipeline")
    if lacking:
        return BotFinding("wiring", False, f"nothing is heard: the bot lacks {', '.join(lacking)}", INIT)
    heard = (named(config.data.get("pipeline"), additions.CLASSIFIER) or {}).get("entities", additions.FROM_ENTITY)
    taken = [name for name in own_entities(domain) if name in heard]
    if taken:
        return BotFinding(
            "wiring",
            False,
            f"stories match no more: each turn fills {', '.join(taken)}, an entity of the bot's own, which takes part "
            "in them; take it out of EmotionClassifier's 'entities', or give it influence_conversation: false",
        )
    nlg = endpoints.data.get("nlg")
    fits = isinstance(nlg, Mapping) and same_class(nlg.get("type"), additions.RESPONSES)
    tone = "replies fit the caller" if fits else "replies are the same for every caller"
    unfilled = [name for name in additions.FROM_ENTITY if name not in heard]
    fills = f"each turn fills the emotion slots{' except ' + ', '.join(unfilled) if unfilled else ''}"
    return BotFinding("wiring", True, f"{fills}; {tone}")


def _policy(policy: Mapping[str, Any] | None) -> BotFinding:
    if policy is None:
        return BotFinding("policy", False, "nobody is handed over: config.yml has no EmotionPolicy", INIT)
    if policy.get("dry_run"):
        return BotFinding("policy", True, "observes: decisions are recorded and nothing is done (dry_run: true)")
    intents = ", ".join(policy.get("handoff_intents") or ()) or "none"
    return BotFinding("policy", True, f"hands over; intents with which callers ask for a human: {intents}")


def _channel(channel: _Channel, *, observes: bool) -> BotFinding:
    hears = "hears voices and reads words" if channel.hears else "reads words"
    if channel.relay is None and observes:
        return BotFinding(f"channel {channel.name}", True, f"{hears}; no human is needed, as nobody is handed over")
    if channel.relay is None:
        return BotFinding(f"channel {channel.name}", False, f"{hears}; no human can talk to its callers", INIT)
    return BotFinding(f"channel {channel.name}", True, f"{hears}; a human can talk to its callers")


def _voice(classifier: Mapping[str, Any], channels: list[_Channel]) -> BotFinding:
    """The model that hears the callers, under which licence, and what it cannot hear."""
    hearing = [channel.options for channel in channels if channel.hears]
    chosen = {(options.get("models"), options.get("acoustic") or "acoustic") for options in (classifier, *hearing)}
    sentences = []
    for models, name in sorted(chosen, key=str):
        try:
            sentences.append(read_model_folder(model_path(models, "acoustic", name), "acoustic").sentence)
        except ModelError as error:
            return BotFinding("voice", False, str(error))
    if not hearing:
        return BotFinding("voice", True, f"no channel takes a voice; words alone are judged. {' '.join(sentences)}")
    if len(chosen) > 1:
        return BotFinding(
            "voice", False, f"config.yml and credentials.yml name different models; name one. {' '.join(sentences)}"
        )
    return BotFinding("voice", True, sentences[0])


def _people(channels: list[_Channel], endpoints: Endpoints, *, hands_over: bool) -> BotFinding:
    """Who gets a handover."""
    if not hands_over:
        return BotFinding("handover", True, "nobody is handed over")
    if not any(channel.relay is not None for channel in channels):
        lost = "callers are told that no human can be reached, and the bot goes on"
        return BotFinding("handover", False, f"nobody is behind it: no channel has a relay; {lost}", INIT)
    helpdesk = open_helpdesk(endpoints.helpdesk)
    if helpdesk.name == "desk":
        return BotFinding("handover", True, "goes to the desk: somebody must sit at `rasa-emotion desk`")
    if not helpdesk.two_way:
        return BotFinding("handover", True, f"goes to '{helpdesk.name}', from where nobody can answer the caller")
    return BotFinding("handover", True, f"goes to '{helpdesk.name}', whose people answer the caller")


def _delivery(folder: Path, channels: list[_Channel], endpoints: Endpoints, *, hands_over: bool) -> BotFinding:
    """Whether somebody brings handovers to those people."""
    late = _late(_beside(folder, endpoints.database))
    if late:
        detail = f"nobody delivers: {late} packets wait that nobody has tried to bring"
        return BotFinding("delivery", False, f"{detail}; start `rasa run`, or the worker", "rasa-emotion handoff work")
    relays = [channel.relay for channel in channels if channel.relay is not None]
    if any(relay.get("worker", True) for relay in relays):
        return BotFinding("delivery", True, "the bot's server delivers while `rasa run` runs")
    if not hands_over:
        return BotFinding("delivery", True, "nothing has to be delivered")
    return BotFinding("delivery", True, "`rasa-emotion handoff work` delivers, and must run beside the bot's server")


def _spool(folder: Path, endpoints: Endpoints) -> Iterator[BotFinding]:
    """What waits beside the database, and what of it cannot be read."""
    spool = spool_of(endpoints, folder)
    if spool is None:
        return
    look = spool.look()
    for trouble in look.troubles:
        sentence, _, mend = trouble.partition("; run: ")
        yield BotFinding("spool", False, sentence, mend)
    if look.entries:
        since = f"{datetime.fromtimestamp(look.entries[0].at):%Y-%m-%d %H:%M}"
        detail = f"{len(look.entries)} records wait in '{spool.folder}' since {since}"
        reason = "the database refuses them, or no server has run since; see docs/durability.md"
        yield BotFinding("spool", False, f"{detail}: {reason}")
    elif not look.troubles:
        locked = "encrypted" if endpoints.spool.key_file else "readable for its owner alone"
        yield BotFinding("spool", True, f"nothing waits beside the database; what would is {locked}")


def _beside(folder: Path, database: str) -> str:
    """A database whose file is named from the bot's folder, named from here."""
    url = make_url(database)
    in_file = url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:")
    moved = url.set(database=str(folder / str(url.database)))
    return str(moved.render_as_string(hide_password=False)) if in_file else database


def _late(database: str) -> int:
    """Packets that should have been tried by now, and were not."""
    if not holds(database, handoffs.name):
        return 0
    before = time.time() - UNTRIED_SECS
    rows = Outbox(open_database(database)).rows(state="pending")
    return sum(row.next_attempt < before and not row.attempts and not row.error for row in rows)
