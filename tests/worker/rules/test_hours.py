"""Hours of the week."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcp_worker.configuration.hours import Hours

pytestmark = pytest.mark.any_engine

MONDAY = datetime(2026, 11, 30)
TIMES = st.integers(0, 7 * 24 * 60 - 1).map(lambda minute: MONDAY + timedelta(minutes=minute))


@pytest.mark.parametrize(
    ("entries", "within", "outside"),
    [
        (["Mon-Fri 18:00-08:00"], ["Mon 18:00", "Tue 07:59", "Sat 07:59"], ["Mon 17:59", "Tue 08:00", "Mon 07:59"]),
        (["Sat,Sun"], ["Sat 00:00", "Sun 23:59"], ["Fri 23:59", "Mon 00:00"]),
        (["22:00-06:00"], ["Wed 22:00", "Mon 05:59"], ["Wed 21:59", "Mon 06:00"]),
        (["sunday 20:00-04:00"], ["Sun 20:00", "Mon 03:59"], ["Sun 03:00", "Mon 04:00"]),
        (["Fri-Mon 0:00-24:00"], ["Fri 00:00", "Mon 23:59"], ["Tue 00:00", "Thu 23:59"]),
        (["Mon 8:00-9:00", "Wed"], ["Mon 08:30", "Wed 12:00"], ["Tue 08:30"]),
        ([], [], ["Mon 00:00", "Sun 12:00"]),
    ],
)
def test_hours_hold(entries: list[str], within: list[str], outside: list[str]) -> None:
    hours = Hours.parse(entries)
    assert [text for text in (*within, *outside) if hours.hold(_time(text))] == within


@pytest.mark.parametrize(
    "text", ["", "x", "Mo", "Mon-", "Monkey", "12:00", "Mon 25:00-26:00", "Mon 8:60-9:00", "Mon 8:00-9:00 10:00-11:00"]
)
def test_what_is_no_hours(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no hours of the week|a day that there is not|a time that there is not"):
        Hours.parse([text])


@given(st.lists(st.sampled_from(["Mon-Fri 18:00-08:00", "Sat", "22:00-06:00", "Sun 23:59-23:58"]), max_size=3), TIMES)
def test_the_next_begin_is_when_they_begin(entries: list[str], time: datetime) -> None:
    hours = Hours.parse(entries)
    begin = hours.next_begin(time)
    if not entries:
        assert begin is None
    elif not hours.hold(time):
        assert begin is not None
        assert hours.hold(begin)
        assert not hours.hold(begin - timedelta(minutes=1))
        assert time < begin <= time + timedelta(days=7)


def _time(text: str) -> datetime:
    day, _, clock = text.partition(" ")
    hours, minutes = map(int, clock.split(":"))
    number = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].index(day)
    return MONDAY + timedelta(days=number, hours=hours, minutes=minutes)
