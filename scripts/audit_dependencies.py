"""Fail where a locked package has a known vulnerability; skip, with the reason, without network.

pip-audit asks a vulnerability service about every version in requirements.lock that is for
this Python. A service that cannot be reached, or that knows none of the packages, has not
audited anything: that is said, and never taken for a good result.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from typing import Any

from locked import LOCK

TIMEOUT_S = 60
"""Longest time all of it may take; `make check` should stay quick."""

_N_NAMED = 5


@dataclass
class Audit:
    """Findings about the locked packages."""

    n_audited: int = 0
    unaudited: list[str] = field(default_factory=list)
    """Packages that the service does not know."""
    vulnerable: list[str] = field(default_factory=list)
    """A line for each known vulnerability."""
    skipped: str = ""
    """Reason why nothing was audited; empty where something was."""


def read_report(report: dict[str, Any]) -> Audit:
    """Read pip-audit's JSON."""
    audit = Audit()
    for package in report["dependencies"]:
        if "skip_reason" in package:
            audit.unaudited.append(package["name"])
            continue
        audit.n_audited += 1
        for found in package["vulns"]:
            fixed = ", ".join(found["fix_versions"]) or "no version yet"
            audit.vulnerable.append(
                f"{package['name']} {package['version']}: {found['id']}, mended in {fixed}"
            )
    if not audit.n_audited:
        audit.skipped = (
            f"the service that answers here knows none of the {len(audit.unaudited)} packages"
        )
    return audit


def run_audit() -> Audit:
    """Ask the service that pip-audit asks by default."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(LOCK), "--disable-pip"]
    options = ["--format", "json", "--progress-spinner", "off", "--timeout", "10"]
    try:
        run = subprocess.run(
            [*command, *options], capture_output=True, text=True, check=False, timeout=TIMEOUT_S
        )
    except subprocess.TimeoutExpired:
        return Audit(skipped=f"no vulnerability service answered in {TIMEOUT_S} s")
    try:
        return read_report(json.loads(run.stdout))
    except ValueError:
        last = (run.stderr.strip().splitlines() or ["it said nothing"])[-1]
        if "Connection" in run.stderr or "Timeout" in run.stderr:
            return Audit(skipped=f"no vulnerability service can be reached ({last[:80]})")
        raise SystemExit(f"audit: pip-audit failed ({last}).") from None


def main() -> None:
    """Print what is known; fail where a vulnerability is."""
    audit = run_audit()
    if audit.skipped:
        print(f"audit: skipped, {audit.skipped}.")
        return
    if audit.unaudited:
        more = f" and {len(audit.unaudited) - _N_NAMED} more" if audit.unaudited[_N_NAMED:] else ""
        print(f"audit: not known there: {', '.join(audit.unaudited[:_N_NAMED])}{more}.")
    for line in audit.vulnerable:
        print(f"audit: {line}.", file=sys.stderr)
    if audit.vulnerable:
        sys.exit("audit: raise what is named above in pyproject.toml and run `make lock`.")
    print(f"audit: {audit.n_audited} packages, no known vulnerability.")


if __name__ == "__main__":
    main()
