"""The commands and the Python that README.md prints, as they stand there."""

from __future__ import annotations

import re

from places import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def table_commands() -> list[str]:
    """Commands of the table of wishes; a pipe is escaped in a table."""
    table = README.partition("## I want to")[2].partition("\n## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ")]
    cells = (re.search(r"\| `(.+)` \|$", row) for row in rows)
    return [cell[1].replace("\\|", "|") for cell in cells if cell]


def block_commands() -> list[str]:
    """Commands of the blocks for a shell, without the remarks behind them."""
    blocks = re.findall(r"^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    lines = [line.partition("  #")[0].rstrip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line]


def python_block() -> str:
    """The one example in Python."""
    (code,) = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    return str(code)
