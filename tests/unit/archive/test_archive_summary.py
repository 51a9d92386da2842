"""Summaries of archives: people are the unit, and intervals hold what they promise."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ser_live.archive.summary.people import grouped, read_groups
from ser_live.archive.summary.report import records, summarized
from ser_live.archive.summary.results import Rows, StoredResults
from ser_live.archive.summary.results import rows_of as read_at_once
from ser_live.archive.summary.statistics import (
    mean_interval,
    paired_difference,
    unpaired_difference,
)
from ser_live.archive.summary.stimuli import Shown, curves, in_words, read_stimuli
from ser_live.errors import UsageError

pa = pytest.importorskip("pyarrow", reason="archives need the extra parquet")
pytest.importorskip("pyarrow.csv")
pytest.importorskip("pyarrow.parquet")


def rows_of(values: list[tuple[str, float, float]], **columns: list[Any]) -> Rows:
    """Utterances: file, seconds of speech, probability of happy."""
    files = [file for file, _, _ in values]
    speech, happy = (np.array([v[n] for v in values], np.float64) for n in (1, 2))
    return Rows(
        files=files,
        values={
            "speech_s": speech,
            "valence": happy,
            "arousal": happy,
            "probability_happy": happy,
            "probability_sad": 1 - happy,
        },
        columns={"file": files, **columns},
        labels=("happy", "sad"),
        told={},
    )


def test_a_persons_share_is_weighted_by_speech_and_a_groups_by_persons() -> None:
    rows = rows_of([("a/1.wav", 3.0, 0.2), ("a/1.wav", 1.0, 1.0), ("a/2.wav", 9.0, 0.8)])
    found = grouped(rows, "folder")
    assert found.groups[0].values["happy"] == pytest.approx([0.4, 0.8])
    summary = summarized(found, "folder", rows.labels)
    assert summary.shares["a"]["happy"].mean == pytest.approx(0.6)
    assert np.isnan(summary.shares["a"]["happy"].low)  # too few people


def test_speakers_join_recordings_and_what_is_not_classified_is_told() -> None:
    rows = rows_of([("a/1.wav", 1.0, 0.0), ("a/2.wav", 1.0, 1.0), ("a/3.wav", 1.0, np.nan)])
    groups = {
        "1.wav": {"speaker": "anna", "group": "x"},
        "a/2.wav": {"speaker": "anna", "group": "x"},
    }
    found = grouped(rows, "group", groups)
    assert found.unit == "speaker"
    assert found.groups[0].n_people == 1
    assert found.groups[0].values["happy"] == pytest.approx([0.5])
    assert "1 utterances have nothing in group and are left out" in found.remarks
    assert "1 utterances were not classified and count in no share" in found.remarks


@pytest.mark.parametrize("by", ["agent", "Employees", "student", "workers"])
def test_people_at_work_are_refused(by: str) -> None:
    with pytest.raises(UsageError, match=r"article 5\.1f"):
        grouped(rows_of([("a/1.wav", 1.0, 0.0)]), by, {"1.wav": {by: "Ann"}})


def test_utterances_of_an_agent_are_left_out() -> None:
    rows = rows_of([("a/1.wav", 1.0, 0.0), ("a/1.wav", 1.0, 1.0)], role=["agent", "customer"])
    found = grouped(rows, "folder")
    assert found.groups[0].values["happy"] == pytest.approx([1.0])
    assert "1 utterances of people at work are left out" in found.remarks


def test_what_fits_nothing_is_one_sentence(tmp_path: Path) -> None:
    rows = rows_of([("a/1.wav", 1.0, 0.0), ("b/1.wav", 1.0, 0.0)])
    with pytest.raises(UsageError, match="is no column"):
        grouped(rows, "nix")
    with pytest.raises(UsageError, match="names no recording"):
        grouped(rows, "group", {"9.wav": {"group": "x"}})
    with pytest.raises(UsageError, match="2 recordings are called"):
        grouped(rows, "group", {"1.wav": {"group": "x"}})
    table = tmp_path / "who.csv"
    for text, said in (
        ("file,group\n1.wav,a\n1.wav,b\n", "two things"),
        ("name,group\n1.wav,a\n", "without a file"),
        ("file,group\n", "has no rows"),
    ):
        table.write_text(text)
        with pytest.raises(UsageError, match=said):
            read_groups(table)
    with pytest.raises(UsageError, match="cannot be read"):
        StoredResults(tmp_path / "none.parquet")
    table.write_text("a,b\n1,2\n")
    with pytest.raises(UsageError, match="lacks the columns"):
        StoredResults(table)


@pytest.mark.parametrize("n_people", [8, 12, 20])
def test_intervals_over_people_cover_what_they_promise(n_people: int) -> None:
    rng = np.random.default_rng(n_people)
    covered = naive = 0
    n_studies = 600
    for _ in range(n_studies):
        people = rng.normal(0, 0.6, n_people)
        utterances = people[:, None] + rng.normal(0, 0.8, (n_people, 5))
        interval = mean_interval(utterances.mean(axis=1))
        covered += interval.low <= 0 <= interval.high
        every = mean_interval(utterances.ravel())
        naive += every.low <= 0 <= every.high
    assert 0.93 <= covered / n_studies <= 0.97
    assert naive / n_studies < 0.90


def test_differences_between_other_people_and_within_the_same() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.normal(1, 1, 30), rng.normal(0, 1, 30)
    between = unpaired_difference(first, second)
    assert between.mean.mean == pytest.approx(first.mean() - second.mean())
    assert between.mean.low < between.mean.mean < between.mean.high
    assert between.delta.mean == pytest.approx(np.mean(np.sign(first[:, None] - second[None, :])))
    assert -1 <= between.delta.low < between.delta.high <= 1
    assert between.p < 0.01
    person = rng.normal(0, 5, 12)  # far apart, so that only pairs tell
    within = paired_difference(person + 1 + rng.normal(0, 0.3, 12), person)
    assert within.p < 0.001
    assert unpaired_difference(person + 1, person).p > 0.3
    assert 0.4 < within.delta.low < within.delta.mean == 1.0


def test_without_a_difference_p_is_small_as_rarely_as_it_says() -> None:
    rng = np.random.default_rng(1)
    small = sum(
        paired_difference(rng.normal(size=8), rng.normal(size=8)).p < 0.05 for _ in range(400)
    )
    assert 0.02 < small / 400 < 0.08


def test_two_groups_of_enough_people_are_compared_and_fewer_are_not() -> None:
    values = [(f"{g}/{n}.wav", 1.0, p) for g, p in (("a", 0.2), ("b", 0.7)) for n in range(8)]
    rows = rows_of(values)
    found = list(records(summarized(grouped(rows, "folder"), "folder", rows.labels)))
    difference = next(r for r in found if r["type"] == "difference" and r["measure"] == "happy")
    assert difference["mean"] == pytest.approx(-0.5)
    assert difference["cliffs_delta"] == -1.0
    fewer = rows_of(values[1:])
    found = list(records(summarized(grouped(fewer, "folder"), "folder", rows.labels)))
    assert not [r for r in found if r["type"] == "difference"]


def _watched(shift: float) -> tuple[Rows, list[Shown]]:
    """Twelve people who watch one film; from second 10 to 15 their valence is shifted."""
    rng = np.random.default_rng(3)
    values, starts, ends, shown = [], [], [], []
    for person in range(12):
        own = rng.normal(0, 1)  # each uses the scale in a way of their own
        for second in range(30):
            moved = shift if 10 <= second < 15 else 0.0
            values.append((f"{person}.wav", 1.0, own + rng.normal(0, 0.3) + moved))
            starts.append(100.0 + second)
            ends.append(101.0 + second)
        shown.append(Shown(f"{person}.wav", f"p{person}", "film", 100.0, 130.0))
    return rows_of(values, start_s=starts, end_s=ends), shown


def test_a_curve_marks_what_moved_people_and_nothing_else() -> None:
    rows, shown = _watched(1.5)
    curve = next(c for c in curves(rows, shown) if c.measure == "valence")
    assert curve.leaves_zero[10:15].all()
    assert in_words(curve).startswith("film, valence: 12 people, off their own mean at")
    still = next(c for c in curves(*_watched(0.0)) if c.measure == "valence")
    assert not still.leaves_zero.any()


def test_stimuli_that_make_no_sense_are_one_sentence(tmp_path: Path) -> None:
    table = tmp_path / "ads.csv"
    for text in ("file,person,ad,start_s,end_s\na.wav,p,x,5,2\n", "file,ad\na.wav,x\n"):
        table.write_text(text)
        with pytest.raises(UsageError, match="columns file, person, ad, start_s, end_s"):
            read_stimuli(table)
    rows, _ = _watched(0.0)
    with pytest.raises(UsageError, match="names no recording"):
        curves(rows, [Shown("other.wav", "p", "x", 0.0, 5.0)])


def _stored(path: Path, n_people: int, monkeypatch: pytest.MonkeyPatch) -> StoredResults:
    """An archive of three utterances a person, in two folders, its people not side by side."""
    monkeypatch.setattr("ser_live.archive.summary.results._N_ROWS", 1_000)
    files = [f"{'ab'[n % 2]}/{n:06d}.wav" for n in range(n_people)] * 3
    n_rows = len(files)
    happy = np.random.default_rng(0).uniform(size=n_rows)
    table = pa.table(
        {
            "file": files,
            "speech_s": np.full(n_rows, 2.0),
            "valence": happy,
            "arousal": [None] * n_rows,
            "probability_happy": happy,
            "probability_sad": 1 - happy,
            "role": [None] * n_rows,
        }
    )
    (pa.csv.write_csv if path.suffix == ".csv" else pa.parquet.write_table)(table, path)
    return StoredResults(path)


@pytest.mark.parametrize("name", ["rows.parquet", "rows.csv"])
def test_people_whose_rows_lie_apart_are_put_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Some rows at a time give what all at once give, by any column, in either form."""
    stored = _stored(tmp_path / name, 3_000, monkeypatch)
    assert len(list(stored.chunks())) > (name == "rows.parquet")
    found = grouped(stored, "folder")
    assert [(g.name, g.n_people, g.n_utterances) for g in found.groups] == [
        ("a", 1_500, 4_500),
        ("b", 1_500, 4_500),
    ]
    assert found.n_people == 3_000
    (every,) = (rows.values["probability_happy"] for rows in [_whole(stored)])
    means = every.reshape(3, 3_000).mean(axis=0)
    assert found.groups[0].values["happy"] == pytest.approx(means[::2])
    assert found.groups[1].values["happy"] == pytest.approx(means[1::2])
    assert np.isnan(found.groups[0].values["arousal"]).all()
    assert found.groups[0].speech_s == pytest.approx(9_000)
    places, others = found.both(*found.groups)
    assert len(places) == len(others) == 0


def _whole(stored: StoredResults) -> Rows:
    files = {file for rows in stored.chunks() for file in rows.files}
    return read_at_once(stored, files, [])


def test_sums_of_many_people_take_the_memory_of_few(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What Python and numpy hold, where every recording is a person."""
    held = []
    for n_people in (10, 3_000, 9_000):  # the first one loads libraries
        stored = _stored(tmp_path / f"{n_people}.parquet", n_people, monkeypatch)
        tracemalloc.start()
        found = grouped(stored, "folder")
        held.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert found.n_people == n_people
    assert held[2] < held[1] + 1_500_000


def test_people_who_met_both_are_found_by_their_names(tmp_path: Path) -> None:
    """Their places differ from group to group."""
    rows = rows_of_people([("x", "ann"), ("x", "bob"), ("y", "zoe"), ("y", "bob"), ("y", "amy")])
    found = grouped(rows, "ad")
    places, others = found.both(*found.groups)
    assert (places.tolist(), others.tolist()) == ([1], [1])
    assert found.n_people == 4


def rows_of_people(who: list[tuple[str, str]]) -> Rows:
    """One utterance each: the value of the column ``ad``, and who spoke."""
    return rows_of([(file, 1.0, 0.5) for _, file in who], ad=[ad for ad, _ in who])


@pytest.mark.parametrize("by", ["folder", "ad"])
def test_a_damaged_file_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    """Also where its end, which is read first, is whole."""
    path = tmp_path / "rows.parquet"
    _stored(path, 3_000, monkeypatch)
    data = bytearray(path.read_bytes())
    data[1_000:40_000] = bytes(39_000)
    path.write_bytes(data)
    with pytest.raises(UsageError, match=r"(cannot be read|is no column)"):
        grouped(StoredResults(path), by)


def test_large_groups_are_compared_as_small_ones_are() -> None:
    """Cliff's delta beside the table of everybody by everybody, ties included."""
    rng = np.random.default_rng(2)
    first, second = (np.round(rng.normal(shift, 1, n), 1) for shift, n in ((0.2, 90), (0, 70)))
    signs = np.sign(first[:, None] - second[None, :])
    found = unpaired_difference(first, second).delta
    assert found.mean == signs.mean()
    rows, columns = signs.mean(axis=1) - signs.mean(), signs.mean(axis=0) - signs.mean()
    every = ((signs - signs.mean()) ** 2).sum() / (89 * 69)
    variance = (69 * (rows @ rows) / 89 + 89 * (columns @ columns) / 69 + every) / (90 * 70)
    z, delta = 1.959963984540054, signs.mean()
    half = z * variance**0.5 * ((1 - delta**2) ** 2 + z**2 * variance) ** 0.5
    low = (delta - delta**3 - half) / (1 - delta**2 + z**2 * variance)
    assert found.low == pytest.approx(low, rel=1e-9)


@pytest.mark.parametrize("shift", [0.0, 0.03])
def test_chance_is_the_same_from_permutations_and_from_their_limit(
    monkeypatch: pytest.MonkeyPatch, shift: float
) -> None:
    """Above so many people it is told by the normal distribution; below both can be had."""
    rng = np.random.default_rng(4)
    first, second = rng.normal(shift, 0.4, 600), rng.normal(0, 0.4, 600)
    permuted = unpaired_difference(first, second).p, paired_difference(first, second).p
    monkeypatch.setattr("ser_live.archive.summary.statistics._MOST_PEOPLE_PERMUTED", 100)
    limits = unpaired_difference(first, second).p, paired_difference(first, second).p
    assert limits == pytest.approx(permuted, abs=0.02)


def test_signs_of_many_people_are_turned_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same ways in the same order."""
    rng = np.random.default_rng(6)
    first, second = rng.normal(0.1, 1, 300), rng.normal(0, 1, 300)
    whole = paired_difference(first, second).p
    monkeypatch.setattr("ser_live.archive.summary.statistics._MOST_SIGNS", 70_000)
    assert paired_difference(first, second).p == whole
