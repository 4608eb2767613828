"""Voices and words whose true emotion is known: what a fusion is fitted on in tests."""

import numpy as np
import pytest

from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.evaluation.metrics import softmax
from research.fusion.material import PARTS, Material

PER_EMOTION = 20
WIDTH, LONGEST = 12, 5


def make_material(conditions, deviations, measured, seed):
    """Items whose true emotion stands out by 3 from Gaussian noise of each condition's deviation; so do their
    embeddings and states."""
    rng = np.random.default_rng(seed)
    labels = np.arange(PER_EMOTION * len(EMOTIONS)) % len(EMOTIONS)
    shape = (len(conditions), len(labels))
    noise = np.array(deviations)[:, None, None] * rng.standard_normal((*shape, len(EMOTIONS)))
    signal = 3 * np.eye(len(EMOTIONS))[labels]
    embeddings = rng.standard_normal((*shape, WIDTH)).astype(np.float32)
    embeddings[..., : len(EMOTIONS)] += signal
    states = np.repeat(embeddings[:, :, None], LONGEST, axis=2) + rng.standard_normal((*shape, LONGEST, WIDTH))
    speakers = np.arange(len(labels)) // len(EMOTIONS) % (2 * PARTS)
    return Material(
        conditions=conditions,
        labels=labels,
        parts=speakers % PARTS,
        groups=np.array([f"s{speaker}" for speaker in speakers]),
        probabilities=np.stack([softmax(one) for one in signal + noise]),
        reliability=np.ones(shape),
        measured=np.repeat(np.array(measured, dtype=float)[:, None], len(labels), axis=1),
        embeddings=embeddings,
        states=states.astype(np.float16),
        lengths=rng.integers(1, LONGEST + 1, shape),
    )


@pytest.fixture(scope="session")
def voices():
    return make_material(("clean", "noise5", "first 1 s"), (2.0, 4.0, 3.0), (40.0, 5.0, 30.0), seed=1)


@pytest.fixture(scope="session")
def words():
    return make_material(("transcript", "20% wrong"), (1.0, 3.0), (1.0, 0.5), seed=2)
