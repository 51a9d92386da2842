"""Measuring the recipe ``own`` on voices it never heard, or on recordings."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_live import __version__
from ser_live.datasets.own import OwnRecordings
from ser_live.evaluation import metrics
from ser_live.evaluation.calibration import calibration_section
from ser_live.evaluation.folds import clip_probabilities, fit_folds
from ser_live.evaluation.judge import judged
from ser_live.features import FEATURE_SET_VERSION
from ser_live.training.examples import Examples
from ser_live.training.own import N_FOLDS, folds_of
from ser_live.training.recipe import Recipe

if TYPE_CHECKING:
    from rich.console import RenderableType

PROTOCOL = "own"
NOT_BY_SPEAKER = (
    "The recordings do not say who speaks, or all are of one voice: they are held out one by one, "
    "so the same voice may be trained on and tested, which flatters."
)
_LIBRARIES = ("numpy", "scipy", "scikit-learn", "joblib")


def n_folds_of(found: OwnRecordings) -> int:
    """Number of folds: one a voice where there are few, else as many as `folds_of` makes."""
    return min(N_FOLDS, found.n_speakers)


def measure_own(
    recipe: Recipe,
    found: OwnRecordings,
    examples: Examples,
    *,
    seed: int,
    n_jobs: int = 1,
    on_fold: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Hold out whole voices, or recordings where these are not known; ready for JSON.

    Parameters
    ----------
    recipe : Recipe
        Fitted again in every fold.
    found : OwnRecordings
    examples : Examples
        Of these recordings, in their order and with their labels.
    seed : int
    n_jobs : int
        Processes.
    on_fold : callable
        Called after each fold.
    """
    labels, recordings = found.labels, found.recordings
    y = np.array([labels.index(recording.label) for recording in recordings])
    voices = np.array([recording.speaker for recording in recordings])
    folds = folds_of(voices, y, N_FOLDS, seed)
    masks = [(f"fold {fold + 1}", folds == fold) for fold in np.unique(folds)]
    probabilities = np.full((len(recordings), len(labels)), np.nan)
    n_empty = 0
    for fit in fit_folds(recipe, examples, masks, seed=seed, n_jobs=n_jobs, on_fold=on_fold):
        wanted, tested = np.flatnonzero(fit.is_test), fit.tested(examples)
        probabilities[wanted], n_missing = clip_probabilities(
            fit.fitted, tested, tested.clips, wanted, len(labels)
        )
        n_empty += n_missing
    by = "speaker" if found.by_speaker else "recording"
    scores = judged(y, probabilities, voices, labels)
    scores["interval"]["method"] = f"bootstrap over {by}s, {metrics.N_BOOTSTRAP_DRAWS} draws"
    matrix = metrics.confusion_matrix(y, probabilities.argmax(axis=1), len(labels))
    return {
        "protocol": PROTOCOL,
        "model": recipe.name,
        "by": by,
        **({} if found.by_speaker else {"warning": NOT_BY_SPEAKER}),
        "n_folds": len(masks),
        f"n_{by}s": found.n_speakers,
        **scores,
        "majority_accuracy": round(float(matrix.sum(axis=1).max() / matrix.sum()), 4),
        "labels": list(labels),
        "confusion_matrix": matrix.tolist(),
        "calibration": calibration_section(y, probabilities, folds),
        "n_without_utterance": n_empty,
        "form": found.form,
        "left_out": dict(found.left_out),
        "seed": seed,
        "feature_set_version": FEATURE_SET_VERSION,
        "versions": {"ser-live": __version__, **{name: version(name) for name in _LIBRARIES}},
    }


def own_table(record: dict[str, Any]) -> RenderableType:
    """Confusion matrix with recalls, and the summary below it, of what `measure_own` gives."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from ser_live.terminal.text import fit, printable

    by, labels = record["by"], [printable(label) for label in record["labels"]]
    table = Table(
        title=f"own, by {by}: rows = truth, columns = prediction",
        box=None,
        pad_edge=False,
        title_justify="left",
    )
    table.add_column("")
    for label in labels:
        table.add_column(Text(fit(label, 9)), justify="right")
    table.add_column("recall", justify="right")
    recalls = record["per_class_recall"].values()
    for label, row, recall in zip(labels, record["confusion_matrix"], recalls, strict=True):
        table.add_row(Text(label), *map(str, row), _number(recall))
    low, high = record["interval"]["uar"]
    lines = [
        f"UAR {_number(record['uar'])} (95 % over {by}s {_number(low)} to {_number(high)}; "
        f"chance {_number(record['chance_uar'])})",
        f"accuracy {_number(record['accuracy'])} (the most frequent label alone "
        f"{_number(record['majority_accuracy'])})   macro F1 {_number(record['macro_f1'])}   "
        f"calibration error {_number(record['ece'])}",
        f"{record['n']} recordings in {record['n_folds']} folds, "
        f"{record[f'n_{by}s']} {by}s, {record['n_without_utterance']} without an utterance",
    ]
    if "warning" in record:
        lines.append(record["warning"])
    return Group(table, Text("\n".join(lines)))


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
