"""``ser-live train``: a model folder from recordings."""

from __future__ import annotations

from pathlib import Path

import click

from ser_live.cli.options import jobs_option
from ser_live.cli.printing import echo
from ser_live.cli.training_options import (
    data_options,
    encoder_of,
    progress_bars,
)
from ser_live.folders import examples_folder


@click.command()
@data_options
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
    help="Evaluate on the EmoBox folds first and put the result on the model's card.",
)
@jobs_option
def command(
    data: Path,
    recipe_name: str,
    seed: int,
    cache_dir: Path | None,
    out: Path,
    scores: bool,
    jobs: int,
) -> None:
    """Train a model on RAVDESS, and on what else a recipe can use.

    Recordings go through the same voice activity detection, segmentation and
    features as live audio. RAVDESS is licensed CC BY-NC-SA 4.0, so the model is
    for non-commercial use.

    \b
    Examples:
      ser-live train --data corpora --model ear --out models/mine --jobs 4
      ser-live --model models/mine
    """
    import numpy as np

    from ser_live.evaluation.corpora import recordings_in
    from ser_live.evaluation.evaluate import Evaluation
    from ser_live.training.export import train_model
    from ser_live.training.recipe import find_recipe
    from ser_live.training.speech_gate import GATE_VARIANTS, fit_gate, make_sounds

    recipe = find_recipe(recipe_name)
    recordings = recordings_in(data, recipe.corpora)
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
        n_folds = evaluation.n_folds("emobox") if scores else 0
        bars.expect(evaluation.n_examples("emobox"), n_folds)
        examples = evaluation.examples("emobox")
        measured = {"emobox": evaluation.run("emobox").as_json()} if scores else {}
        gate = None
        if encoder is not None:
            speech = examples.where(np.isin(examples.variants, GATE_VARIANTS))
            gate = fit_gate(speech, make_sounds(encoder, data), seed)
        card = train_model(
            out,
            recipe,
            recordings,
            examples,
            seed=seed,
            scores=measured,
            encoder=encoder,
            gate=gate,
        )
    echo(
        f"Wrote {out} ({card['weights']['n_bytes'] / 1e6:.1f} MB, "
        f"SHA-256 {card['weights']['sha256'][:12]})."
    )
    for protocol, score in measured.items():
        low, high = score["interval"]["uar"]
        echo(
            f"{protocol}: UAR {score['uar']:.3f} ({low:.3f} to {high:.3f}), "
            f"accuracy {score['accuracy']:.3f}, calibration error {score['ece']:.3f}"
        )
