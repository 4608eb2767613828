"""Estimates are read once, and never taken for others."""

import copy

from fake_analyzer import estimate

from rasa_emotion.conversation import estimates
from rasa_emotion.conversation.estimates import read_estimate


def test_the_same_numbers_are_read_once() -> None:
    stored = estimate("angry", 0.9).to_dict()
    first = read_estimate(stored)
    assert first.emotion == "angry"
    assert read_estimate(copy.deepcopy(stored)) is first


def test_other_numbers_are_others() -> None:
    stored = estimate("angry", 0.9).to_dict()
    read_estimate(stored)
    other = {**copy.deepcopy(stored), "valence": 0.25}  # with the very same probabilities
    assert read_estimate(other).valence == 0.25
    assert read_estimate(copy.deepcopy(stored)).valence == stored["valence"]


def test_what_is_no_estimate_is_unknown() -> None:
    for stored in (None, {}, {"probabilities": None}, {"probabilities": {"angry": "much"}}, 7):
        assert read_estimate(stored).emotion == "unknown"


def test_only_so_many_are_kept(monkeypatch) -> None:
    monkeypatch.setattr(estimates, "MOST_KEPT", 3)
    for share in range(1, 60):
        read_estimate(estimate("angry", share / 100).to_dict())
    assert len(estimates._kept) <= 2048
