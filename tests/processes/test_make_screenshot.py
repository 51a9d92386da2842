"""The picture in the README is drawn from a real session log."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from places import ROOT
from simulated_session import events

from ser_live.records.session_log import SessionLog


def test_a_picture_is_drawn_from_a_log(tmp_path: Path) -> None:
    """The picture names the verdict of the log's last utterance and loads nothing from the net."""
    with SessionLog.create(tmp_path / "log.jsonl") as log:
        for _, event in events():
            log.take(event)
    picture = tmp_path / "dashboard.svg"
    script = ROOT / "scripts" / "make_screenshot.py"
    subprocess.run(
        [sys.executable, script, log.path, "--output", picture],
        check=True,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
    )
    svg = picture.read_text("utf-8").replace("&#160;", " ")
    assert "68 %" in svg
    assert "last utterances" in svg
    assert "http" not in svg.replace("http://www.w3.org", "").replace("https://www.textualize", "")
