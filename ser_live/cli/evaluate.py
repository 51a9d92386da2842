"""``ser-live evaluate``: how right a recipe is on speakers it never saw."""

from __future__ import annotations

import json
from pathlib import Path

import click

from ser_live.cli.options import jobs_option
from ser_live.cli.training_options import data_options, default_cache_dir, progress_bars


@click.command()
@data_options
@click.option(
    "--protocol",
    type=click.Choice(["emobox", "luna", "loso", "notebook"]),
    default="emobox",
    show_default=True,
    help="Six folds of EmoBox, five of Luna-Jiménez, one per actor, or the one that leaks.",
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
    recipe_name: str,
    seed: int,
    cache_dir: Path | None,
    protocol: str,
    json_path: Path | None,
    jobs: int,
) -> None:
    """Measure a training recipe on RAVDESS.

    Whole actors are held out: in every fold the recipe is fitted again without
    them and tested on their clips. The protocol `notebook` splits copies of clips
    at random instead, which leaks; it is there to show how much that flatters.

    \b
    Examples:
      ser-live evaluate --data ravdess --json emobox.json
      ser-live evaluate --data ravdess --protocol loso --jobs 4
    """
    from rich.console import Console

    from ser_live.datasets import byte_identical
    from ser_live.datasets.ravdess import find_recordings
    from ser_live.evaluation.evaluate import Evaluation
    from ser_live.evaluation.report import LEAK_WARNING
    from ser_live.training.recipe import find_recipe

    recordings = find_recordings(data)
    for group in byte_identical(recordings):
        names = ", ".join(recording.path.name for recording in group)
        click.echo(f"Note: {names} are byte-identical; all are kept, as published.", err=True)
    if protocol == "notebook":
        click.echo(f"Warning: {LEAK_WARNING}", err=True)
    with progress_bars() as bars:
        evaluation = Evaluation(
            find_recipe(recipe_name),
            recordings,
            seed=seed,
            n_jobs=jobs,
            cache_dir=cache_dir or default_cache_dir(),
            on_example=bars.example,
            on_fold=bars.fold,
        )
        bars.expect(evaluation.n_examples(protocol), evaluation.n_folds(protocol))
        report = evaluation.run(protocol)
    if json_path is not None:
        text = json.dumps(report.as_json(), indent=1, ensure_ascii=False)
        json_path.write_text(text + "\n", encoding="utf-8")
    Console().print(report.as_table())
