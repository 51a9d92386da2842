"""Where the files that tests need are."""

from __future__ import annotations

from pathlib import Path

SUPPORT = Path(__file__).parent
TESTS = SUPPORT.parent
ROOT = TESTS.parent
GOLDEN = TESTS / "golden"
CORPUS = TESTS / "corpus"
SCRIPTS = ROOT / "scripts"
