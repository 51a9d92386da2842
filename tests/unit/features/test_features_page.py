"""The page about features names every one of them, by patterns."""

from __future__ import annotations

import re
import sys

from places import ROOT, SCRIPTS

from ser_live.features.feature_set import BLOCKS, FEATURE_NAMES, SCALARS
from ser_live.features.functionals import FUNCTIONALS

sys.path.insert(0, str(SCRIPTS))

from features_page import merged

PAGE = (ROOT / "docs" / "features.md").read_text(encoding="utf-8")


def section(heading: str) -> str:
    return PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def patterns(heading: str) -> list[tuple[re.Pattern[str], int]]:
    """Names of a table as expressions, and how many names each stands for."""
    rows = re.findall(r"^\| `([^`]+)` \| (\d+) \|", section(heading), re.MULTILINE)
    return [
        (re.compile(r"\d+".join(map(re.escape, re.split(r"\{[^}]*\}", name)))), int(n))
        for name, n in rows
    ]


def test_it_is_a_page_and_not_a_list() -> None:
    """A tenth of a line a feature at most, and the sums of both tables are right."""
    assert len(PAGE.splitlines()) < len(FEATURE_NAMES) / 10
    numbers = re.findall(r"\| (\d+) \|$", section("Patterns"), re.MULTILINE)
    assert sum(map(int, numbers)) == len(FEATURE_NAMES)
    own = patterns("Features with a name of their own")
    assert sum(n for _, n in own) == len(SCALARS)


def test_every_feature_is_on_it_by_its_parts() -> None:
    """A name is a contour of the page, an infix and a functional of it, or one of its own."""
    contours = [pattern for pattern, _ in patterns("Appendix: contours")]
    own = patterns("Features with a name of their own")
    endings = re.findall(r"^\| `([^`]+)` \|", section("Functionals"), re.MULTILINE)
    assert endings == list(FUNCTIONALS)
    for name in SCALARS:
        assert any(pattern.fullmatch(name) for pattern, _ in own), name
    for block in BLOCKS:
        assert set(block.functionals) <= set(endings)
        for contour in block.contours:
            assert any(pattern.fullmatch(contour) for pattern in contours), contour


def test_numbers_that_differ_stand_in_braces() -> None:
    """Few are listed, many are first and last by size; what is equal stays."""
    assert merged(["a1 of 9", "a2 of 9"]) == "a{1, 2} of 9"
    assert merged([f"m{n:02d}" for n in (3, 1, 2, 11, 10)]) == "m{01 … 11}"
    assert merged(["alone 7"]) == "alone 7"
