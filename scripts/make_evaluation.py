"""Measure the models on speakers they never heard, and write docs/evaluation/.

python scripts/make_evaluation.py --data DIR [--jobs 2] [--models ear classic] [--every 12]

DIR holds corpora (``ravdess/`` and others), or is RAVDESS itself; ``noise/`` and ``rir/`` in it
add recorded noises and rooms to the spoilt sound. Features, spoilt sound and fitted models are
cached, so that a run that was interrupted goes on where it was. Every fold is fitted once, and
its model serves every measurement. What is written: MODEL-PROTOCOL.json, MODEL-corpora.json,
MODEL-robustness.json, MODEL-rejection.json, MODEL-refused.json, MODEL-steadiness.json,
MODEL-seeds.json, run.json, MODEL/*.svg and README.md.

With --n-seeds the targets of ``targets.json`` are measured with further seeds too (inner folds,
random pasts and orders of sessions differ), and the page gives their mean.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from ser_live import __version__
from ser_live.cli.training_options import encoder_of
from ser_live.config import Settings
from ser_live.datasets.conversations import find_conversations
from ser_live.datasets.corpora import CORPORA_APART
from ser_live.datasets.recording import Recording
from ser_live.errors import SerLiveError
from ser_live.evaluation.affect_agreement import affect_section
from ser_live.evaluation.cross_corpus import leave_corpus_out
from ser_live.evaluation.evaluate import Evaluation
from ser_live.evaluation.judge import uar_with_interval
from ser_live.evaluation.live_path import Hearing
from ser_live.evaluation.onset import onset_section
from ser_live.evaluation.permutation import permutation_check
from ser_live.evaluation.refused_talk import refused_talk_section
from ser_live.evaluation.rejection import rejection_section
from ser_live.evaluation.reporting.figures import draw_all, strangers
from ser_live.evaluation.reporting.page import MODELS, RUN_FILE, SEEDS_FILE, TARGETS_FILE, page
from ser_live.evaluation.reporting.page_sections import at
from ser_live.evaluation.robustness import robustness_section
from ser_live.evaluation.robustness_suite import suite_in
from ser_live.evaluation.steadiness import CONVERSATION, steadiness_section, talk_in
from ser_live.model.emotion_model import EmotionModel, find_encoder
from ser_live.records.folders import examples_folder
from ser_live.training.recipe import RECIPES, Recipe, recordings_for
from ser_live.training.speech_check import BURST, GATE_VARIANTS, MUSIC, NOISE, make_sounds

FOLDER = Path(__file__).parents[1] / "docs" / "evaluation"
MAIN = "emobox"
LEAKING = "notebook"
"""Protocol that splits copies instead of speakers: none of its folds is kept."""
T = TypeVar("T")


@dataclass
class Run:
    """Options of a run, and how long its steps took."""

    data: Path
    n_jobs: int
    seed: int
    n_seeds: int
    cache_dir: Path
    every: int
    folder: Path
    steps: set[str]
    encoder: Path | None
    """Encoder for spoilt sound and beginnings, for all models at once."""
    settings: Settings = field(default_factory=Settings)
    seconds: dict[str, float] = field(default_factory=dict)

    def timed(self, name: str, make: Callable[[], T]) -> T:
        """Run one step and say how long it took."""
        print(f"{time.strftime('%H:%M:%S')} {name} ...", flush=True)
        start = time.monotonic()
        result = make()
        self.seconds[name] = round(time.monotonic() - start, 1)
        print(f"         {name}: {self.seconds[name]:.0f} s", flush=True)
        return result

    @property
    def hearing(self) -> Hearing:
        """Live path for spoilt sound and beginnings."""
        return Hearing(self.settings, self.encoder, self.n_jobs, self.cache_dir)

    def evaluation(
        self, recipe: Recipe, recordings: list[Recording], seed: int | None = None
    ) -> Evaluation:
        """The recipe on these recordings, fits kept."""
        return Evaluation(
            recipe,
            recordings,
            seed=self.seed if seed is None else seed,
            n_jobs=self.n_jobs,
            cache_dir=self.cache_dir,
            settings=self.settings,
            encoder=encoder_of(recipe),
            fits_dir=self.cache_dir / "fits",
        )

    def write(self, name: str, record: dict[str, Any]) -> None:
        """Write one result."""
        text = json.dumps(record, indent=1, ensure_ascii=False)
        (self.folder / name).write_text(text + "\n", encoding="utf-8")


def main() -> None:
    """Measure, write, say how long it took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N")
    parser.add_argument("--models", nargs="+", default=[m for m in MODELS if m in RECIPES])
    parser.add_argument("--protocols", nargs="+", default=[MAIN, "luna", "loso", LEAKING])
    parser.add_argument(
        "--steps",
        nargs="+",
        default=[
            *("onset", "affect", "permutation", "alone"),
            *("robustness", "corpora", "rejection", "refused", "steadiness"),
        ],
        help="measurements in addition to the protocols",
    )
    parser.add_argument("--every", type=int, default=12, help="spoil every so many-th clip")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--n-seeds", type=int, default=3, help="of what targets are measured with")
    parser.add_argument("--cache", type=Path, default=examples_folder(), metavar="DIR")
    parser.add_argument("--out", type=Path, default=FOLDER, metavar="DIR")
    options = parser.parse_args()
    run = Run(
        data=options.data,
        n_jobs=options.jobs,
        seed=options.seed,
        n_seeds=options.n_seeds,
        cache_dir=options.cache,
        every=options.every,
        folder=options.out,
        steps=set(options.steps),
        encoder=find_encoder() if any(RECIPES[m].needs_encoder for m in options.models) else None,
    )
    run.folder.mkdir(parents=True, exist_ok=True)
    try:
        for model in options.models:
            measure(run, RECIPES[model], options.protocols)
    except SerLiveError as error:
        sys.exit(f"Error: {error}")
    known = run.folder / RUN_FILE
    before = json.loads(known.read_text(encoding="utf-8"))["seconds"] if known.exists() else {}
    run.write(
        RUN_FILE,
        {
            "seed": run.seed,
            "n_jobs": run.n_jobs,
            "seconds": {**before, **run.seconds},
            "versions": {"ser-live": __version__},
        },
    )
    (run.folder / "README.md").write_text(page(run.folder), encoding="utf-8")
    print(f"Wrote {run.folder} in {sum(run.seconds.values()) / 60:.0f} min.")


def measure(run: Run, recipe: Recipe, protocols: list[str]) -> None:
    """Everything about one recipe."""
    name = recipe.name
    recordings = recordings_for(recipe, run.data)
    evaluation = run.evaluation(recipe, recordings)
    run.timed(f"{name}: examples", lambda: evaluation.examples(MAIN))
    records: dict[str, dict[str, Any]] = {}
    for protocol in protocols:
        if protocol == LEAKING and len({recording.corpus for recording in recordings}) > 1:
            print(f"         {name}: {protocol} left out, it splits RAVDESS alone")
            continue
        if protocol != LEAKING:
            run.timed(f"{name}: fits of {protocol}", lambda p=protocol: evaluation.fits(p))  # type: ignore[misc]
        report = run.timed(f"{name}: {protocol}", lambda p=protocol: evaluation.run(p))  # type: ignore[misc]
        records[protocol] = report.as_json()
        run.write(f"{name}-{protocol}.json", records[protocol])
    if MAIN in records:
        add_sections(run, evaluation, records[MAIN])
        run.write(f"{name}-{MAIN}.json", records[MAIN])
        spoilt = spoil(run, evaluation) if "robustness" in run.steps else None
        (run.folder / name).mkdir(exist_ok=True)
        draw_all(run.folder / name, records[MAIN], spoilt)
    if "corpora" in run.steps and (run.data / "ravdess").is_dir():
        left_out = hold_out_corpora(run, recipe, run.seed)
        run.write(f"{name}-corpora.json", left_out)
        (run.folder / name).mkdir(exist_ok=True)
        strangers(run.folder / name / "strangers.svg", left_out)
    if "rejection" in run.steps and recipe.needs_encoder and (run.data / "noise").is_dir():
        run.write(f"{name}-rejection.json", reject(run, recipe))
    if recipe.needs_encoder:
        listen_to_talk(run, name)
    if run.n_seeds > 1 and MAIN in records:
        measure_again(run, recipe, recordings)


def listen_to_talk(run: Run, name: str) -> None:
    """Hear talk that nothing was trained on with the shipped model, as streams."""
    meetings = run.data / CONVERSATION
    if "refused" in run.steps and meetings.is_dir():
        section = run.timed(
            f"{name}: refused talk",
            lambda: refused_talk_section(find_conversations(meetings), EmotionModel.load(name)),
        )
        run.write(f"{name}-refused.json", section)
    if "steadiness" in run.steps and (talk := talk_in(run.data)):
        section = run.timed(
            f"{name}: steadiness",
            lambda: steadiness_section(EmotionModel.load(name), talk, n_jobs=run.n_jobs),
        )
        run.write(f"{name}-steadiness.json", section)


def measure_again(run: Run, recipe: Recipe, recordings: list[Recording]) -> None:
    """Every target of this model with each seed; the first was measured already."""
    name = recipe.name
    targets = json.loads((FOLDER / TARGETS_FILE).read_text(encoding="utf-8"))["targets"]
    files = {
        target["file"]
        for target in targets
        if target["file"].startswith(f"{name}-") and (run.folder / target["file"]).exists()
    }
    found: dict[str, list[float]] = {}
    seeds = list(range(run.seed, run.seed + run.n_seeds))
    for seed in seeds:
        if seed == run.seed:
            records = {
                file: json.loads((run.folder / file).read_text(encoding="utf-8")) for file in files
            }
        else:
            records = with_seed(run, recipe, recordings, seed, files)
        for target in targets:
            value = at(records.get(target["file"]), target["path"])
            if value is not None:
                found.setdefault(target["what"], []).append(value)
    run.write(SEEDS_FILE.format(name), {"model": name, "seeds": seeds, "measured": found})


def with_seed(
    run: Run, recipe: Recipe, recordings: list[Recording], seed: int, files: set[str]
) -> dict[str, dict[str, Any]]:
    """The records that targets look into, measured with another seed."""
    name = recipe.name
    evaluation = run.evaluation(recipe, recordings, seed)
    fits = run.timed(f"{name}: fits of {MAIN}, seed {seed}", lambda: evaluation.fits(MAIN))
    record = run.timed(f"{name}: {MAIN}, seed {seed}", lambda: evaluation.run(MAIN).as_json())
    records = {f"{name}-{MAIN}.json": record}
    if "onset" in run.steps:
        record["onset"] = onset_section(fits, evaluation.recordings, run.hearing)
    file = f"{name}-robustness.json"
    if file in files and "robustness" in run.steps:
        records[file] = run.timed(
            f"{name}: spoilt sound, seed {seed}",
            lambda: robustness_section(
                fits, evaluation.recordings, suite_in(run.data), run.hearing, every=run.every
            ),
        )
    file = f"{name}-corpora.json"
    if file in files and "corpora" in run.steps:
        records[file] = hold_out_corpora(run, recipe, seed)
    return records


def add_sections(run: Run, evaluation: Evaluation, record: dict[str, Any]) -> None:
    """Measure more with the models of the main folds than the protocol itself."""
    recipe = evaluation.recipe
    fits, examples = evaluation.fits(MAIN), evaluation.examples(MAIN)
    if "onset" in run.steps:
        record["onset"] = run.timed(
            f"{recipe.name}: onset",
            lambda: onset_section(fits, evaluation.recordings, run.hearing),
        )
    if "affect" in run.steps:
        record["affect"] = run.timed(
            f"{recipe.name}: valence and arousal", lambda: affect_section(fits, examples)
        )
    if "permutation" in run.steps:
        record["permutation"] = run.timed(
            f"{recipe.name}: permuted labels",
            lambda: permutation_check(
                recipe,
                examples,
                evaluation.recordings,
                evaluation.masks(MAIN),
                seed=run.seed,
                n_jobs=run.n_jobs,
                fits_dir=run.cache_dir / "fits",
            ),
        )
    corpora = {recording.corpus for recording in evaluation.recordings}
    if "alone" in run.steps and len(corpora) > 1:
        alone = run.evaluation(recipe, [r for r in evaluation.recordings if r.corpus == "ravdess"])
        report = run.timed(f"{recipe.name}: RAVDESS alone", lambda: alone.judge(MAIN))
        record["ravdess_alone"] = uar_with_interval(
            report.y_true, report.probabilities, report.speakers
        )


def spoil(run: Run, evaluation: Evaluation) -> dict[str, Any]:
    """Spoilt sound, judged by the models of the main folds."""
    name = evaluation.recipe.name
    section = run.timed(
        f"{name}: spoilt sound",
        lambda: robustness_section(
            evaluation.fits(MAIN),
            evaluation.recordings,
            suite_in(run.data),
            run.hearing,
            every=run.every,
        ),
    )
    record = {"model": name, "protocol": MAIN, "seed": run.seed, **section}
    run.write(f"{name}-robustness.json", record)
    return record


def reject(run: Run, recipe: Recipe) -> dict[str, Any]:
    """Measure the sounds that the speech check keeps out, and the speech it costs."""
    from ser_live.datasets.sounds import find_music, find_noises, find_vocal_bursts

    encoder = encoder_of(recipe)
    assert encoder is not None
    examples = run.evaluation(recipe, recordings_for(recipe, run.data)).examples(MAIN)
    speech = examples.where(np.isin(examples.variants, GATE_VARIANTS))
    sounds = run.timed(
        f"{recipe.name}: sounds for the gate", lambda: make_sounds(encoder, run.data)
    )
    section = run.timed(f"{recipe.name}: gate", lambda: rejection_section(speech, sounds, run.seed))
    bursts, music = run.data / "vocal_bursts", run.data / "music"
    return {
        "model": recipe.name,
        "seed": run.seed,
        "n_offered": {
            NOISE: len(find_noises(run.data / "noise")),
            BURST: len(find_vocal_bursts(bursts)) if bursts.is_dir() else 0,
            MUSIC: len(find_music(music)) if music.is_dir() else 0,
        },
        **section,
    }


def hold_out_corpora(run: Run, recipe: Recipe, seed: int) -> dict[str, Any]:
    """Each corpus judged by a model that never saw it."""
    recordings = recordings_for(recipe, run.data, CORPORA_APART)
    evaluation = run.evaluation(recipe, recordings, seed)
    examples = run.timed(f"{recipe.name}: all corpora", lambda: evaluation.examples(MAIN))
    return run.timed(
        f"{recipe.name}: corpora held out, seed {seed}",
        lambda: leave_corpus_out(
            recipe,
            examples,
            recordings,
            seed=seed,
            n_jobs=run.n_jobs,
            fits_dir=run.cache_dir / "fits",
        ),
    )


if __name__ == "__main__":
    main()
