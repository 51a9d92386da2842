"""Days with a tag beside days without, with answers known beforehand."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone

import numpy as np
import pytest

from ser_live.history.days import DayValue, Setup, VoiceDays
from ser_live.history.notes import Note
from ser_live.history.tags import MIN_DAYS, Comparison, Tags, compare_tags

FIRST = date(2026, 1, 5)
SETUP = Setup("headset", 48_000, "ear", "9f2c", "1a")


def voice(values: np.ndarray, setup: Setup = SETUP, start: int = 0) -> VoiceDays:
    return VoiceDays(
        {
            setup: [
                DayValue(FIRST + timedelta(days=start + n), 1, 20, 20, 300.0, float(v), 0.0)
                for n, v in enumerate(values)
            ]
        }
    )


def tagged(n: int, is_tagged: Callable[[int], bool], tag: str = "sport") -> list[Note]:
    zone = timezone(timedelta(hours=1))
    noon = datetime(2026, 1, 5, 12, tzinfo=zone)
    return [
        Note(at=noon + timedelta(days=day), text="", tags=(tag,))
        for day in range(n)
        if is_tagged(day)
    ]


def of(found: Tags, measure: str, tag: str = "sport") -> Comparison:
    (one,) = [t for t in found.tags if t.name == tag]
    return next(c for c in one.comparisons if c.measure == measure)


def test_independent_days_get_students_interval() -> None:
    """Where days do not hang together, the interval is that of two samples of one spread."""
    values = np.where(np.arange(20) % 2 == 0, 0.3, -0.1) + np.tile([0.0, 0.0, 0.1, 0.1], 5)
    values[::4] -= 0.05
    found = of(compare_tags(voice(values), tagged(20, lambda n: n % 2 == 0)), "valence")
    assert (found.n_with, found.n_without) == (10, 10)
    assert found.difference == pytest.approx(values[::2].mean() - values[1::2].mean())
    sides = [values[::2], values[1::2]]
    pooled = math.sqrt(sum(((s - s.mean()) ** 2).sum() for s in sides) / 18)
    half = 2.1009 * pooled * math.sqrt(2 / 10)
    assert found.high - found.difference == pytest.approx(half, rel=1e-3)
    assert found.is_there


def test_few_days_are_called_too_few() -> None:
    """On either side; their means are told all the same."""
    values = np.linspace(-0.2, 0.2, 12)
    few = of(compare_tags(voice(values), tagged(12, lambda n: n < MIN_DAYS - 1)), "valence")
    assert (few.is_too_few, math.isnan(few.low), math.isnan(few.p)) == (True, True, True)
    assert few.with_tag == pytest.approx(values[:4].mean())
    rest = of(compare_tags(voice(values), tagged(12, lambda n: n > 2)), "valence")
    assert rest.is_too_few
    assert not rest.is_there


def test_ratings_are_compared_too() -> None:
    """Days rated without a word being heard count for ratings alone."""
    notes = tagged(12, lambda n: n % 2 == 0)
    noon = notes[0].at
    ratings = [Note(at=noon + timedelta(days=n), text="", rating=5 - n % 2 - n % 3 // 2) for n in range(12)]  # fmt: skip  # noqa: E501
    found = compare_tags(VoiceDays(), [*notes, *ratings])
    assert (found.setup, found.n_days) == (None, 0)
    rating = of(found, "rating")
    assert (rating.n_with, rating.n_without) == (6, 6)
    assert rating.difference == pytest.approx(1.0)
    assert of(found, "valence").n_with == 0


def test_a_value_that_never_changes_has_no_interval() -> None:
    """Nothing is known of how days differ."""
    found = of(compare_tags(voice(np.full(20, 0.1)), tagged(20, lambda n: n % 2 == 0)), "valence")
    assert math.isnan(found.p)
    assert not found.is_too_few


def test_days_of_other_setups_do_not_compare() -> None:
    """The setup with most days is taken, the others are counted."""
    days = voice(np.linspace(0, 1, 20))
    other = voice(np.full(6, -1.0), Setup("webcam", 16_000, "ear", "9f2c", "1a"), 30)
    days.series.update(other.series)
    found = compare_tags(days, tagged(40, lambda n: n % 2 == 0))
    assert (found.setup, found.n_days, found.n_other_days) == (SETUP, 20, 6)
    assert of(found, "valence").n_with == 10


def test_many_tags_by_chance_are_hardly_ever_told() -> None:
    """Of 60 people with ten tags that mean nothing, at most five per cent and a little."""
    n_told = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        days = voice(rng.standard_normal(56) * 0.2)
        notes = []
        for tag in range(10):
            chosen = rng.random(56) < 0.3
            notes += tagged(56, chosen.__getitem__, f"t{tag}")
        found = compare_tags(days, notes)
        n_told += any(c.is_there for t in found.tags for c in t.comparisons)
    assert n_told <= 6


def test_intervals_cover_the_truth() -> None:
    """Of 200 people whose tagged days are .5 deviations higher, about 95 % of the intervals."""
    rng = np.random.default_rng(5)
    n_hits = 0
    for _ in range(200):
        mark = rng.random(56) < 0.3
        values = rng.standard_normal(56)
        for n in range(1, 56):
            values[n] = 0.3 * values[n - 1] + math.sqrt(1 - 0.09) * values[n]
        days = voice(values + 0.5 * mark)
        found = of(compare_tags(days, tagged(56, lambda n, m=mark: bool(m[n]))), "valence")  # type: ignore[misc]
        n_hits += found.low <= 0.5 <= found.high
    assert n_hits >= 184


def test_only_what_is_asked_for_is_compared() -> None:
    """Fewer comparisons let smaller differences hold."""
    notes = [*tagged(20, lambda n: n % 2 == 0), *tagged(20, lambda n: n % 3 == 0, "rain")]
    found = compare_tags(voice(np.linspace(0, 1, 20)), notes, only=("rain",))
    assert [tag.name for tag in found.tags] == ["rain"]
