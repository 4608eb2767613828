"""What phones and browsers record, decoded by FFmpeg through PyAV: the extra `formats`."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from rasa_emotion.audio.kinds import EXTRA, Kind
from rasa_emotion.audio.sound import MAX_CHANNELS, Sound
from rasa_emotion.errors import AudioError
from rasa_emotion.extras import missing_sentence

SHORTFALL_SECS = 0.5
"""A file that ends so much before the time its header announces is called cut off."""

CODECS = (
    "aac",
    "ac3",
    "adpcm_",
    "alac",
    "amr",
    "flac",
    "g722",
    "gsm",
    "mp",
    "opencore_amr",
    "opus",
    "pcm_",
    "speex",
    "vorbis",
    "wma",
)
"""What the names of the decoders begin with that are used; PyAV crashes where a track has none."""

ENCRYPTED = ("drms", "enca")
"""Names of encrypted tracks in MP4 files. FFmpeg decodes them as if they were not, to noise."""

MAX_DAMAGED = 1000
"""Packets in a row that cannot be decoded, after which nothing more is expected."""


def can_decode() -> bool:
    """Whether PyAV is installed."""
    return find_spec("av") is not None


@contextmanager
def opened_by_pyav(stream: BinaryIO, kind: Kind, name: str, notes: list[str]) -> Iterator[Sound]:
    """The first sound track of a file.

    Args:
        stream: seekable, at its start. FFmpeg reads it alone: no address or path in a file is followed.
        kind: the demuxer that is used; none is guessed.
        name: what errors call the file.
        notes: gets one sentence for everything that was left out.

    Raises:
        AudioError: PyAV is not installed, or the file has no sound track that can be decoded.
    """
    try:
        import av  # noqa: PLC0415 -- an extra
    except ImportError as error:
        needs = missing_sentence(f"{name} is {kind.name}, which", "PyAV", EXTRA)
        raise AudioError(f"{needs}, or convert it with ffmpeg -i FILE -ar 16000 -ac 1 FILE.wav.") from error
    unreadable = AudioError(f"{name} is damaged, cut off or encrypted {kind.name}; record it again.")
    try:
        container = av.open(stream, format=kind.ffmpeg, metadata_errors="ignore")
    except Exception as error:  # av.FFmpegError, and what its wrappers raise for odd values
        raise unreadable from error
    with container:
        tracks = container.streams.audio
        if len(tracks) == 0:
            raise AudioError(f"{name} has no sound track; give a file with sound.")
        if len(tracks) > 1:
            notes.append(f"{name} has {len(tracks)} sound tracks; the first was heard.")
        try:
            if not _is_known(tracks[0]):
                raise unreadable
            frames = _frames(container, tracks[0], name, notes)
            first = next(frames, None)
        except AudioError:
            raise
        except Exception as error:
            raise unreadable from error
        if first is None:
            raise unreadable
        if not 1 <= first.layout.nb_channels <= MAX_CHANNELS:
            raise AudioError(
                f"{name} has {first.layout.nb_channels} channels, which is not 1 to {MAX_CHANNELS}; convert it to mono."
            )
        yield Sound(first.sample_rate, first.layout.nb_channels, _blocks(av, first, frames, name, notes))


def _frames(container: Any, track: Any, name: str, notes: list[str]) -> Iterator[Any]:
    """The decoded frames; damaged packets are left out, and what is missing is told."""
    import av  # noqa: PLC0415

    announced = _seconds(track.duration, track.time_base) or _seconds(container.duration, 1 / av.time_base)
    heard, lost, in_a_row = 0.0, 0, 0
    packets = container.demux(track)
    while in_a_row < MAX_DAMAGED:
        try:
            packet = next(packets, None)
            if packet is None:
                break
            decoded = packet.decode()
        except (av.error.EOFError, StopIteration):
            break
        except (av.FFmpegError, ValueError):
            lost, in_a_row = lost + 1, in_a_row + 1
            continue
        in_a_row = 0
        for frame in decoded:
            if frame.samples and frame.sample_rate:
                heard += frame.samples / frame.sample_rate
                yield frame
    if lost and heard:
        notes.append(f"{name} is damaged in {lost} places; the rest was heard.")
    elif heard and announced is not None and heard < announced - SHORTFALL_SECS:
        notes.append(f"{name} breaks off: it holds {heard:.1f} of the {announced:.1f} s that its header announces.")


def _is_known(track: Any) -> bool:
    codec = track.codec_context
    if codec is not None and codec.codec_tag in ENCRYPTED:
        return False
    return codec is not None and codec.codec is not None and codec.codec.name.removeprefix("lib").startswith(CODECS)


def _seconds(duration: int | None, unit: Any) -> float | None:
    return None if duration is None or unit is None else float(duration * unit)


def _blocks(av: Any, first: Any, frames: Iterator[Any], name: str, notes: list[str]) -> Iterator[NDArray[np.float32]]:
    """Blocks of float32, shape [frames, channels], in rate and layout of the first frame."""

    def converter() -> Any:
        return av.AudioResampler(format="fltp", layout=first.layout, rate=first.sample_rate)

    def shape(frame: Any) -> tuple[Any, ...]:
        return frame.format.name, frame.layout.name, frame.sample_rate

    resampler, known, frame = converter(), shape(first), first
    try:
        while frame is not None:
            if shape(frame) != known:  # the next link of a chained Ogg, or an encoder that changed its mind
                yield from _converted(resampler, None)
                resampler, known = converter(), shape(frame)
            frame.pts = None
            yield from _converted(resampler, frame)
            frame = next(frames, None)
        yield from _converted(resampler, None)
    except (av.FFmpegError, ValueError):
        notes.append(f"{name} breaks off where it is damaged; what comes before was heard.")


def _converted(resampler: Any, frame: Any) -> Iterator[NDArray[np.float32]]:
    for part in resampler.resample(frame):
        yield np.ascontiguousarray(part.to_ndarray().T, dtype=np.float32)
