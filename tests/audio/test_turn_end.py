"""The network that tells by the sound of a turn whether it has ended."""

import csv
import logging
from pathlib import Path

import numpy as np
import pytest

from rasa_emotion.audio import load_audio, networks
from rasa_emotion.audio.turn_end import SECS, SmartTurn, log_mel, smart_turn


@pytest.fixture(scope="module")
def network() -> SmartTurn:
    found = smart_turn()
    assert found is not None
    return found


def cut(samples: np.ndarray, share: float) -> np.ndarray:
    """What is heard 0.2 s after the first share of somebody's sentence, as if the voice fell silent there."""
    sounding = np.flatnonzero(np.abs(samples) > 0.02 * np.abs(samples).max())
    end = int(sounding[0] + share * (sounding[-1] - sounding[0]))
    return np.pad(samples[sounding[0] : end], (0, 3200))


@pytest.mark.data
def test_whole_sentences_of_people_sound_finished_more_often_than_their_beginnings(
    network: SmartTurn, shared_data: Path
) -> None:
    with (shared_data / "speech.csv").open(encoding="utf-8") as file:
        paths = [
            row["path"] for row in csv.DictReader(file) if row["corpus"] == "ravdess" and row["emotion"] == "neutral"
        ]
    spoken = [load_audio(shared_data / path).samples for path in paths[:24]]
    whole, begun = (np.array([network.probability(cut(one, share)) > 0.5 for one in spoken]) for share in (1.0, 0.6))
    assert whole.mean() >= 0.75
    assert whole.mean() > begun.mean() + 0.1


def test_what_is_longer_than_it_hears_is_heard_from_its_end(network: SmartTurn) -> None:
    noise = (0.1 * np.random.default_rng(0).standard_normal(20 * 16_000)).astype(np.float32)
    assert network.probability(noise) == network.probability(noise[-round(SECS * 16_000) :])


def test_silence_stands_in_front_of_a_short_turn(network: SmartTurn) -> None:
    noise = (0.1 * np.random.default_rng(0).standard_normal(16_000)).astype(np.float32)
    padded = np.pad(noise, (round(SECS * 16_000) - len(noise), 0))
    assert network.probability(noise) == network.probability(padded)


def test_the_spectrogram_is_whispers() -> None:
    transformers = pytest.importorskip("transformers")
    extractor = transformers.WhisperFeatureExtractor(chunk_length=8)
    sound = (0.1 * np.random.default_rng(0).standard_normal(128_000)).astype(np.float32)
    wanted = extractor(sound, sampling_rate=16_000, do_normalize=True, return_tensors="np").input_features[0]
    np.testing.assert_allclose(log_mel(sound), wanted, atol=1e-3)


def test_without_the_network_the_silence_decides(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(networks, "model_path", lambda *_: tmp_path)
    smart_turn.cache_clear()
    try:
        with caplog.at_level(logging.WARNING):
            assert smart_turn() is None
        assert [record.event for record in caplog.records] == ["audio.ending.missing"]
    finally:
        smart_turn.cache_clear()
