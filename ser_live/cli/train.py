"""``ser-live train``: a model folder from recordings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ser_live.cli.completing import sessions as session_names
from ser_live.cli.help_pages import Page
from ser_live.cli.options import jobs_option
from ser_live.cli.training_options import (
    data_option,
    encoder_of,
    is_own,
    named_recipe,
    need_training_libraries,
    progress_bars,
    recipe_options,
)
from ser_live.errors import UsageError
from ser_live.records.folders import examples_folder
from ser_live.terminal.printing import echo

if TYPE_CHECKING:
    from ser_live.model.speech_check import SpeechCheck
    from ser_live.training.examples import Examples


@click.command(cls=Page, shown=("data", "add", "out", "model", "few", "scores", "jobs"))
@data_option(required=False)
@click.option(
    "--add",
    type=click.Choice(["corrections"]),
    help="Adapt a model to labels you gave with `annotate`; --model then names that model.",
)
@click.option(
    "--session",
    "sessions",
    multiple=True,
    metavar="SESSION",
    shell_complete=session_names,
    help="With --add: only corrections of this session, a log file or a number of `ser-live log "
    "list`; may be given several times.",
)
@click.option("--by", metavar="NAME", help="With --add: the person whose corrections they are.")
@recipe_options
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    metavar="DIR",
    help="Model folder to write; its name becomes the model's name.",
)
@click.option(
    "--scores/--no-scores",
    default=True,
    show_default=True,
    help="Measure on voices left out first and put the result on the model's card.",
)
@jobs_option
def command(
    data: Path | None,
    add: str | None,
    sessions: tuple[str, ...],
    by: str | None,
    recipe_name: str | None,
    few: bool,
    seed: int,
    cache_dir: Path | None,
    out: Path,
    scores: bool,
    jobs: int,
) -> None:
    """Train a model on your recordings and labels, or on RAVDESS and other corpora.

    Your labels may be any words, with a folder of recordings for each. It takes minutes.

    \b
    Examples:
      ser-live train --data calls/ --out models/mine
      ser-live train --add corrections --out models/me

    \f
    In the folder of a label are the recordings, or a folder for each speaker. Instead of folders
    there may be a CSV with the columns file, label and, where it is known, speaker; or the file
    names of CREMA-D, EMO-DB, TESS or SAVEE. Training starts from the speech encoder of the model
    ear.

    Recordings go through the same voice activity detection, segmentation and
    features as live audio. RAVDESS is licensed CC BY-NC-SA 4.0, so a model of it
    is for non-commercial use.

    With --add corrections a model learns how you use its labels, from those that you
    gave with `ser-live annotate`: 30 in 3 sessions at least. Each session is judged by
    a model adapted without it. Where you and the model do not agree more than before,
    beyond doubt, the model stays as it is and nothing is written.

    \b
    More examples:
      ser-live train --data calls.csv --out models/mine --few
      ser-live train --data corpora --model ear --out models/ear2 --jobs 4
      ser-live train --add corrections --session 1 --session 2 --session 4 --out models/me
      ser-live --model models/me                   listen with it
    """
    if add is not None:
        _adapt(out, data, recipe_name, sessions, by, few)
        return
    if data is None:
        raise UsageError(
            "Found neither --data nor --add, but something to learn from is needed: give --data "
            "with your recordings, or --add corrections."
        )
    if sessions or by is not None:
        raise UsageError(
            "Found --session or --by without --add, but they choose corrections: give --add "
            "corrections, or leave them out."
        )
    need_training_libraries()
    from ser_live.evaluation.evaluate import Evaluation
    from ser_live.training.export import train_model
    from ser_live.training.recipe import recordings_for

    if is_own(data, recipe_name):
        from ser_live.cli.own import train_on_own

        card, score = train_on_own(
            data, out, few=few, seed=seed, n_jobs=jobs, cache_dir=cache_dir, scores=scores
        )
        _report(out, card, score)
        return
    recipe = named_recipe(recipe_name)
    recordings = recordings_for(recipe, data)
    encoder = encoder_of(recipe)
    with progress_bars() as bars:
        evaluation = Evaluation(
            recipe,
            recordings,
            seed=seed,
            n_jobs=jobs,
            cache_dir=cache_dir or examples_folder(),
            encoder=encoder,
            on_example=bars.example,
            on_fold=bars.fold,
        )
        # Counting the folds also refuses recordings that they cannot be made of, before the work.
        n_folds = evaluation.n_folds("emobox") if scores else 0
        bars.expect(evaluation.n_examples("emobox"), n_folds)
        examples = evaluation.examples("emobox")
        measured = {"emobox": evaluation.run("emobox").as_json()} if scores else {}
        card = train_model(
            out,
            recipe,
            recordings,
            examples,
            seed=seed,
            scores=measured,
            encoder=encoder,
            gate=None if encoder is None else _gate(examples, encoder, data, seed),
        )
    _report(out, card, measured)


def _adapt(
    out: Path,
    data: Path | None,
    model_name: str | None,
    sessions: tuple[str, ...],
    by: str | None,
    few: bool,
) -> None:
    """Adapt a model to corrections; options of recordings are refused."""
    from ser_live.cli.corrections import adapt
    from ser_live.model.emotion_model import DEFAULT_MODEL

    if data is not None or few:
        raise UsageError(
            f"Found {'--data' if data is not None else '--few'} beside --add corrections, but they "
            "are about recordings, and corrections adapt a model that is there: leave one out."
        )
    adapt(out, model_name=model_name or DEFAULT_MODEL, sessions=sessions, by=by)


def _report(out: Path, card: dict[str, Any], measured: dict[str, dict[str, Any]]) -> None:
    echo(
        f"Wrote {out} ({card['weights']['n_bytes'] / 1e6:.1f} MB, "
        f"SHA-256 {card['weights']['sha256'][:12]})."
    )
    for protocol, score in measured.items():
        low, high = score["interval"]["uar"]
        interval = (
            "" if low is None else f" ({low:.3f} to {high:.3f}; chance {score['chance_uar']:.3f})"
        )
        echo(
            f"{protocol}: UAR {score['uar']:.3f}{interval}, "
            f"accuracy {score['accuracy']:.3f}, calibration error {score['ece']:.3f}"
        )
        if "by" in score and "warning" in score:
            echo(f"Note: {score['warning']}")


def _gate(examples: Examples, encoder: Path, data: Path, seed: int) -> SpeechCheck:
    """The speech check, from the same examples and the sounds that `data` holds."""
    import numpy as np

    from ser_live.training.speech_check import GATE_VARIANTS, fit_gate, make_sounds

    speech = examples.where(np.isin(examples.variants, GATE_VARIANTS))
    return fit_gate(speech, make_sounds(encoder, data), seed)
