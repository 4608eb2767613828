"""Systems D and E on features that a clip's class is written into."""

from types import SimpleNamespace
from typing import Any

import librosa
import numpy as np
import pytest
import torch

from research.systems.features import HOP, N_FFT, N_MELS, logmel
from research.systems.sliding import (
    SlidingCnnLstm,
    SummaryForest,
    SummaryTree,
    cepstrum,
    sexes,
)
from research.systems.voice_cnn import Branch, VoiceCnn, sounding


def recipe(**changes: Any) -> Any:
    return SimpleNamespace(
        **{"epochs": 6, "batch_size": 16, "lr": 0.005, "optimizer": "adam", "folder": None, "classes": ()} | changes
    )


def clips(count: int, classes: int, *, seed: int, dims: int = 48) -> tuple[Any, Any]:
    """Each class has bands of its own; the second half of most clips is the silence that fills them up."""
    generator = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    x = generator.normal(0, 1, (count, 30, dims)).astype(np.float32)
    for number, label in enumerate(labels):
        x[number, :, label * 8 : label * 8 + 8] += 3
        if number % 3:
            x[number, 15:] = -20
    return x, labels


def test_cepstrum_is_the_mfcc_of_librosa(tone: Any) -> None:
    sound = tone(300, 0.5)
    theirs = librosa.feature.mfcc(y=sound, sr=16_000, n_mfcc=40, n_fft=N_FFT, hop_length=HOP, n_mels=N_MELS)
    np.testing.assert_allclose(cepstrum(logmel(sound)), theirs.T, atol=1e-3)


@pytest.mark.parametrize("model", [SummaryTree, SummaryForest, SlidingCnnLstm, VoiceCnn])
def test_learns_what_the_features_hold(model: Any) -> None:
    options = {SlidingCnnLstm: {"window": 10, "hop": 5}, SummaryForest: {"trees": 20}}.get(model, {})
    x, y = clips(96, 4, seed=1)
    trained = model(recipe(), **options)
    trained.fit(x, y, classes=4, seed=3)
    fresh, truth = clips(40, 4, seed=2)
    probabilities = trained.probabilities(fresh)
    assert probabilities.shape == (40, 4)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert np.mean(probabilities.argmax(axis=1) == truth) > 0.85
    assert trained.parameters > 0


def test_a_clip_is_scored_by_its_windows_without_the_filling() -> None:
    x, y = clips(32, 2, seed=1)
    model = SlidingCnnLstm(recipe(epochs=1), window=10, hop=5)
    model.fit(x, y, classes=2, seed=0)
    longer = np.concatenate([x, np.repeat(x[:, -1:], 20, axis=1)], axis=1)[1:2]  # the same clip, filled up further
    np.testing.assert_allclose(model.probabilities(longer), model.probabilities(x[1:2]), atol=1e-6)


def test_the_gan_fills_the_small_classes_of_the_training_part() -> None:
    x, y = clips(60, 3, seed=1)
    few = np.flatnonzero((y != 2) | (np.arange(60) < 12))  # class 2 is left with four clips
    gan = {"epochs": 1, "width": 4, "blocks": 1}
    model = SlidingCnnLstm(recipe(epochs=1), window=10, hop=5, gan=gan)
    model.fit(x[few], y[few], classes=3, seed=0)
    windows = {c: sum(2 + 3 * (number % 3 == 0) for number in few if y[number] == c) for c in range(3)}
    assert model.generated == sum(max(windows.values()) - count for count in windows.values()) > 0
    plain = SlidingCnnLstm(recipe(epochs=1), window=10, hop=5)
    plain.fit(x[few], y[few], classes=3, seed=0)
    assert plain.generated == 0


def test_the_gan_keeps_the_sex_of_a_voice() -> None:
    assert sexes(["angry_female", "angry_male", "calm_male"], 3) == [0, 1, 1]
    assert sexes(["angry", "calm"], 2) == [0, 0]
    assert sexes([], 2) == [0, 0]


def test_silence_after_a_clip_does_not_change_its_answer() -> None:
    torch.manual_seed(0)
    network = Branch(6, 4).eval()
    clip = torch.randn(1, 41, 6)
    short = torch.cat([clip, torch.full((1, 40, 6), -1.0)], dim=1)
    long = torch.cat([clip, torch.full((1, 120, 6), -1.0)], dim=1)
    assert sounding(long).sum() == 41
    assert sounding(torch.zeros(2, 5, 6)).sum(dim=1).tolist() == [1, 1]
    torch.testing.assert_close(network(short), network(long))
    assert not torch.allclose(network(short), network(torch.randn(1, 81, 6)))
