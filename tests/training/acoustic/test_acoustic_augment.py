"""Augmentation does to the sound what it says."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from numpy.typing import NDArray

from rasa_emotion.audio import Waveform, to_telephone
from rasa_emotion.corpora.manifest import Clip, read_manifest
from rasa_emotion.training.acoustic.augment import WaveformAugment, add_noise, mixup, telephone
from rasa_emotion.training.acoustic.batches import IGNORED, EpochBatches, Tasks
from rasa_emotion.training.acoustic.clips import clip_sounds, noise_sounds

Tone = Callable[..., NDArray[np.float32]]


def test_noise_has_the_ratio_that_was_asked_for(tone: Tone) -> None:
    clean = torch.from_numpy(tone(440, 1.0))
    noise = np.random.default_rng(0).integers(-3000, 3000, 5000).astype(np.int16)
    added = add_noise(clean, noise, 10.0, 123) - clean
    ratio = 10 * torch.log10(clean.square().mean() / added.square().mean())
    assert float(ratio) == pytest.approx(10, abs=0.1)
    assert torch.equal(add_noise(clean, np.zeros(10, np.int16), 10.0), clean)


def test_telephone_sounds_like_the_line_that_serving_knows(tone: Tone) -> None:
    clean = tone(440, 1.0) + tone(6000, 1.0)
    ours = telephone(torch.from_numpy(clean)[None])[0].numpy()
    line = to_telephone(Waveform(clean)).samples
    assert ours.shape == clean.shape
    # both keep 440 Hz and drop 6 kHz; they differ in the resamplers' edges and in quantisation
    middle = slice(1000, -1000)
    assert np.abs(ours[middle] - line[middle]).max() < 0.02


def test_probability_zero_changes_nothing(tone: Tone) -> None:
    batch = torch.from_numpy(tone(440, 0.5))[None].repeat(3, 1)
    noise = [np.full(100, 1000, np.int16)]
    still = WaveformAugment(
        speed=torch.nn.Identity(), noises=noise, noise_probability=0.0, snr_db=(0, 1), telephone_probability=0.0
    )
    assert torch.equal(still(batch), batch)
    always = WaveformAugment(
        speed=torch.nn.Identity(), noises=noise, noise_probability=1.0, snr_db=(0, 1), telephone_probability=1.0
    )
    assert not torch.allclose(always(batch), batch, atol=0.01)


def test_mixup_mixes_with_the_partner() -> None:
    values = torch.arange(4.0)
    mixed, partners, share = mixup(values, 0.5)
    torch.testing.assert_close(mixed, share * values + (1 - share) * values[partners])
    assert mixup(values, 0.0)[2] == 1.0


def test_targets_of_each_head() -> None:
    tasks = Tasks({"emotion": (["happy", "sad"], ["a"]), "b": (["Guilt"], ["b"])})
    a = Clip("x", "a", "s", "joy", "happy", None, 1.0)
    b = Clip("x", "b", "s", "Guilt", None, None, 1.0)
    assert (tasks.target("emotion", a), tasks.target("b", a)) == (0, IGNORED)
    assert (tasks.target("emotion", b), tasks.target("b", b)) == (IGNORED, 0)


def test_batches_hold_every_clip_once_and_no_padding(tones: Path, tmp_path: Path) -> None:
    clips = read_manifest(tones)
    sounds = clip_sounds(clips, tones, tmp_path)
    assert sounds.keys() == clip_sounds(clips, tones, tmp_path).keys()  # from the cache
    tasks = Tasks({"emotion": (["sad", "angry"], ["tones"])})
    batches = EpochBatches(clips, sounds, tasks, shares={"tones": 1.0}, batch_size=6, max_secs=0.6)
    assert sorted(clip.path for part in batches.batches for clip in part) == sorted(clip.path for clip in clips)
    for batch in batches.loader():
        assert batch.waveform.shape[1] <= 0.6 * 16_000
        assert batch.waveform.abs().amin(dim=1).max() < 0.3
        # the margin of silence that trimming leaves, but nothing that fills a batch up
        assert (batch.waveform[:, -1760:].abs().amax(dim=1) > 0.1).all()
    half = EpochBatches(clips, sounds, tasks, shares={"tones": 0.5}, batch_size=6, max_secs=0.6)
    assert sum(map(len, half.batches)) == len(clips) // 2


def test_noises_of_the_figures_are_not_those_of_training(tones: Path, tmp_path: Path) -> None:
    trained, kept = (noise_sounds(tones, tmp_path, held_out=held_out) for held_out in (False, True))
    assert len(trained) == len(kept) == 1
    assert not np.array_equal(trained[0], kept[0])


def test_no_take_of_a_recording_stands_on_both_sides(tmp_path: Path) -> None:
    (tmp_path / "noise").mkdir()
    names = [f"1-{number}-{take}" for number in range(100, 120) for take in ("A", "B")] + ["2-1-A", "3-1-A", "4-1-A"]
    for level, name in enumerate(names, start=1):
        soundfile.write(tmp_path / "noise" / f"{name}.wav", np.full(800, level / 100), 16_000)
    trained, kept = (noise_sounds(tmp_path, tmp_path / "cache", held_out=held_out) for held_out in (False, True))
    heard, tested = (
        {names[round(sound.mean() / 32768 * 100) - 1].rsplit("-", 1)[0] for sound in part} for part in (trained, kept)
    )
    assert tested
    assert not heard & tested
