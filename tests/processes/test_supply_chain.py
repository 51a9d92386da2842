"""What comes with ser-live: locked, permissively licensed, audited, listed, built alike."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from places import SCRIPTS

sys.path.insert(0, str(SCRIPTS))

import check_licences
from audit_dependencies import read_report
from build_release import differing
from check_licences import complaint, is_permissive
from locked import Locked, needed_to_run, read_lock
from make_sbom import make_sbom

KNOWN = {"name": "a", "version": "1.0", "vulns": []}
UNKNOWN = {"name": "b", "skip_reason": "Dependency not found and could not be audited"}
VULNERABLE = {
    "name": "c",
    "version": "2.0",
    "vulns": [{"id": "X-2026-1", "fix_versions": ["2.1"], "aliases": [], "description": ""}],
}


class TestLock:
    def test_everything_is_pinned_with_hashes(self) -> None:
        """Each locked package has a version, SHA-256 hashes, and somebody who asks for it."""
        locked = read_lock()
        assert len(locked) > 50
        for package in locked:
            assert package.hashes, package.name
            assert all(re.fullmatch("sha256:[0-9a-f]{64}", text) for text in package.hashes)
            assert package.via, package.name

    def test_users_get_no_development_tools(self) -> None:
        """What ser-live asks for comes, and all that those ask for; pytest and the like do not."""
        names = {package.name for package in needed_to_run(read_lock())}
        assert {"numpy", "onnxruntime", "matplotlib", "pycparser", "certifi"} <= names
        assert not names & {"pytest", "mypy", "ruff", "pip-audit", "hypothesis", "onnx"}

    def test_an_unpinned_line_is_refused(self, tmp_path: Path) -> None:
        """A requirement without an exact version is no lock."""
        (tmp_path / "lock").write_text("numpy>=2\n    # via ser-live (pyproject.toml)\n")
        with pytest.raises(ValueError, match="no pinned requirement"):
            read_lock(tmp_path / "lock")


class TestLicences:
    @pytest.mark.parametrize(
        ("expression", "permissive"),
        [
            ("MIT", True),
            ("BSD-3-Clause AND 0BSD AND MIT AND Zlib AND CC0-1.0", True),
            ("Apache-2.0 OR BSD-2-Clause", True),
            ("BSD-2-Clause AND Apache-2.0 WITH LLVM-exception", True),
            ("GPL-3.0-only", False),
            ("GPL-2.0-or-later OR MIT", True),
            ("MIT AND GPL-3.0-only", False),
            ("MIT AND (GPL-3.0-only OR LGPL-2.1-only)", False),
            ("GPL-2.0-only WITH Classpath-exception-2.0", False),
            ("Proprietary", False),
            ("", False),
        ],
    )
    def test_expressions(self, expression: str, permissive: bool) -> None:
        """One licence of a choice must be permissive, and every licence of a sum."""
        assert is_permissive(expression) is permissive

    def locked(self, name: str) -> Locked:
        return next(package for package in read_lock() if package.name == name)

    def test_a_package_of_another_licence_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A package is accepted for its one known licence, by name, and not without that."""
        assert complaint(self.locked("soxr")) == ""
        assert complaint(self.locked("click")) == ""
        monkeypatch.setattr(check_licences, "ACCEPTED", {"soxr": ("GPL-3.0-only", "")})
        assert "soxr 1" in complaint(self.locked("soxr"))
        assert "'LGPL-2.1-or-later'" in complaint(self.locked("soxr"))

    def test_another_version_than_the_locked_one_is_named(self) -> None:
        """What is installed must be what is locked, or nothing was checked."""
        other = Locked("click", "0.1", "", (), (), "")
        assert "0.1 is locked" in complaint(other)
        missing = Locked("no-such-package", "1.0", "", (), (), "")
        assert "not installed" in complaint(missing)


class TestAudit:
    def test_a_vulnerability_is_found(self) -> None:
        """A known vulnerability is named with the version that mends it."""
        audit = read_report({"dependencies": [KNOWN, VULNERABLE], "fixes": []})
        assert audit.n_audited == 2
        assert audit.vulnerable == ["c 2.0: X-2026-1, mended in 2.1"]

    def test_what_the_service_does_not_know_is_no_good_result(self) -> None:
        """Packages that were not audited are named; if that is all of them, it was no audit."""
        audit = read_report({"dependencies": [KNOWN, UNKNOWN], "fixes": []})
        assert (audit.n_audited, audit.unaudited, audit.skipped) == (1, ["b"], "")
        audit = read_report({"dependencies": [UNKNOWN], "fixes": []})
        assert "knows none of the 1 packages" in audit.skipped

    def test_without_network_it_is_skipped_with_the_reason(self) -> None:
        """Where no service can be reached the script says so and succeeds."""
        code = (
            "import socket, sys\n"
            "def refuse(*a, **k): raise socket.gaierror(-2, 'Name or service not known')\n"
            "socket.getaddrinfo = refuse\n"
            "import runpy\n"
            "sys.argv = ['pip-audit', *sys.argv[1:]]\n"
            "runpy.run_module('pip_audit', run_name='__main__')\n"
        )
        script = (
            "import sys, audit_dependencies as a, subprocess\n"
            f"real, code = subprocess.run, {code!r}\n"
            "a.subprocess.run = lambda c, **k: real([c[0], '-c', code, *c[3:]], **k)\n"
            "a.main()\n"
        )
        run = subprocess.run(
            [sys.executable, "-c", script],
            cwd=SCRIPTS,
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
        assert "audit: skipped, no vulnerability service can be reached" in run.stdout


class TestRelease:
    def test_the_bill_lists_what_users_get(self) -> None:
        """Every needed version is in it once, with hashes; every reference leads somewhere."""
        bill = json.loads(make_sbom(1_700_000_000))
        assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
        assert bill["metadata"]["component"]["name"] == "ser-live"
        by_ref = {component["bom-ref"]: component for component in bill["components"]}
        assert len(by_ref) == len(bill["components"])
        for package in needed_to_run(read_lock()):
            listed = by_ref[f"pkg:pypi/{package.name}@{package.version}"]
            hashes = [h["content"] for h in listed["externalReferences"][0]["hashes"]]
            assert sorted(hashes) == sorted(text.removeprefix("sha256:") for text in package.hashes)
        edges = {entry["ref"]: entry.get("dependsOn", []) for entry in bill["dependencies"]}
        assert set(edges) == {*by_ref, "ser-live"}
        assert {ref for refs in edges.values() for ref in refs} <= set(by_ref)
        models = [ref for ref in by_ref if ref.startswith("models/")]
        assert {"models/ear/encoder.onnx", "models/classic/weights.npz"} <= set(models)
        assert set(models) <= set(edges["ser-live"])

    def test_the_bill_is_reproducible(self, tmp_path: Path) -> None:
        """Two processes with other hash seeds write the same bytes."""
        contents = []
        for seed in ("1", "2"):
            path = tmp_path / seed
            command = [sys.executable, "make_sbom.py", "1700000000", str(path)]
            subprocess.run(command, cwd=SCRIPTS, check=True, env={"PYTHONHASHSEED": seed})
            contents.append(path.read_bytes())
        assert contents[0] == contents[1]

    def test_a_difference_between_builds_is_found(self) -> None:
        """A file that only one build has, or that differs by a byte, is named."""
        assert differing({"a": b"1", "b": b"2"}, {"b": b"2", "a": b"1"}) == []
        assert differing({"a": b"1", "b": b"2"}, {"a": b"0", "c": b"2"}) == ["a", "b", "c"]
