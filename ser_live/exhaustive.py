"""A check that a ``match`` names every case."""

from __future__ import annotations

from typing import NoReturn


def assert_never(value: NoReturn) -> NoReturn:
    """Make the type checker refuse a case that was forgotten.

    As in ``typing``, which lacks it before Python 3.11.
    """
    raise AssertionError(f"no case for {value!r}")
