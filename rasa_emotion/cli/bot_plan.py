"""What a Rasa bot's files lack for the plugin; writes nothing."""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rasa_emotion.cli import additions
from rasa_emotion.cli.bot_files import (
    BotFile,
    Change,
    Plan,
    changed,
    domain_files,
    items,
    mappings,
    named,
    names_in,
    read_file,
)
from rasa_emotion.cli.bot_notes import notes, own_entities, taken_over
from rasa_emotion.cli.bot_services import channels, endpoints
from rasa_emotion.cli.handoff_intents import handoff_intents
from rasa_emotion.cli.older_rasa import check_version
from rasa_emotion.cli.wording import Given, Wording, wording
from rasa_emotion.errors import ConfigError
from rasa_emotion.text.language import bot_language


@dataclass(frozen=True)
class Wishes:
    """What the bot's author wants of `init`.

    Args:
        observe: hear and record alone: the bot says and does what it did.
        handoff_intents: the bot's intents with which callers ask for a human; None takes those whose names say so.
        given: what the author wrote for the plugin to say.
    """

    observe: bool = False
    handoff_intents: tuple[str, ...] | None = None
    given: Given = field(default_factory=Given)


@dataclass(frozen=True)
class _Bot:
    """What a bot is before anything is done to it."""

    folder: Path
    config: BotFile
    domain: list[BotFile]
    endpoints: BotFile
    credentials: BotFile

    def names(self, key: str) -> list[str]:
        return names_in(self.domain, key)


def bot_intents(bot: Path, domain: Path | None = None) -> list[str]:
    """The bot's own intents whose names say that the caller wants a human. Raises ConfigError as `plan` does."""
    own = names_in(domain_files(bot, _relative(bot, domain)), "intents")
    return handoff_intents(name for name in own if name not in additions.INTENTS)


def plan(bot: Path, domain: Path | None = None, wishes: Wishes | None = None) -> Plan:
    """Find out what a bot's files lack.

    Args:
        bot: the bot's folder, with config.yml.
        domain: its domain, a file or a folder, absolute or relative to `bot`; domain.yml or domain/ by default.
        wishes: what its author wants.

    Raises:
        ConfigError: the folder holds no bot, or one that cannot be changed safely.
    """
    wishes = wishes or Wishes()
    if not (bot / "config.yml").is_file():
        raise ConfigError(f"'{bot}' is not a Rasa bot, it has no config.yml; name the folder that `rasa init` made.")
    domain = _relative(bot, domain)
    files = [read_file(bot, Path(name)) for name in ("config.yml", "endpoints.yml", "credentials.yml")]
    here = _Bot(bot, files[0], domain_files(bot, domain), files[1], files[2])
    _check_slots(here.domain)
    check_version(bot, here.config, here.domain)
    intents = _intents(here, wishes)
    target = _domain_target(bot, here.domain, domain)
    if wishes.observe:
        return _observing(here, target, intents)
    words = wording(
        bot_language(here.config.data.get("language"), _texts(here.domain)),
        replies_there=here.names("responses"),
        examples_there=_examples(bot),
        given=wishes.given,
    )
    unanswered = _unanswered(here)
    store, kept = endpoints(here.endpoints)
    lines, relayed = channels(here.credentials)
    speaks = additions.HANDOFF not in words.left_out
    changes = [
        _config(here, {"handoff_intents": intents} if intents else {}, policy=speaks),
        _domain(here, target, _replies(words, unanswered)),
        _rules(bot, unanswered, words),
        _nlu(bot, words),
        store,
        lines,
    ]
    return Plan(
        bot,
        tuple(change for change in changes if change),
        (*taken_over(here.config, here.domain, intents if speaks else []), *kept, *relayed),
        tuple(notes(here.config, here.domain, words, intents)),
        words.left_out,
    )


def _relative(bot: Path, domain: Path | None) -> Path | None:
    return Path(os.path.relpath(domain, bot)) if domain is not None and domain.is_absolute() else domain


def _observing(here: _Bot, target: BotFile, intents: list[str]) -> Plan:
    """The slots and what fills them, and a policy that records what it would do: nothing that a caller notices."""
    options = {"dry_run": True, **({"handoff_intents": intents} if intents else {})}
    there = named(here.config.data.get("policies"), additions.POLICY)
    acts = there is not None and not there.get("dry_run")
    changes = [_config(here, options), _domain(here, target, None)]
    note = (
        "The bot says and does what it did; nobody is handed over, and callers are not told that their emotions are "
        "analysed: tell them elsewhere. Voices are heard on rasa_emotion.EmotionRestInput alone, which is not added."
    )
    if acts:
        note = (
            "The bot goes on to hand callers over and to fit its replies: rasa_emotion.EmotionPolicy stands in "
            "config.yml without 'dry_run: true'; write that under it, and take rasa_emotion.EmotionResponses out of "
            "endpoints.yml, to observe alone."
        )
    return Plan(here.folder, tuple(change for change in changes if change), (), (note,))


def _intents(here: _Bot, wishes: Wishes) -> list[str]:
    """The bot's own intents with which callers ask for a human."""
    own = [name for name in here.names("intents") if name not in additions.INTENTS]
    if wishes.handoff_intents is None:
        return handoff_intents(own)
    missing = next((name for name in wishes.handoff_intents if name not in own), None)
    if missing is not None:
        raise ConfigError(f"The domain has no intent '{missing}'; choose from {', '.join(own) or 'none'}.")
    return list(wishes.handoff_intents)


def _config(here: _Bot, options: Mapping[str, Any], *, policy: bool = True) -> Change | None:
    file = here.config
    recipe = file.data.get("recipe", "default.v1")
    if recipe != "default.v1":
        raise ConfigError(
            f"'{file.path}' uses the recipe {recipe}, whose graph only its author can extend; use default.v1 or add "
            f"{additions.CLASSIFIER} and {additions.POLICY} to the graph yourself."
        )
    new: dict[str, list[Any]] = {}
    comments = {}
    own = own_entities(here.domain)
    left = {"entities": [name for name in additions.FROM_ENTITY if name not in own]} if own else {}
    for key, name, automatic, more in (
        ("pipeline", additions.CLASSIFIER, additions.AUTOMATIC_PIPELINE, left),
        ("policies", additions.POLICY, additions.AUTOMATIC_POLICIES, options),
    ):
        listed = file.data.get(key)
        if listed is not None and not isinstance(listed, list):
            raise ConfigError(f"'{key}' in '{file.path}' is not a list; write it as one and run init again.")
        if named(listed, name) is not None or (key == "policies" and not policy):
            continue
        new[key] = [*([] if listed is not None else automatic), {"name": name, **more}]
        comments[key] = f"Rasa's automatic {key}, which a bot gets that lists none, and last rasa-emotion's part."
    return changed(file, new, {key: text for key, text in comments.items() if file.data.get(key) is None})


def _domain_target(bot: Path, files: list[BotFile], domain: Path | None) -> BotFile:
    """The domain's one file, or a file of our own in its folder."""
    folder = domain or Path("domain")
    if (bot / folder).is_dir() and not (domain is None and (bot / "domain.yml").exists()):
        path = folder / "emotion.yml"
        return next((file for file in files if file.path == path), BotFile(path, additions.HEADER))
    return files[0]


def _check_slots(files: Iterable[BotFile]) -> None:
    for file in files:
        for name, slot in (file.data.get("slots") or {}).items():
            accepted = additions.SLOT_TYPES.get(name, ())
            kind = slot.get("type") if isinstance(slot, dict) else None
            if accepted and kind not in accepted:
                raise ConfigError(
                    f"The slot '{name}' in '{file.path}' has type {kind}, where rasa-emotion needs {accepted[0]}; "
                    "rename your slot and run init again."
                )


def _domain(here: _Bot, target: BotFile, replies: Mapping[str, Any] | None) -> Change | None:
    """What the domain lacks; without `replies`, slots and entities alone."""
    wanted: dict[str, Any] = {"entities": additions.ENTITIES, "slots": additions.SLOTS}
    if replies is not None:
        wanted = {"intents": list(additions.INTENTS), **wanted, "responses": replies}
    new: dict[str, Any] = {}
    for key, entries in wanted.items():
        there = set(here.names(key))
        if isinstance(entries, Mapping):
            missing: Any = {name: value for name, value in entries.items() if name not in there}
        else:
            missing = [entry for entry in entries if not there & set(entry if isinstance(entry, dict) else [entry])]
        if missing:
            new[key] = missing
    return changed(target, new)


def _replies(words: Wording, unanswered: Iterable[tuple[str, str | None]]) -> dict[str, Any]:
    """The replies to add, without those to intents that the bot's own rules answer."""
    needed = {additions.REPLIES[intent] for intent, _ in unanswered}
    needless = set(additions.REPLIES.values()) - needed
    return {name: value for name, value in words.replies.items() if name not in needless}


def _unanswered(here: _Bot) -> list[tuple[str, str | None]]:
    """The intents of ours that no rule answers, each with the form in which, or None for outside of forms."""
    forms = sorted(here.names("forms"))
    found = []
    for intent in additions.REPLIES:
        answered = set(_answered(here.folder, intent))
        found += [(intent, form) for form in (None, *forms) if form not in answered]
    return found


def _answered(bot: Path, intent: str) -> Iterator[str | None]:
    """The forms in which a rule answers an intent; None stands for outside of forms."""
    for rule in items(bot, "rules", intent):
        first = next(mappings(rule.get("steps")), {})
        if first.get("intent") == intent:
            yield next((step.get("active_loop") for step in mappings(rule.get("condition"))), None)


def _rules(bot: Path, unanswered: Iterable[tuple[str, str | None]], words: Wording) -> Change | None:
    rules = [
        additions.rule(intent, form, answered=additions.REPLIES[intent] not in words.left_out)
        for intent, form in unanswered
    ]
    comment = (
        "A turn in which the caller makes a sound, such as a sigh, but says no words; and the caller's own word on "
        "whether emotions may be analysed."
    )
    return changed(_own_file(bot, "emotion_rules.yml"), {"rules": rules} if rules else {}, {"rules": comment})


def _nlu(bot: Path, words: Wording) -> Change | None:
    """Examples of how callers say yes and no to the analysis."""
    entries = [additions.nlu(intent, texts) for intent, texts in words.examples.items()]
    return changed(_own_file(bot, "emotion_nlu.yml"), {"nlu": entries} if entries else {})


def _own_file(bot: Path, name: str) -> BotFile:
    file = read_file(bot, Path("data") / name)
    return file if file.exists else BotFile(file.path, additions.HEADER)


def _examples(bot: Path) -> dict[str, tuple[str, ...]]:
    """The bot's own examples of a yes and a no to the analysis, by intent, where it has any."""
    found: dict[str, tuple[str, ...]] = {}
    for intent in additions.EXAMPLES:
        for entry in items(bot, "nlu", intent):
            if entry.get("intent") == intent:
                found[intent] = (*found.get(intent, ()), *_example_texts(entry.get("examples")))
    return found


def _example_texts(examples: Any) -> Iterator[str]:
    if isinstance(examples, str):
        yield from (line.lstrip("- ").strip() for line in examples.splitlines() if line.strip())
    else:
        yield from (str(entry.get("text")).strip() for entry in mappings(examples))


def _texts(domain: Iterable[BotFile]) -> Iterator[str]:
    """All that the bot says."""
    for file in domain:
        for variations in (file.data.get("responses") or {}).values():
            yield from (str(one["text"]) for one in mappings(variations) if one.get("text"))
