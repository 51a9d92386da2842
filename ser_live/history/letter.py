"""A letter about one month, to oneself: one page, for reading and for putting away."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from ser_live.errors import UsageError
from ser_live.history import sentences, statistics
from ser_live.history.days import HIGHEST, LOWEST, DayValue, Setup, VoiceDays, voice_days
from ser_live.history.notes import Note
from ser_live.history.session_notes import all_notes
from ser_live.history.trend import Trend, make_trend
from ser_live.terminal.text import fit, printable

_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August",
           "September", "October", "November", "December")  # fmt: skip
_N_NOTES = 8
"""Most notes in a letter; it is one page."""
_MAX_NOTE = 160
_N_EMOTIONS = 3
_MONTH = re.compile(r"(\d{4})-(\d\d)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Letter:
    """Contents of a letter."""

    speaker: str | None
    first: date
    last: date
    trend: Trend
    earlier: list[DayValue]
    """Days of the month before that count, of the same series as most of this month."""

    @property
    def month(self) -> str:
        """Name of the month, with its year."""
        return f"{_MONTHS[self.first.month - 1]} {self.first.year}"


def month_of(name: str | None, today: date | None = None) -> tuple[date, date]:
    """First and last day of a month that is named ``2026-03``; of the last whole one by default.

    Raises
    ------
    UsageError
        It is no month.
    """
    if name is None:
        last = (date.today() if today is None else today).replace(day=1) - timedelta(days=1)
        return last.replace(day=1), last
    found = _MONTH.fullmatch(name)
    if found is None or not 1 <= int(found[2]) <= 12 or not 1 <= int(found[1]) <= 9998:
        raise UsageError(
            f"Found the month '{name}', but one such as 2026-03 is needed: write it so."
        )
    first = date(int(found[1]), int(found[2]), 1)
    return first, (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)


def letter_of(
    database: sqlite3.Connection,
    speaker: str | None,
    notes: Sequence[Note],
    month: tuple[date, date],
    *,
    recordings: bool = False,
) -> Letter:
    """Make a letter about a voice and a month."""
    first, last = month
    found = voice_days(database, speaker, recordings=recordings)
    within = VoiceDays(
        series={
            setup: days
            for setup, every in found.series.items()
            if (days := [day for day in every if first <= day.day <= last])
        }
    )
    own = [note for note in all_notes(database, speaker, notes) if first <= note.at.date() <= last]
    trend = make_trend(within, speaker, own, today=last)
    trend.notes = own
    before = _main_days(found.series, within, first)
    return Letter(speaker, first, last, trend, before)


def _main_days(
    every: dict[Setup, list[DayValue]], within: VoiceDays, first: date
) -> list[DayValue]:
    if not within.series:
        return []
    main = max(within.series, key=lambda setup: len(within.series[setup]))
    begin = (first - timedelta(days=1)).replace(day=1)
    return [day for day in every[main] if begin <= day.day < first and day.counts]


def letter_markdown(letter: Letter) -> str:
    """The letter as Markdown."""
    parts = [f"# {letter.month}: {_plain(sentences.voice_name(letter.speaker))}", ""]
    for heading, lines in letter_parts(letter):
        parts += [f"## {heading}", ""]
        parts += [f"- {_plain(line)}" for line in lines]
        parts.append("")
    return "\n".join([*parts, f"*{sentences.DISCLAIMER}*", ""])


def letter_page(letter: Letter) -> str:
    """The letter as a page of HTML."""
    from ser_live.pages.markup import name_of
    from ser_live.pages.rendering import render

    return render(
        "history/letter.html",
        title=f"{letter.month}: {name_of(sentences.voice_name(letter.speaker))}",
        parts=letter_parts(letter),
        disclaimer=sentences.DISCLAIMER,
    )


def letter_parts(letter: Letter) -> list[tuple[str, list[str]]]:
    """Headings with the sentences below them."""
    every = [day for series in letter.trend.series for day in series.days]
    counted = [day for day in every if day.counts]
    if not every:
        return [("The month", ["There is no session of this voice in this month."])]
    parts = [("The month", _month_sentences(letter, every, counted))]
    if counted:
        parts.append(("How the voice sounded", _voice_sentences(letter, counted)))
    parts.append(("Your own ratings", _rating_sentences(letter)))
    return parts


def _month_sentences(letter: Letter, every: list[DayValue], counted: list[DayValue]) -> list[str]:
    n_days = (letter.last - letter.first).days + 1
    n_with = len({day.day for day in every})
    speech_min = sum(day.speech_s for day in every) / 60
    said = [
        f"{n_with} of {n_days} days have sessions, with {speech_min:.0f} minutes of speech; "
        f"{len({day.day for day in counted})} of them have enough speech to count."
    ]
    if len(letter.trend.series) > 1:
        names = "; ".join(sentences.setup_names(letter.trend.series))
        said.append(f"The voice was heard under several conditions, which do not compare: {names}.")
    return said


def _voice_sentences(letter: Letter, counted: list[DayValue]) -> list[str]:
    main = max(letter.trend.series, key=lambda series: len(series.days))
    days = main.counted or counted
    high = max(days, key=lambda day: day.valence or 0.0)
    low = min(days, key=lambda day: day.valence or 0.0)
    said = [_level_sentence(letter, name, days) for name in ("valence", "arousal")]
    if len(days) > 2:
        said.append(
            f"The most pleasant day was {high.day} ({high.valence or 0.0:+.2f}), the least "
            f"pleasant one {low.day} ({low.valence or 0.0:+.2f}); every month has such days."
        )
    shares: Counter[str] = Counter()
    for day in days:
        shares.update(day.shares)
    most = [f"{label} {share / len(days):.0%}" for label, share in shares.most_common(_N_EMOTIONS)]
    if most:
        said.append(f"By mean probability, most speech sounded {', '.join(most)}.")
    return said


def _level_sentence(letter: Letter, name: str, days: list[DayValue]) -> str:
    import numpy as np

    values = [np.array([getattr(day, name) for day in part]) for part in (days, letter.earlier)]
    when = [np.array([day.day.toordinal() for day in part]) for part in (days, letter.earlier)]
    text = f"{name.capitalize()} was {values[0].mean():+.2f} on average"
    if min(map(len, values)) < statistics.MIN_SIDE_DAYS:
        return (
            f"{text}; that cannot be set beside the month before, which needs "
            f"{statistics.MIN_SIDE_DAYS} counted days in each."
        )
    both = np.concatenate([part - part.mean() for part in reversed(values)])
    rho = statistics.autocorrelation(both, np.concatenate(list(reversed(when))), n_fitted=2)
    sd, freedom = statistics.deviation(list(zip(values, when, strict=True)), rho)
    bands = [
        statistics.mean_band(part, days_of, rho, sd, freedom)
        for part, days_of in zip(values, when, strict=True)
    ]
    low, high = statistics.difference_band(bands[0], bands[1], sd, freedom)
    low, high = statistics.within((low, high), 2 * LOWEST, 2 * HIGHEST)
    bands = [band.within(LOWEST, HIGHEST) for band in bands]
    way = "higher than" if low > 0 else "lower than" if high < 0 else "as in"
    return (
        f"{text} [{bands[0].low:+.2f} to {bands[0].high:+.2f}], {way} the month before "
        f"({bands[1].mean:+.2f}; difference {low:+.2f} to {high:+.2f})."
    )


def _rating_sentences(letter: Letter) -> list[str]:
    rated = letter.trend.rated
    said = []
    if rated:
        mean = sum(day.rating for day in rated) / len(rated)
        said.append(
            f"You rated {len(rated)} {'day' if len(rated) == 1 else 'days'}, {mean:.1f} of 5 on "
            "average."
        )
    said += sentences.agreement_sentences(letter.trend)
    tags = Counter(tag for note in letter.trend.notes for tag in note.tags)
    if tags:
        named = ", ".join(f"{fit(tag[:_MAX_NOTE], 40)} ({n})" for tag, n in tags.most_common(5))
        said.append(f"Your tags: {named}.")
    texts = [note for note in letter.trend.notes if note.text.strip()]
    for note in texts[-_N_NOTES:]:
        text = note.text[:_MAX_NOTE] + ("…" if len(note.text) > _MAX_NOTE else "")
        said.append(f"{note.at:%d %B, %H:%M}: {text}")
    if len(texts) > _N_NOTES:
        said.append(f"{len(texts) - _N_NOTES} earlier notes are not printed here.")
    return said


def _plain(text: str) -> str:
    """`text` on one line, with nothing in it that Markdown would obey."""
    return re.sub(r"([\\`*_{}\[\]<>#|!])", r"\\\1", printable(" ".join(text.split())))
