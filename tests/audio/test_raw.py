"""Headerless samples: telephone lines and browsers."""

import base64
import io
from collections.abc import Callable

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from rasa_emotion.audio import SAMPLE_RATE, decode_raw, is_silent, load_audio
from rasa_emotion.audio.raw import from_base64
from rasa_emotion.errors import AudioError

Tone = Callable[..., NDArray[np.float32]]


def pcm(samples: NDArray[np.float32]) -> bytes:
    return (samples * 32768).astype("<i2").tobytes()


def test_pcm_is_exact() -> None:
    waveform = decode_raw(b"\x00\x00\xff\x7f\x00\x80\x01\x00", encoding="pcm_s16le", sample_rate=SAMPLE_RATE)
    np.testing.assert_array_equal(waveform.samples * 32768, [0, 32767, -32768, 1])


def test_mulaw_follows_g711() -> None:
    """Values of G.711, table 2a, scaled to 16 bit: all positive codes begin at 0x80 and 0xff is zero."""
    codes = {0x80: 32124, 0x81: 31100, 0x8F: 16764, 0x90: 15996, 0xFE: 8, 0xFF: 0, 0x00: -32124, 0x7E: -8, 0x7F: 0}
    heard = decode_raw(bytes(codes), encoding="mulaw", sample_rate=SAMPLE_RATE)
    np.testing.assert_array_equal(heard.samples * 32768, list(codes.values()))


@pytest.mark.parametrize("encoding", ["pcm_s16le", "mulaw", "alaw"])
@pytest.mark.parametrize("channels", [1, 2])
def test_raw_equals_the_same_wav(tone: Tone, encoding: str, channels: int) -> None:
    subtype = {"pcm_s16le": "PCM_16", "mulaw": "ULAW", "alaw": "ALAW"}[encoding]
    samples = np.stack([tone(440, 1, 8_000), tone(700, 1, 8_000)][:channels], axis=1)
    raw, wav = io.BytesIO(), io.BytesIO()
    soundfile.write(raw, samples, 8_000, format="RAW", subtype=subtype)
    soundfile.write(wav, samples, 8_000, format="WAV", subtype=subtype)
    heard = decode_raw(raw.getvalue(), encoding=encoding, sample_rate=8_000, channels=channels)
    np.testing.assert_array_equal(heard.samples, load_audio(wav).samples)
    assert heard.seconds == 1


def test_silence_is_accepted() -> None:
    heard = decode_raw(b"\xff" * 160, encoding="mulaw", sample_rate=8_000)
    assert is_silent(heard)
    assert heard.seconds == 0.02


def test_incomplete_last_sample_is_dropped(tone: Tone) -> None:
    data = pcm(tone(440, 0.1))
    whole = decode_raw(data, encoding="pcm_s16le", sample_rate=SAMPLE_RATE)
    odd = decode_raw(data + b"\x01", encoding="pcm_s16le", sample_rate=SAMPLE_RATE)
    np.testing.assert_array_equal(odd.samples, whole.samples)


@pytest.mark.parametrize(
    ("data", "options", "fault"),
    [
        (b"", {}, "no whole sample in its 0 bytes"),
        (b"\x01", {}, "no whole sample in its 1 bytes"),
        (b"\x01\x02\x03", {"channels": 2}, "no whole sample in its 3 bytes"),
        (bytes(100), {"sample_rate": 0}, "sample rate of 0 Hz"),
        (bytes(100), {"sample_rate": -8_000}, "sample rate of -8000 Hz"),
        (bytes(100), {"sample_rate": 10**12}, "sample rate of 1000000000000 Hz"),
        (bytes(100), {"channels": 0}, "0 channels"),
        (bytes(100), {"channels": 5_000}, "5000 channels"),
        (bytes(100), {"encoding": "g722"}, "'g722'"),
    ],
)
def test_what_cannot_be_decoded(data: bytes, options: dict[str, object], fault: str) -> None:
    options = {"encoding": "pcm_s16le", "sample_rate": SAMPLE_RATE, **options}
    with pytest.raises(AudioError, match=fault) as caught:
        decode_raw(data, **options)  # type: ignore[arg-type]
    assert str(caught.value).endswith(".")
    assert "; " in str(caught.value), "no remedy"


@given(
    data=st.binary(max_size=2_000),
    encoding=st.sampled_from(["pcm_s16le", "mulaw", "alaw"]),
    sample_rate=st.integers(-10, 1_000_000),
    channels=st.integers(-1, 70),
)
def test_any_bytes_are_decoded_or_refused(data: bytes, encoding: str, sample_rate: int, channels: int) -> None:
    try:
        heard = decode_raw(data, encoding=encoding, sample_rate=sample_rate, channels=channels)
    except AudioError:
        return
    width = {"pcm_s16le": 2, "mulaw": 1, "alaw": 1}[encoding] * channels
    assert heard.seconds == pytest.approx(len(data) // width / sample_rate, abs=2 / SAMPLE_RATE)
    assert np.isfinite(heard.samples).all()
    assert np.abs(heard.samples).max(initial=0) <= 1


@given(st.one_of(st.binary().map(lambda data: base64.b64encode(data).decode()), st.text("AQz9+/=\n -_é")))
def test_base64_is_taken_as_pythons_own_check_takes_it(text: str) -> None:
    """But for padding behind a whole group, which Python's passes over."""
    try:
        wanted = base64.b64decode(text, validate=True)
    except ValueError:
        wanted = None
    if wanted is None or len(text) % 4:
        with pytest.raises(ValueError):  # noqa: PT011 -- binascii's message, or ours
            from_base64(text)
    else:
        assert from_base64(text) == wanted
