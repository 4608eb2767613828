import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.systems.windows import clip_means, cut, overlapping, until_silence


@given(length=st.integers(1, 60), frames=st.integers(1, 20), hop_share=st.floats(0.05, 1.0))
def test_windows_cover_every_frame_and_begin_a_hop_apart(length: int, frames: int, hop_share: float) -> None:
    hop = max(1, int(frames * hop_share))
    clip = np.arange(length, dtype=np.float32)[:, None]
    windows = overlapping(clip, frames=frames, hop=hop)
    assert windows.shape[1:] == (frames, 1)
    starts = windows[:, 0, 0]
    assert set(windows.ravel()) == set(range(length))
    if length >= frames:
        assert windows[-1, -1, 0] == length - 1
        assert np.all(np.diff(windows[:, :, 0], axis=1) == 1)
        assert np.all(np.diff(starts)[:-1] == hop)
        assert np.all((np.diff(starts) > 0) & (np.diff(starts) <= hop))
    else:
        np.testing.assert_array_equal(windows[0, :, 0], np.arange(frames) % length)


def test_the_silence_that_fills_a_clip_is_left_out() -> None:
    clip = np.array([[1, 0], [0, 0], [2, 5], [0, 0], [0, 0], [0, 0]], dtype=np.float32)
    np.testing.assert_array_equal(until_silence(clip), clip[:3])
    full = clip[:3]
    np.testing.assert_array_equal(until_silence(full), full[:2])  # its last frame cannot be told from silence
    assert until_silence(np.zeros((4, 2), dtype=np.float32)).shape == (1, 2)


def test_a_clips_answer_is_the_mean_of_its_windows() -> None:
    generator = np.random.default_rng(0)
    clips = [generator.normal(size=(length, 2)).astype(np.float32) for length in (9, 4, 14)]
    windows, owners = cut(clips, frames=4, hop=2)
    assert owners.tolist() == [0, 0, 0, 1, 2, 2, 2, 2, 2, 2]
    values = generator.random((len(windows), 3))
    means = clip_means(values, owners)
    assert means.shape == (3, 3)
    np.testing.assert_allclose(means[0], values[:3].mean(axis=0))
    np.testing.assert_allclose(means[1], values[3])
    assert means.sum() == pytest.approx(sum(values[owners == n].mean(axis=0).sum() for n in range(3)))
