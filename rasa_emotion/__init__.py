"""Lets a Rasa bot hear how the caller feels.

>>> from rasa_emotion import EMOTIONS
>>> len(EMOTIONS)
8
"""

import sys
from importlib import import_module, metadata
from typing import Any

# Names are handed on lazily: a bot that wants a component must not pay for the command line, and the other way round.
_HOMES = {
    "EMOTIONS": "rasa_emotion.emotions",
    "Evidence": "rasa_emotion.estimate",
    "EmotionEstimate": "rasa_emotion.estimate",
    "EmotionAnalyzer": "rasa_emotion.analyzer",
    "EmotionClassifier": "rasa_emotion.bot.classifier",
    "EmotionPolicy": "rasa_emotion.bot.policy",
    "EmotionResponses": "rasa_emotion.bot.responses",
    "EmotionRestInput": "rasa_emotion.bot.channels.rest",
    "RelayInput": "rasa_emotion.bot.channels.relay",
    "VoiceInput": "rasa_emotion.bot.channels.voice",
    "EmotionTrackerStore": "rasa_emotion.bot.tracker_store",
    "EmotionLockStore": "rasa_emotion.bot.lock_store",
    "EmotionASR": "rasa_emotion.bot.pro.asr",
}

__all__ = ["__version__", *_HOMES]  # noqa: PLE0604 -- the names are strings of the table above


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return metadata.version("rasa-emotion")  # its one home is pyproject.toml
    if name not in _HOMES:
        raise AttributeError(f"module 'rasa_emotion' has no attribute '{name}'")
    home = _HOMES[name]
    if not home.startswith("rasa_emotion.bot"):
        return getattr(import_module(home), name)
    extra = "rasa" if sys.version_info < (3, 11) else "rasa-pro"
    with import_module("rasa_emotion.extras").needs_extra(extra, f"rasa_emotion.{name}"):
        return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return sorted(__all__)
