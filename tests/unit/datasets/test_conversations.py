"""Conversations and the turns in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ser_live.datasets.conversations import find_conversations, read_rttm
from ser_live.errors import DatasetError

TURNS = "SPEAKER a 1 1.5 0.25 <NA> <NA> X <NA> <NA>\n\nSPKR-INFO a 1\n"


def test_turns_are_read_in_samples(tmp_path: Path) -> None:
    """Start and duration in seconds become spans in samples."""
    path = tmp_path / "truth.rttm"
    path.write_text(TURNS)
    assert read_rttm(path) == {"a": [(24000, 28000)]}


def test_recordings_have_their_turns(tmp_path: Path) -> None:
    """What stands in only one of the two is refused, by name."""
    (tmp_path / "truth.rttm").write_text(TURNS)
    with pytest.raises(DatasetError, match="names a that stand only"):
        find_conversations(tmp_path)
    (tmp_path / "a.flac").touch()
    (found,) = find_conversations(tmp_path)
    assert (found.name, found.turns) == ("a", ((24000, 28000),))
    (tmp_path / "b.opus").touch()
    with pytest.raises(DatasetError, match="names b that stand only"):
        find_conversations(tmp_path)


@pytest.mark.parametrize("text", ["SPEAKER a 1 soon 1", "SPEAKER a 1", "SPEAKER a 1 inf 1"])
def test_spoiled_turns_are_refused(tmp_path: Path, text: str) -> None:
    """No list, and a turn without times, each say what to do."""
    path = tmp_path / "truth.rttm"
    with pytest.raises(DatasetError, match="cannot be read as a list of turns"):
        read_rttm(path)
    path.write_text(text)
    with pytest.raises(DatasetError, match="cannot be read as a list of turns"):
        read_rttm(path)


@pytest.mark.corpus
def test_the_real_conversations_are_found(corpus_dir: Path) -> None:
    """Seven cuts of meetings, each with turns inside its 30 s."""
    if not (corpus_dir / "conversation").is_dir():
        pytest.skip(f"no conversation in {corpus_dir}")
    found = find_conversations(corpus_dir / "conversation")
    assert len(found) == 7
    assert all(start < end <= 31 * 16_000 for one in found for start, end in one.turns)
