"""Consents and forgetting on PostgreSQL, beside the fixture of the server."""

import asyncio
import threading
from pathlib import Path

import pytest
from rasa.core.tracker_store import SQLTrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import SessionStarted, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from rasa_emotion.privacy.consent import Consents
from rasa_emotion.privacy.forget import Forgetter

ALICE, BOB = "+44 7700 900123", "bob'; --"


def test_a_choice_holds_in_every_process(postgresql: str) -> None:
    here, there = Consents(postgresql), Consents(postgresql)
    assert there.allows(ALICE)
    for allowed in (False, True, False):
        assert here.set(ALICE, allowed)
        assert there.allows(ALICE) is allowed
    assert there.allows(BOB)
    assert there.drop(ALICE) == 1
    assert here.allows(ALICE)


def test_many_at_once_agree(postgresql: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rasa_emotion.privacy.consent.PAUSE_SECS", 0.0)
    everyone = [Consents(postgresql) for _ in range(6)]
    begin = threading.Barrier(len(everyone))

    def choose(consents: Consents, sender: str) -> None:
        begin.wait()
        consents.set(sender, False)
        consents.set("all", False)
        assert not consents.allows(sender)

    threads = [threading.Thread(target=choose, args=(each, str(n))) for n, each in enumerate(everyone)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for consents in everyone:  # what two made at the same moment is stored by the next question
        [consents.allows(sender) for sender in (*map(str, range(6)), "all")]
    assert not any(Consents(postgresql).allows(sender) for sender in (*map(str, range(6)), "all"))


def test_a_caller_is_forgotten(postgresql: str, tmp_path: Path) -> None:
    endpoints = tmp_path / "endpoints.yml"
    endpoints.write_text(
        f"tracker_store: {{type: rasa_emotion.EmotionTrackerStore, dialect: postgresql, url: '{postgresql}'}}"
    )
    store = SQLTrackerStore(Domain.empty(), host=postgresql)
    for sender in (ALICE, BOB):
        asyncio.run(store.save(DialogueStateTracker.from_events(sender, [SessionStarted(), UserUttered("hello")])))
    Consents(postgresql).set(ALICE, False)
    forgetter = Forgetter(endpoints)
    traces = forgetter.find(ALICE)
    deleted = forgetter.delete(traces)
    assert deleted.numbers["events"] >= 2
    assert deleted.choice == "kept"
    assert forgetter.find(ALICE).total == 0
    assert forgetter.find(BOB).total >= 2
    assert forgetter.quiet_for(30) == []
    assert not Consents(postgresql).allows(ALICE)
