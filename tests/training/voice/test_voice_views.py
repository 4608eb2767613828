"""Folds of speakers, and the views of every sound."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from rasa_emotion.errors import ConfigError
from rasa_emotion.training.voice.material import FOLDS, read_samples, read_sounds, source_of
from rasa_emotion.training.voice.views import CLEAN, WINDOW_SECS, Views, training_views

COLUMNS = "path,corpus,speaker,label,emotion,fold,seconds,text\n"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Ten speakers of two corpora, and a call of two people with a pause between their turns."""
    random = np.random.default_rng(0)
    rows = []
    for speaker in range(10):
        for clip in range(2):
            path = f"clip-{speaker}-{clip}.flac"
            soundfile.write(tmp_path / path, random.normal(0, 0.1, 16_000), 16_000)
            rows.append(f"{path},corpus{speaker % 2},speaker-{speaker},angry,angry,,1.0,\n")
    (tmp_path / "speech.csv").write_text(COLUMNS + "".join(rows), encoding="utf-8")
    return tmp_path


def test_no_speaker_stands_in_two_folds(data: Path) -> None:
    sounds = read_sounds([data])
    assert len(sounds) == 20
    folds: dict[str, set[int]] = {}
    for sound in sounds:
        folds.setdefault(source_of(sound.clip), set()).add(sound.fold)
    assert all(len(own) == 1 for own in folds.values())
    assert {fold for own in folds.values() for fold in own} == set(range(FOLDS))


def test_a_folder_without_a_manifest_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"No speech\.csv"):
        read_sounds([tmp_path])


def test_every_view_is_made_the_same_again_and_is_no_longer_than_a_window(data: Path) -> None:
    sounds = [sound for sound in read_sounds([data]) if sound.clip.corpus == "corpus0"]
    noises = [np.random.default_rng(1).normal(0, 3000, 8000).astype(np.int16)]
    for name, view in training_views(noises).items():
        once, again = (Views(sounds).make(sounds[0], name, view) for _ in range(2))
        np.testing.assert_array_equal(once, again)
        assert 0 < len(once) <= WINDOW_SECS * 16_000
    clean = Views(sounds).make(sounds[0], CLEAN, training_views(noises)[CLEAN])
    assert len(clean) >= len(read_samples(sounds[0])) - 1
