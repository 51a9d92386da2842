"""Measurements of the server: the moments of a final result, and the tables made of the figures."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from places import SCRIPTS
from served import require_extra, serving, talk

QUANTILES = {"p50_ms": 70.0, "p95_ms": 99.0, "max_ms": 120.0}


@pytest.fixture(autouse=True)
def scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder of the measurements among those of modules."""
    require_extra()
    monkeypatch.syspath_prepend(str(SCRIPTS))


def test_each_final_result_has_every_moment_in_order(tmp_path: Path, short_talk: Path) -> None:
    """From the loop over the process and back: the server that notes notes all there is."""
    import server_steps

    samples, rate = soundfile.read(short_talk, dtype="int16", always_2d=True, frames=5 * 22_050)
    data = np.ascontiguousarray(samples[:, 0]).astype("<i2").tobytes()
    notes = tmp_path / "notes"
    notes.mkdir()
    program = (str(SCRIPTS / "server_steps.py"), str(notes))
    with (
        serving(tmp_path, "--processes", "1", program=program) as served,
        served.stream() as connection,
    ):
        records = talk(connection, {"sample_rate": rate, "results": "final"}, [data])
    finals = {(r["session"], r["id"]) for r in records if r.get("kind") == "final"}
    rows = server_steps.rows_of(notes)
    assert set(rows) == finals != set()
    names = [name for name in server_steps.STAMPS if name not in ("sent", "received")]
    for stamps in rows.values():
        assert set(stamps) == set(names)
        assert all(stamps[before] <= stamps[after] for before, after in pairwise(names))


def load(n_clients: int, minutes: float) -> dict[str, Any]:
    """Figures of a load, as the measurement writes them."""
    return {
        "n_clients": n_clients,
        "minutes": minutes,
        **QUANTILES,
        "dropped_share": 0.125,
        "n_closed": 0,
        "n_missing": 3,
        "loop_lag_p99_ms": 7.0,
        "cpu_s_per_minute": 4.5,
        "load_average_before": 0.25,
        "measured_on": "2026-11-27",
    }


def test_the_tables_hold_what_was_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loads in the order of their clients, every step, listeners, and the stalled reader."""
    import server_page
    import server_steps

    steps = {
        **load(1, 0.75),
        "n_taken_apart": 15,
        "steps": dict.fromkeys(server_steps.STEPS.values(), QUANTILES),
        "path": {"p50_ms": 1.5, "p95_ms": 2.25, "max_ms": 3.0},
        "analyzer_at_real_time": QUANTILES,
        "analyzer_at_once": QUANTILES,
    }
    parts = {
        "steps": steps,
        "listeners": {**load(0, 1.0), "n": 100, "share_with": 0.15, "share_without": 0.1},
        "stalled": {
            **load(0, 1.0),
            "alone": load(4, 0.4),
            "beside": {**load(4, 0.4), "p95_ms": 90},
        },
        "load": load(20, 25.0),
        "load of 4": load(4, 0.4),
    }
    monkeypatch.setattr(server_page, "DOCS", tmp_path)
    path = tmp_path / "server_load.json"
    path.write_text(json.dumps({"run": "x", "cores": 2, "parts": parts}), encoding="utf-8")
    text = server_page.loads()
    assert "2026-11-27 on 2 cores" in text
    assert "0.2 at the most" in text
    four, twenty = text.index("| 4 | 0.4 | 70 ms | 99 ms |"), text.index("| 20 | 25 | 70 ms |")
    assert four < twenty
    assert "| 12.5% | 0; 3 | 7 ms | 4.5 s |" in text
    assert "| **all but the analysis** | 1.50 ms | 2.25 ms |" in text
    assert all(f"| {step} | 70.00 ms | 99.00 ms |" in text for step in server_steps.STEPS.values())
    assert "cost 5.0% of a core" in text
    assert "p95 of 4 others is 90 ms, without it 99 ms" in text


def test_without_figures_the_page_stays_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is invented where nothing was measured."""
    import server_page

    page = "# Server\n<!-- generated: loads -->\nas before\n<!-- end -->\nmore\n"
    (tmp_path / "server.md").write_text(page, encoding="utf-8")
    monkeypatch.setattr(server_page, "DOCS", tmp_path)
    assert server_page.loads() == "as before\n"
