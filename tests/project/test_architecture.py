"""docs/architecture.md against the tree it describes."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import ser_live
from ser_live import errors

PACKAGE = Path(ser_live.__file__).parent
ROOT = PACKAGE.parent
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def _named_files() -> list[str]:
    return sorted(set(re.findall(r"[\w/]+\.py\b", PAGE)))


def test_every_room_has_its_row_and_every_row_its_room() -> None:
    """The table of rooms lists each folder and each module at the top of the package, once."""
    table = PAGE.partition("## Rooms")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)
    folders = [f"{path.parent.name}/" for path in PACKAGE.glob("*/__init__.py")]
    modules = [path.name for path in PACKAGE.glob("*.py")]
    assert sorted(rows) == sorted(folders + modules)


def test_the_layers_of_the_page_are_those_that_are_enforced() -> None:
    """The page draws the layers that import-linter checks, in their order."""
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    enforced = re.search(r"^layers = (\[.*?^\])", project, re.DOTALL | re.MULTILINE)
    drawn = re.search(r"^```layers\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    assert enforced
    assert drawn
    assert drawn[1].splitlines() == ast.literal_eval(enforced[1])


def test_every_error_that_a_user_can_meet_stands_in_one_place() -> None:
    """Otherwise the pages would list those alone whose module was loaded by chance."""
    ours = {name for name in vars(errors) if name.endswith("Error")} - {"MissingExtraError"}
    elsewhere = [
        f"{path.relative_to(PACKAGE)}: {node.name}"
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef) and path.name != "errors.py"
        if ours & {ast.unparse(base).rpartition(".")[2] for base in node.bases}
    ]
    assert "SerLiveError" in ours
    assert elsewhere == []


@pytest.mark.parametrize("name", _named_files())
def test_a_file_that_the_page_names_exists(name: str) -> None:
    """A file is named by its path in the package, or by its name among the tests."""
    tests = [] if "/" in name else list((ROOT / "tests").rglob(name))
    assert (PACKAGE / name).is_file() or tests
