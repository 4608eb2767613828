"""The files of a Rasa bot: read as they stand, and written all at once."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rasa_emotion.cli.yaml_edit import add, read_yaml
from rasa_emotion.errors import ConfigError

_LISTS, _MAPPINGS = ("intents", "entities"), ("slots", "responses")
_DOMAIN_KEYS = {*_LISTS, *_MAPPINGS, "forms", "actions", "session_config", "config", "e2e_actions"}


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

    def names(self, key: str) -> list[str]:
        """The names in a list or mapping of the domain, whose entries may carry properties."""
        return [name for entry in self.data.get(key) or () for name in (entry if isinstance(entry, dict) else [entry])]


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
    """What is to be done to a bot; without changes there is nothing to do.

    Args:
        bot: its folder.
        changes: to its files.
        taken_over: what the bot has of its own that the plugin uses from now on, sentence by sentence.
        notes: what is left to its author, likewise.
        left_out: names of responses that nobody has written in the bot's language.
    """

    bot: Path
    changes: tuple[Change, ...]
    taken_over: tuple[str, ...]
    notes: tuple[str, ...]
    left_out: tuple[str, ...] = ()


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


def items(bot: Path, key: str, name: str) -> Iterator[Mapping[str, Any]]:
    """What stands under a key of the training data, in all files that hold a name."""
    for path in sorted((bot / "data").rglob("*.y*ml")):
        # Parsing all of the NLU examples would take long, and few files name the intent.
        if path.is_file() and name.encode() in path.read_bytes():
            yield from mappings(read_file(bot, path.relative_to(bot)).data.get(key))


def mappings(found: Any) -> Iterator[Mapping[str, Any]]:
    """The mappings in a list, which may be missing."""
    return (item for item in found or () if isinstance(item, dict))


def names_in(files: Iterable[BotFile], key: str) -> list[str]:
    """The names in a list or mapping of a domain that may have several files, each once, in order."""
    return list(dict.fromkeys(name for file in files for name in file.names(key)))


def changed(file: BotFile, new: Mapping[str, Any], comments: Mapping[str, str] | None = None) -> Change | None:
    """The change that adds to a file; None for nothing."""
    return Change(file, add(file.text, new, comments)) if new else None


def same_class(name: Any, wanted: str) -> bool:
    """Whether a component is named, by its full path or the shorter one, or as Rasa's registry knows it."""
    return isinstance(name, str) and name.rpartition(".")[2] == wanted.rpartition(".")[2]


def named(listed: Any, wanted: str) -> Mapping[str, Any] | None:
    """The entry of a component in a pipeline or among policies, with its options; None where it is not listed."""
    for item in listed or ():
        entry = item if isinstance(item, dict) else {"name": item}
        if same_class(entry.get("name"), wanted):
            return entry
    return None


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
