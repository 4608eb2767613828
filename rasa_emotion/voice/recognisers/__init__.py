"""Speech to words: one interface, one file per recogniser, found by its name or by a module path."""

from collections.abc import Mapping
from inspect import signature
from typing import Any

from rasa_emotion.errors import ConfigError
from rasa_emotion.plugins import class_of
from rasa_emotion.settings import check_keys
from rasa_emotion.voice.recognisers.interface import Recogniser, RecogniserError, Transcript, Turn, Word

__all__ = ["RECOGNISERS", "Recogniser", "RecogniserError", "Transcript", "Turn", "Word", "load_recogniser"]

RECOGNISERS: dict[str, str] = {
    "none": "rasa_emotion.voice.recognisers.none.NoRecogniser",
    "whisper": "rasa_emotion.voice.recognisers.whisper.WhisperRecogniser",
    "wyoming": "rasa_emotion.voice.recognisers.wyoming.WyomingRecogniser",
    "moonshine": "rasa_emotion.voice.recognisers.moonshine.MoonshineRecogniser",
    "deepgram": "rasa_emotion.voice.recognisers.deepgram.DeepgramRecogniser",
    "assemblyai": "rasa_emotion.voice.recognisers.assemblyai.AssemblyAIRecogniser",
}
"""Module path by name. A bot may name any other class by its module path."""

WHAT = "The recogniser"


def load_recogniser(name: str = "none", options: Mapping[str, Any] | None = None) -> Recogniser:
    """A recogniser for one call; models and settings that calls share are loaded once.

    Args:
        name: one of `RECOGNISERS`, or the module path of a class that satisfies `Recogniser`.
        options: keyword arguments of its class.

    Raises:
        ConfigError: there is none of this name, what it needs is not installed, or it has no such option.

    >>> load_recogniser("none").name
    'none'
    """
    if name not in RECOGNISERS and "." not in name:
        raise ConfigError(
            f"There is no recogniser '{name}'; choose one of {', '.join(RECOGNISERS)}, or name a class's module path."
        )
    chosen = class_of(RECOGNISERS.get(name, name), WHAT)
    given = dict(options or {})
    known = [key for key in signature(chosen).parameters if key not in ("args", "kwargs")]
    if "kwargs" not in signature(chosen).parameters:
        check_keys(f"{WHAT} '{name}'", given, known)
    found: Recogniser = chosen(**given)
    missing = [part for part in ("start", "feed", "pause", "partial", "final", "close") if not hasattr(found, part)]
    if missing:
        raise ConfigError(f"{WHAT} '{name}' lacks {', '.join(missing)} of voice.recognisers.Recogniser; add them.")
    return found
