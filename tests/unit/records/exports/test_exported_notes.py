"""Notes and marks in forms for other programs."""

from __future__ import annotations

from made_log import AGENT, at, began, mark, stream_began

from ser_live.events import Note
from ser_live.outputs.log_lines import log_line
from ser_live.records.exports.tables import Rows
from ser_live.records.exports.timeline import Part, lay_out

NOTES = (
    Note(stream=AGENT, sample=at(2.0), text="slept badly", rating=2),
    Note(stream=AGENT, sample=at(3.5), text="coffee"),
)
LOG = [began(), stream_began(AGENT, None), mark(AGENT, 1.0, "question"), *NOTES]


def test_notes_are_points_beside_marks() -> None:
    """Their words stand there, with the rating where there is one."""
    (stream,) = lay_out(LOG).streams
    points = [(p.start_ms, p.label) for p in stream.stretches if p.part is Part.MARK]
    assert points == [
        (1000, "question"),
        (2000, "note: (2 of 5) slept badly"),
        (3500, "note: coffee"),
    ]


def test_rows_have_notes_where_they_have_marks() -> None:
    """With the gaps; without these they are counted."""
    rows = [(row["start_s"], row["state"]) for row in Rows(LOG, gaps=True)]
    assert rows == [
        (1.0, "mark: question"),
        (2.0, "note: (2 of 5) slept badly"),
        (3.5, "note: coffee"),
    ]
    without = Rows(LOG)
    assert list(without) == []
    assert without.n_left_out == 3


def test_a_note_has_a_line_for_people() -> None:
    """As a mark has."""
    line = log_line(NOTES[0], as_json=False, finals=False)
    assert line.split() == ["00:02.0", "note", "(2", "of", "5)", "slept", "badly"]
