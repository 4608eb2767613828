"""Errors for people: each message is one sentence with what failed, where, and the remedy."""

import traceback
from pathlib import Path


class RasaEmotionError(Exception):
    """Base of every error that this package raises on purpose."""


class AudioError(RasaEmotionError):
    """The audio cannot be decoded or holds nothing that can be analysed."""


class ChannelError(AudioError):
    """A recording holds another voice on each channel, and nobody said which is to be heard."""


class TextError(RasaEmotionError):
    """The text holds nothing that can be classified."""


class ModelError(RasaEmotionError):
    """A model folder is missing, altered or of the wrong kind."""


class ConfigError(RasaEmotionError):
    """A setting has a value that cannot be used."""


def place_of(error: BaseException) -> str:
    """Kind and place of an error; its message is left out, for it may quote what a caller said. For the logs.

    >>> place_of(ValueError("my number is 07700 900123"))
    'ValueError'
    """
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"{Path(frame.filename).name}:{frame.lineno} in {frame.name}" for frame in frames]
    return ", ".join([type(error).__name__, *places[-3:][::-1]])
