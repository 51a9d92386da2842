"""The way in which docstrings are written."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import ser_live

PACKAGE = Path(ser_live.__file__).parent
QUESTION_WORDS = {"What", "Whatever", "Who", "Whoever", "Whom", "Whose", "How"}


def docstrings(source: str) -> Iterator[tuple[int, str]]:
    """Line and text of every string that stands alone: of modules, classes, functions, values."""
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            yield node.lineno, node.value.value


def openings(source: str) -> Iterator[tuple[int, str]]:
    """Line and first sentence of every docstring that opens like a question."""
    for line, text in docstrings(source):
        if text.split(maxsplit=1)[:1] and text.split(maxsplit=1)[0] in QUESTION_WORDS:
            yield line, text.strip().splitlines()[0]


def test_question_words_are_found_wherever_documentation_stands() -> None:
    """Module, class, function and value are each seen, a noun and a verb are not."""
    source = '''"""What a module does."""
class A:
    """Whoever calls it."""
    x: int
    """How many."""
    y: int
    """Number of them."""
    def f(self):
        """Whose turn it is."""
    def g(self):
        """Count what is there."""
'''
    assert sorted(line for line, _ in openings(source)) == [1, 3, 5, 9]


def test_docstrings_open_with_a_noun_or_a_verb() -> None:
    """None opens with a question word as if it were a noun ("What is kept")."""
    found = [
        f"{path.relative_to(PACKAGE)}:{line}: {text}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for line, text in openings(path.read_text(encoding="utf-8"))
    ]
    assert not found, "\n".join(found)
