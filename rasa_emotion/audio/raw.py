"""Samples without a header, as telephone lines and browsers send them."""

import binascii
import io
from collections.abc import Callable
from typing import Literal, get_args

import numpy as np

from rasa_emotion.audio.channels import check_channel, the_voice
from rasa_emotion.audio.decode import ForwardSoundFile, mono_blocks, sound_of
from rasa_emotion.audio.own_formats import named_format, opened_by
from rasa_emotion.audio.resample import check_sample_rate
from rasa_emotion.audio.sound import MAX_CHANNELS, Sound
from rasa_emotion.audio.waveform import SAMPLE_RATE, Waveform
from rasa_emotion.errors import AudioError

RawEncoding = Literal["pcm_s16le", "mulaw", "alaw"]
RAW_ENCODINGS: tuple[str, ...] = get_args(RawEncoding)

NAME = "The raw audio"

# libsndfile's subtype and the bytes of one sample.
_SUBTYPES = {"pcm_s16le": ("PCM_16", 2), "mulaw": ("ULAW", 1), "alaw": ("ALAW", 1)}


def from_base64(text: str) -> bytes:
    """The bytes of base64 and of nothing else.

    `base64.b64decode(validate=True)` says so after a search through the text, which takes longer than decoding.

    Args:
        text: of the alphabet with "+" and "/", with its padding.

    Raises:
        ValueError: it is not base64.

    >>> from_base64("aGVhcmQ=")
    b'heard'
    """
    found = binascii.a2b_base64(text)
    # What is not of the alphabet was passed over, so that less has come out than so many characters hold.
    if len(text) % 4 or len(found) != len(text) // 4 * 3 - text[-2:].count("="):
        raise ValueError("this is not base64")
    return found


def decode_raw(
    data: bytes,
    *,
    encoding: str,
    sample_rate: int,
    channels: int = 1,
    channel: str | None = None,
    max_secs: float | None = None,
) -> Waveform:
    """Decode headerless samples to 16 kHz mono; silence is accepted, since live audio is full of it.

    Args:
        data: interleaved samples; an incomplete one at the end is dropped.
        encoding: "pcm_s16le" (signed 16 bit, little endian), "mulaw" or "alaw" (G.711), or the name of a format
            of one's own, see `own_formats`; that one says itself how many channels it has.
        sample_rate: Hz, 4,000 to 192,000.
        channels: how many samples stand side by side, 1 to 8.
        channel: "left", "right" or "mix"; by default the one with the voice, see `channels.the_voice`.
        max_secs: bytes behind so many seconds are dropped before anything is decoded.

    Raises:
        AudioError: there is no whole sample, the encoding, rate or number of channels cannot be used, or there are
            two voices on two channels and `channel` does not say which to hear.
        ConfigError: there is no such channel.

    >>> decode_raw(b"\\xff" * 8000, encoding="mulaw", sample_rate=8000).seconds
    1.0
    """
    check_channel(channel)
    own = None if encoding in _SUBTYPES else named_format(encoding)
    if own is not None:
        check_sample_rate(sample_rate, NAME)
        return _waveform(lambda: opened_by(own, io.BytesIO(data), NAME, sample_rate), channel, max_secs)
    if encoding not in _SUBTYPES:
        raise AudioError(f"Raw audio cannot be decoded as '{encoding}'; name one of {', '.join(_SUBTYPES)}.")
    if not 1 <= channels <= MAX_CHANNELS:
        raise AudioError(f"Raw audio cannot have {channels} channels; name 1 to {MAX_CHANNELS}.")
    subtype, width = _SUBTYPES[encoding]
    check_sample_rate(sample_rate, NAME)
    frame = width * channels
    whole = len(data) // frame * frame
    if whole == 0:
        raise AudioError(f"The raw audio holds no whole sample in its {len(data)} bytes; send more than that.")
    if max_secs is not None:
        whole = min(whole, max(1, round(max_secs * sample_rate)) * frame)
    cut = data[:whole]

    def sound() -> Sound:
        file = ForwardSoundFile(
            io.BytesIO(cut),
            format="RAW",
            subtype=subtype,
            samplerate=sample_rate,
            channels=channels,
            endian="LITTLE" if width > 1 else "FILE",
        )
        return sound_of(file, NAME, [])

    return _waveform(sound, channel, max_secs)


def _waveform(sound: Callable[[], Sound], channel: str | int | None, max_secs: float | None) -> Waveform:
    """What is heard of a sound that can be opened twice: to find the channel with the voice, and to hear it."""
    opened = sound()
    if 1 < opened.channels <= MAX_CHANNELS and channel is None:
        channel, opened = the_voice(opened, NAME), sound()
    blocks, count = [], 0
    for block in mono_blocks(opened, NAME, channel):
        blocks.append(block)
        count += len(block)
        if max_secs is not None and count > max_secs * SAMPLE_RATE:
            break
    samples = np.concatenate(blocks)
    return Waveform(samples if max_secs is None else samples[: max(1, round(max_secs * SAMPLE_RATE))])
