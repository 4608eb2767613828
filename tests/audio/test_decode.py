"""Files, bytes and streams of every kind become 16 kHz mono, or one sentence that says why not."""

import io
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from rasa_emotion.audio import SAMPLE_RATE, Waveform, is_silent, load_audio
from rasa_emotion.errors import AudioError

Tone = Callable[..., NDArray[np.float32]]

FORMATS = [
    ("wav", "PCM_16"),
    ("wav", "PCM_24"),
    ("wav", "FLOAT"),
    ("wav", "ULAW"),
    ("flac", "PCM_16"),
    ("ogg", "VORBIS"),
    ("ogg", "OPUS"),
    ("mp3", "MPEG_LAYER_III"),
]


def encoded(samples: NDArray[np.float32], rate: int, kind: str, subtype: str) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=kind.upper(), subtype=subtype)
    return file.getvalue()


def loudest_frequency(waveform: Waveform) -> float:
    spectrum = np.abs(np.fft.rfft(waveform.samples))
    return float(spectrum.argmax() / waveform.seconds)


@pytest.mark.parametrize(("kind", "subtype"), FORMATS)
@pytest.mark.parametrize("rate", [8_000, 48_000])
def test_formats(tone: Tone, tmp_path: Path, kind: str, subtype: str, rate: int) -> None:
    path = tmp_path / f"tone.{kind}"
    path.write_bytes(encoded(tone(440, 2, rate), rate, kind, subtype))
    waveform = load_audio(path)
    assert waveform.sample_rate == SAMPLE_RATE
    assert waveform.samples.dtype == np.float32
    assert waveform.seconds == pytest.approx(2, abs=0.1)  # MP3 and Opus pad
    assert loudest_frequency(waveform) == pytest.approx(440, abs=2)
    assert np.std(waveform.samples) == pytest.approx(0.3 / np.sqrt(2), rel=0.05)


@pytest.mark.parametrize(("kind", "subtype"), FORMATS)
def test_blocks_equal_the_whole(tone: Tone, kind: str, subtype: str) -> None:
    """Block by block as in one read: an MP3's frames need bits of the frames before."""
    data = encoded(tone(440, 3), SAMPLE_RATE, kind, subtype)
    whole, _ = soundfile.read(io.BytesIO(data), dtype="float32")
    np.testing.assert_allclose(load_audio(data).samples, whole, atol=1e-6)


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 44_100, 96_000])
def test_rates_agree(tone: Tone, rate: int) -> None:
    waveform = load_audio(encoded(tone(440, 1, rate), rate, "wav", "FLOAT"))
    assert len(waveform.samples) == pytest.approx(SAMPLE_RATE, abs=1)
    expected = tone(440, 1)[1000:15000]  # the filter rings at both ends
    np.testing.assert_allclose(waveform.samples[1000:15000], expected, atol=1e-3)


def test_sources_agree(tone: Tone, tmp_path: Path) -> None:
    data = encoded(tone(440, 1), SAMPLE_RATE, "wav", "PCM_16")
    path = tmp_path / "tone.wav"
    path.write_bytes(data)
    used = io.BytesIO(data)
    used.read()  # an upload that somebody read before
    with path.open("rb") as file:
        waveforms = [load_audio(source) for source in (path, str(path), data, used, file)]
    for waveform in waveforms[1:]:
        np.testing.assert_array_equal(waveform.samples, waveforms[0].samples)


def test_stream_that_cannot_seek(tone: Tone) -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    data = encoded(tone(440, 1), SAMPLE_RATE, "flac", "PCM_16")
    assert load_audio(Pipe(data)).seconds == 1


@pytest.mark.parametrize(("channels", "channel"), [(2, "mix"), (3, "mix"), (6, "mix")])
def test_channels_are_averaged_where_that_is_asked(tone: Tone, channels: int, channel: str) -> None:
    samples = np.zeros((SAMPLE_RATE, channels), np.float32)
    samples[:, 0] = tone(440, 1)
    waveform = load_audio(encoded(samples, SAMPLE_RATE, "wav", "FLOAT"), channel=channel)
    np.testing.assert_allclose(waveform.samples, tone(440, 1) / channels, atol=1e-6)


def test_clipped_samples_are_accepted(tone: Tone) -> None:
    waveform = load_audio(encoded(tone(440, 1, 44_100, level=5.0), 44_100, "wav", "FLOAT"))
    assert np.abs(waveform.samples).max() <= 1
    assert loudest_frequency(waveform) == pytest.approx(440, abs=2)


def test_invalid_numbers_count_as_silence(tone: Tone) -> None:
    samples = tone(440, 1)
    samples[100:110], samples[200], samples[201] = np.nan, np.inf, -np.inf
    waveform = load_audio(encoded(samples, SAMPLE_RATE, "wav", "FLOAT"))
    assert not waveform.samples[100:110].any()
    assert not waveform.samples[200:202].any()
    np.testing.assert_array_equal(waveform.samples[300:], samples[300:])


@pytest.mark.parametrize(("kind", "subtype"), FORMATS)
def test_truncated_file_gives_what_is_there(tone: Tone, kind: str, subtype: str) -> None:
    noise = np.random.default_rng(0).normal(0, 0.05, 10 * SAMPLE_RATE).astype(np.float32)
    data = encoded(tone(440, 10) + noise, SAMPLE_RATE, kind, subtype)
    waveform = load_audio(data[: len(data) // 2])
    assert 3 < waveform.seconds < 6
    assert loudest_frequency(waveform) == pytest.approx(440, abs=2)


def test_truncated_file_is_logged_with_its_name(tone: Tone, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    data = encoded(tone(440, 3), SAMPLE_RATE, "flac", "PCM_16")
    path = tmp_path / "cut.flac"
    path.write_bytes(data[: len(data) // 2])
    load_audio(path)
    assert len(caplog.records) == 1
    assert f"'{path}' breaks off after 1." in caplog.text


def test_length_that_lies(tone: Tone) -> None:
    """A recorder that writes to a pipe does not know the length and writes the largest number."""
    data = bytearray(encoded(tone(440, 1), SAMPLE_RATE, "wav", "PCM_16"))
    data[4:8] = data[40:44] = b"\xff\xff\xff\xff"
    assert load_audio(bytes(data)).seconds == 1


def test_max_secs(tone: Tone, tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    path.write_bytes(encoded(tone(440, 3), SAMPLE_RATE, "wav", "PCM_16"))
    assert load_audio(path, max_secs=3).seconds == 3
    check_sentence(path, "is longer than 2.5 s", max_secs=2.5)


def check_sentence(source: object, fault: str, **options: float) -> None:
    """One sentence that names the source and the fault, and a remedy after it."""
    with pytest.raises(AudioError) as caught:
        load_audio(source, **options)  # type: ignore[arg-type]
    message = str(caught.value)
    name = f"'{source}'" if isinstance(source, str | Path) else "The audio"
    assert message.startswith(f"{name} ")
    assert fault in message
    assert message.endswith(".")
    assert "\n" not in message
    assert "; " in message, "no remedy"


def wav(samples: NDArray[np.float32], subtype: str = "FLOAT") -> bytes:
    return encoded(samples, SAMPLE_RATE, "wav", subtype)


def with_rate(data: bytes, rate: int) -> bytes:
    return data[:24] + rate.to_bytes(4, "little") + data[28:]


SILENCE = np.zeros(SAMPLE_RATE, np.float32)
BAD = {
    "text": (b"This is a shopping list, not a recording.\n" * 50, "is not audio that can be decoded"),
    "picture": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20, "is not audio that can be decoded"),
    "only the first bytes": (wav(SILENCE)[:10], "is not audio that can be decoded"),
    "empty": (b"", "is empty (zero bytes)"),
    "no samples": (wav(SILENCE[:0]), "holds no audio samples"),
    "silence": (wav(SILENCE), "holds no sound"),
    "a converter's noise": (wav(SILENCE + np.float32(3e-5)), "holds no sound"),
    "only NaN": (wav(SILENCE * np.nan), "holds no valid samples"),
    "1 Hz": (with_rate(wav(SILENCE, "PCM_16"), 1), "has a sample rate of 1 Hz"),
    "50 MHz": (with_rate(wav(SILENCE, "PCM_16"), 50_000_000), "has a sample rate of 50000000 Hz"),
}


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("as_file", [True, False])
def test_bad_audio(tmp_path: Path, kind: str, as_file: bool) -> None:
    data, fault = BAD[kind]
    if as_file:
        path = tmp_path / "call.wav"
        path.write_bytes(data)
    check_sentence(path if as_file else data, fault)


def test_bad_paths(tone: Tone, tmp_path: Path) -> None:
    check_sentence(tmp_path / "missing.wav", "does not exist")
    check_sentence(str(tmp_path / "missing.wav"), "does not exist")
    check_sentence(tmp_path, "is not a file")
    # From Python 3.14 on, a name that no file system takes is that of a file that is not there.
    check_sentence(tmp_path / ("x" * 5000), "cannot be read" if sys.version_info < (3, 14) else "does not exist")
    raw = tmp_path / "samples.raw"
    raw.write_bytes(bytes(100))
    check_sentence(raw, "is not audio that can be decoded")


def test_path_without_permission(tone: Tone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    path = tmp_path / "secret.wav"
    path.write_bytes(wav(tone(440, 1)))
    monkeypatch.setattr(Path, "open", refuse)  # whoever runs the tests as root may read everything
    check_sentence(path, "cannot be read (Permission denied)")


def test_text_stream() -> None:
    check_sentence(io.StringIO("hello"), "is a stream of text")


@given(data=st.binary(max_size=500), start=st.sampled_from([b"", b"RIFF", b"fLaC", b"OggS", b"ID3", b"\xff\xfb"]))
def test_any_bytes_are_decoded_or_refused(data: bytes, start: bytes) -> None:
    try:
        waveform = load_audio(start + data)
    except AudioError:
        return
    assert np.isfinite(waveform.samples).all()
    assert not is_silent(waveform)


@given(data=st.data())
def test_damaged_files_are_decoded_or_refused(data: st.DataObject) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 4000).astype(np.float32)
    kind, subtype = data.draw(st.sampled_from([k for k in FORMATS if k[0] != "mp3"]))  # mpg123 writes to stderr
    damaged = bytearray(encoded(noise, SAMPLE_RATE, kind, subtype))
    for _ in range(data.draw(st.integers(1, 8))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        waveform = load_audio(bytes(damaged), max_secs=60)
    except AudioError:
        return
    assert np.isfinite(waveform.samples).all()
    assert np.abs(waveform.samples).max() <= 1
