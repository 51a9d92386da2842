"""Paths on the command line, of which an empty one is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ser_live.errors import UsageError


class GivenPath(click.Path):
    """Path on the command line: an empty name would be the folder at hand."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Make a path of what was written.

        Raises
        ------
        UsageError
            Nothing was written.
        """
        check_given(value)
        return super().convert(value, param, ctx)


def check_given(value: object) -> None:
    """Refuse an empty name, as a variable that is not set makes one.

    Raises
    ------
    UsageError
        It is empty.
    """
    if value == "":
        raise UsageError(
            "Found an empty name, but that of a recording or folder is needed: check the variable "
            "that it comes from, or write . for the folder at hand."
        )
