"""Measure what ser-live promises about faults and long days, and write the page about it.

    python scripts/make_reliability.py [--short] [--data DIR] [--only SECTION ...]
    python scripts/make_reliability.py --merge FILE

Sections are the modules of ``scripts/reliability`` that have a ``TITLE`` and a ``run``. After
each section its rows are stored in ``docs/reliability.json``, and ``docs/reliability.md`` is
made from that; sections that did not run keep what was measured before. A short run only
prints, so that it never replaces a full measurement; ``--write`` stores it all the same. It
prints how long things took and does not judge it, as it may run next to other programs.

``--merge`` takes the sections of a ``reliability.json`` that was measured elsewhere.

Ends with exit code 1 when a claim falls short.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import pkgutil
import signal
import sys
import time
import traceback
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

from reliability.page import page
from reliability.row import Row

ROOT = Path(__file__).parents[1]
SECTIONS = ROOT / "scripts" / "reliability"
RESULTS = ROOT / "docs" / "reliability.json"
PAGE = ROOT / "docs" / "reliability.md"

ORDER = (
    "devices",
    "overload",
    "races",
    "crashes",
    "long_days",
    "hostile",
    "odd_files",
    "privacy",
    "doctor",
    "server",
)
"""Sections in the order of the page; others follow by name."""


def find_sections() -> dict[str, ModuleType]:
    """Every section by its name, in the order of the page."""
    names = sorted(
        (info.name for info in pkgutil.iter_modules([str(SECTIONS)])),
        key=lambda name: (ORDER.index(name) if name in ORDER else len(ORDER), name),
    )
    modules = {name: importlib.import_module(f"reliability.{name}") for name in names}
    return {name: m for name, m in modules.items() if hasattr(m, "TITLE") and hasattr(m, "run")}


def measure(module: ModuleType, *, short: bool, data: Path | None) -> list[Row]:
    """The section's rows; where it breaks, the last one is that, and falls short."""
    began_s = time.monotonic()
    rows: list[Row] = []
    try:
        for row in module.run(short=short, data=data):
            rows.append(row)  # one by one: what came before a break is kept  # noqa: PERF402
    except Exception as error:  # noqa: BLE001  the other sections are still measured
        traceback.print_exc()
        what = f"broke: {type(error).__name__}: {error}"
        rows.append(Row("the section runs to its end", what, "", False, time.monotonic() - began_s))
    return rows


def store(name: str, title: str, rows: list[Row], *, short: bool) -> None:
    """Put the section's rows among the results, and write the page again."""
    section = {
        "title": title,
        "measured_on": date.today().isoformat(),
        "is_short": short,
        "rows": [asdict(row) for row in rows],
    }
    merge({name: section})


def merge(sections: Mapping[str, Any]) -> None:
    """Put stored sections among the results, and write the page again."""
    stored = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    stored.update(sections)
    rank = [*ORDER, *sorted(set(stored) - set(ORDER))]
    stored = {known: stored[known] for known in rank if known in stored}
    text = json.dumps(stored, indent=1, ensure_ascii=False) + "\n"
    # Replaced as a whole: a run that is interrupted leaves the results of before.
    draft = RESULTS.with_suffix(".json.new")
    draft.write_text(text, encoding="utf-8")
    draft.replace(RESULTS)
    PAGE.write_text(page(RESULTS), encoding="utf-8")


def main() -> None:
    """Run the sections asked for, print their rows and store them."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # As a shell has it in the background, and the programs that are measured would too.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    sections = find_sections()
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--short", action="store_true", help="shorten the long measurements")
    parser.add_argument("--write", action="store_true", help="store also what a short run measured")
    named = os.environ.get("SER_DATA")
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(named) if named else None,
        help="folder of real recordings [$SER_DATA]; without it they are synthesised",
    )
    parser.add_argument("--only", nargs="+", choices=list(sections), default=list(sections))
    parser.add_argument("--merge", type=Path, help="take over what was measured elsewhere")
    arguments = parser.parse_args()
    if arguments.merge is not None:
        merge(json.loads(arguments.merge.read_text(encoding="utf-8")))
        return
    short_of: list[str] = []
    for name in arguments.only:
        module = sections[name]
        print(f"\n{module.TITLE}", flush=True)
        rows = measure(module, short=arguments.short, data=arguments.data)
        for row in rows:
            is_judged = not (arguments.short and row.measures_time)
            verdict = "holds" if row.passes else "FALLS SHORT" if is_judged else "(slow)"
            line = f"  {verdict} {row.claim}: {row.measured} [{row.bar}] {row.seconds:.0f} s"
            print(line)
            if is_judged and not row.passes:
                short_of.append(f"{module.TITLE}:{line}")
        if arguments.write or not arguments.short:
            store(name, module.TITLE, rows, short=arguments.short)
    if short_of:
        # Said again at the end: who reads it may have only that.
        sys.exit("\n".join([*short_of, f"{len(short_of)} claims fall short."]))


if __name__ == "__main__":
    main()
