"""Days, weeks, series and ratings of a trend."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import pytest
from made_history import lines_of, text_of, write_days, write_session

from ser_live.history import sentences
from ser_live.history.calendar import calendar_days, calendar_text, weekday_hours, weekday_text
from ser_live.history.days import voice_days, voices
from ser_live.history.index import HistoryIndex
from ser_live.history.letter import letter_markdown, letter_of, letter_page, month_of
from ser_live.history.notes import Note
from ser_live.history.page import trend_page
from ser_live.history.refreshing import refresh
from ser_live.history.session_notes import all_notes
from ser_live.history.sessions import Filter
from ser_live.history.trend import Trend, as_record, make_trend

CET = timezone(timedelta(hours=1))
CEST = timezone(timedelta(hours=2))
START = datetime(2026, 1, 5, 20, 0, tzinfo=CET)
FORBIDDEN = ("depress", "anxi", "disorder", "diagnos", "patient", "symptom", "illness", "disease",
             "bipolar", "mania", "suicid", "therap", "treatment", "mental health")  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of session logs of a user who has nothing yet."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path / "state" / "ser-live" / "sessions"


def trend_of(
    speaker: str | None = "anna", notes: list[Note] | None = None, **given: object
) -> Trend:
    with HistoryIndex() as index:
        refresh(index)
        found = voice_days(index.database, speaker)
        every = all_notes(index.database, speaker, notes or [])
    return make_trend(found, speaker, every, **given)  # type: ignore[arg-type]


def noise(seed: int = 1, sd: float = 0.1) -> list[float]:
    rng = random.Random(seed)
    return [rng.gauss(0.0, sd) for _ in range(400)]


def test_a_day_is_that_of_where_the_session_began(folder: Path) -> None:
    """Half past midnight in Tokyo is the next day although in Berlin it is not; so says the log."""
    said = [(0.1, 0.1, 2.0)] * 10
    write_session(folder, datetime(2026, 3, 1, 23, 50, tzinfo=CET), said)
    tokyo = timezone(timedelta(hours=9))
    write_session(folder, datetime(2026, 3, 3, 0, 30, tzinfo=tokyo), said)
    days = trend_of().series[0].days
    assert [day.day for day in days] == [date(2026, 3, 1), date(2026, 3, 3)]


def test_the_days_of_summer_time_are_days(folder: Path) -> None:
    """The days on which clocks go forward and back have 23 and 25 hours, and one value each."""
    said = [(0.1, 0.1, 2.0)] * 10
    for moment in (
        datetime(2026, 3, 29, 1, 59, tzinfo=CET),
        datetime(2026, 3, 29, 3, 1, tzinfo=CEST),
        datetime(2026, 10, 25, 2, 30, tzinfo=CEST),
        datetime(2026, 10, 25, 2, 30, tzinfo=CET),
        datetime(2026, 10, 25, 23, 59, tzinfo=CET),
    ):
        write_session(folder, moment, said)
    days = trend_of().series[0].days
    assert [(day.day, day.n_sessions) for day in days] == [
        (date(2026, 3, 29), 2),
        (date(2026, 10, 25), 3),
    ]


def test_a_session_over_midnight_is_one_day_and_its_hours_are_their_own(folder: Path) -> None:
    """The trend takes the day of its start; weekday by hour the clock of each utterance."""
    write_session(
        folder, datetime(2026, 3, 1, 23, 59, 30, tzinfo=CET), [(0.1, 0.1, 60.0), (0.5, 0.1, 60.0)]
    )
    with HistoryIndex() as index:
        refresh(index)
        [day] = calendar_days(index.database, Filter())
        hours = weekday_hours(index.database, Filter())
    assert (day.day, day.n_finals) == (date(2026, 3, 1), 2)
    assert [(h.weekday, h.hour, h.valence) for h in hours] == [(0, 0, 0.5), (6, 23, 0.1)]


def test_a_day_counts_from_three_minutes_or_ten_utterances_on(folder: Path) -> None:
    """Others are there, hollow, and enter no number."""
    write_session(folder, START, [(0.9, 0.1, 30.0)] * 9)
    write_session(folder, START + timedelta(days=1), [(0.1, 0.1, 20.0)] * 9)
    write_session(folder, START + timedelta(days=2), [(0.1, 0.1, 1.0)] * 10)
    write_session(folder, START + timedelta(days=3), [(0.9, 0.1, 1.0)] * 9)
    series = trend_of().series[0]
    assert [day.counts for day in series.days] == [True, True, True, False]
    write_session(folder, START + timedelta(days=4), [(0.9, 0.1, 19.9)] * 9)
    assert trend_of().series[0].days[-1].counts is False


def test_day_values_weigh_by_speech(folder: Path) -> None:
    """Two sessions of a day make one value, weighted by their speech."""
    write_session(folder, START, [(0.8, 0.0, 30.0)])
    write_session(folder, START + timedelta(hours=1), [(0.0, 0.4, 10.0)] * 9)
    [day] = trend_of().series[0].days
    assert day.valence == pytest.approx(0.8 * 30 / 120)
    assert day.arousal == pytest.approx(0.4 * 90 / 120)
    assert day.shares["happy"] == pytest.approx(0.65)


@pytest.mark.parametrize(
    "other",
    [
        {"source": "laptop"},
        {"sample_rate": 16_000},
        {"model_sha256": "0000"},
        {"settings": {"adapt": False}},
    ],
)
def test_another_setup_is_another_series(folder: Path, other: dict[str, object]) -> None:
    """A step that comes with a new microphone, rate, model or setting is no change of mood."""
    level = noise()
    write_days(folder, START, 30, lambda n: level[n])
    write_days(folder, START + timedelta(days=30), 30, lambda n: 0.8 + level[n] / 5, **other)
    trend = trend_of()
    assert [len(series.counted) for series in trend.series] == [30, 30]
    assert all(m.change is None for series in trend.series for m in series.measures)
    assert len(set(sentences.setup_names(trend.series))) == 2


def test_the_same_step_in_one_setup_is_marked(folder: Path) -> None:
    """Its span holds the day, its size the truth, and the sentence says both."""
    level = noise()
    write_days(folder, START, 60, lambda n: level[n] + (0.3 if n >= 30 else 0.0))
    trend = trend_of()
    [series] = trend.series
    valence, arousal = series.measures
    assert arousal.change is None
    assert valence.change is not None
    assert valence.change_days is not None
    first, last = valence.change_days
    assert first <= (START + timedelta(days=30)).date() <= last
    assert valence.change.low <= 0.3 <= valence.change.high
    said = " ".join(sentences.change_sentences(series))
    assert f"Valence rose between {first} and {last}" in said or f"rose on {first}" in said
    assert "mostly go unseen" in said


def test_gaps_stay_gaps(folder: Path) -> None:
    """Days and weeks without a session are in no list, and the line of the page breaks there."""
    level = noise()
    write_days(folder, START, 14, lambda n: level[n])
    write_days(folder, START + timedelta(days=28), 14, lambda n: level[n])
    trend = trend_of()
    [series] = trend.series
    assert len(series.days) == 28
    mondays = [week.monday for week in series.measures[0].weeks]
    assert mondays == [START.date() + timedelta(days=7 * n) for n in (0, 1, 4, 5)]
    line = trend_page(trend).split('class="line"')[0]
    assert line.rpartition(' d="')[2].count("M") == 2


def test_weeks_stand_beside_the_first_fourteen_days(folder: Path) -> None:
    """Without a window before it; the difference of a week far above leaves 0 out."""
    level = noise()
    write_days(folder, START, 49, lambda n: level[n] / 4 + (0.4 if n >= 42 else 0.0))
    valence = trend_of().series[0].measures[0]
    assert valence.baseline is not None
    assert valence.baseline.n_days == 14
    assert [week.difference is None for week in valence.weeks] == [True] * 2 + [False] * 5
    last = valence.weeks[-1].difference
    assert last is not None
    assert last[0] > 0


def test_a_window_stands_beside_the_weeks_before_it(folder: Path) -> None:
    """Its baseline is the 28 days before, and every week of it has a difference."""
    level = noise()
    write_days(folder, START, 70, lambda n: level[n])
    trend = trend_of(n_weeks=4)
    valence = trend.series[0].measures[0]
    assert len(trend.series[0].days) == 28
    assert valence.baseline_days == (
        START.date() + timedelta(days=14),
        START.date() + timedelta(days=41),
    )
    assert all(week.difference is not None for week in valence.weeks)


def test_voices_are_apart_and_what_is_left_out_is_counted(folder: Path) -> None:
    """Speakers, strangers, recordings and roles do not mix."""
    said = [(0.1, 0.1, 2.0)] * 10
    write_session(folder, START, said)
    write_session(folder, START, said, speaker="ben")
    write_session(folder, START, said, speaker=None)
    write_session(folder, START, said, file="talk.wav", source="talk.wav")
    write_session(folder, START, said, role="agent")
    trend = trend_of()
    assert [day.n_sessions for series in trend.series for day in series.days] == [1]
    assert (trend.left_out.n_recordings, trend.left_out.n_roles) == (1, 1)
    assert len(sentences.left_out_sentences(trend)) == 2
    with HistoryIndex() as index:
        assert {name for name, _, _ in voices(index.database)} == {"anna", "ben", None}
        recordings = voice_days(index.database, "anna", recordings=True)
    assert [day.n_sessions for days in recordings.series.values() for day in days] == [1]


def test_ratings_stand_beside_the_voice_from_fourteen_on(folder: Path) -> None:
    """Ratings that go with the voice correlate; fewer than fourteen give a sentence instead."""
    level = noise(sd=0.2)
    write_days(folder, START, 30, lambda n: level[n])
    order = sorted(range(30), key=lambda n: level[n])
    notes = [
        Note(at=START + timedelta(days=n), text="", rating=1 + order.index(n) // 6)
        for n in range(30)
    ]
    found = trend_of(notes=notes).agreement["valence"]
    assert found is not None
    assert found.rho > 0.9
    assert found.low > 0
    few = trend_of(notes=notes[:13])
    assert few.agreement["valence"] is None
    assert "from 14 on" in sentences.agreement_sentences(few)[0]
    with_words = sentences.agreement_sentences(trend_of(notes=notes))
    assert "which leaves 0 out" in with_words[0]


def test_notes_made_in_a_session_count_too(folder: Path) -> None:
    """A rating in the log is one of its day, at the time it was made."""
    records = lines_of(START, [(0.1, 0.1, 2.0)] * 10)
    records.insert(6, {"type": "note", "stream": 1, "start_s": 90.0, "text": "tea", "rating": 5})
    folder.mkdir(parents=True)
    (folder / "2026-01-05T200000.jsonl").write_text(text_of(records))
    trend = trend_of()
    assert [(rated.day, rated.rating) for rated in trend.rated] == [(START.date(), 5.0)]
    assert trend.notes[0].at == START + timedelta(seconds=90)


def test_nothing_at_all_is_said_and_drawn(folder: Path) -> None:
    """No session, sessions without speech, and only hollow days: pages and tables stand."""
    assert trend_of().series == []
    assert "Nothing to show yet" in trend_page(trend_of())
    write_session(folder, START, [])
    assert trend_of().series == []
    write_session(folder, START, [(0.1, 0.1, 1.0)])
    page = trend_page(trend_of())
    assert "day hollow" in page
    assert as_record(trend_of())["n_measures_tested"] == 0


def test_words_for_illnesses_stand_in_the_disclaimer_alone(folder: Path) -> None:
    """In the page, the letter and every sentence, whatever they have to say."""
    level = noise(sd=0.2)
    write_days(folder, START, 60, lambda n: level[n] + (0.4 if n >= 30 else 0.0))
    write_days(folder, START, 20, lambda n: level[n], source="laptop")
    notes = [Note(at=START + timedelta(days=n), text="x", rating=1 + n % 5) for n in range(40)]
    with HistoryIndex() as index:
        refresh(index)
        month = month_of("2026-02")
        letter = letter_of(index.database, "anna", notes, month)
        empty = letter_of(index.database, "anna", notes, month_of("2020-02"))
    texts = [trend_page(trend_of(notes=notes)), trend_page(trend_of("ben"))]
    texts += [letter_markdown(letter), letter_page(letter), letter_markdown(empty)]
    for text in texts:
        assert text.count(sentences.DISCLAIMER) == 1
        rest = text.replace(sentences.DISCLAIMER, "").lower()
        assert [word for word in FORBIDDEN if word in rest] == []


def test_a_letter_is_about_its_month_alone(folder: Path) -> None:
    """Days, ratings and notes of other months stay out; the month before is set beside it."""
    level = noise()
    write_days(folder, START, 60, lambda n: level[n] / 4 + (0.4 if n >= 27 else 0.0))
    notes = [
        Note(at=datetime(2026, 2, 3, 12, tzinfo=CET), text="first *day*", rating=4, tags=("work",)),
        Note(at=datetime(2026, 1, 3, 12, tzinfo=CET), text="before", rating=1),
    ]
    with HistoryIndex() as index:
        refresh(index)
        letter = letter_of(index.database, "anna", notes, month_of("2026-02"))
    text = letter_markdown(letter)
    assert text.startswith("# February 2026: anna")
    assert "28 of 28 days have sessions" in text
    assert "higher than the month before" in text
    assert "03 February, 12:00: first \\*day\\*" in text
    assert "You rated 1 day, 4.0 of 5" in text
    assert "before\n" not in text


def test_month_names_are_looked_at() -> None:
    """The last whole month by default, also in January."""
    assert month_of(None, date(2026, 1, 15)) == (date(2025, 12, 1), date(2025, 12, 31))
    assert month_of("2028-02") == (date(2028, 2, 1), date(2028, 2, 29))
    for name in ("2026-13", "0000-01", "9999-12", "march", "2026-1"):
        with pytest.raises(Exception, match="2026-03 is needed"):
            month_of(name)


def test_the_calendar_has_a_cell_a_day(folder: Path) -> None:
    """Blocks for counted days, a ring for too little, a point for none; leap days are there."""
    write_days(folder, datetime(2028, 2, 28, 12, tzinfo=CET), 2, lambda n: n / 2)
    write_session(folder, datetime(2028, 3, 2, 12, tzinfo=CET), [(0.1, 0.1, 1.0)])
    with HistoryIndex() as index:
        refresh(index)
        days = calendar_days(index.database, Filter())
    lines = calendar_text(days).splitlines()
    cells = "".join(line[6:] for line in lines[1:8])
    n_days = (date(2028, 3, 2) - date(2028, 1, 1)).days + 1
    assert len(cells.replace(" ", "")) == n_days
    assert (cells.count("▁"), cells.count("▄"), cells.count("○")) == (1, 1, 1)
    assert weekday_text([]) == ""
