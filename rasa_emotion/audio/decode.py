"""From a file, bytes or an open stream to 16 kHz mono, block by block."""

import io
import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile
from numpy.typing import NDArray

from rasa_emotion.audio.activity import is_silent
from rasa_emotion.audio.channels import check_channel, mixed, the_voice
from rasa_emotion.audio.header import mended
from rasa_emotion.audio.kinds import FLAC, HEAD, MP3, MP3_FRAME, OGG, kind_of
from rasa_emotion.audio.mpeg import varies
from rasa_emotion.audio.ogg import Part, links
from rasa_emotion.audio.own_formats import format_of, opened_by
from rasa_emotion.audio.pyav import can_decode, opened_by_pyav
from rasa_emotion.audio.resample import check_sample_rate, resample_blocks
from rasa_emotion.audio.sound import MAX_CHANNELS, Sound
from rasa_emotion.audio.tags import without_tags
from rasa_emotion.audio.waveform import SAMPLE_RATE, Waveform
from rasa_emotion.errors import AudioError
from rasa_emotion.logs import named

logger = logging.getLogger(__name__)

Source = str | Path | bytes | BinaryIO
"""A path, the bytes of a file, or an open binary stream (read from its start)."""

BLOCK_SAMPLES = 65_536
SMALL_BLOCK_SAMPLES = 4096
"""Of compressed files, since a decoder that meets the end of a broken one discards the whole block it was asked for."""

_COMPRESSED = (FLAC, OGG, MP3, MP3_FRAME)
_KINDS = "give a WAV, FLAC, OGG, MP3, M4A, WebM, AMR, WMA, AAC, CAF, AIFF or AU file"


class ForwardSoundFile(soundfile.SoundFile):  # type: ignore[misc]
    """A sound file that is read from beginning to end.

    soundfile seeks to the current position after each read. In an MP3 that drops the bits that the next frame needs
    from the ones before, and most of the sound is lost.
    """

    def seekable(self) -> bool:
        return False


def as_wav(waveform: Waveform) -> bytes:
    """A WAV file of floating point, of which is heard what is heard of the samples.

    >>> load_audio(as_wav(Waveform(np.full(16_000, 0.5, np.float32)))).seconds
    1.0
    """
    file = io.BytesIO()
    soundfile.write(file, waveform.samples, waveform.sample_rate, format="WAV", subtype="FLOAT")
    return file.getvalue()


def load_audio(
    source: Source, *, max_secs: float | None = None, channel: str | None = None, notes: list[str] | None = None
) -> Waveform:
    """Decode a sound file of any rate, width and number of channels to 16 kHz mono.

    WAV, FLAC, Ogg, MP3, AIFF, AU and CAF are read by libsndfile; what phones and browsers make (M4A, MP4, 3GP, WebM,
    AMR, WMA, AAC) by FFmpeg, with the extra `formats`. The first bytes say which it is, not the name. Samples that are
    not finite count as silence. Of a file that breaks off, what is there is decoded.

    Args:
        source: a path, the bytes of a file, or an open binary stream (read from its start).
        max_secs: longest audio that is accepted, in seconds.
        channel: "left", "right" or "mix"; by default the one with the voice, see `channels.the_voice`.
        notes: a list that gets one sentence for whatever was missing or left out.

    Raises:
        AudioError: nothing can be decoded, there is no sound in it, it is longer than `max_secs`, or it holds two
            voices on two channels and `channel` does not say which to hear.
        ConfigError: there is no such channel, or a format of one's own cannot be loaded.

    Example: `load_audio("call.wav").seconds`
    """
    blocks, count = [], 0
    for block in stream_blocks(source, channel=channel, notes=notes):
        blocks.append(block)
        count += len(block)
        if max_secs is not None and count > max_secs * SAMPLE_RATE:
            raise AudioError(f"{describe(source)} is longer than {max_secs:g} s; give a shorter recording.")
    waveform = Waveform(np.concatenate(blocks))
    if is_silent(waveform):
        raise no_sound(source, channel)
    return waveform


def stream_blocks(
    source: Source, *, channel: str | None = None, notes: list[str] | None = None
) -> Iterator[NDArray[np.float32]]:
    """Decode to consecutive blocks of 16 kHz mono samples, float32, shape [samples], without holding more than one.

    Args:
        source: as in `load_audio`.
        channel: as in `load_audio`.
        notes: as in `load_audio`; complete once the last block was taken. Each sentence is logged as well.

    Raises:
        AudioError: nothing can be decoded, or somebody has to choose a channel.
        ConfigError: there is no such channel.
    """
    check_channel(channel)
    name, found = describe(source), list[str]()
    heard: str | int | None = channel
    with ExitStack() as stack:
        stream = stack.enter_context(_binary(source, name))
        if channel is None:
            with opened(stream, name, []) as sound:
                heard = the_voice(sound, name) if 1 < sound.channels <= MAX_CHANNELS else None
        sound = stack.enter_context(opened(stream, name, found))
        yield from mono_blocks(sound, name, heard)
    for note in found:
        logger.warning("%s", note, extra=named("audio.truncated"))
    if notes is not None:
        notes += found


def channel_count(source: Source) -> int:
    """How many channels a recording has. Raises AudioError as `load_audio` does."""
    name = describe(source)
    with _binary(source, name) as stream, opened(stream, name, []) as sound:
        return sound.channels


def mono_blocks(sound: Sound, name: str, channel: str | int | None = None) -> Iterator[NDArray[np.float32]]:
    """The blocks of an opened recording at 16 kHz; `name` is what errors call it.

    Raises:
        AudioError: its rate or number of channels is absurd, it holds no samples, or none that are numbers.
    """
    check_sample_rate(sound.sample_rate, name)
    if sound.channels > MAX_CHANNELS:
        raise AudioError(f"{name} has {sound.channels} channels, more than {MAX_CHANNELS}; convert it to one or two.")
    yield from resample_blocks(_mixed_down(sound, name, channel), sound.sample_rate, SAMPLE_RATE)


def describe(source: Source) -> str:
    """What errors call a source: its path in quotes, or "The audio"."""
    return f"'{source}'" if isinstance(source, str | Path) else "The audio"


def no_sound(source: Source, channel: str | None = None) -> AudioError:
    """The error for audio that is silent throughout, as the chosen channel or the mix of all may be."""
    where, remedy = "", "check the microphone or give another recording"
    if channel == "mix":
        where, remedy = " in the mix of its channels", "choose left or right, since they may cancel each other out"
    elif channel is not None:
        where, remedy = f" on the channel {channel}", f"choose the other channel, or {remedy}"
    return AudioError(f"{describe(source)} holds no sound{where}, only silence; {remedy}.")


@contextmanager
def opened(stream: BinaryIO, name: str, notes: list[str]) -> Iterator[Sound]:
    """A recording by its first bytes: read by a format of one's own, by libsndfile where that can, else by FFmpeg.

    Raises:
        AudioError: it is of no kind that is decoded, or damaged from its start.
    """
    stream.seek(0)
    head = stream.read(HEAD)
    own = format_of(head)
    if own is not None:
        stream.seek(0)
        yield opened_by(own, stream, name)
        return
    stream = without_tags(stream)
    kind = kind_of(stream.read(HEAD))
    if kind is None:
        raise AudioError(f"{name} is not audio that can be decoded; {_KINDS}.")
    patched, cut = mended(stream, kind, name)
    chain, told = links(patched, name) if kind == OGG else ([], [])
    library = "PyAV" if kind in (MP3, MP3_FRAME) and varies(patched) and can_decode() else kind.library
    patched.seek(0)
    with ExitStack() as stack:
        file = _sound_file(patched) if library == "libsndfile" else None
        if file is not None and len(chain) > 1:
            stack.enter_context(file)
            yield _chained(patched, chain, name, notes)
        elif file is not None:
            stack.enter_context(file)
            size = SMALL_BLOCK_SAMPLES if kind in _COMPRESSED else BLOCK_SAMPLES
            yield sound_of(file, name, notes, size=size, cut=[*cut, *told])
        else:
            notes += cut
            stream.seek(0)
            yield stack.enter_context(opened_by_pyav(stream, kind, name, notes))


def _chained(stream: BinaryIO, chain: Sequence[tuple[int, int]], name: str, notes: list[str]) -> Sound:
    """All recordings of a chained Ogg file as one; libsndfile would read the first alone."""
    with _part(stream, chain[0]) as first:
        rate, channels = first.samplerate, first.channels

    def blocks() -> Iterator[NDArray[np.float32]]:
        for number, place in enumerate(chain, start=1):
            try:
                with _part(stream, place) as file:
                    if (file.samplerate, file.channels) != (rate, channels):
                        told = f"the first {number - 1} of {len(chain)} parts were heard"
                        notes.append(f"{name} goes on in another format; {told}.")
                        return
                    yield from sound_of(file, name, notes, size=SMALL_BLOCK_SAMPLES).blocks
            except (soundfile.LibsndfileError, AudioError) as error:
                if number == 1:
                    raise AudioError(f"{name} is damaged before its first sample; record it again.") from error
                notes.append(f"Part {number} of {len(chain)} of {name} is damaged; the others were heard.")

    return Sound(rate, channels, blocks())


def _part(stream: BinaryIO, place: tuple[int, int]) -> ForwardSoundFile:
    return ForwardSoundFile(io.BufferedReader(Part(stream, *place)))


def sound_of(
    file: ForwardSoundFile, name: str, notes: list[str], *, size: int = BLOCK_SAMPLES, cut: Sequence[str] = ()
) -> Sound:
    """What libsndfile decodes, `size` samples of all channels together at a time.

    Args:
        file: opened, at its start.
        name: what errors call it.
        notes: gets one sentence where it breaks off.
        size: of a block.
        cut: what its header says of that, unless the decoder says more.
    """
    return Sound(file.samplerate, file.channels, _read_blocks(file, max(1, size // file.channels), name, notes, cut))


def _sound_file(stream: BinaryIO) -> ForwardSoundFile | None:
    """The stream as libsndfile opens it; None where it cannot, such as AAC in a CAF file."""
    try:
        return ForwardSoundFile(stream)
    except (soundfile.LibsndfileError, TypeError):
        return None


def _mixed_down(sound: Sound, name: str, channel: str | int | None) -> Iterator[NDArray[np.float32]]:
    frames, finite = 0, False
    for block in sound.blocks:
        frames += len(block)
        finite = finite or bool(np.isfinite(block).any())
        yield mixed(block, channel)
    if frames == 0:
        raise AudioError(f"{name} holds no audio samples, only a header; record it again.")
    if not finite:
        raise AudioError(f"{name} holds no valid samples, only NaN or infinite numbers; export it again.")


def _read_blocks(
    file: ForwardSoundFile, frames: int, name: str, notes: list[str], cut: Sequence[str]
) -> Iterator[NDArray[np.float32]]:
    """Blocks of float32, shape [frames, channels], until the end or the point where the data is broken."""
    count = 0
    while True:
        try:
            block = file.read(frames, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as error:
            if count == 0:
                raise AudioError(f"{name} is damaged or cut off before its first sample; record it again.") from error
            notes.append(f"{name} breaks off after {count / file.samplerate:.1f} s; what comes before is used.")
            return
        if len(block) == 0:
            notes += cut
            return
        count += len(block)
        yield block


@contextmanager
def _binary(source: Source, name: str) -> Iterator[BinaryIO]:
    """The source as a stream that can be read twice."""
    if isinstance(source, str | Path):
        path = _checked_path(Path(source), name)
        with path.open("rb") as stream:
            yield stream
    else:
        yield _checked_stream(source)


def _checked_path(path: Path, name: str) -> Path:
    try:
        if not path.exists():
            raise AudioError(f"{name} does not exist; check the path.")
        if not path.is_file():
            raise AudioError(f"{name} is not a file; name a sound file.")
        with path.open("rb") as stream:
            empty = not stream.read(1)
    except OSError as error:
        raise AudioError(f"{name} cannot be read ({error.strerror}); check its name and permissions.") from error
    if empty:
        raise AudioError(f"{name} is empty (zero bytes); record it again.")
    return path


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
