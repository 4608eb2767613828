"""What the plugin has a bot say, in the bot's own language or not at all."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rasa_emotion.cli import additions
from rasa_emotion.cli.yaml_edit import read_yaml
from rasa_emotion.conversation.tone import TONES
from rasa_emotion.errors import ConfigError
from rasa_emotion.text.language import ENGLISH

_QUOTED = re.compile(r"[\"“”„«»]\s*([^\"“”„«»]+?)\s*[\"“”„«»]")


@dataclass(frozen=True)
class Given:
    """What the bot's author wrote for the plugin.

    Args:
        replies: variations by the response's name.
        examples: how callers stop and allow the analysis, by intent.
    """

    replies: Mapping[str, list[dict[str, Any]]] = field(default_factory=dict)
    examples: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Wording:
    """What is added to a bot's responses and examples.

    Args:
        language: of the bot, an ISO 639 code such as "en".
        replies: variations by the response's name.
        examples: by intent.
        left_out: names of the responses that the bot lacks and that nobody has written in its language.
        taught: intents of the plugin's of which the bot has examples already.
    """

    language: str
    replies: Mapping[str, list[dict[str, Any]]]
    examples: Mapping[str, tuple[str, ...]]
    left_out: tuple[str, ...]
    taught: tuple[str, ...] = ()


def wording(
    language: str, *, replies_there: Iterable[str], examples_there: Mapping[str, Iterable[str]], given: Given
) -> Wording:
    """What a bot gets that has some of it.

    Args:
        language: of the bot.
        replies_there: names of the bot's responses.
        examples_there: the bot's examples of `emotion_off` and `emotion_on`, by intent, where it has any.
        given: what its author wrote.
    """
    there = set(replies_there)
    offered = dict(given.replies)
    examples = dict(given.examples)
    if language == ENGLISH:
        offered = {**additions.english(_promise(examples_there, given)), **offered}
        examples = {**additions.EXAMPLES, **examples}
    replies = {name: variations for name, variations in offered.items() if name not in there}
    new = {intent: texts for intent, texts in examples.items() if intent not in examples_there}
    known = [*new.get(additions.OFF_INTENT, ()), *examples_there.get(additions.OFF_INTENT, ())]
    missing = tuple(phrase for phrase in _promised(replies) if phrase.casefold() not in map(str.casefold, known))
    if missing:
        # What callers are told to say must be understood.
        new[additions.OFF_INTENT] = (*new.get(additions.OFF_INTENT, ()), *missing)
    left_out = tuple(name for name in additions.SAID_WHEN if name not in there and name not in offered)
    return Wording(language, replies, new, left_out, tuple(examples_there))


def read_replies(path: Path) -> Given:
    """What an author wrote: a YAML file with the names of responses, and of the intents for their examples.

    Raises:
        ConfigError: the file cannot be read, or holds what is no reply.
    """
    try:
        data = read_yaml(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The replies '{path}' cannot be read ({error}); check the path.") from error
    replies: dict[str, list[dict[str, Any]]] = {}
    examples: dict[str, tuple[str, ...]] = {}
    for name, value in data.items():
        if name in additions.EXAMPLES:
            examples[name] = _texts(value, f"'{name}' in '{path}'")
        elif name in additions.SAID_WHEN:
            replies[name] = variations(value, f"'{name}' in '{path}'")
        else:
            known = ", ".join((*additions.SAID_WHEN, *additions.EXAMPLES))
            raise ConfigError(f"'{name}' in '{path}' is nothing that the plugin says; write one of {known}.")
    return Given(replies, examples)


def variations(value: Any, where: str) -> list[dict[str, Any]]:
    """A reply as a domain has it: from one text, several, or one for each family of feelings.

    Raises:
        ConfigError: it is none of these.

    >>> variations({"angry": "Das ist ärgerlich."}, "here")[0]["condition"]
    [{'type': 'slot', 'name': 'emotion', 'value': 'angry'}]
    """
    if not isinstance(value, Mapping):
        return [{"text": text} for text in _texts(value, where)]
    wrong = next((family for family in value if family not in TONES), None)
    if wrong is not None:
        raise ConfigError(f"{where} has '{wrong}', which is not a family; choose from {', '.join(sorted(TONES))}.")
    return [additions.for_callers(family, text) for family, written in value.items() for text in _texts(written, where)]


def _texts(value: Any, where: str) -> tuple[str, ...]:
    texts = tuple(value) if isinstance(value, list) else (value,)
    if not texts or not all(isinstance(text, str) and text.strip() for text in texts):
        raise ConfigError(f"{where} is {value!r}; write a text, or a list of texts.")
    return tuple(text.strip() for text in texts)


def _promise(there: Mapping[str, Iterable[str]], given: Given) -> str:
    """What the English disclosure tells callers to say: something that the bot is taught to understand."""
    taught = [*there.get(additions.OFF_INTENT, ()), *given.examples.get(additions.OFF_INTENT, ())]
    if not taught or additions.PROMISE in (text.casefold() for text in taught):
        return additions.PROMISE
    return taught[0]


def _promised(replies: Mapping[str, list[dict[str, Any]]]) -> list[str]:
    """What the disclosure quotes, as that which stops the analysis."""
    texts = (str(variation.get("text")) for variation in replies.get(additions.DISCLOSURE, ()))
    return [phrase for text in texts for phrase in _QUOTED.findall(text)]
