"""Windows over recordings of any length, at constant memory."""

import io
import tracemalloc
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from rasa_emotion.audio import SAMPLE_RATE, load_audio, stream_windows
from rasa_emotion.audio.windows import cut_windows
from rasa_emotion.errors import AudioError, ConfigError

Tone = Callable[..., NDArray[np.float32]]


@given(
    total=st.integers(1, 400),
    window=st.integers(1, 60),
    hop=st.integers(1, 60),
    cuts=st.lists(st.integers(0, 400), max_size=8),
)
def test_windows_cover_the_whole_signal(total: int, window: int, hop: int, cuts: list[int]) -> None:
    hop = min(hop, window)
    signal = np.arange(total, dtype=np.float32)
    windows = list(cut_windows(iter(np.split(signal, sorted(min(cut, total) for cut in cuts))), window, hop))
    assert {int(sample) for part in windows for sample in part} == set(range(total))
    assert [len(part) for part in windows] == [min(window, total)] * len(windows)
    starts = [int(part[0]) for part in windows]
    assert starts[:-1] == [index * hop for index in range(len(starts) - 1)]
    assert windows[-1][-1] == total - 1
    for part in windows:
        np.testing.assert_array_equal(np.diff(part), 1)


def flac(samples: NDArray[np.float32], rate: int) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="FLAC")
    return file.getvalue()


def test_windows_hold_what_the_whole_file_holds(tone: Tone) -> None:
    data = flac(tone(440, 7.3, 44_100), 44_100)
    whole = load_audio(data).samples
    windows = list(stream_windows(data, window_secs=2, hop_secs=1.5))
    assert [window.seconds for window in windows] == [2] * 5
    for index, window in enumerate(windows[:-1]):
        start = index * 24_000
        np.testing.assert_array_equal(window.samples, whole[start : start + 32_000])
    np.testing.assert_array_equal(windows[-1].samples, whole[-32_000:])


@pytest.mark.parametrize("secs", [0.01, 3, 10])
def test_short_audio_is_one_window(tone: Tone, secs: float) -> None:
    (window,) = stream_windows(flac(tone(440, secs), SAMPLE_RATE))
    assert window.seconds == secs


def test_an_hour_at_constant_memory(tmp_path: Path) -> None:
    """An hour at 16 kHz is 230 MB of float32; one window is 0.64 MB."""
    path = tmp_path / "hour.wav"
    second = (8_000 * np.sin(np.arange(8_000) / 3)).astype("<i2").tobytes()
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8_000, 0, "NONE", ""))
        for _ in range(60):
            file.writeframes(second * 60)
    windows = stream_windows(path)
    next(windows)
    tracemalloc.start()
    count = 1 + sum(window.seconds == 10 for window in windows)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 719
    assert peak < 8e6


def test_silence_between_sounds_is_handed_on(tone: Tone) -> None:
    quiet = np.zeros(20 * SAMPLE_RATE, np.float32)
    windows = list(stream_windows(flac(np.concatenate([tone(440, 10), quiet, tone(440, 10)]), SAMPLE_RATE)))
    assert len(windows) == 7
    assert not windows[3].samples.any()


def test_silence_throughout(tmp_path: Path) -> None:
    path = tmp_path / "quiet.flac"
    path.write_bytes(flac(np.zeros(30 * SAMPLE_RATE, np.float32), SAMPLE_RATE))
    with pytest.raises(AudioError, match="holds no sound") as caught:
        list(stream_windows(path))
    assert f"'{path}'" in str(caught.value)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="does not exist"):
        list(stream_windows(tmp_path / "missing.wav"))


@pytest.mark.parametrize(("window", "hop"), [(10, 0), (10, -1), (5, 6), (0, 0)])
def test_lengths_that_do_not_fit(window: float, hop: float) -> None:
    with pytest.raises(ConfigError, match="hop_secs"):
        stream_windows(b"", window_secs=window, hop_secs=hop)
