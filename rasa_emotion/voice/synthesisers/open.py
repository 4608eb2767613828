"""A synthesiser by its name in credentials.yml, with its options."""

from collections.abc import Mapping
from inspect import signature
from typing import Any

from rasa_emotion.errors import ConfigError
from rasa_emotion.plugins import class_of
from rasa_emotion.settings import check_keys, check_number
from rasa_emotion.voice.synthesisers.cache import Cached
from rasa_emotion.voice.synthesisers.speech import Synthesiser

SYNTHESISERS: dict[str, str] = {
    "espeak": "rasa_emotion.voice.synthesisers.espeak.Espeak",
    "piper": "rasa_emotion.voice.synthesisers.piper.Piper",
    "wyoming": "rasa_emotion.voice.synthesisers.wyoming.Wyoming",
    "azure": "rasa_emotion.voice.synthesisers.azure.Azure",
    "polly": "rasa_emotion.voice.synthesisers.polly.Polly",
    "elevenlabs": "rasa_emotion.voice.synthesisers.elevenlabs.ElevenLabs",
}
"""Module path by name. A bot may name any other class by its module path."""

WHAT = "The synthesiser"
DEFAULT_CACHE_MB = 16


def open_synthesiser(given: str | Mapping[str, Any]) -> Synthesiser:
    """A synthesiser with a cache of what was said lately.

    Args:
        given: a name of `SYNTHESISERS` or the module path of a class, or a mapping with `name` and options: those of
            the class, and `cache_mb`, megabytes of samples that are kept (16; 0 keeps none).

    Raises:
        ConfigError: there is none of this name, what it needs is missing, or an option cannot be used.

    >>> open_synthesiser({"name": "espeak", "voice": "en-us"}).name
    'espeak'
    """
    options: dict[str, Any] = dict(given) if isinstance(given, Mapping) else {"name": given}
    name = options.pop("name", None)
    cache_mb = options.pop("cache_mb", DEFAULT_CACHE_MB)
    if not isinstance(name, str) or (name not in SYNTHESISERS and "." not in name):
        raise ConfigError(
            f"There is no synthesiser '{name}'; choose one of {', '.join(SYNTHESISERS)}, or name the module path of a "
            "class."
        )
    check_number(f"{WHAT} '{name}'", "cache_mb", cache_mb, above=-1, at_most=4096)
    chosen = class_of(SYNTHESISERS.get(name, name), WHAT)
    missing = [part for part in ("speak", "close") if not hasattr(chosen, part)]
    if missing:
        raise ConfigError(f"{WHAT} '{name}' lacks {', '.join(missing)} of voice.synthesisers.speech; add them.")
    check_keys(f"{WHAT} '{name}'", options, list(signature(chosen).parameters))
    voice: Synthesiser = chosen(**options)
    return Cached(voice, int(cache_mb * 1e6)) if cache_mb else voice
