"""What a Rasa bot's files need for the plugin: planned first, then written all at once."""

import difflib
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rasa_emotion.cli import additions
from rasa_emotion.cli.yaml_edit import add, nest, read_yaml
from rasa_emotion.errors import ConfigError

_LISTS, _MAPPINGS = ("intents", "entities"), ("slots", "responses", "forms")
_DOMAIN_KEYS = {*_LISTS, *_MAPPINGS, "actions", "session_config", "config", "e2e_actions"}


@dataclass(frozen=True)
class BotFile:
    """A YAML file as it stands.

    Args:
        path: where it is, relative to the bot's folder.
        text: its content with "\\n" at the ends of lines, empty when there is no such file.
        data: what it holds.
        newline: the ends of its lines.
        exists: whether there is such a file.
    """

    path: Path
    text: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    newline: str = "\n"
    exists: bool = False

    def names(self, key: str) -> set[str]:
        """The names in a list or mapping of the domain, whose entries may carry properties."""
        return {name for entry in self.data.get(key) or () for name in (entry if isinstance(entry, dict) else [entry])}


@dataclass(frozen=True)
class Change:
    """A file and what it is to hold."""

    file: BotFile
    after: str

    @property
    def diff(self) -> str:
        """A unified diff for people."""
        name = self.file.path.as_posix()
        before = name if self.file.exists else "/dev/null"
        old = self.file.text.splitlines() if self.file.exists else []
        return "\n".join(difflib.unified_diff(old, self.after.splitlines(), before, name, lineterm=""))


@dataclass(frozen=True)
class Plan:
    """The changes to a bot's files, and what its author should know; without changes there is nothing to do."""

    bot: Path
    changes: tuple[Change, ...]
    notes: tuple[str, ...]


def plan(bot: Path, domain: Path | None = None) -> Plan:
    """Find out what a bot's files lack; writes nothing.

    Args:
        bot: the bot's folder, with config.yml.
        domain: its domain, a file or a folder, absolute or relative to `bot`; domain.yml or domain/ by default.

    Raises:
        ConfigError: the folder holds no bot, or one that cannot be changed safely.
    """
    if not (bot / "config.yml").is_file():
        raise ConfigError(f"'{bot}' is not a Rasa bot, it has no config.yml; name the folder that `rasa init` made.")
    if domain is not None and domain.is_absolute():
        domain = Path(os.path.relpath(domain, bot))
    files = domain_files(bot, domain)
    _check_slots(files)
    config = read_file(bot, Path("config.yml"))
    unanswered = _unanswered(bot, files)
    changes = [
        _config(config),
        _domain(files, _domain_target(bot, files, domain), unanswered),
        _rules(bot, unanswered),
        _nlu(bot, config),
        _endpoints(read_file(bot, Path("endpoints.yml"))),
        _credentials(read_file(bot, Path("credentials.yml"))),
    ]
    notes = (*_notes(files), *_notes_on_language(bot, config))
    return Plan(bot, tuple(change for change in changes if change), notes)


def read_file(bot: Path, path: Path) -> BotFile:
    """Read a YAML file of the bot; one that is not there is empty.

    Raises:
        ConfigError: it cannot be read, is not valid YAML, or holds no mapping.
    """
    full = bot / path
    if not full.exists():
        return BotFile(path)
    try:
        text = full.read_bytes().decode("utf-8")
    except OSError as error:
        raise ConfigError(f"'{full}' cannot be read ({error.strerror}); check its permissions.") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"'{full}' is not UTF-8 text; save it in that encoding.") from error
    newline = "\r\n" if "\r\n" in text else "\n"
    text = text.replace("\r\n", "\n")
    return BotFile(path, text, read_yaml(text, str(full)), newline, exists=True)


def _config(file: BotFile) -> Change | None:
    recipe = file.data.get("recipe", "default.v1")
    if recipe != "default.v1":
        raise ConfigError(
            f"'{file.path}' uses the recipe {recipe}, whose graph only its author can extend; use default.v1 or add "
            f"{additions.CLASSIFIER} and {additions.POLICY} to the graph yourself."
        )
    new: dict[str, list[Any]] = {}
    comments = {}
    for key, name, automatic in (
        ("pipeline", additions.CLASSIFIER, additions.AUTOMATIC_PIPELINE),
        ("policies", additions.POLICY, additions.AUTOMATIC_POLICIES),
    ):
        listed = file.data.get(key)
        if listed is not None and not isinstance(listed, list):
            raise ConfigError(f"'{key}' in '{file.path}' is not a list; write it as one and run init again.")
        if any(_same_class(item.get("name") if isinstance(item, dict) else item, name) for item in listed or ()):
            continue
        new[key] = [*([] if listed is not None else automatic), {"name": name}]
        comments[key] = f"Rasa's automatic {key}, which a bot gets that lists none, and last rasa-emotion's part."
    return _changed(file, new, {key: text for key, text in comments.items() if file.data.get(key) is None})


def domain_files(bot: Path, domain: Path | None) -> list[BotFile]:
    """The files of a bot's domain: its one file, or those in its folder that hold a part of it.

    Raises:
        ConfigError: there is none, or one cannot be read.
    """
    place = domain or Path("domain.yml" if (bot / "domain.yml").exists() else "domain")
    if (bot / place).is_dir():
        paths = sorted(path for path in (bot / place).rglob("*") if path.suffix in {".yml", ".yaml"})
        files = [read_file(bot, path.relative_to(bot)) for path in paths]
        return [_checked_domain(file) for file in files if _DOMAIN_KEYS & set(file.data)]
    if not (bot / place).exists():
        raise ConfigError(f"'{bot}' has no domain at '{place}'; name its file or folder with --domain.")
    return [_checked_domain(read_file(bot, place))]


def _checked_domain(file: BotFile) -> BotFile:
    for kind, name, keys in ((list, "list", _LISTS), (dict, "mapping", _MAPPINGS)):
        for key in keys:
            if not isinstance(file.data.get(key) or kind(), kind):
                raise ConfigError(f"'{key}' in '{file.path}' is not a {name}; write it as Rasa documents.")
    return file


def _domain_target(bot: Path, files: list[BotFile], domain: Path | None) -> BotFile:
    """The domain's one file, or a file of our own in its folder."""
    folder = domain or Path("domain")
    if (bot / folder).is_dir() and not (domain is None and (bot / "domain.yml").exists()):
        path = folder / "emotion.yml"
        return next((file for file in files if file.path == path), BotFile(path, additions.HEADER))
    return files[0]


def _check_slots(files: list[BotFile]) -> None:
    for file in files:
        for name, slot in (file.data.get("slots") or {}).items():
            accepted = additions.SLOT_TYPES.get(name, ())
            kind = slot.get("type") if isinstance(slot, dict) else None
            if accepted and kind not in accepted:
                raise ConfigError(
                    f"The slot '{name}' in '{file.path}' has type {kind}, where rasa-emotion needs {accepted[0]}; "
                    "rename your slot and run init again."
                )


def _domain(files: list[BotFile], target: BotFile, unanswered: Iterable[tuple[str, str | None]]) -> Change | None:
    needless = set(additions.REPLIES.values()) - {additions.REPLIES[intent] for intent, _ in unanswered}
    wanted = dict(additions.DOMAIN)
    wanted["responses"] = {name: value for name, value in wanted["responses"].items() if name not in needless}
    new: dict[str, Any] = {}
    for key, entries in wanted.items():
        there = set().union(*(file.names(key) for file in files))
        if isinstance(entries, dict):
            missing: Any = {name: value for name, value in entries.items() if name not in there}
        else:
            missing = [entry for entry in entries if not there & set(entry if isinstance(entry, dict) else [entry])]
        if missing:
            new[key] = missing
    return _changed(target, new)


def _unanswered(bot: Path, domain: list[BotFile]) -> list[tuple[str, str | None]]:
    """The intents of ours that no rule answers, each with the form in which, or None for outside of forms."""
    forms = sorted(set().union(*(file.names("forms") for file in domain)))
    found = []
    for intent in additions.REPLIES:
        answered = set(_answered(bot, intent))
        found += [(intent, form) for form in (None, *forms) if form not in answered]
    return found


def _rules(bot: Path, unanswered: Iterable[tuple[str, str | None]]) -> Change | None:
    rules = [additions.rule(intent, form) for intent, form in unanswered]
    comment = (
        "A turn in which the caller makes a sound, such as a sigh, but says no words; and the caller's own word on "
        "whether emotions may be analysed."
    )
    return _changed(_own_file(bot, "emotion_rules.yml"), {"rules": rules} if rules else {}, {"rules": comment})


def _nlu(bot: Path, config: BotFile) -> Change | None:
    """Examples of how callers say yes and no to the analysis, for a bot that speaks English and has none."""
    missing = _without_examples(bot) if _speaks_english(config) else []
    return _changed(
        _own_file(bot, "emotion_nlu.yml"), {"nlu": [additions.nlu(intent) for intent in missing]} if missing else {}
    )


def _own_file(bot: Path, name: str) -> BotFile:
    file = read_file(bot, Path("data") / name)
    return file if file.exists else BotFile(file.path, additions.HEADER)


def _speaks_english(config: BotFile) -> bool:
    return str(config.data.get("language") or "en").lower().startswith("en")


def _without_examples(bot: Path) -> list[str]:
    there = {entry.get("intent") for intent in additions.EXAMPLES for entry in _items(bot, "nlu", intent)}
    return [intent for intent in additions.EXAMPLES if intent not in there]


def _answered(bot: Path, intent: str) -> Iterator[str | None]:
    """The forms in which a rule answers an intent; None stands for outside of forms."""
    for rule in _items(bot, "rules", intent):
        first = next(_mappings(rule.get("steps")), {})
        if first.get("intent") == intent:
            yield next((step.get("active_loop") for step in _mappings(rule.get("condition"))), None)


def _items(bot: Path, key: str, name: str) -> Iterator[Mapping[str, Any]]:
    """What stands under a key of the training data, in all files that hold a name."""
    for path in sorted((bot / "data").rglob("*.y*ml")):
        # Parsing all of the NLU examples would take long, and few files name the intent.
        if path.is_file() and name.encode() in path.read_bytes():
            yield from _mappings(read_file(bot, path.relative_to(bot)).data.get(key))


def _mappings(items: Any) -> Iterator[Mapping[str, Any]]:
    return (item for item in items or () if isinstance(item, dict))


def _endpoints(file: BotFile) -> Change | None:
    nlg = file.data.get("nlg")
    if nlg is None:
        return _changed(file, {"nlg": {"type": additions.RESPONSES}})
    if not isinstance(nlg, dict):
        raise ConfigError(f"'nlg' in '{file.path}' is not a mapping; write it as Rasa documents and run init again.")
    if _same_class(nlg.get("type"), additions.RESPONSES):
        return None
    return Change(file, nest(file.text, "nlg", under="wrap", beside={"type": additions.RESPONSES}))


def _credentials(file: BotFile) -> Change | None:
    relays = (options for name, options in file.data.items() if _same_class(name, additions.RELAY))
    wrapped = (options.get("channel") for options in relays if isinstance(options, Mapping))
    if any(_same_class(name, additions.CHANNEL) for name in (*file.data, *wrapped)):
        return None
    return _changed(file, {additions.CHANNEL: None})


def _changed(file: BotFile, new: dict[str, Any], comments: Mapping[str, str] | None = None) -> Change | None:
    return Change(file, add(file.text, new, comments)) if new else None


def _same_class(name: Any, wanted: str) -> bool:
    """Whether a component is named, by its full path or the shorter one, or as Rasa's registry knows it."""
    return isinstance(name, str) and name.rpartition(".")[2] == wanted.rpartition(".")[2]


def _notes(files: Iterable[BotFile]) -> Iterator[str]:
    """What init leaves to the bot's author."""
    for file in files:
        for name, slot in (file.data.get("slots") or {}).items():
            mappings = list(_mappings(slot.get("mappings") if isinstance(slot, dict) else ()))
            entities = {mapping.get("entity") for mapping in mappings}
            if name in additions.FROM_ENTITY and name not in entities:
                yield f"The slot '{name}' stays as it is; it is only filled by a from_entity mapping of '{name}'."
            for mapping in mappings:
                own = _not_excluded(mapping)
                if own:
                    yield (
                        f"The slot '{name}' takes any text; add `not_intent: {own}` to its mapping, "
                        "or a sigh or a word on the analysis counts as an answer."
                    )
        for name, form in (file.data.get("forms") or {}).items():
            if isinstance(form, dict) and form.get("ignored_intents"):
                yield (
                    f"The form '{name}' has ignored_intents; on such turns Rasa leaves the emotion slots as they were, "
                    "while policy and replies use the turn's own estimate (docs/rasa.md)."
                )


def _not_excluded(mapping: Mapping[str, Any]) -> str:
    """The intents of ours with which a mapping would fill its slot, as YAML writes them; empty without any."""
    if mapping.get("type") != "from_text" or "intent" in mapping:
        return ""
    excluded = mapping.get("not_intent") or []
    missing = [
        name for name in additions.REPLIES if name not in ([excluded] if isinstance(excluded, str) else excluded)
    ]
    return f"[{', '.join(missing)}]" if missing else ""


def _notes_on_language(bot: Path, config: BotFile) -> Iterator[str]:
    if not _speaks_english(config) and _without_examples(bot):
        yield (
            f"The bot's language is '{config.data['language']}': write examples of your own for the intents "
            f"{' and '.join(additions.EXAMPLES)}; until then only the messages /emotion_off and /emotion_on are heeded."
        )


def write(plan: Plan) -> None:
    """Write a plan's changes, all of them or none.

    Raises:
        ConfigError: a file is read-only, was changed since it was planned, or cannot be written.
    """
    for change in plan.changes:
        _check_writable(plan.bot, change.file)
    temporary: list[tuple[Path, Change]] = []
    written: list[Change] = []
    try:
        for change in plan.changes:
            target = _target(plan, change)
            target.parent.mkdir(parents=True, exist_ok=True)
            new = target.with_name(f".{target.name}.new")
            temporary.append((new, change))
            new.write_bytes(_encoded(change.after, change.file))
            if change.file.exists:
                new.chmod(target.stat().st_mode)
        for new, change in temporary:
            new.replace(_target(plan, change))
            written.append(change)
    except OSError as error:
        _undo(plan, written)
        raise ConfigError(
            f"The files of '{plan.bot}' cannot be written ({error.strerror}), so nothing was changed; check the "
            "permissions of its folders."
        ) from error
    finally:
        for new, _ in temporary:
            with suppress(OSError):
                new.unlink(missing_ok=True)


def _target(plan: Plan, change: Change) -> Path:
    # What a link points to is replaced, not the link.
    return (plan.bot / change.file.path).resolve()


def _encoded(text: str, file: BotFile) -> bytes:
    return text.replace("\n", file.newline).encode("utf-8")


def _check_writable(bot: Path, file: BotFile) -> None:
    path = bot / file.path
    if not file.exists:
        if path.exists():
            raise ConfigError(f"'{path}' appeared in the meantime; run init again.")
        return
    if not path.stat().st_mode & 0o222:
        raise ConfigError(f"'{path}' is read-only; make it writable and run init again.")
    if read_file(bot, file.path).text != file.text:
        raise ConfigError(f"'{path}' was changed in the meantime; run init again.")


def _undo(plan: Plan, written: Iterable[Change]) -> None:
    for change in written:
        target = _target(plan, change)
        with suppress(OSError):
            if change.file.exists:
                target.write_bytes(_encoded(change.file.text, change.file))
            else:
                target.unlink()
