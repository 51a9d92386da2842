"""Recipes: how a classifier is fitted to examples.

A recipe is chosen by name (``--model``) and fitted again inside every fold of an
evaluation. Everything it chooses, it chooses on the training speakers it is given,
in inner folds by speaker.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ser_live.classifier import Classifier
from ser_live.errors import UsageError
from ser_live.training import classic
from ser_live.training.examples import Examples


@dataclass(frozen=True)
class Recipe:
    """A way of making a classifier."""

    name: str
    description: str
    variants: tuple[str, ...]
    """Variants of the recordings it trains on."""
    fit: Callable[[Examples, int], Classifier]
    """Classifier of examples and a seed; deterministic."""


RECIPES: dict[str, Recipe] = {
    "classic": Recipe("classic", classic.DESCRIPTION, classic.VARIANTS, classic.fit),
}
"""Recipes by name."""

DEFAULT_RECIPE = "classic"


def find_recipe(name: str) -> Recipe:
    """The recipe called `name`; raises ``UsageError`` where there is none."""
    if name not in RECIPES:
        raise UsageError(
            f"there is no training recipe {name!r}: choose one of {', '.join(RECIPES)}."
        )
    return RECIPES[name]
