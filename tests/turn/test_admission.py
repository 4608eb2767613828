"""So many turns at once, and no more; who is refused learns when to try again."""

import asyncio
from contextlib import ExitStack

import pytest

from rasa_emotion.errors import ConfigError
from rasa_emotion.turn.admission import ALWAYS, FULL, MOST_SECS, STEPS, Admission, shared_admission
from rasa_emotion.turn.intake import Intake
from rasa_emotion.turn.message import Turn, TurnRefused


class Clock:
    def __init__(self):
        self.now, self.step = 0.0, 0.0

    def __call__(self):
        self.now += self.step
        return self.now


def test_the_place_of_a_turn_is_free_after_it_also_where_it_fails():
    admission = Admission()

    def fail():
        with admission.turn(most=1):
            assert admission.under_way == 1
            raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        fail()
    with admission.turn(most=1):
        pass
    assert admission.under_way == 0


def test_when_to_try_again_is_how_long_turns_take_now():
    clock = Clock()
    admission = Admission(clock)
    assert admission.retry_secs == 1
    for _ in range(60):
        with admission.turn(most=None):
            clock.now += 7.0
    assert admission.retry_secs == 7
    with admission.turn(most=None):
        clock.now += 100_000.0
    assert admission.retry_secs == MOST_SECS


async def test_what_comes_beyond_is_refused_for_all_channels_together():
    one, other = Intake("One", {"max_turns": 3}), Intake("Other", {"max_turns": 3})
    go_on, handed = asyncio.Event(), []

    async def hand_on(taken):
        handed.append(taken.sender)
        await go_on.wait()

    under_way = [asyncio.ensure_future(one.take(Turn(f"caller-{number}", "hello"), hand_on)) for number in range(3)]
    while len(handed) < 3:
        await asyncio.sleep(0)
    for intake in (one, other):
        with pytest.raises(TurnRefused, match=FULL) as refused:
            await intake.take(Turn("late", "hello"), hand_on)
        assert (refused.value.status, refused.value.retry_after) == (429, shared_admission.retry_secs)
        with pytest.raises(TurnRefused, match=FULL):
            intake.check_room()
    go_on.set()
    await asyncio.gather(*under_way)
    assert shared_admission.under_way == 0
    one.check_room()
    await other.take(Turn("late", "hello"), hand_on)
    assert handed[-1] == "late"


async def test_a_turn_that_waits_for_its_callers_earlier_one_counts():
    intake, go_on, handed = Intake("One", {"max_turns": 2}), asyncio.Event(), []

    async def hand_on(taken):
        handed.append(taken.text)
        await go_on.wait()

    first = asyncio.ensure_future(intake.take(Turn("ada", "one"), hand_on))
    second = asyncio.ensure_future(intake.take(Turn("ada", "two"), hand_on))
    while shared_admission.under_way < 2:
        await asyncio.sleep(0)
    with pytest.raises(TurnRefused, match=FULL):
        await intake.take(Turn("bob", "hello"), hand_on)
    go_on.set()
    await asyncio.gather(first, second)
    assert handed == ["one", "two"]


async def test_before_a_turns_work_the_loop_looks_after_others():
    """uvloop takes one connection in a round: what is to be refused must not wait for as many turns."""
    intake, go_on, handed, rounds = Intake("One", {"max_turns": 9}), asyncio.Event(), [], [0]

    async def hand_on(taken):
        handed.append((taken.sender, rounds[0]))
        await go_on.wait()

    async def count():
        while len(handed) < 3:
            rounds[0] += 1
            await asyncio.sleep(0)

    counting = asyncio.ensure_future(count())
    first = asyncio.ensure_future(intake.take(Turn("caller-0", "hello"), hand_on))
    while not handed:
        await asyncio.sleep(0)
    assert handed[0][1] < STEPS  # who is alone waits for nobody
    others = [asyncio.ensure_future(intake.take(Turn(f"caller-{number}", "hello"), hand_on)) for number in (1, 2)]
    await counting
    assert handed[1][1] - handed[0][1] >= STEPS
    go_on.set()
    await asyncio.gather(first, *others)


async def test_without_a_limit_all_are_taken():
    intake, handed = Intake("One", {"max_turns": None}), []

    async def hand_on(taken):
        handed.append(taken.sender)
        await asyncio.sleep(0)

    await asyncio.gather(*(intake.take(Turn(str(number), "hello"), hand_on) for number in range(200)))
    assert len(handed) == 200


async def busy(admission, clock, *, rounds_secs, turn_secs, count):
    """`count` turns under way, beside others that take `turn_secs` each where they are alone."""
    held = ExitStack()
    for _ in range(count):
        held.enter_context(admission.turn(most=None))
    clock.step = rounds_secs
    await admission.give_way()
    clock.step = 0.0
    for _ in range(60):
        with admission.turn(most=None):
            clock.now += turn_secs * (count + 1)
    return held


async def test_where_the_processor_is_busy_the_expected_wait_decides():
    clock = Clock()
    admission = Admission(clock)
    held = await busy(admission, clock, rounds_secs=0.8, turn_secs=0.25, count=ALWAYS)
    assert admission.expected_secs == pytest.approx((ALWAYS + 1) * 0.25, rel=0.02)
    admission.check(most=64, wait_secs=3.1)
    admission.check(most=64, wait_secs=None)
    more = [held.enter_context(admission.turn(most=64, wait_secs=3.1)) for _ in range(4)]
    assert len(more) == 4
    with pytest.raises(TurnRefused, match=FULL), admission.turn(most=64, wait_secs=3.1):
        pass
    held.close()
    admission.check(most=64, wait_secs=3.1)


async def test_turns_that_wait_for_others_do_not_make_each_other_wait():
    """An action server that takes 2 s leaves the event loop free."""
    clock = Clock()
    admission = Admission(clock)
    held = await busy(admission, clock, rounds_secs=0.002, turn_secs=2.0, count=40)
    admission.check(most=64, wait_secs=3)
    held.close()


async def test_a_few_turns_are_taken_however_slow_they_are():
    clock = Clock()
    admission = Admission(clock)
    held = await busy(admission, clock, rounds_secs=16.0, turn_secs=30.0, count=ALWAYS - 1)
    admission.check(most=64, wait_secs=3)
    held.close()


async def test_turns_that_end_together_are_no_faster_for_it():
    """Turns in step end one right after the other, which says nothing of how long the next one takes."""
    clock = Clock()
    admission = Admission(clock)
    for _ in range(20):
        step = ExitStack()
        for _ in range(20):
            step.enter_context(admission.turn(most=None))
            clock.now += 0.01
        clock.now += 10.0
        step.close()
        clock.now += 3600.0
    held = await busy(admission, clock, rounds_secs=0.8, turn_secs=0.0, count=ALWAYS)
    assert admission.expected_secs == pytest.approx((ALWAYS + 1) * 0.5, rel=0.1)
    held.close()


async def test_before_any_turn_was_answered_few_are_taken():
    clock = Clock()
    admission = Admission(clock)
    held = ExitStack()
    for _ in range(ALWAYS):
        held.enter_context(admission.turn(most=64, wait_secs=3))
    clock.step = 0.8
    await admission.give_way()
    with pytest.raises(TurnRefused, match=FULL):
        admission.check(most=64, wait_secs=3)
    held.close()


@pytest.mark.parametrize("most", [0, -1, "many", True])
def test_a_wait_that_is_none(most):
    with pytest.raises(ConfigError, match="max_wait_secs"):
        Intake("One", {"max_wait_secs": most})


@pytest.mark.parametrize("most", [0, -1, "many", True])
def test_a_limit_that_is_none(most):
    with pytest.raises(ConfigError, match="max_turns"):
        Intake("One", {"max_turns": most})
