"""Calls of a caller who speaks, made by espeak-ng."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from rasa_emotion.audio import load_audio

RATE = 16_000
CALLER = "I have been waiting for an hour and nobody has called me back."
AGENT = "Good morning, you are speaking with the service desk. How can I help you today?"


@pytest.fixture(scope="session")
def caller(speech: Callable[..., Path]) -> NDArray[np.float32]:
    """Some seconds of a caller, 16 kHz."""
    return load_audio(speech(CALLER)).samples


@pytest.fixture(scope="session")
def agent(speech: Callable[..., Path]) -> NDArray[np.float32]:
    """Some seconds of an agent, 16 kHz."""
    return load_audio(speech(AGENT, "en-gb")).samples


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes samples, of shape [frames] or [frames, channels], as a recording."""

    def file(name: str, samples: NDArray[np.float32], rate: int = RATE) -> Path:
        place = tmp_path / "calls" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(place, samples, rate)
        return place

    return file


def silence(secs: float) -> NDArray[np.float32]:
    return np.zeros(round(secs * RATE), np.float32)
