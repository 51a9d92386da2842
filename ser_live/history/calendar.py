"""The calendar of a voice: days of years, and weekday by hour."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from ser_live.events import Record
from ser_live.history.days import DayValue
from ser_live.history.schema import SCALE
from ser_live.history.sessions import Filter

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_STEPS = "▁▃▄▆█"
"""A fifth of one's own days each, from the least pleasant to the most."""
_HOLLOW, _NOTHING = "○", "·"


@dataclass(frozen=True, slots=True)
class HourValue:
    """An hour of a weekday, over all weeks."""

    weekday: int
    """From Monday, 0."""
    hour: int
    n_finals: int
    speech_s: float
    valence: float | None
    arousal: float | None

    def as_record(self) -> Record:
        """The hour as JSON values by name."""
        return {
            "weekday": WEEKDAYS[self.weekday],
            "hour": self.hour,
            "n_finals": self.n_finals,
            "speech_s": round(self.speech_s, 3),
            "valence": None if self.valence is None else round(self.valence, 4),
            "arousal": None if self.arousal is None else round(self.arousal, 4),
        }


def calendar_days(database: sqlite3.Connection, chosen: Filter) -> list[DayValue]:
    """Days with sessions that a filter lets through, every microphone and recording together."""
    condition, values = chosen.condition()
    return [
        DayValue(
            day=date.fromisoformat(day),
            n_sessions=n_logs,
            n_finals=n_finals or 0,
            n_named=n_named or 0,
            speech_s=(speech or 0) / 1000,
            valence=valence / affect / SCALE if affect else None,
            arousal=arousal / affect / SCALE if affect else None,
        )
        for day, n_logs, n_finals, n_named, speech, affect, valence, arousal in database.execute(
            "SELECT log.day, count(DISTINCT log.id), sum(n_finals), sum(n_named), sum(speech_ms), "  # noqa: S608
            "sum(affect_ms), sum(valence_sum), sum(arousal_sum) FROM log "
            f"LEFT JOIN part ON part.log_id = log.id WHERE log.day IS NOT NULL AND {condition} "
            "GROUP BY log.day ORDER BY log.day",
            values,
        )
    ]


def weekday_hours(database: sqlite3.Connection, chosen: Filter) -> list[HourValue]:
    """Hours with speech, by the local clock of each utterance."""
    condition, values = chosen.condition()
    sums: dict[tuple[int, int], list[int]] = defaultdict(lambda: [0] * 5)
    for day, hour, *added in database.execute(
        "SELECT local_day, hour, sum(n_finals), sum(speech_ms), sum(affect_ms), "  # noqa: S608
        "sum(valence_sum), sum(arousal_sum) FROM log JOIN part ON part.log_id = log.id "
        f"WHERE hour >= 0 AND {condition} GROUP BY local_day, hour",
        values,
    ):
        total = sums[date.fromisoformat(day).weekday(), hour]
        for n, value in enumerate(added):
            total[n] += value
    return [
        HourValue(
            weekday,
            hour,
            n_finals,
            speech / 1000,
            valence / affect / SCALE if affect else None,
            arousal / affect / SCALE if affect else None,
        )
        for (weekday, hour), (n_finals, speech, affect, valence, arousal) in sorted(sums.items())
    ]


def steps_of(days: Sequence[DayValue]) -> dict[date, int]:
    """Fifth of one's own counted days that each lies in by valence, from 0."""
    counted = sorted((day.valence or 0.0, day.day) for day in days if day.counts)
    return {day: n * len(_STEPS) // len(counted) for n, (_, day) in enumerate(counted)}


def calendar_text(days: Sequence[DayValue]) -> str:
    """Years for people: a row a weekday, a column a week."""
    steps = steps_of(days)
    by_day = {day.day: day for day in days}
    parts = []
    for year in sorted({day.day.year for day in days}):
        first = date(year, 1, 1)
        monday = first - timedelta(days=first.weekday())
        last = min(date(year, 12, 31), max(day.day for day in days if day.day.year == year))
        n_weeks = ((last - monday).days // 7) + 1
        parts.append(_months(year, monday, n_weeks))
        for weekday, name in enumerate(WEEKDAYS):
            cells = ""
            for week in range(n_weeks):
                day = monday + timedelta(days=7 * week + weekday)
                inside = day.year == year and day <= last
                cells += _cell(by_day.get(day), steps) if inside else " "
            parts.append(f"{name}   {cells}".rstrip())
        parts.append("")
    if parts:
        n = sum(day.counts for day in days)
        parts.append(
            f"{_STEPS} a fifth each of {n} counted days, by how pleasant the voice sounded   "
            f"{_HOLLOW} too little speech to count   {_NOTHING} no session"
        )
    return "".join(f"{line}\n" for line in parts)


def _months(year: int, monday: date, n_weeks: int) -> str:
    """Names of months over the week in which each begins."""
    line = [" "] * (n_weeks + 4)
    for month, name in enumerate(_MONTHS, start=1):
        week = (date(year, month, 1) - monday).days // 7
        if week < n_weeks:
            line[week : week + 3] = name
    return f"{year}  {''.join(line).rstrip()}"


def _cell(day: DayValue | None, steps: dict[date, int]) -> str:
    if day is None:
        return _NOTHING
    return _STEPS[steps[day.day]] if day.counts else _HOLLOW


def weekday_text(hours: Sequence[HourValue]) -> str:
    """Weekday by hour for people: minutes of speech, and valence below."""
    if not hours:
        return ""
    by_place = {(hour.weekday, hour.hour): hour for hour in hours}
    first = min(hour.hour for hour in hours)
    shown = range(first, max(hour.hour for hour in hours) + 1)
    lines = ["     " + "".join(f"{hour:>7}" for hour in shown)]
    for weekday, name in enumerate(WEEKDAYS):
        found = [by_place.get((weekday, hour)) for hour in shown]
        minutes = "".join(f"{h.speech_s / 60:>5.1f} m" if h else " " * 7 for h in found)
        valences = "".join(
            " " * 7 if h is None or h.valence is None else f"{h.valence:>+7.2f}" for h in found
        )
        lines += [f"{name}  {minutes}".rstrip(), f"     {valences}".rstrip()]
    lines.append("Minutes of speech, and below them how pleasant it sounded (-1 to +1).")
    return "".join(f"{line}\n" for line in lines)
