"""A long conversation is searched for a caller's choice once, and nothing new in it is missed."""

from types import SimpleNamespace

import pytest

from rasa_emotion.privacy.consent import Consents
from rasa_emotion.turn import consent


def user(intent: str, timestamp: float) -> dict:
    return {"event": "user", "timestamp": timestamp, "parse_data": {"intent": {"name": intent}}}


@pytest.fixture
def heed(monkeypatch):
    """`heed(*events)`: whether the caller of a conversation of these events may be analysed."""
    consents = Consents("sqlite://")
    monkeypatch.setattr(consent, "shared_consents", lambda: consents)

    def ask(*events: dict) -> bool:
        return consent.heed("inform", SimpleNamespace(sender_id="alice", events=list(events)), how="words")

    return ask


def test_what_is_new_is_found_even_where_clocks_go_back(heed) -> None:
    talk = [user("inform", 100.0 + number) for number in range(50)]
    assert heed(*talk)
    assert heed(*talk, user("inform", 160.0))
    assert not heed(*talk, user("inform", 160.0), user("emotion_off", 20.0), user("inform", 170.0))


def test_only_what_is_new_is_read(monkeypatch, heed) -> None:
    lengths = []
    read = consent.last_choice
    monkeypatch.setattr(consent, "last_choice", lambda events: lengths.append(len(events)) or read(events))
    talk = [user("inform", 100.0 + number) for number in range(50)]
    for length in (48, 49, 50):
        heed(*talk[:length])
    assert lengths == [48, 1, 1]


def test_a_new_session_is_read_from_its_start(heed) -> None:
    assert heed(*[user("inform", 100.0 + number) for number in range(3)])
    assert not heed(user("emotion_off", 900.0), *[user("inform", 901.0 + number) for number in range(5)])
