"""Quiet hours follow the clock of their time zone, over midnight and over weekends."""

from datetime import datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_emotion.conversation.quiet import QuietHours

BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = QuietHours(BERLIN, time(20), time(8))


@pytest.mark.parametrize(
    ("hour", "covered"), [(19, False), (20, True), (23, True), (0, True), (7, True), (8, False), (12, False)]
)
def test_over_midnight(hour, covered):
    assert NIGHT.covers(datetime(2026, 1, 7, hour, tzinfo=BERLIN)) is covered


def test_within_a_day():
    lunch = QuietHours(BERLIN, time(12), time(13, 30))
    assert lunch.covers(datetime(2026, 1, 7, 13, 29, tzinfo=BERLIN))
    assert not lunch.covers(datetime(2026, 1, 7, 13, 30, tzinfo=BERLIN))


def test_the_zone_counts_summer_time_included():
    # 18:30 in London is 19:30 in Berlin, in winter and in summer.
    assert not NIGHT.covers(datetime(2026, 1, 7, 18, 30, tzinfo=timezone.utc))
    assert NIGHT.covers(datetime(2026, 7, 7, 18, 30, tzinfo=timezone.utc))


def test_days():
    weekend = QuietHours(BERLIN, days=("saturday", "sunday"))
    assert weekend.covers(datetime(2026, 1, 10, 12, tzinfo=BERLIN))
    assert not weekend.covers(datetime(2026, 1, 9, 12, tzinfo=BERLIN))


@given(st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)), st.integers(-12, 12))
def test_the_moment_counts_not_how_it_is_written(moment, hours):
    there = moment.replace(tzinfo=timezone.utc)
    assert NIGHT.covers(there) == NIGHT.covers(there.astimezone(timezone(timedelta(hours=hours))))
