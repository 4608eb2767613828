"""The hours in which no human is there."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True)
class QuietHours:
    """When no human is there, and what is done then in place of an offer, a question or a handover.

    Args:
        zone: the time zone that the hours are of.
        start, until: the hours each day, over midnight where `until` is earlier; equal ones are none.
        days: days, as in `DAYS`, on which nobody is there at all.
        call_back: whether the caller is offered a call back; otherwise the humans are only told.

    >>> quiet = QuietHours(ZoneInfo("Europe/Berlin"), time(20), time(8))
    >>> quiet.covers(datetime(2026, 1, 5, 23, tzinfo=ZoneInfo("Europe/Berlin")))
    True
    """

    zone: ZoneInfo
    start: time = time(0)
    until: time = time(0)
    days: Collection[str] = ()
    call_back: bool = False

    def covers(self, moment: datetime) -> bool:
        """Whether nobody is there at this moment, which must have a time zone."""
        local = moment.astimezone(self.zone)
        if DAYS[local.weekday()] in self.days:
            return True
        clock = local.time()
        if self.start <= self.until:
            return self.start <= clock < self.until
        return clock >= self.start or clock < self.until
