"""Files of an older Rasa, which Rasa 3 refuses: named before anything is written into them."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from rasa_emotion.cli.bot_files import BotFile
from rasa_emotion.errors import ConfigError

GONE_POLICIES: Mapping[str, str] = {
    "FormPolicy": "RulePolicy",
    "MappingPolicy": "RulePolicy",
    "FallbackPolicy": "RulePolicy",
    "TwoStageFallbackPolicy": "RulePolicy",
    "KerasPolicy": "TEDPolicy",
    "EmbeddingPolicy": "TEDPolicy",
    "SklearnPolicy": "TEDPolicy",
}
"""Policies that Rasa 3 has no more, and what takes their place."""

GONE_COMPONENTS: Mapping[str, str] = {
    "HFTransformersNLP": "LanguageModelFeaturizer",
    "LanguageModelTokenizer": "WhitespaceTokenizer",
    "ConveRTTokenizer": "WhitespaceTokenizer",
    "DucklingHTTPExtractor": "DucklingEntityExtractor",
    "EmbeddingIntentClassifier": "DIETClassifier",
}
"""The same of the pipeline."""

_MARKDOWN = re.compile(r"^##\s*(intent|story|synonym|lookup|regex)\s*:", re.MULTILINE)


def check_version(bot: Path, config: BotFile, domain: Iterable[BotFile]) -> None:
    """Refuse a bot that Rasa 3 could not train.

    Raises:
        ConfigError: it has files of Rasa 1 or 2; the sentence names the place and the migration.
    """
    for file in domain:
        fault = next(_domain_faults(file.data), None)
        if fault:
            raise ConfigError(
                f"'{bot / file.path}' is a domain of Rasa 2.x: {fault}; run `rasa data migrate` in '{bot}', and then "
                "init again."
            )
    for key, gone in (("policies", GONE_POLICIES), ("pipeline", GONE_COMPONENTS)):
        items = config.data.get(key)
        for item in items if isinstance(items, list) else ():
            name = str(item.get("name") if isinstance(item, dict) else item).rpartition(".")[2]
            if name in gone:
                raise ConfigError(
                    f"'{bot / config.path}' is of Rasa 2.x: it names {name}, which Rasa 3 does not have; put "
                    f"{gone[name]} in its place, run `rasa data migrate` for the domain, and then init again."
                )
    markdown = _markdown(bot)
    if markdown is not None:
        raise ConfigError(
            f"'{markdown}' is training data in Markdown, which Rasa 3 does not read; convert it with `rasa data "
            "convert` of Rasa 2.8, run `rasa data migrate` for the domain, and then init again."
        )


def notes_on_version(domain: Iterable[BotFile]) -> Iterator[str]:
    """What is older in name alone, which Rasa 3 reads with a warning."""
    for file in domain:
        version = str(file.data.get("version") or "")
        if version.startswith(("1", "2")):
            yield (
                f"'{file.path}' says that it is of Rasa {version}; Rasa 3 reads it with a warning. `rasa data migrate` "
                'writes the domain anew, or write version: "3.1".'
            )


def _domain_faults(data: Mapping[str, Any]) -> Iterator[str]:
    slots, forms = data.get("slots") or {}, data.get("forms") or {}
    if "templates" in data:
        yield "its replies stand under 'templates', which Rasa 3 passes over, and not under 'responses'"
    for name, slot in slots.items() if isinstance(slots, dict) else ():
        if isinstance(slot, dict) and "mappings" not in slot:
            yield f"the slot '{name}' has no 'mappings'"
        elif isinstance(slot, dict) and "auto_fill" in slot:
            yield f"the slot '{name}' has 'auto_fill'"
        elif isinstance(slot, dict) and slot.get("type") == "unfeaturized":
            yield f"the slot '{name}' has the type 'unfeaturized', in whose place stands 'any'"
    if not isinstance(forms, dict):
        yield "its forms are no mapping from names to 'required_slots'"
        return
    for name, form in forms.items():
        required = form.get("required_slots") if isinstance(form, dict) else None
        if isinstance(required, dict):
            yield f"the form '{name}' says itself how its slots are filled"
        elif required is None:
            yield f"the form '{name}' has no 'required_slots'"


def _markdown(bot: Path) -> Path | None:
    for path in sorted((bot / "data").rglob("*.md")):
        if path.is_file() and _MARKDOWN.search(path.read_text(encoding="utf-8", errors="replace")):
            return path
    return None
