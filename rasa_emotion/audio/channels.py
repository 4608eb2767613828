"""Which channel of a recording is heard: telephone systems record the caller on one and the agent on the other."""

from collections.abc import Iterable, Iterator
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from rasa_emotion.audio.activity import FRAME_SECS
from rasa_emotion.audio.highpass import highpass
from rasa_emotion.audio.resample import check_sample_rate, resample
from rasa_emotion.audio.sound import Sound
from rasa_emotion.audio.voice import speech_mask
from rasa_emotion.audio.waveform import SAMPLE_RATE, Waveform
from rasa_emotion.errors import ChannelError, ConfigError

Channel = Literal["left", "right", "mix"]
CHANNELS: tuple[str, ...] = get_args(Channel)

JUDGED_SECS = 120.0
"""Of a recording are looked at to tell whether its channels hold different voices."""

PIECE_SECS = 2.0
"""Looked at together: short enough that mostly one of two people speaks."""

MAX_DELAY_SECS = 0.25
"""Between a voice and its crosstalk on the other channel, over a line with an echo."""

SAME_VOICE = 0.5
"""Correlation from which two channels hold one sound. Two voices of 2 s reach 0.3 at most at any delay."""

MIN_VOICE_SECS = 0.3
"""Less on the other channel is a click or a cough."""

SIDE = 0.5
"""Share of the louder channel's energy (-3 dB) below which the other holds crosstalk; above, one voice is on both."""

SILENT = 1e-3
"""Peak (-60 dB of full scale) below which a channel carries nothing."""


def check_channel(channel: str | None) -> None:
    """Raises ConfigError for a channel that does not exist.

    >>> check_channel("left")
    """
    if channel is not None and channel not in CHANNELS:
        raise ConfigError(f"There is no channel {channel!r}; choose one of {', '.join(CHANNELS)}.")


def mixed(block: NDArray[np.float32], channel: str | int | None) -> NDArray[np.float32]:
    """One channel of a block of shape [frames, channels], or the mean of all; samples that are no numbers are zeros."""
    number = {"left": 0, "right": 1}.get(channel, channel) if isinstance(channel, str) else channel
    if isinstance(number, int):
        block = block[:, min(number, block.shape[1] - 1)][:, None]
    # The least and the greatest number are infinite or none where any is.
    clean = np.isfinite(block.min(initial=0)) and np.isfinite(block.max(initial=0))
    within = np.clip(block if clean else np.where(np.isfinite(block), block, 0), -1.0, 1.0)
    found: NDArray[np.float32] = within[:, 0] if within.shape[1] == 1 else within.mean(axis=1, dtype=np.float32)
    return found


def the_voice(sound: Sound, name: str) -> int:
    """The channel, from 0, on which the only voice of a recording speaks; the louder one without any.

    In each two seconds, a channel owns a voice when the network hears one on it that is not another channel's: their
    correlation, at any delay up to a quarter of a second and of either sign, says whether it is one voice. One voice
    on two, be it dual mono, inverted or crosstalk, belongs to the louder channel. Of more than two channels, the one
    that was found so far is compared with the next.

    Raises:
        AudioError: its rate is absurd.
        ChannelError: two channels own a voice each, so that somebody has to say who is to be heard.
    """
    check_sample_rate(sound.sample_rate, name)
    if sound.channels == 2:
        return _of_two(_pieces(sound), sound.sample_rate, name)
    # At 16 kHz, so that two minutes of eight channels take 61 MB.
    pieces = [_filtered(raw, sound.sample_rate).T for raw in _pieces(sound)]
    found = 0
    for other in range(1, sound.channels):
        found = (found, other)[_of_two((piece[:, [found, other]] for piece in pieces), SAMPLE_RATE, name)]
    return found


def _of_two(pieces: Iterable[NDArray[np.float32]], sample_rate: int, name: str) -> int:
    """Which of the two channels of pieces of shape [frames, 2]. Raises ChannelError."""
    owned, energy = np.zeros(2), np.zeros(2)
    for raw in pieces:
        if _is_doubled(raw):
            continue
        piece = _filtered(raw, sample_rate)
        energy += np.einsum("ij,ij->i", piece, piece)
        owned += _owned(piece)
        if owned.min() >= MIN_VOICE_SECS:
            raise ChannelError(f"{name} holds another voice on each channel; choose the channel left, right or mix.")
    return int(np.argmax(owned if owned.any() else energy))


def _pieces(sound: Sound) -> Iterator[NDArray[np.float32]]:
    """What is looked at, in pieces of shape [frames, channels]."""
    held: list[NDArray[np.float32]] = []
    count, seen = 0, 0.0
    for block in sound.blocks:
        held.append(block)
        count += len(block)
        if count >= PIECE_SECS * sound.sample_rate:
            yield np.concatenate(held)
            seen += count / sound.sample_rate
            held, count = [], 0
            if seen >= JUDGED_SECS:
                return
    if held:
        yield np.concatenate(held)


def _is_doubled(raw: NDArray[np.float32]) -> bool:
    """Whether one channel was written to both, as it is or inverted: the usual case, and the cheapest to see."""
    left, right = raw.T
    return np.array_equal(left, right) or np.array_equal(left, -right)


def _filtered(raw: NDArray[np.float32], sample_rate: int) -> NDArray[np.float32]:
    """All channels without offset and hum at 16 kHz, shape [channels, samples]."""
    clean = np.clip(np.where(np.isfinite(raw), raw, 0), -1.0, 1.0)
    return np.stack(
        [highpass(resample(Waveform(np.ascontiguousarray(channel), sample_rate))).samples for channel in clean.T]
    )


def _owned(piece: NDArray[np.float32]) -> NDArray[np.float64]:
    """Seconds of voice that each channel owns, shape [2]."""
    sounds = np.abs(piece).max(axis=1, initial=0) > SILENT
    if sounds.all() and _are_one_sound(*piece):
        level = np.einsum("ij,ij->i", piece, piece)
        sounds &= level >= SIDE * level.max()
        if sounds.all():
            return np.zeros(2)
    return np.array(
        [
            speech_mask(Waveform(channel)).sum() * FRAME_SECS if there else 0.0
            for channel, there in zip(piece, sounds, strict=True)
        ]
    )


def _are_one_sound(left: NDArray[np.float32], right: NDArray[np.float32]) -> bool:
    """Whether some delay up to `MAX_DELAY_SECS`, of either sign, correlates them; most often it is none."""
    norm = float(np.linalg.norm(left) * np.linalg.norm(right))
    return norm > 0 and (
        abs(float(left @ right)) >= SAME_VOICE * norm or _correlation(left, right) >= SAME_VOICE * norm
    )


def _correlation(left: NDArray[np.float32], right: NDArray[np.float32]) -> float:
    """The largest cross-correlation of either sign within `MAX_DELAY_SECS`."""
    count = len(left)
    lags = min(round(MAX_DELAY_SECS * SAMPLE_RATE), count - 1)
    size = 1 << (2 * count - 1).bit_length()
    spectrum = np.fft.rfft(left, size) * np.conj(np.fft.rfft(right, size))
    found = np.abs(np.fft.irfft(spectrum, size))
    return float(max(found[: lags + 1].max(), found[-lags:].max() if lags else 0.0))
