"""Code that ``train`` and ``evaluate`` share for recordings and labels of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ser_live.cli.training_options import Bars, encoder_of, progress_bars
from ser_live.records.folders import examples_folder
from ser_live.terminal.printing import echo

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ser_live.datasets.own import OwnRecordings
    from ser_live.training.examples import Examples
    from ser_live.training.recipe import Recipe


def own_judged(
    data: Path, *, few: bool, seed: int, n_jobs: int, cache_dir: Path | None
) -> tuple[dict[str, Any], RenderableType]:
    """The result of an evaluation, for a file and for people."""
    from ser_live.evaluation.own import own_table

    found = _found(data, few)
    with progress_bars() as bars:
        recipe, examples = _examples(found, bars, n_jobs, cache_dir, scores=True)
        record = _measured(found, recipe, examples, bars, seed, n_jobs)
    return record, own_table(record)


def train_on_own(
    data: Path,
    out: Path,
    *,
    few: bool,
    seed: int,
    n_jobs: int,
    cache_dir: Path | None,
    scores: bool,
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Train and write the model folder; give its card and the scores on it."""
    from ser_live.evaluation.own import PROTOCOL
    from ser_live.training.export import train_own

    found = _found(data, few)
    with progress_bars() as bars:
        recipe, examples = _examples(found, bars, n_jobs, cache_dir, scores=scores)
        measured = {}
        if scores:
            measured[PROTOCOL] = _measured(found, recipe, examples, bars, seed, n_jobs)
        encoder = encoder_of(recipe)
        assert encoder is not None  # noqa: S101  the recipe needs one
        card = train_own(out, recipe, found, examples, seed=seed, scores=measured, encoder=encoder)
    return card, measured


def _found(data: Path, few: bool) -> OwnRecordings:
    """The recordings, said for people, unless they are too few."""
    from ser_live.datasets.own import check_enough, find_own

    found = find_own(data)
    check_enough(found, few=few)
    echo(f"Found {found}.", err=True)
    return found


def _examples(
    found: OwnRecordings, bars: Bars, n_jobs: int, cache_dir: Path | None, *, scores: bool
) -> tuple[Recipe, Examples]:
    from ser_live.evaluation.own import n_folds_of
    from ser_live.training.examples import make_examples
    from ser_live.training.recipe import own_recipe

    recipe = own_recipe(len(found.labels))
    n_examples = len(found.recordings) * len(recipe.variants)
    bars.expect(n_examples, n_folds_of(found) if scores else 0)
    return recipe, make_examples(
        found.recordings,
        recipe.variants,
        labels=found.labels,
        encoder=encoder_of(recipe),
        n_jobs=n_jobs,
        cache_dir=cache_dir or examples_folder(),
        on_progress=bars.example,
    )


def _measured(
    found: OwnRecordings,
    recipe: Recipe,
    examples: Examples,
    bars: Bars,
    seed: int,
    n_jobs: int,
) -> dict[str, Any]:
    from ser_live.evaluation.own import measure_own

    return measure_own(recipe, found, examples, seed=seed, n_jobs=n_jobs, on_fold=bars.fold)
