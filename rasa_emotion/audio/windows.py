"""A recording of any length as overlapping windows, at constant memory."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from rasa_emotion.audio.activity import is_silent
from rasa_emotion.audio.decode import Source, no_sound, stream_blocks
from rasa_emotion.audio.waveform import SAMPLE_RATE, Waveform
from rasa_emotion.errors import ConfigError


def stream_windows(
    source: Source,
    *,
    window_secs: float = 10.0,
    hop_secs: float = 5.0,
    channel: str | None = None,
    notes: list[str] | None = None,
) -> Iterator[Waveform]:
    """Cut audio into windows that begin `hop_secs` apart, decoding it block by block.

    All windows but that of a shorter recording are `window_secs` long; the last one ends where the recording ends.
    Single windows may be silent.

    Args:
        source: a path, the bytes of a file, or an open binary stream.
        window_secs: length of a window in seconds.
        hop_secs: distance between the beginnings of two windows in seconds, at most `window_secs`.
        channel: "left", "right" or "mix"; by default the one with the voice.
        notes: a list that gets one sentence for whatever was missing or left out, at the end.

    Raises:
        AudioError: nothing can be decoded, or all of it is silent (known, and raised, at the end).
        ConfigError: the lengths do not fit each other.

    Example: `emotions = [analyzer.analyze(window) for window in stream_windows("hour.mp3")]`
    """
    window, hop = round(window_secs * SAMPLE_RATE), round(hop_secs * SAMPLE_RATE)
    if not 0 < hop <= window:
        raise ConfigError(
            f"Windows of {window_secs} s cannot begin {hop_secs} s apart; choose 0 < hop_secs <= window_secs."
        )
    return _sounding(cut_windows(stream_blocks(source, channel=channel, notes=notes), window, hop), source, channel)


def cut_windows(blocks: Iterator[NDArray[np.float32]], window: int, hop: int) -> Iterator[NDArray[np.float32]]:
    """Consecutive blocks of samples as windows of `window` samples, `hop` apart; the last one ends with the signal."""
    last: NDArray[np.float32] | None = None
    pieces: list[NDArray[np.float32]] = []
    count = 0
    for block in blocks:
        pieces.append(block)
        count += len(block)
        if count < window:
            continue
        held = np.concatenate(pieces)
        while len(held) >= window:
            last = held[:window]
            yield last
            held = held[hop:]
        pieces, count = [held], len(held)
    rest = np.concatenate(pieces)
    if last is None:
        yield rest
    elif count > window - hop:  # more than the overlap with the window before
        yield np.concatenate([last, rest[window - hop :]])[-window:]


def _sounding(windows: Iterator[NDArray[np.float32]], source: Source, channel: str | None) -> Iterator[Waveform]:
    silent = True
    for samples in windows:
        waveform = Waveform(samples)
        silent = silent and is_silent(waveform)
        yield waveform
    if silent:
        raise no_sound(source, channel)
