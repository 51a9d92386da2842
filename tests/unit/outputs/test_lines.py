"""Results as lines for people and programs."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated_session import MICROPHONE, result

from ser_live.emotions import LABELS, Emotion
from ser_live.events import (
    Cause,
    DeviceFound,
    Drop,
    Kind,
    SourceFailed,
    StreamGap,
    StreamId,
    StreamStarted,
    Verdict,
)
from ser_live.outputs.text_lines import text_line
from ser_live.records.csv_rows import CsvLines, emotion_fields, flatten
from ser_live.records.json_line import json_line

HAPPY = result(4, Kind.FINAL, 3.2, 5.9, Emotion.HAPPY, 0.81)


def drop(stream: StreamId = MICROPHONE) -> Drop:
    return Drop(stream=stream, id=7, kind=Kind.FINAL, start_sample=0, end_sample=16_000)


def gap(n_samples: int, cause: Cause) -> StreamGap:
    return StreamGap(stream=MICROPHONE, start_sample=0, n_samples=n_samples, cause=cause)


def found(device: str, lost_device: str) -> DeviceFound:
    return DeviceFound(
        stream=MICROPHONE,
        sample=0,
        device=device,
        sample_rate=48_000,
        n_channels=1,
        lost_device=lost_device,
    )


def test_a_final_result_is_one_readable_line() -> None:
    """Times, emotion, confidence and reasons stand in columns."""
    assert text_line(HAPPY) == (
        "00:03.2-00:05.9    happy      0.81  v+0.6 a+0.4  [pitch +3.1 st, louder +4 dB, faster]"
    )


def test_every_kind_of_event_has_its_line() -> None:
    """Partial, rejected, lost and failed are told apart without colour."""
    partial = result(4, Kind.PARTIAL, 3.2, 4.2, Emotion.HAPPY, 0.5)
    unsure = result(5, Kind.FINAL, 7.0, 8.0, Emotion.SAD, 0.31, Verdict.UNCERTAIN)
    short = result(6, Kind.FINAL, 9.0, 9.2, None, 0.0, Verdict.TOO_SHORT)
    assert "00:03.2-00:04.2..." in text_line(partial)
    assert "uncertain  0.31  v-0.2 a-0.1  [best guess sad" in text_line(unsure)
    assert text_line(short) == "00:09.0-00:09.2    too short"
    assert "dropped" in text_line(drop())
    assert "40 ms lost: overflow" in text_line(gap(640, Cause.OVERFLOW))
    assert "13.3 s lost: stalled" in text_line(gap(212_800, Cause.STALLED))
    named = StreamId(number=1, source="a.wav")
    assert text_line(StreamStarted(stream=named, sample_rate=8000, n_channels=1)) == "== a.wav"
    assert text_line(found("headset", "headset")) == "== headset is back"
    other = found("built-in", "head\nset")
    assert text_line(other) == "== built-in is heard instead of head�set"
    assert text_line(SourceFailed(message="no such file")) == "!! no such file"


def test_a_line_stays_one_line() -> None:
    """No name can break a line or send an escape."""
    named = drop(StreamId(number=1, source="a", file="a\nb\x1b[2J\u202ec\x9b"))
    line = text_line(named, with_file=True)
    assert line.isprintable()
    assert line.endswith("a�b�[2Jc�")


def test_csv_columns_are_the_fields_of_the_record() -> None:
    """No field of the record is missing from the table, and their order is the same."""
    assert tuple(flatten(HAPPY.as_record())) == emotion_fields()


def test_csv_reads_back_with_the_numbers_of_the_record() -> None:
    """Flattening changes the form, never a value."""
    stream = io.StringIO()
    CsvLines(stream, emotion_fields()).write(HAPPY.as_record())
    (row,) = csv.DictReader(io.StringIO(stream.getvalue()))
    record = HAPPY.as_record()
    assert {label: float(row[f"probability_{label}"]) for label in LABELS} == record[
        "probabilities"
    ]
    assert float(row["level_dbfs"]) == record["level_dbfs"]
    assert row["file"] == ""


@pytest.mark.parametrize("name", ["=1+1.wav", "+a", "-cmd|' /C calc'!A0", "@sum", "\t=1", "\n=1"])
def test_a_file_name_is_never_a_formula(name: str) -> None:
    """A spreadsheet opens such a name as text; negative numbers stay numbers."""
    row = flatten({"file": name, "level_dbfs": -23.4})
    assert row == {"file": f"'{name}", "level_dbfs": -23.4}


def test_a_file_name_that_is_no_text_can_be_written() -> None:
    """Bytes that are no characters come out escaped instead of breaking the table off."""
    assert flatten({"file": "caf\udce9.wav"}) == {"file": "caf\\udce9.wav"}


@given(st.dictionaries(st.text(), st.text() | st.floats() | st.none() | st.text(st.characters())))
@settings(deadline=None)
def test_a_json_line_is_one_line_of_strict_json(record: dict[str, object]) -> None:
    """Any record becomes one line that a strict reader takes and UTF-8 can carry."""
    line = json_line(record)
    assert b"\n" not in line.encode("utf-8")
    assert "NaN" not in json.dumps(json.loads(line), allow_nan=False) or "NaN" in str(record)
