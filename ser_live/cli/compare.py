"""``ser-live compare``: two models on the same recordings, with paired differences."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ser_live.cli.completing import models, priors
from ser_live.cli.help_pages import Page
from ser_live.cli.history_options import form_options, in_form
from ser_live.cli.options import jobs_option
from ser_live.cli.rows_output import rows_output
from ser_live.cli.training_options import data_option, need_training_libraries, progress_bars
from ser_live.config import BALANCED
from ser_live.terminal.printing import echo

if TYPE_CHECKING:
    from ser_live.datasets.recording import Recording
    from ser_live.evaluation.compared import Compared, Figure
    from ser_live.model.emotion_model import EmotionModel
    from ser_live.training.examples import Examples

_NAMES = {
    "uar": "UAR",
    "accuracy": "accuracy",
    "macro_f1": "F1, mean over labels",
    "f1": "F1",
    "ece": "calibration error",
    "named": "share named",
    "accuracy_of_as_many_named": "right among as many named",
}
"""Names of figures for people."""


@click.command("compare", cls=Page, shown=("data", "every", "prior", "format", "output", "jobs"))
@click.argument("first", metavar="A", shell_complete=models)
@click.argument("second", metavar="B", shell_complete=models)
@data_option(required=True)
@click.option(
    "--every",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="Judge one in N recordings of each label, by chance.",
)
@click.option(
    "--prior",
    default=BALANCED,
    show_default=True,
    shell_complete=priors,
    metavar="everyday|balanced|SHARES",
    help="How often each label is expected; corpora have about as many of each.",
)
@form_options
@click.option(
    "--cache",
    "cache_dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=None,
    metavar="DIR",
    help="Where computed features are kept; default: the user's cache folder.",
)
@jobs_option
def command(
    first: str,
    second: str,
    data: Path,
    every: int,
    prior: str,
    format_: str,
    output: Path | None,
    cache_dir: Path | None,
    jobs: int,
) -> None:
    """Compare the models A and B on the same labelled recordings.

    Both judge every recording as a stranger's. Differences are B less A, paired, with
    intervals over speakers, or over recordings where these are not known.

    \b
    Examples:
      ser-live compare ear models/mine --data calls/
      ser-live compare classic ear --data ravdess --every 12 --format csv

    \f
    Models are named as for --model, and recordings read as by `ser-live train`: a
    folder for each label, a CSV, or known corpora. Models of different labels are
    compared on those that both have; the others are left out of every answer.
    A model does well on what it was trained on, which is said where its card tells.
    "Right among as many named" lets both name as many answers as the more careful
    of the two, the surest ones of each.
    """
    need_training_libraries()
    from ser_live.evaluation.compared import answers_of, common_labels, compare
    from ser_live.model.emotion_model import EmotionModel

    both = EmotionModel.load(first), EmotionModel.load(second)
    labels = common_labels(*both)
    recordings, by = _recordings(data, labels, every)
    _say_labels(both, labels)
    _warn_of_training(both, recordings)
    import numpy as np

    answers = [
        answers_of(model, examples, len(recordings), labels, prior)
        for model, examples in zip(both, _examples(both, recordings, jobs, cache_dir), strict=True)
    ]
    found = compare(
        np.array([labels.index(recording.label) for recording in recordings], dtype=np.int64),
        answers[0][0],
        answers[1][0],
        (both[0].card.uncertain_below, both[1].card.uncertain_below),
        np.unique([recording.speaker for recording in recordings], return_inverse=True)[1],
        labels,
        by=by,
        n_empty=answers[0][1],
    )
    with rows_output(output) as write:
        write(_in_form(format_, both, found, prior))


def _recordings(data: Path, labels: Sequence[str], every: int) -> tuple[list[Recording], str]:
    """Recordings with one of these labels, and what sets them apart; the others are told."""
    from ser_live.cli.training_options import is_own
    from ser_live.datasets.corpora import survey_corpora
    from ser_live.datasets.own import find_own
    from ser_live.errors import DatasetError

    by = "speaker"
    if is_own(data, None):
        own = find_own(data)
        echo(f"Found {own}.", err=True)
        found, by = own.recordings, "speaker" if own.by_speaker else "recording"
    else:
        corpora = survey_corpora(data)
        for name, content in corpora.items():
            echo(f"Found {name}: {content}.", err=True)
        found = [recording for content in corpora.values() for recording in content.recordings]
    taken = [recording for recording in found if recording.label in labels]
    if len(taken) < len(found):
        echo(f"ser-live: {len(found) - len(taken)} recordings with a label that not both models "
             "have are left out.", err=True)  # fmt: skip
    if not taken:
        raise DatasetError(
            f"{data} has no recording with a label that both models have ({', '.join(labels)}), "
            "but some are needed: give others."
        )
    return _one_in(taken, every), by


def _one_in(recordings: Sequence[Recording], every: int) -> list[Recording]:
    """A part of the recordings of each label, by chance: corpora have an order of their own."""
    import random

    chance = random.Random(0)  # noqa: S311  a sample, not a secret
    taken = []
    for label in sorted({recording.label for recording in recordings}):
        own = [recording for recording in recordings if recording.label == label]
        taken += chance.sample(own, -(-len(own) // every))
    return sorted(taken)


def _say_labels(both: Sequence[EmotionModel], labels: Sequence[str]) -> None:
    if any(set(model.card.labels) != set(labels) for model in both):
        echo(f"ser-live: the models have different labels and are compared on "
             f"{', '.join(labels)} alone.", err=True)  # fmt: skip


def _warn_of_training(both: Sequence[EmotionModel], recordings: Sequence[Recording]) -> None:
    judged = {recording.corpus for recording in recordings}
    for model in both:
        data = model.card.raw.get("data", {})
        corpora = data.get("corpora", []) if isinstance(data, dict) else []
        known = [c.get("name") for c in corpora if isinstance(c, dict)]
        if trained := sorted(judged.intersection(name for name in known if isinstance(name, str))):
            echo(f"ser-live: {model.card.id} was trained on {', '.join(trained)}: its figures "
                 "there are those of what it knows, and flatter.", err=True)  # fmt: skip


def _examples(
    both: Sequence[EmotionModel],
    recordings: Sequence[Recording],
    n_jobs: int,
    cache_dir: Path | None,
) -> list[Examples]:
    """Inputs for each model; models that hear through the same encoder share them."""
    from ser_live.model.archive import ENCODER_FILE
    from ser_live.records.folders import examples_folder
    from ser_live.training.examples import make_examples

    graphs: dict[str, Path] = {}
    for model in both:
        sha256, folder = model.card.encoder_sha256, model.folder
        if sha256 is not None and folder is not None:
            graphs.setdefault(sha256, folder / ENCODER_FILE)
    # A model without an encoder is given the hand-made part of what the other one needs.
    needed: list[Path | None] = list(graphs.values()) or [None]
    with progress_bars() as bars:
        bars.expect(len(recordings) * len(needed), 0)
        made = [
            make_examples(
                recordings,
                labels=sorted({recording.label for recording in recordings}),
                encoder=encoder,
                beginnings=(),
                n_jobs=n_jobs,
                cache_dir=cache_dir or examples_folder(),
                on_progress=bars.example,
            )
            for encoder in needed
        ]
    places = {sha256: place for place, sha256 in enumerate(graphs)}
    return [made[places.get(model.card.encoder_sha256 or "", 0)] for model in both]


def _in_form(format_: str, both: Sequence[EmotionModel], found: Compared, prior: str) -> str:
    rows = [figure.as_record() for figure in found.figures]
    if format_ == "csv":
        return in_form("csv", rows)
    if format_ == "json":
        record: dict[str, Any] = {
            "a": _model_record(both[0]),
            "b": _model_record(both[1]),
            "prior": prior,
            "labels": list(found.labels),
            "n": found.n,
            "n_without_utterance": found.n_empty,
            "by": found.by,
            "n_groups": found.n_groups,
            "chance_uar": round(found.chance_uar, 4),
            "majority_accuracy": round(found.majority_accuracy, 4),
            "interval": {"level": 0.95, "method": f"jackknife over {found.by}s, Student's t"},
            "figures": rows,
        }
        return json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    return _text(both, found, prior)


def _model_record(model: EmotionModel) -> dict[str, object]:
    card = model.card
    return {
        "id": card.id,
        "weights_sha256": card.weights_sha256,
        "labels": list(card.labels),
        "uncertain_below": card.uncertain_below,
    }


def _text(both: Sequence[EmotionModel], found: Compared, prior: str) -> str:
    from ser_live.cli.history_tables import columns_text
    from ser_live.terminal.text import printable

    names = [printable(model.card.id) for model in both]
    header = ("", f"A: {names[0]}", f"B: {names[1]}", "B less A", f"95 % over {found.by}s", "")
    rows = [header, *(_row(figure) for figure in found.figures)]
    empty = f", {found.n_empty} of them without an utterance" if found.n_empty else ""
    return (
        columns_text(rows, right=(1, 2, 3))
        + f"{found.n} recordings of {found.n_groups} {found.by}s{empty}; prior {prior}; chance: "
        f"UAR {found.chance_uar:.3f}, the most frequent label alone {found.majority_accuracy:.3f} "
        "right.\n"
    )


def _row(figure: Figure) -> tuple[str, ...]:
    name = f"{_NAMES[figure.name]} {figure.label}".rstrip()
    if math.isnan(figure.low):
        interval = verdict = ""
    else:
        interval = f"{figure.low:+.3f} to {figure.high:+.3f}"
        verdict = _verdict(figure)
    return (
        name,
        _number(figure.first, ".3f"),
        _number(figure.second, ".3f"),
        _number(figure.difference, "+.3f"),
        interval,
        verdict,
    )


def _verdict(figure: Figure) -> str:
    """Which of the two is better, where that is beyond doubt and says anything."""
    if figure.low <= 0.0 <= figure.high or figure.name == "named":
        return ""
    is_more = figure.low > 0.0
    return "B is better" if is_more != (figure.name == "ece") else "A is better"


def _number(value: float, form: str) -> str:
    return "-" if math.isnan(value) else format(value, form)
