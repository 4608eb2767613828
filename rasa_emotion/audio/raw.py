"""Samples without a header, as telephone lines and browsers send them."""

import io
from typing import Literal

import numpy as np

from rasa_emotion.audio.decode import ForwardSoundFile, mono_blocks
from rasa_emotion.audio.resample import check_sample_rate
from rasa_emotion.audio.waveform import Waveform
from rasa_emotion.errors import AudioError

RawEncoding = Literal["pcm_s16le", "mulaw"]

# libsndfile's subtype and the bytes of one sample.
_SUBTYPES = {"pcm_s16le": ("PCM_16", 2), "mulaw": ("ULAW", 1)}
_MAX_CHANNELS = 64


def decode_raw(data: bytes, *, encoding: RawEncoding, sample_rate: int, channels: int = 1) -> Waveform:
    """Decode headerless samples to 16 kHz mono; silence is accepted, since live audio is full of it.

    Args:
        data: interleaved samples; an incomplete one at the end is dropped.
        encoding: "pcm_s16le" (signed 16 bit, little endian) or "mulaw" (G.711).
        sample_rate: Hz.
        channels: how many samples stand side by side.

    Raises:
        AudioError: there is no whole sample, or the encoding, rate or number of channels cannot be used.

    >>> decode_raw(b"\\xff" * 8000, encoding="mulaw", sample_rate=8000).seconds
    1.0
    """
    if encoding not in _SUBTYPES:
        raise AudioError(f"Raw audio cannot be decoded as '{encoding}'; name one of {', '.join(_SUBTYPES)}.")
    if not 1 <= channels <= _MAX_CHANNELS:
        raise AudioError(f"Raw audio cannot have {channels} channels; name 1 to {_MAX_CHANNELS}.")
    subtype, width = _SUBTYPES[encoding]
    whole = len(data) // (width * channels) * width * channels
    if whole == 0:
        raise AudioError(f"The raw audio holds no whole sample in its {len(data)} bytes; send more than that.")
    check_sample_rate(sample_rate, "The raw audio")
    with ForwardSoundFile(
        io.BytesIO(data[:whole]),
        format="RAW",
        subtype=subtype,
        samplerate=sample_rate,
        channels=channels,
        endian="LITTLE" if width > 1 else "FILE",
    ) as sound:
        return Waveform(np.concatenate(list(mono_blocks(sound, "The raw audio"))))
