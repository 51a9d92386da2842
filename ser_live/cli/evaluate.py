"""``ser-live evaluate``: how right a recipe is on speakers it never saw."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ser_live.cli.help_pages import Page
from ser_live.cli.options import jobs_option
from ser_live.cli.training_options import (
    data_options,
    encoder_of,
    is_own,
    named_recipe,
    need_training_libraries,
    progress_bars,
)
from ser_live.errors import UsageError
from ser_live.records.folders import examples_folder
from ser_live.terminal.printing import echo

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ser_live.cli.training_options import Bars
    from ser_live.datasets.recording import Recording
    from ser_live.evaluation.evaluate import Evaluation


@click.command(
    cls=Page, shown=("data", "protocol", "leave-corpus-out", "robustness", "json", "jobs")
)
@data_options
@click.option(
    "--protocol",
    type=click.Choice(["emobox", "luna", "loso", "notebook"]),
    default=None,
    help="For RAVDESS: six folds of EmoBox, five of Luna-Jiménez, one per actor, or the one that "
    "leaks.  [default: emobox]",
)
@click.option(
    "--leave-corpus-out",
    is_flag=True,
    help="Hold out whole corpora instead, one at a time; --data holds several.",
)
@click.option(
    "--onset", is_flag=True, help="Judge also the first 0.5 to 3 seconds of speech of each clip."
)
@click.option(
    "--robustness",
    is_flag=True,
    help="Judge also spoilt sound: noise, rooms, telephone, clipping, shifted edges; recorded "
    "noises and rooms too where --data holds noise/ and rir/.",
)
@click.option(
    "--every",
    type=click.IntRange(min=1),
    default=12,
    show_default=True,
    metavar="N",
    help="Spoil every Nth clip.",
)
@click.option(
    "--json",
    "json_path",
    type=click.Path(dir_okay=False, path_type=Path),
    default=None,
    metavar="FILE",
    help="Write the result here as well.",
)
@jobs_option
def command(
    data: Path,
    recipe_name: str | None,
    few: bool,
    seed: int,
    cache_dir: Path | None,
    protocol: str | None,
    leave_corpus_out: bool,
    onset: bool,
    robustness: bool,
    every: int,
    json_path: Path | None,
    jobs: int,
) -> None:
    """Measure a training recipe on speakers it never saw.

    No speaker is in training and test; of recordings without speakers it says so.

    \b
    Examples:
      ser-live evaluate --data calls/ --json calls.json
      ser-live evaluate --data ravdess --json emobox.json

    \f
    Recordings and labels of your own: up to five folds of whole speakers, or of
    recordings where these are not known.

    RAVDESS: whole actors are held out; in every fold the recipe is fitted again
    without them and tested on their clips, each alone and then in sessions in which
    the model learns the voice while listening. Other corpora in --data are trained on.
    The protocol `notebook` splits copies of clips at random, which leaks and flatters.

    \b
    More examples:
      ser-live evaluate --data ravdess --protocol loso --jobs 4
      ser-live evaluate --data corpora --leave-corpus-out
      ser-live evaluate --data corpora --onset --robustness
    """
    need_training_libraries()
    from ser_live.datasets.corpora import CORPORA_APART
    from ser_live.evaluation.evaluate import Evaluation
    from ser_live.training.recipe import recordings_for

    if is_own(data, recipe_name):
        _refuse_for_own(protocol, leave_corpus_out, onset, robustness)
        from ser_live.cli.own import own_judged

        record, table = own_judged(data, few=few, seed=seed, n_jobs=jobs, cache_dir=cache_dir)
        _give(_Judged(record, [table]), json_path)
        return
    protocol = protocol or "emobox"
    if onset or robustness:
        _refuse_without_actors(leave_corpus_out, protocol)
    recipe = named_recipe(recipe_name)
    judged_apart = CORPORA_APART if leave_corpus_out else ()
    recordings = recordings_for(recipe, data, judged_apart)
    _note_copies(recordings)
    _warn_of_leak(leave_corpus_out, protocol)
    with progress_bars() as bars:
        evaluation = Evaluation(
            recipe,
            recordings,
            seed=seed,
            n_jobs=jobs,
            cache_dir=cache_dir or examples_folder(),
            encoder=encoder_of(recipe),
            on_example=bars.example,
            on_fold=bars.fold,
        )
        if leave_corpus_out:
            judged = _corpora_judged(evaluation, bars)
        else:
            judged = _actors_judged(evaluation, bars, protocol)
        if onset:
            _add_onset(judged, evaluation, protocol)
        if robustness:
            _add_robustness(judged, evaluation, protocol, data, every)
    _give(judged, json_path)


def _give(judged: _Judged, json_path: Path | None) -> None:
    if json_path is not None:
        judged.write(json_path)
    _show(judged.tables)


def _refuse_for_own(
    protocol: str | None, leave_corpus_out: bool, onset: bool, robustness: bool
) -> None:
    if protocol or leave_corpus_out or onset or robustness:
        raise UsageError(
            "Found --protocol, --leave-corpus-out, --onset or --robustness with recordings of your "
            "own, but they are for RAVDESS: leave them out, or give a folder with RAVDESS."
        )


def _refuse_without_actors(leave_corpus_out: bool, protocol: str) -> None:
    if leave_corpus_out or protocol == "notebook":
        raise UsageError(
            "Found --onset or --robustness with --leave-corpus-out or --protocol notebook, but "
            "they judge actors that were held out: leave one of them out."
        )


def _warn_of_leak(leave_corpus_out: bool, protocol: str) -> None:
    from ser_live.evaluation.report import LEAK_WARNING

    if protocol == "notebook" and not leave_corpus_out:
        echo(f"Warning: {LEAK_WARNING}", err=True)


def _note_copies(recordings: Sequence[Recording]) -> None:
    from ser_live.datasets import byte_identical

    for group in byte_identical(recordings):
        names = ", ".join(recording.path.name for recording in group)
        echo(f"Note: {names} are byte-identical; all are kept, as published.", err=True)


@dataclass
class _Judged:
    """Results for a file, and the same for people."""

    record: dict[str, Any]
    tables: list[RenderableType]

    def write(self, path: Path) -> None:
        """Write the results as JSON."""
        text = json.dumps(self.record, indent=1, ensure_ascii=False)
        path.write_text(text + "\n", encoding="utf-8")


def _actors_judged(evaluation: Evaluation, bars: Bars, protocol: str) -> _Judged:
    bars.expect(evaluation.n_examples(protocol), evaluation.n_folds(protocol))
    report = evaluation.run(protocol)
    return _Judged(report.as_json(), [report.as_table()])


def _corpora_judged(evaluation: Evaluation, bars: Bars) -> _Judged:
    from ser_live.datasets.corpora import CORPORA_APART
    from ser_live.evaluation.cross_corpus import corpora_table, leave_corpus_out

    found = {recording.corpus for recording in evaluation.recordings}
    n_corpora = len(found.intersection(CORPORA_APART))
    bars.expect(evaluation.n_examples("emobox"), n_corpora)
    record = leave_corpus_out(
        evaluation.recipe,
        evaluation.examples("emobox"),
        evaluation.recordings,
        seed=evaluation.seed,
        n_jobs=evaluation.n_jobs,
        on_fold=bars.fold,
    )
    return _Judged(record, [corpora_table(record)])


def _add_onset(judged: _Judged, evaluation: Evaluation, protocol: str) -> None:
    from ser_live.evaluation.onset import onset_section, onset_table

    section = onset_section(evaluation.fits(protocol), evaluation.recordings, evaluation.hearing)
    judged.record["onset"] = section
    judged.tables.append(onset_table(section))


def _add_robustness(
    judged: _Judged, evaluation: Evaluation, protocol: str, data: Path, every: int
) -> None:
    from ser_live.evaluation.robustness import robustness_section, robustness_table
    from ser_live.evaluation.robustness_suite import suite_in

    section = robustness_section(
        evaluation.fits(protocol),
        evaluation.recordings,
        suite_in(data),
        evaluation.hearing,
        every=every,
    )
    judged.record["robustness"] = section
    judged.tables.append(robustness_table(section))


def _show(tables: Sequence[RenderableType]) -> None:
    """Print tables with an empty line between two."""
    from ser_live.terminal.console import HonestConsole

    console = HonestConsole(markup=False)
    for number, table in enumerate(tables):
        if number:
            console.print()
        console.print(table)
