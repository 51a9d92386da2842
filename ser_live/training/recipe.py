"""Recipes: how a classifier is fitted to examples.

A recipe is chosen by name (``--model``) and fitted again inside every fold of an
evaluation. Everything it chooses, it chooses on the training speakers it is given,
in inner folds by speaker.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ser_live.datasets.corpora import recordings_in
from ser_live.datasets.everyday import as_recordings, find_everyday, has_everyday
from ser_live.datasets.ravdess import CORPUS as RAVDESS
from ser_live.datasets.recording import Recording
from ser_live.errors import UsageError
from ser_live.model.ensemble import Ensemble
from ser_live.model.fitted import Fitted
from ser_live.training import classic, ear, own
from ser_live.training.examples import Examples


@dataclass(frozen=True)
class Recipe:
    """A way of making a classifier."""

    name: str
    description: str
    variants: tuple[str, ...]
    """Variants of the recordings it trains on."""
    fit: Callable[[Examples, int], Fitted]
    """Weights from examples and a seed; deterministic."""
    needs_encoder: bool = False
    """Whether its examples need the learned encoder."""
    corpora: tuple[str, ...] = ("ravdess",)
    """Corpora it trains on where they are at hand; RAVDESS always."""
    other_variants: tuple[str, ...] | None = None
    """Variants of the recordings of other corpora, without beginnings; None: as of RAVDESS."""
    beginnings: tuple[str, ...] | None = None
    """Variants of RAVDESS that come with their beginnings; None: all."""
    hears_everyday: bool = False
    """Whether it learns from people who act nothing, where such recordings are at hand."""


def _fit_classic(examples: Examples, seed: int) -> Fitted:
    return Fitted(cold=Ensemble.of(classic.fit(examples, seed)))


def recordings_for(recipe: Recipe, folder: Path, further: Sequence[str] = ()) -> list[Recording]:
    """Recordings of a folder of corpora that a recipe trains on, and of `further` corpora.

    Raises
    ------
    DatasetError
        The folder holds nothing usable.
    """
    found = recordings_in(folder, (*further, *recipe.corpora))
    is_among_others = any(recording.corpus != RAVDESS for recording in found)
    if recipe.hears_everyday and is_among_others and has_everyday(folder):
        found += as_recordings(find_everyday(folder))
    return found


RECIPES: dict[str, Recipe] = {
    "classic": Recipe("classic", classic.DESCRIPTION, classic.VARIANTS, _fit_classic),
    "ear": Recipe(
        "ear",
        ear.DESCRIPTION,
        ear.VARIANTS,
        ear.fit,
        needs_encoder=True,
        corpora=ear.CORPORA,
        other_variants=ear.OTHER_VARIANTS,
        beginnings=ear.WITH_BEGINNINGS,
        hears_everyday=True,
    ),
}
"""Recipes by name."""


OWN = "own"
"""Name of the recipe for recordings of one's own."""


def own_recipe(n_labels: int) -> Recipe:
    """The recipe for recordings of one's own, which have labels of their own."""
    fit = partial(own.fit, n_labels=n_labels)
    return Recipe(OWN, own.DESCRIPTION, own.VARIANTS, fit, needs_encoder=True, corpora=())


def find_recipe(name: str) -> Recipe:
    """The recipe called `name`; raises ``UsageError`` where there is none."""
    if name not in RECIPES:
        raise UsageError(
            f"there is no training recipe {name!r}: choose one of {', '.join((*RECIPES, OWN))}."
        )
    return RECIPES[name]
