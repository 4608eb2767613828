"""An event loop that does not keep up is noticed, one that stumbles is not."""

import asyncio
import time

import pytest

from rasa_emotion.voice import strain
from rasa_emotion.voice.strain import LOOKS, MOST_LATE_SECS, Strain

LATE = MOST_LATE_SECS * 2


@pytest.mark.parametrize(
    ("late", "too_much"),
    [
        ([], False),
        ([LATE] * (LOOKS - 1), False),
        ([LATE] * LOOKS, True),
        ([0.0] * LOOKS + [LATE] * LOOKS, True),
        ([LATE] * LOOKS + [0.01], False),  # it has recovered
        ([LATE, 0.0] * LOOKS, False),  # a bot's turns
    ],
)
def test_all_of_the_latest_looks_must_be_late(late, too_much):
    watching = Strain()
    for secs in late:
        watching.note(secs)
    assert watching.is_too_much is too_much


async def test_a_loop_that_is_held_up_is_noticed_and_its_recovery_too(monkeypatch):
    monkeypatch.setattr(strain, "EVERY_SECS", 0.01)
    monkeypatch.setattr(strain, "MOST_LATE_SECS", 0.03)
    watching = Strain()
    task = asyncio.ensure_future(watching.watch())
    await asyncio.sleep(0)
    while not watching.is_too_much:
        time.sleep(0.1)  # as work on the loop does
        await asyncio.sleep(0)
    while watching.is_too_much:
        await asyncio.sleep(0.05)
    task.cancel()
