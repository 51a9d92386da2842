"""The page of faults: what is measured is what stands there, and falling short is not hidden."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from places import SCRIPTS


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ModuleType]:
    """``scripts/make_reliability.py`` with the page in a folder of its own."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    module = importlib.import_module("make_reliability")
    monkeypatch.setattr(module, "RESULTS", tmp_path / "reliability.json")
    monkeypatch.setattr(module, "PAGE", tmp_path / "reliability.md")
    yield module
    for name in [name for name in sys.modules if name.split(".")[0] == "reliability"]:
        del sys.modules[name]


def section(made: ModuleType, *, passes: bool, measures_time: bool = False) -> Any:
    row = made.Row("a claim", "3 | 4", "4", passes, 1.6, measures_time)
    return SimpleNamespace(TITLE="Made up", run=lambda **_: [row])


def test_every_section_keeps_the_contract(made: ModuleType) -> None:
    """Each has a title and is run with a length and a folder of recordings."""
    sections = made.find_sections()
    assert {"overload", "crashes", "long_days"} <= set(sections)
    for module in sections.values():
        assert module.TITLE
        assert {"short", "data"} <= set(module.run.__kwdefaults__ or module.run.__annotations__)


def test_what_falls_short_says_so_on_the_page(made: ModuleType) -> None:
    """A missed bar stands beside what was measured, and a cell cannot break the table."""
    made.store("made_up", "Made up", section(made, passes=False).run(), short=False)
    text = made.PAGE.read_text()
    assert "| a claim | 3 \\| 4 | 4 | **falls short** | 2 |" in text
    assert "full length" in text


def test_sections_that_did_not_run_keep_what_was_measured(made: ModuleType) -> None:
    """One section measured anew leaves the others on the page."""
    for name in ("crashes", "overload"):
        made.store(name, name, section(made, passes=True).run(), short=False)
    assert list(json.loads(made.RESULTS.read_text())) == ["overload", "crashes"]  # the page's order


def test_what_was_measured_elsewhere_joins_the_rest(
    made: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Sections of another results file replace their namesakes alone."""
    made.store("crashes", "here", section(made, passes=True).run(), short=True)
    elsewhere = tmp_path / "elsewhere.json"
    made.RESULTS.rename(elsewhere)
    for name in ("crashes", "overload"):
        made.store(name, "before", section(made, passes=True).run(), short=True)
    monkeypatch.setattr(sys, "argv", ["make_reliability.py", "--merge", str(elsewhere)])
    made.main()
    stored = json.loads(made.RESULTS.read_text())
    assert {name: kept["title"] for name, kept in stored.items()} == {
        "overload": "before",
        "crashes": "here",
    }


def test_a_section_that_breaks_is_a_row_that_falls_short(made: ModuleType) -> None:
    """An exception is told in the table, and the other sections still run."""

    def run(**_: Any) -> None:
        raise RuntimeError("no sound server")

    (row,) = made.measure(SimpleNamespace(TITLE="x", run=run), short=True, data=None)
    assert not row.passes
    assert row.measured == "broke: RuntimeError: no sound server"


def test_what_came_before_a_break_is_kept(made: ModuleType) -> None:
    """A section that breaks after an hour does not take that hour with it."""

    def run(**_: Any) -> Iterator[Any]:
        yield made.Row("a claim", "3", "3", True, 1.0)
        raise RuntimeError("no sound server")

    first, broken = made.measure(SimpleNamespace(TITLE="x", run=run), short=True, data=None)
    assert (first.passes, broken.passes) == (True, False)


@pytest.mark.parametrize(("passes", "written"), [(True, []), (True, ["--write"]), (False, [])])
def test_a_short_run_writes_only_when_asked(
    made: ModuleType, monkeypatch: pytest.MonkeyPatch, passes: bool, written: list[str]
) -> None:
    """It never replaces a full measurement by itself; a claim that falls short ends with 1."""
    monkeypatch.setattr(made, "find_sections", lambda: {"made_up": section(made, passes=passes)})
    monkeypatch.setattr(sys, "argv", ["make_reliability.py", "--short", *written])
    if passes:
        made.main()
    else:
        with pytest.raises(SystemExit, match="1 claims fall short"):
            made.main()
    assert made.RESULTS.exists() == bool(written)


@pytest.mark.parametrize("length", [[], ["--short"]])
def test_only_a_full_run_judges_times(
    made: ModuleType, monkeypatch: pytest.MonkeyPatch, length: list[str]
) -> None:
    """What took too long ends a full run with 1 and a short one, on a busy machine, with 0."""
    slow = section(made, passes=False, measures_time=True)
    monkeypatch.setattr(made, "find_sections", lambda: {"made_up": slow})
    monkeypatch.setattr(sys, "argv", ["make_reliability.py", *length])
    if length:
        made.main()
    else:
        with pytest.raises(SystemExit, match="1 claims fall short"):
            made.main()
