"""A caller's yes or no to the analysis, as the bot's intent classifier understood it, is believed where words say so.

An intent classifier has to call every sentence something. In a small bot an outburst often comes out as one of the
intents that this plugin has brought; the caller would be told of an analysis instead of being answered, or would not be
analysed any more.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rasa.shared.constants import DEFAULT_NLU_FALLBACK_INTENT_NAME
from rasa.shared.nlu.constants import (
    INTENT,
    INTENT_NAME_KEY,
    INTENT_RANKING_KEY,
    PREDICTED_CONFIDENCE_KEY,
    TEXT,
)
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from rasa_emotion.conversation.history import CHOICES

FILE = "emotion_choices.json"
"""Part of the component's fingerprint: another name for another content makes `rasa train` train it again."""

SHORTEST = 4
"""Letters of a word that may tell a choice; shorter ones stand in sentences of all kinds."""

FALLBACK = 0.3
"""Confidence below which the intent that takes the place is none: the threshold of Rasa's FallbackClassifier."""

_WORD = re.compile(r"\w+")

Vocabulary = Mapping[str, frozenset[str]]


def vocabulary(training_data: TrainingData) -> Vocabulary:
    """The words that both choices' examples hold, which are their subject, and no example of another intent.

    Where they have none in common, the words of each choice's own. "back" and "again" stand in complaints as well.
    """
    words: dict[str, set[str]] = {intent: set() for intent in CHOICES}
    others: set[str] = set()
    for example in training_data.intent_examples:
        words.get(str(example.get(INTENT)), others).update(_words(str(example.get(TEXT) or "")))
    subject = set.intersection(*words.values()) - others
    return {intent: frozenset(subject or own - others) for intent, own in words.items() if own}


def save(found: Vocabulary, folder: Path) -> None:
    """Keep it in the trained model."""
    (folder / FILE).write_text(json.dumps({intent: sorted(own) for intent, own in found.items()}), encoding="utf-8")


def load(folder: Path) -> Vocabulary:
    """What `save` kept; empty for a model that was trained before there was such a file."""
    path = folder / FILE
    if not path.is_file():
        return {}
    return {intent: frozenset(own) for intent, own in json.loads(path.read_text(encoding="utf-8")).items()}


def is_said(intent: str, text: str, known: Vocabulary) -> bool:
    """Whether the words of a turn may be this choice; also where nothing is known of it.

    >>> is_said("emotion_off", "nobody calls me back", {"emotion_off": frozenset({"emotion"})})
    False
    """
    return intent not in known or not known[intent].isdisjoint(_words(text))


def take_next(message: Message) -> None:
    """Give a message the intent that was the next likely, as if the choices were none of the bot's intents."""
    ranking = list(message.get(INTENT_RANKING_KEY) or [])
    left = [dict(one) for one in ranking if one.get(INTENT_NAME_KEY) not in CHOICES]
    share = sum(_confidence(one) for one in left)
    for one in left:
        one[PREDICTED_CONFIDENCE_KEY] = _confidence(one) / share if share > 0 else 0.0
    if not left or _confidence(left[0]) < FALLBACK:
        left.insert(0, {INTENT_NAME_KEY: DEFAULT_NLU_FALLBACK_INTENT_NAME, PREDICTED_CONFIDENCE_KEY: FALLBACK})
    message.set(INTENT, dict(left[0]), add_to_output=True)
    message.set(INTENT_RANKING_KEY, left, add_to_output=True)


def _confidence(intent: Mapping[str, Any]) -> float:
    return float(intent.get(PREDICTED_CONFIDENCE_KEY) or 0.0)


def _words(text: str) -> set[str]:
    return {word for word in _WORD.findall(text.casefold()) if len(word) >= SHORTEST}
