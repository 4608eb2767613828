"""From a file, bytes or an open stream to 16 kHz mono, block by block."""

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile
from numpy.typing import NDArray

from rasa_emotion.audio.activity import is_silent
from rasa_emotion.audio.resample import check_sample_rate, resample_blocks
from rasa_emotion.audio.waveform import SAMPLE_RATE, Waveform
from rasa_emotion.errors import AudioError
from rasa_emotion.logs import named

logger = logging.getLogger(__name__)

Source = str | Path | bytes | BinaryIO
"""A path, the bytes of a file, or an open binary stream (read from its start)."""

# Small, because a decoder that meets the end of a broken file discards the whole block that it was asked for.
BLOCK_FRAMES = 4096


class ForwardSoundFile(soundfile.SoundFile):  # type: ignore[misc]
    """A sound file that is read from beginning to end.

    soundfile seeks to the current position after each read. In an MP3 that drops the bits that the next frame needs
    from the ones before, and most of the sound is lost.
    """

    def seekable(self) -> bool:
        return False


def load_audio(source: Source, *, max_secs: float | None = None) -> Waveform:
    """Decode WAV, FLAC, OGG or MP3 of any rate, width and number of channels to 16 kHz mono.

    Samples that are not finite count as silence. Of a file that breaks off, what is there is decoded.

    Args:
        source: a path, the bytes of a file, or an open binary stream (read from its start).
        max_secs: longest audio that is accepted, in seconds.

    Raises:
        AudioError: nothing can be decoded, there is no sound in it, or it is longer than `max_secs`.

    Example: `load_audio("call.wav").seconds`
    """
    blocks, count = [], 0
    for block in stream_blocks(source):
        blocks.append(block)
        count += len(block)
        if max_secs is not None and count > max_secs * SAMPLE_RATE:
            raise AudioError(f"{describe(source)} is longer than {max_secs:g} s; give a shorter recording.")
    waveform = Waveform(np.concatenate(blocks))
    if is_silent(waveform):
        raise no_sound(source)
    return waveform


def stream_blocks(source: Source) -> Iterator[NDArray[np.float32]]:
    """Decode to consecutive blocks of 16 kHz mono samples, float32, shape [samples], without holding more than one.

    Raises:
        AudioError: nothing can be decoded.
    """
    with _opened(source) as sound:
        yield from mono_blocks(sound, describe(source))


def mono_blocks(sound: ForwardSoundFile, name: str) -> Iterator[NDArray[np.float32]]:
    """The blocks of an opened sound file at 16 kHz; `name` is what errors call it.

    Raises:
        AudioError: its rate is absurd, it holds no samples, or none that are numbers.
    """
    check_sample_rate(sound.samplerate, name)
    yield from resample_blocks(_mixed_down(sound, name), sound.samplerate, SAMPLE_RATE)


def describe(source: Source) -> str:
    """What errors call a source: its path in quotes, or "The audio"."""
    return f"'{source}'" if isinstance(source, str | Path) else "The audio"


def no_sound(source: Source) -> AudioError:
    """The error for audio that is silent throughout."""
    return AudioError(
        f"{describe(source)} holds no sound, only silence; check the microphone or give another recording."
    )


def _mixed_down(sound: ForwardSoundFile, name: str) -> Iterator[NDArray[np.float32]]:
    frames, finite = 0, False
    for block in _read_blocks(sound, name):
        frames += len(block)
        valid = np.isfinite(block)
        finite = finite or bool(valid.any())
        yield np.clip(np.where(valid, block, 0), -1.0, 1.0).mean(axis=1, dtype=np.float32)
    if frames == 0:
        raise AudioError(f"{name} holds no audio samples, only a header; record it again.")
    if not finite:
        raise AudioError(f"{name} holds no valid samples, only NaN or infinite numbers; export it again.")


def _read_blocks(sound: ForwardSoundFile, name: str) -> Iterator[NDArray[np.float32]]:
    """Blocks of float32, shape [frames, channels], until the end or the point where the data is broken."""
    frames = max(1, BLOCK_FRAMES // sound.channels)
    count = 0
    while True:
        try:
            block = sound.read(frames, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as error:
            if count == 0:
                raise AudioError(f"{name} is damaged or cut off before its first sample; record it again.") from error
            logger.warning(
                "%s breaks off after %.1f s; what comes before is used.",
                name,
                count / sound.samplerate,
                extra=named("audio.truncated"),
            )
            return
        if len(block) == 0:
            return
        count += len(block)
        yield block


@contextmanager
def _opened(source: Source) -> Iterator[ForwardSoundFile]:
    name = describe(source)
    target = _checked_path(Path(source), name) if isinstance(source, str | Path) else _checked_stream(source)
    try:
        sound = ForwardSoundFile(target)
    except (soundfile.LibsndfileError, TypeError) as error:  # TypeError: a name that ends in .raw
        raise AudioError(f"{name} is not audio that can be decoded; give a WAV, FLAC, OGG or MP3 file.") from error
    with sound:
        yield sound


def _checked_path(path: Path, name: str) -> str:
    try:
        if not path.exists():
            raise AudioError(f"{name} does not exist; check the path.")
        if not path.is_file():
            raise AudioError(f"{name} is not a file; name a WAV, FLAC, OGG or MP3 file.")
        with path.open("rb") as stream:
            empty = not stream.read(1)
    except OSError as error:
        raise AudioError(f"{name} cannot be read ({error.strerror}); check its name and permissions.") from error
    if empty:
        raise AudioError(f"{name} is empty (zero bytes); record it again.")
    return str(path)


def _checked_stream(source: bytes | BinaryIO) -> BinaryIO:
    if isinstance(source, bytes | bytearray | memoryview):
        stream: BinaryIO = io.BytesIO(source)
    elif not isinstance(source.read(0), bytes):
        raise AudioError("The audio is a stream of text; open it in binary mode.")
    else:
        stream = source if source.seekable() else io.BytesIO(source.read())
    stream.seek(0)
    if not stream.read(1):
        raise AudioError("The audio is empty (zero bytes); record it again.")
    stream.seek(0)
    return stream
