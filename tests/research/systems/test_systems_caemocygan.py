"""CAEmoCyGAN on toy windows: three classes, each a level of its own on top of what a window holds besides."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from rasa_emotion.errors import ConfigError, ModelError
from research.systems import caemocygan_brain
from research.systems.caemocygan import GanSettings, Translator, missing_windows
from research.systems.caemocygan_brain import LOG, CycleGanBrain, train_translator

FRAMES, BINS, CLASSES = 13, 6, 3  # an odd number of frames: the generator halves and doubles them
SETTINGS = GanSettings(epochs=8, batch_size=16, width=12, blocks=1, generator_lr=3e-3, discriminator_lr=3e-3)
GROUPS = [0] * CLASSES


def toy(count: int, seed: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Class c has bins 2c and 2c + 1 raised by two; every window has a slope of its own."""
    generator = np.random.default_rng(seed)
    labels = np.arange(count) % CLASSES
    windows = generator.normal(0, 0.3, (count, FRAMES, BINS))
    windows += generator.normal(0, 0.5, (count, 1, 1)) * np.linspace(-1, 1, FRAMES)[None, :, None]
    for number in range(count):
        windows[number, :, 2 * labels[number] : 2 * labels[number] + 2] += 2.0
    return (5 * windows + 20).astype(np.float32), labels


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Translator, list[dict[str, float]], Path]:
    folder = tmp_path_factory.mktemp("gan")
    windows, labels = toy(180, seed=1)
    translator = train_translator(
        windows, labels, groups=GROUPS, settings=SETTINGS, seed=5, folder=folder, progress=False
    )
    log = [json.loads(line) for line in next(folder.rglob(LOG)).read_text().splitlines()]
    return translator, log, next(folder.rglob("generator.pt"))


def test_losses_fall(trained: tuple[Translator, list[dict[str, float]], Path]) -> None:
    _, log, _ = trained
    assert [row["epoch"] for row in log] == list(range(1, SETTINGS.epochs + 1))
    assert log[-1]["classification"] < 0.5 * log[0]["classification"]
    assert log[-1]["naming"] < 0.5 * log[0]["naming"]
    assert log[-1]["accepted"] > max(0.8, log[0]["accepted"])


def test_generated_windows_are_of_the_wanted_class(trained: tuple[Translator, list[dict[str, float]], Path]) -> None:
    translator, _, _ = trained
    windows, labels = toy(180, seed=2)
    judge = LogisticRegression(max_iter=500).fit(windows.reshape(len(windows), -1), labels)
    fresh, source = toy(90, seed=3)
    target = (source + 1) % CLASSES
    made = translator.translate(fresh, source, target)
    judged = judge.predict(made.reshape(len(made), -1))
    assert made.shape == fresh.shape
    assert np.mean(judge.predict(fresh.reshape(len(fresh), -1)) == source) > 0.95  # the judge can tell them apart
    assert np.mean(judged == target) > 0.8
    # it moves what tells the classes apart: the scale of the features is kept
    assert abs(made.mean() - fresh.mean()) < 3


def test_there_and_back_returns_near_the_input(trained: tuple[Translator, list[dict[str, float]], Path]) -> None:
    translator, _, _ = trained
    fresh, source = toy(90, seed=4)
    target = (source + 1) % CLASSES
    there = translator.translate(fresh, source, target)
    back = translator.translate(there, target, source)
    assert np.abs(back - fresh).mean() < 0.5 * np.abs(there - fresh).mean()
    same = translator.translate(fresh, source, source)
    assert np.abs(same - fresh).mean() < 0.5 * np.abs(there - fresh).mean()


def test_an_untrained_generator_changes_nothing() -> None:
    windows, labels = toy(30, seed=1)
    settings = GanSettings(epochs=0, width=4, blocks=1)
    translator = train_translator(windows, labels, groups=GROUPS, settings=settings, seed=0, progress=False)
    np.testing.assert_allclose(translator.translate(windows, labels, (labels + 1) % CLASSES), windows, atol=1e-4)


def test_a_saved_generator_answers_the_same(trained: tuple[Translator, list[dict[str, float]], Path]) -> None:
    translator, _, file = trained
    windows, labels = toy(12, seed=6)
    target = (labels + 1) % CLASSES
    loaded = Translator.load(file)
    assert loaded.settings == SETTINGS
    np.testing.assert_array_equal(
        loaded.translate(windows, labels, target), translator.translate(windows, labels, target)
    )


def test_no_generator_there(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="No trained generator"):
        Translator.load(tmp_path / "generator.pt")


def test_an_interrupted_training_ends_as_an_uninterrupted_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    windows, labels = toy(48, seed=1)
    settings = GanSettings(epochs=3, batch_size=16, width=4, blocks=1)

    def run(folder: Path) -> Translator:
        return train_translator(
            windows, labels, groups=GROUPS, settings=settings, seed=2, folder=folder, progress=False
        )

    whole = run(tmp_path / "whole")
    ended = CycleGanBrain.on_stage_end

    def interrupted(self: CycleGanBrain, *args: Any) -> None:
        ended(self, *args)
        if self.epoch == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(CycleGanBrain, "on_stage_end", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "resumed")
    assert not list((tmp_path / "resumed").rglob("generator.pt"))
    resumed = run(tmp_path / "resumed")
    log = next((tmp_path / "resumed").rglob(LOG)).read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in log] == [1, 2, 3]
    target = (labels + 1) % CLASSES
    np.testing.assert_allclose(
        resumed.translate(windows, labels, target), whole.translate(windows, labels, target), atol=1e-4
    )


def test_a_finished_training_serves_its_own_windows_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    windows, labels = toy(30, seed=1)
    settings = GanSettings(epochs=1, width=4, blocks=1)
    options: dict[str, Any] = {"groups": GROUPS, "settings": settings, "seed": 0, "folder": tmp_path, "progress": False}
    train_translator(windows, labels, **options)
    trainings = []
    original = caemocygan_brain._brain
    monkeypatch.setattr(caemocygan_brain, "_brain", lambda *args: trainings.append(1) or original(*args))
    train_translator(windows, labels, **options)
    assert trainings == []
    train_translator(windows + 1, labels, **options)
    assert trainings == [1]


def test_missing_windows_fill_small_classes_from_their_own_group() -> None:
    windows, _ = toy(60, seed=1)
    labels = np.repeat([0, 1, 2, 3], [20, 5, 25, 10])
    sources: list[int] = []

    class Recording(Translator):
        def __init__(self) -> None:
            pass

        def translate(self, windows: Any, source: Any, target: Any) -> Any:
            sources.extend(source.tolist())
            return windows

    made, made_labels = missing_windows(windows, labels, Recording(), groups=[0, 0, 1, 1], share=1.0, seed=0)
    assert np.bincount(made_labels, minlength=4).tolist() == [5, 20, 0, 15]
    assert len(made) == len(made_labels) == 40
    assert {(s, t) for s, t in zip(sources, made_labels.tolist(), strict=True)} == {(1, 0), (0, 1), (2, 3)}


def test_nothing_is_missing_from_even_classes() -> None:
    windows, labels = toy(30, seed=1)
    translator = train_translator(
        windows, labels, groups=GROUPS, settings=GanSettings(epochs=0, width=4, blocks=1), seed=0, progress=False
    )
    made, made_labels = missing_windows(windows, labels, translator, groups=GROUPS, share=1.0, seed=0)
    assert made.shape == (0, FRAMES, BINS)
    assert made_labels.shape == (0,)


def test_a_class_without_partners_is_refused() -> None:
    windows, labels = toy(30, seed=1)
    with pytest.raises(ConfigError, match="no other class in their group"):
        train_translator(windows, labels, groups=[0, 0, 1], settings=SETTINGS, seed=0, progress=False)
