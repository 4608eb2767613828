"""Audio formats of one's own: the environment variable RASA_EMOTION_AUDIO_FORMATS names their classes."""

import os
from collections.abc import Iterator
from functools import cache
from typing import BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray

from rasa_emotion.audio.sound import Sound
from rasa_emotion.errors import AudioError, ConfigError, place_of
from rasa_emotion.plugins import class_of

VARIABLE = "RASA_EMOTION_AUDIO_FORMATS"
"""Module paths with commas between them. The operator sets it; what a client sends loads no module."""


class AudioFormat(Protocol):
    """A decoder of one's own. Its class is called without arguments, once a process, and serves all threads."""

    name: str
    """What a client writes as `format` of samples without a header, such as "g722"; in small letters."""

    def is_file(self, head: bytes) -> bool:
        """Whether a recording with these first bytes (64 at most) is a file of this format."""

    def open(self, stream: BinaryIO, sample_rate: int | None) -> Sound:
        """Decode from the stream's position.

        Args:
            stream: can be read and sought while the blocks are taken.
            sample_rate: Hz, as the client says of samples without a header; None for a file.
        """


def own_formats() -> tuple[AudioFormat, ...]:
    """The formats that the variable names.

    Raises:
        ConfigError: a path does not resolve, or its class is no format.
    """
    return _made(os.environ.get(VARIABLE, ""))


def named_format(name: str) -> AudioFormat | None:
    """The format of one's own for samples without a header; None where there is none of this name."""
    return next((one for one in own_formats() if one.name == name), None)


def format_of(head: bytes) -> AudioFormat | None:
    """The format of one's own that says these are the first bytes of its files."""
    return next((one for one in own_formats() if one.is_file(head)), None)


def opened_by(one: AudioFormat, stream: BinaryIO, name: str, sample_rate: int | None = None) -> Sound:
    """A recording as a format of one's own decodes it; `name` is what errors call it.

    Raises:
        AudioError: the decoder failed, here or in one of the blocks.
    """
    try:
        sound = one.open(stream, sample_rate)
        return Sound(int(sound.sample_rate), int(sound.channels), _guarded(sound, one, name))
    except Exception as error:  # whatever happens inside a module of one's own
        raise _failed(one, name, error) from error


def _guarded(sound: Sound, one: AudioFormat, name: str) -> Iterator[NDArray[np.float32]]:
    try:
        for block in sound.blocks:
            yield np.asarray(block, np.float32).reshape(-1, sound.channels)
    except Exception as error:  # as above
        raise _failed(one, name, error) from error


def _failed(one: AudioFormat, name: str, error: Exception) -> AudioError:
    return AudioError(f"{name} cannot be decoded as '{one.name}' ({place_of(error)}); correct the format's class.")


@cache
def _made(paths: str) -> tuple[AudioFormat, ...]:
    return tuple(_one(path.strip()) for path in paths.split(",") if path.strip())


def _one(path: str) -> AudioFormat:
    what = f"The audio format of {VARIABLE}"
    try:
        made: AudioFormat = class_of(path, what)()
    except TypeError as error:
        raise ConfigError(f"{what} '{path}' cannot be made without arguments ({error}).") from error
    missing = [name for name in ("name", "is_file", "open") if not hasattr(made, name)]
    if missing:
        raise ConfigError(f"{what} '{path}' has no {' and no '.join(missing)}; see docs/formats.md.")
    return made
