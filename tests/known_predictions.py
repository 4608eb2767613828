"""Predictions with known figures: what a report or a comparison is made from."""

import numpy as np
import pytest

from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.evaluation.predictions import Predictions


@pytest.fixture(scope="session")
def predictions() -> Predictions:
    """Six speakers say each emotion four times; the right one stands out by 1.5 from noise of deviation 1."""
    generator = np.random.default_rng(5)
    truth = np.tile(np.arange(len(EMOTIONS)), 24)
    speakers = [f"speaker-{row // 32}" for row in range(len(truth))]
    logits = generator.standard_normal((len(truth), len(EMOTIONS))) + 1.5 * np.eye(len(EMOTIONS))[truth]
    exponentials = np.exp(logits)
    probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
    return Predictions([f"clips/{row}.wav" for row in range(len(truth))], speakers, truth, probabilities)
