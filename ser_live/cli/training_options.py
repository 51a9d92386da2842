"""Options and progress that ``train`` and ``evaluate`` share."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ser_live.cli.completing import recipes
from ser_live.errors import MissingExtraError

if TYPE_CHECKING:
    from ser_live.training.recipe import Recipe

F = TypeVar("F", bound=Callable[..., Any])


def _nameable(_ctx: click.Context, _param: click.Parameter, folder: Path | None) -> Path | None:
    """The folder or file, unless it cannot even be asked for, as a name that is too long."""
    from ser_live.errors import DatasetError

    if folder is None:
        return None
    try:
        folder.is_dir()
    except OSError as error:
        raise DatasetError(
            f"{str(folder)[:60]}… is not a folder that can be read ({error.strerror}): give "
            "another one."
        ) from error
    return folder


def data_options(command: F) -> F:
    """Add ``--data``, which must be given, ``--model``, ``--few``, ``--seed`` and ``--cache``."""
    return data_option(required=True)(recipe_options(command))


def recipe_options(command: F) -> F:
    """Add ``--model``, ``--few``, ``--seed`` and ``--cache``."""
    for option in (
        click.option(
            "--cache",
            "cache_dir",
            type=click.Path(file_okay=False, path_type=Path),
            default=None,
            metavar="DIR",
            help="Where computed features are kept; default: the user's cache folder.",
        ),
        click.option(
            "--few",
            is_flag=True,
            help="Go on with fewer than 30 recordings or two speakers for a label of your own.",
        ),
        click.option(
            "--seed", type=int, default=0, show_default=True, help="Of every random choice."
        ),
        click.option(
            "--model",
            "recipe_name",
            default=None,
            shell_complete=recipes,
            metavar="NAME",
            help="Training recipe: ear, classic or own.  [default: ear for a folder with RAVDESS, "
            "own for any other]",
        ),
    ):
        command = option(command)
    return command


def data_option(*, required: bool) -> Callable[[F], F]:
    """The option ``--data``."""
    return click.option(
        "--data",
        type=click.Path(path_type=Path),
        required=required,
        callback=_nameable,
        metavar="DIR|CSV",
        help="Your recordings: a folder for each label, or a CSV with the columns file, label, "
        "speaker. Or RAVDESS (Actor_01 to Actor_24), or a folder with ravdess/ and others.",
    )


_LIBRARIES = {"joblib": "joblib", "librosa": "librosa", "sklearn": "scikit-learn"}
"""Modules that the extra ``train`` brings, and the names of their packages."""


def need_training_libraries() -> None:
    """Refuse before any work where the libraries for training are not installed.

    Raises
    ------
    MissingExtraError
        Any of them is missing.
    """
    if missing := [package for module, package in _LIBRARIES.items() if not _is_found(module)]:
        are = f"{missing[0]} is" if len(missing) == 1 else f"{_joined(missing)} are"
        raise MissingExtraError(
            f"{are} not installed, but training and evaluation need the extra train: run "
            '`pip install "ser-live[train]"`.'
        )


def _is_found(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ValueError, ImportError):  # blocked by None in sys.modules, or by a hook
        return False


def _joined(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"


def is_own(data: Path, recipe_name: str | None) -> bool:
    """Whether `data` is read as recordings of one's own."""
    from ser_live.datasets.corpora import holds_corpora
    from ser_live.training.recipe import OWN

    return not holds_corpora(data) if recipe_name is None else recipe_name == OWN


def named_recipe(recipe_name: str | None) -> Recipe:
    """The recipe called so, by default that of the default model."""
    from ser_live.model.emotion_model import DEFAULT_MODEL
    from ser_live.training.recipe import find_recipe

    return find_recipe(recipe_name or DEFAULT_MODEL)


def encoder_of(recipe: Recipe) -> Path | None:
    """Graph of the learned encoder, None for a recipe that does without.

    Raises
    ------
    ModelError
        It is not there.
    """
    from ser_live.model.emotion_model import find_encoder

    return find_encoder() if recipe.needs_encoder else None


class Bars:
    """Two progress bars on standard error: recordings, then folds."""

    def __init__(self, progress: Any) -> None:
        self._progress = progress
        self._examples = progress.add_task("Recordings", total=None)
        self._folds = progress.add_task("Folds", total=None)

    def expect(self, n_examples: int, n_folds: int) -> None:
        """Say how much there is to do."""
        self._progress.update(self._examples, total=n_examples)
        self._progress.update(self._folds, total=n_folds)

    def example(self) -> None:
        self._progress.advance(self._examples)

    def fold(self) -> None:
        self._progress.advance(self._folds)


@contextmanager
def progress_bars() -> Iterator[Bars]:
    """Bars while a block runs; nothing is drawn where standard error is not a terminal."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    from ser_live.terminal.console import HonestConsole, is_screen

    console = HonestConsole(stderr=True)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not is_screen(sys.stderr),
    ) as progress:
        yield Bars(progress)
