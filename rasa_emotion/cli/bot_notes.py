"""What `init` tells a bot's author: what of the bot the plugin uses, and what is left to them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from typing import Any

from rasa_emotion.audio.kinds import EXTRA
from rasa_emotion.cli import additions
from rasa_emotion.cli.bot_files import BotFile, mappings, named
from rasa_emotion.cli.older_rasa import notes_on_version
from rasa_emotion.cli.wording import Wording
from rasa_emotion.extras import pip_install
from rasa_emotion.text.language import ENGLISH

LONGEST = 60
"""Characters of a reply that are quoted."""

WITHOUT: Mapping[str, str] = {
    additions.HANDOFF: "nobody is handed over",
    additions.NOBODY: "a caller is not told when no human can be reached",
    additions.ACKNOWLEDGEMENT: "feelings are not acknowledged",
    additions.DISCLOSURE: "callers are not told that emotions are analysed",
    additions.VOICE_REPLY: "a sigh is not answered",
    additions.OFF_REPLY: "a no to the analysis is heeded without a word",
    additions.ON_REPLY: "a yes is heeded without a word",
}
"""What follows where one of these responses is left out."""


def taken_over(config: BotFile, domain: Iterable[BotFile], intents: Iterable[str]) -> Iterator[str]:
    """What the bot has of its own that the plugin uses from now on; nothing where it did so before."""
    policy = named(config.data.get("policies"), additions.POLICY)
    if policy is not None and not policy.get("dry_run"):
        return
    for file in domain:
        for name, variations in (file.data.get("responses") or {}).items():
            text = next((one.get("text") for one in mappings(variations) if one.get("text")), None)
            if name in additions.SAID_WHEN and text:
                yield f"The bot's own '{name}' is said when {additions.SAID_WHEN[name]}: \"{_short(str(text))}\""
    for intent in intents if policy is None else ():
        yield f"A caller who says '{intent}', an intent of the bot's, is handed over at once."
    for key in ("pipeline", "policies"):
        if config.data.get(key) is None:
            yield f"Rasa's own choice of {key} is written out in config.yml, since a list of one would replace it."


def notes(config: BotFile, domain: Iterable[BotFile], words: Wording, intents: Sequence[str]) -> Iterator[str]:
    """What is left to the bot's author."""
    domain = list(domain)
    yield from notes_on_version(domain)
    yield from _on_entities(config, domain)
    for file in domain:
        yield from _on_slots(file)
        yield from _on_forms(file)
    yield from _on_language(words)
    policy = named(config.data.get("policies"), additions.POLICY)
    if policy is not None and policy.get("dry_run"):
        yield "EmotionPolicy has 'dry_run: true' in config.yml: it hands nobody over until you remove that."
    missing = [
        intent for intent in intents if policy is not None and intent not in (policy.get("handoff_intents") or ())
    ]
    if missing:
        yield f"Callers may ask for a human with {_listed(missing)}; add it to EmotionPolicy's 'handoff_intents'."
    if find_spec("av") is None:
        yield f"What phones and browsers record needs one more package: {pip_install(EXTRA)}."


def own_entities(domain: Iterable[BotFile]) -> list[str]:
    """The entities of the bot's own that have the name of one of ours and take part in its stories.

    Were they filled on each turn, the stories and rules that the bot has learned would match no more.
    """
    found = []
    for file in domain:
        for entry in file.data.get("entities") or ():
            options = entry if isinstance(entry, Mapping) else {entry: None}
            found += [
                str(name)
                for name, one in options.items()
                if name in additions.FROM_ENTITY
                and not (isinstance(one, Mapping) and one.get("influence_conversation") is False)
            ]
    return found


def _on_entities(config: BotFile, domain: Iterable[BotFile]) -> Iterator[str]:
    classifier = named(config.data.get("pipeline"), additions.CLASSIFIER)
    for name in own_entities(domain):
        if classifier is None:
            yield (
                f"The bot has an entity '{name}' of its own, which takes part in its stories; EmotionClassifier leaves "
                f"it alone and does not fill the slot '{name}'. Policy and replies use each turn's own estimate."
            )
        elif name in classifier.get("entities", additions.FROM_ENTITY):
            yield (
                f"The entity '{name}' takes part in the bot's stories, and EmotionClassifier fills it on each turn, so "
                f"that they match no more; take it out of EmotionClassifier's 'entities', or write "
                f"`{name}: {{influence_conversation: false}}` in the domain."
            )


def _on_slots(file: BotFile) -> Iterator[str]:
    for name, slot in (file.data.get("slots") or {}).items():
        found = list(mappings(slot.get("mappings") if isinstance(slot, dict) else ()))
        if name in additions.FROM_ENTITY and name not in {mapping.get("entity") for mapping in found}:
            yield f"The slot '{name}' stays as it is; it is only filled by a from_entity mapping of '{name}'."
        for own in filter(None, map(_not_excluded, found)):
            yield (
                f"The slot '{name}' takes any text; add `not_intent: {own}` to its mapping, or a sigh or a word on the "
                "analysis counts as an answer."
            )


def _on_forms(file: BotFile) -> Iterator[str]:
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
    excluded = [excluded] if isinstance(excluded, str) else excluded
    missing = [name for name in additions.REPLIES if name not in excluded]
    return f"[{', '.join(missing)}]" if missing else ""


def _on_language(words: Wording) -> Iterator[str]:
    if words.language == ENGLISH:
        return
    if words.left_out:
        without = ", ".join(f"{name} ({WITHOUT[name]})" for name in words.left_out)
        yield (
            f"The bot speaks '{words.language}', in which the plugin has no words, so these are left out: {without}. "
            "Write them and run init again with --replies FILE (docs/quickstart.md)."
        )
    untaught = [intent for intent in additions.EXAMPLES if intent not in words.examples and intent not in words.taught]
    if untaught:
        yield (
            f"There are no examples in '{words.language}' of {_listed(untaught)}; until you write them, the messages "
            "/emotion_off and /emotion_on alone are heeded."
        )
    yield (
        f"The text model that ships reads English; what callers say in '{words.language}' is not read, and their "
        "voice alone is heard."
    )


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 4].rstrip()} ..."


def _listed(names: Sequence[str]) -> str:
    return " and ".join(f"'{name}'" for name in names)
