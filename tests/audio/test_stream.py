"""Frames of live audio to 16 kHz samples."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_emotion.audio import Waveform, decode_raw, encode_mulaw, resample
from rasa_emotion.audio.stream import LONGEST_FRAME_SECS, StreamDecoder
from rasa_emotion.errors import AudioError


def sine(hertz: float, rate: int, secs: float = 1.0, level: float = 0.5) -> np.ndarray:
    return (level * np.sin(2 * np.pi * hertz * np.arange(round(secs * rate)) / rate)).astype(np.float32)


def pcm(samples: np.ndarray, form: str = "<i2") -> bytes:
    return (samples * 32767).astype(form).tobytes()


def decoded(decoder: StreamDecoder, data: bytes, size: int) -> np.ndarray:
    parts = [decoder.feed(data[start : start + size]) for start in range(0, len(data), size)]
    return np.concatenate([*parts, decoder.finish()])


@given(st.lists(st.integers(0, 700), min_size=1, max_size=60), st.sampled_from([8000, 16000, 24000, 44100]))
def test_frames_of_any_size_give_the_same_samples(sizes: list[int], rate: int) -> None:
    data = pcm(sine(440, rate, 0.3))
    whole = decoded(StreamDecoder("pcm_s16le", rate), data, len(data))
    decoder, parts, start = StreamDecoder("pcm_s16le", rate), [], 0
    for size in sizes:
        parts.append(decoder.feed(data[start : start + size]))
        start += size
    cut = np.concatenate([*parts, decoder.feed(data[start:]), decoder.finish()])
    assert len(cut) == len(whole) == round(0.3 * 16000)
    np.testing.assert_allclose(cut, whole, atol=1e-5)


@pytest.mark.parametrize("rate", [8_000, 11_025, 12_345, 22_050, 24_000, 44_100, 48_000])
def test_a_tone_stays_a_tone_of_the_same_pitch_and_time(rate: int) -> None:
    heard = decoded(StreamDecoder("pcm_s16le", rate), pcm(sine(1000, rate)), 2 * (rate // 50))
    assert len(heard) == 16000
    wanted = resample(Waveform(sine(1000, rate), rate)).samples
    inner = slice(800, -800)
    # Within a fraction of a sample, that is 0.1 ms of a thousand hertz.
    shifts = [float(np.abs(heard[inner] - np.roll(wanted, shift)[inner]).max()) for shift in (-2, -1, 0, 1, 2)]
    assert min(shifts) < 0.2
    spectrum = np.abs(np.fft.rfft(heard[:16000]))
    assert int(np.argmax(spectrum)) == pytest.approx(1000, abs=1)


@pytest.mark.parametrize("rate", [24_000, 48_000])
def test_what_16_khz_cannot_carry_is_gone(rate: int) -> None:
    heard = decoded(StreamDecoder("pcm_s16le", rate), pcm(sine(10_000, rate)), 2 * (rate // 50))
    assert np.abs(heard[1600:-1600]).max() < 0.001


@pytest.mark.parametrize("rate", [8_000, 24_000, 44_100, 48_000])
def test_every_frame_gives_its_sound_within_40_ms(rate: int) -> None:
    decoder, given_samples = StreamDecoder("pcm_s16le", rate), 0
    frame = pcm(sine(300, rate, 0.02))
    for count in range(1, 101):
        given_samples += len(decoder.feed(frame))
        assert count * 320 - given_samples <= 0.04 * 16000


def test_big_endian() -> None:
    sound = sine(300, 16000)
    little = StreamDecoder("pcm_s16le", 16000).feed(pcm(sound))
    assert np.array_equal(little, StreamDecoder("pcm_s16be", 16000).feed(pcm(sound, ">i2")))


@pytest.mark.parametrize("encoding", ["mulaw", "alaw"])
def test_g711_is_decoded_as_recordings_are(encoding: str) -> None:
    data = bytes(range(256)) * 40
    heard = decoded(StreamDecoder(encoding, 16000), data, 160)
    assert np.array_equal(heard, decode_raw(data, encoding=encoding, sample_rate=16000).samples)


def test_the_silence_of_a_line() -> None:
    assert not StreamDecoder("mulaw", 16000).feed(b"\xff\x7f" * 100).any()
    quiet = StreamDecoder("alaw", 16000).feed(b"\xd5\x55" * 100)
    assert 0 < np.abs(quiet).max() < 0.001


def test_stereo() -> None:
    left, right = sine(300, 16000), np.zeros(16000, np.float32)
    both = pcm(np.stack([left, right], axis=1))
    assert np.abs(StreamDecoder(channels=2, channel=0).feed(both) - left).max() < 1e-3
    assert not StreamDecoder(channels=2, channel=1).feed(both).any()
    assert np.abs(StreamDecoder(channels=2).feed(both) - left / 2).max() < 1e-3


@pytest.mark.parametrize("frame", ["words", {"audio": "AA=="}, None, 7])
def test_text_where_audio_belongs_is_refused_and_the_stream_goes_on(frame: object) -> None:
    decoder = StreamDecoder("mulaw", 8000)
    with pytest.raises(AudioError, match="where audio belongs"):
        decoder.feed(frame)  # type: ignore[arg-type]
    decoder.feed(encode_mulaw(Waveform(sine(300, 16000))))
    assert decoder.seconds == 1.0


def test_a_frame_of_ten_seconds_is_taken_and_one_of_two_minutes_is_not() -> None:
    decoder = StreamDecoder("mulaw", 8000)
    assert len(decoder.feed(b"\xff" * 80_000)) > 150_000
    with pytest.raises(AudioError, match="at most 60 s"):
        decoder.feed(b"\xff" * round(8000 * 2 * LONGEST_FRAME_SECS))


@pytest.mark.parametrize(
    ("encoding", "rate", "channels", "channel"),
    [("opus", 48000, 1, None), ("mulaw", 100, 1, None), ("mulaw", 8000, 0, None), ("mulaw", 8000, 2, 2)],
)
def test_what_cannot_be_decoded_is_refused_at_once(
    encoding: str, rate: int, channels: int, channel: int | None
) -> None:
    with pytest.raises(AudioError, match=r"^The stream"):
        StreamDecoder(encoding, rate, channels=channels, channel=channel)


def test_a_sample_that_was_cut_in_two_is_put_together() -> None:
    data = pcm(sine(300, 16000))
    decoder = StreamDecoder()
    heard = np.concatenate([decoder.feed(data[:333]), decoder.feed(data[333:])])
    assert np.array_equal(heard, StreamDecoder().feed(data))
