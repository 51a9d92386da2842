"""Running a protocol: fit a recipe without the test speakers, predict their clips."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np

from ser_live.arrays import Bool, Float64, Int64
from ser_live.config import Settings
from ser_live.datasets.everyday import is_everyday
from ser_live.datasets.ravdess import CORPUS, actor_of
from ser_live.datasets.recording import Recording
from ser_live.emotions import LABELS
from ser_live.errors import DatasetError
from ser_live.evaluation.adaptation import adaptation_sections
from ser_live.evaluation.folds import FoldFit, clip_probabilities, fit_folds
from ser_live.evaluation.live_path import Hearing
from ser_live.evaluation.protocols import actor_folds
from ser_live.evaluation.report import Report
from ser_live.training.augmentation import NOTEBOOK_VARIANTS, PLAIN
from ser_live.training.examples import Examples, make_examples
from ser_live.training.recipe import Recipe

NOTEBOOK_TEST_SHARE = 0.25

_Part: TypeAlias = tuple[list[int], tuple[str, ...], tuple[str, ...] | None]
"""Recordings, the variants that are made of them, and those of which with beginnings."""


@dataclass
class Evaluation:
    """One evaluation to run: recipe, recordings, seed and processes.

    Several corpora may be given; RAVDESS alone is tested, and the others are trained on in
    every fold, but for what the actors under test sing.
    """

    recipe: Recipe
    recordings: Sequence[Recording]
    seed: int = 0
    n_jobs: int = 1
    cache_dir: Path | None = None
    settings: Settings = field(default_factory=Settings)
    encoder: Path | None = None
    """Graph of the learned encoder, for a recipe that needs it."""
    fits_dir: Path | None = None
    """Folder in which fitted models are kept between runs; None keeps none."""
    made: dict[tuple[str, ...], Examples] = field(default_factory=dict)
    """Examples by variants; those that are here are not made again."""
    _fits: dict[str, list[FoldFit]] = field(default_factory=dict, init=False)
    on_example: Callable[[], None] = lambda: None
    """Called after each recording and variant has become examples."""
    on_fold: Callable[[], None] = lambda: None
    """Called after each fold."""

    @property
    def hearing(self) -> Hearing:
        """Live path for recordings that are changed after the fits."""
        return Hearing(self.settings, self.encoder, self.n_jobs, self.cache_dir)

    def n_examples(self, protocol: str) -> int:
        """Number of calls of ``on_example`` to expect."""
        return sum(len(clips) * len(variants) for clips, variants, _ in self._parts(protocol))

    def n_folds(self, protocol: str) -> int:
        """Number of calls of ``on_fold`` to expect; also checks that the protocol can run."""
        if protocol == "notebook":
            if (self._actors() == 0).any():
                raise DatasetError(
                    "found several corpora, but protocol notebook splits RAVDESS alone: give its "
                    "folder."
                )
            return 1 + self.n_folds("emobox")
        return len(self.masks(protocol))

    def run(self, protocol: str) -> Report:
        """Run one protocol of ``protocols.PROTOCOLS``.

        Raises
        ------
        UsageError
            Unknown protocol.
        DatasetError
            The recordings lack actors or labels that are needed.
        """
        self.n_folds(protocol)
        if protocol == "notebook":
            return self._notebook()
        return self._by_actor(protocol)

    def examples(self, protocol: str) -> Examples:
        """The examples a protocol needs, made once."""
        variants = self._variants(protocol)
        if variants not in self.made:
            parts = []
            for clips, wanted, beginnings in self._parts(protocol):
                part = make_examples(
                    [self.recordings[clip] for clip in clips],
                    wanted,
                    beginnings=beginnings,
                    settings=self.settings,
                    encoder=self.encoder,
                    n_jobs=self.n_jobs,
                    cache_dir=self.cache_dir,
                    on_progress=self.on_example,
                )
                numbers = np.array(clips, dtype=np.int64)
                parts.append(replace(part, clips=numbers[part.clips]))
            self.made[variants] = joined(parts)
        return self.made[variants]

    def _parts(self, protocol: str) -> list[_Part]:
        """Recordings by what is made of them: all variants, some, or none where only judged."""
        recipe, variants = self.recipe, self._variants(protocol)
        others = variants if recipe.other_variants is None else recipe.other_variants
        parts: dict[str, _Part] = {
            "main": ([], variants, recipe.beginnings),
            "others": ([], others, recipe.beginnings if others is variants else ()),
            "judged": ([], (PLAIN,), ()),
        }
        for clip, recording in enumerate(self.recordings):
            if recording.corpus == CORPUS:
                parts["main"][0].append(clip)
            elif recording.corpus in recipe.corpora or is_everyday(recording.corpus):
                parts["others"][0].append(clip)
            else:
                parts["judged"][0].append(clip)
        return [part for part in parts.values() if part[0]] or [parts["main"]]

    def masks(self, protocol: str) -> list[tuple[str, Bool]]:
        """Name and test recordings of each fold."""
        actors = self._actors()
        folds = actor_folds(protocol, actors[actors > 0])
        return [(fold.name, fold.is_test(actors)) for fold in folds]

    def fits(self, protocol: str) -> list[FoldFit]:
        """The model of each fold; fitted once for all measurements."""
        if protocol not in self._fits:
            self._fits[protocol] = fit_folds(
                self.recipe,
                self.examples(protocol),
                self.masks(protocol),
                seed=self.seed,
                n_jobs=self.n_jobs,
                fits_dir=self.fits_dir,
                on_fold=self.on_fold,
            )
        return self._fits[protocol]

    def _variants(self, protocol: str) -> tuple[str, ...]:
        return NOTEBOOK_VARIANTS if protocol == "notebook" else self.recipe.variants

    def _actors(self) -> Int64:
        """Actor number of each recording, 0 for the corpora that are not tested."""
        return np.array(
            [
                actor_of(recording) if recording.corpus == CORPUS else 0
                for recording in self.recordings
            ],
            dtype=np.int64,
        )

    def judge(self, protocol: str) -> Report:
        """Train on some actors, test each plain recording of the others on its own."""
        return self._judge(protocol, self.fits(protocol), self.examples(protocol))

    def _by_actor(self, protocol: str) -> Report:
        """The same, and then in sessions."""
        examples, fits = self.examples(protocol), self.fits(protocol)
        report = self.judge(protocol)
        report.sections = adaptation_sections(fits, examples, self.recordings, seed=self.seed)
        return report

    def _judge(self, protocol: str, fits: Sequence[FoldFit], examples: Examples) -> Report:
        clips = np.flatnonzero(self._actors() > 0)
        probabilities = np.full((len(self.recordings), len(LABELS)), np.nan)
        folds = np.full(len(self.recordings), -1, dtype=np.int64)
        n_empty = 0
        for number, fit in enumerate(fits):
            wanted, tested = np.flatnonzero(fit.is_test), fit.tested(examples)
            probabilities[wanted], n_missing = clip_probabilities(
                fit.fitted, tested, tested.clips, wanted
            )
            folds[wanted] = number
            n_empty += n_missing
        return self._report(protocol, clips, probabilities[clips], n_empty, folds[clips])

    def _notebook(self) -> Report:
        """Copies first, random split second: copies of test clips are in training."""
        examples = self.examples("notebook")
        n_clips = len(self.recordings)
        variant_index = np.array(
            [NOTEBOOK_VARIANTS.index(str(variant)) for variant in examples.variants]
        )
        items = variant_index * n_clips + examples.clips
        n_items = n_clips * len(NOTEBOOK_VARIANTS)
        shuffled = np.random.default_rng(self.seed).permutation(n_items)
        test_items = np.sort(shuffled[: round(NOTEBOOK_TEST_SHARE * n_items)])
        row_is_test = np.isin(items, test_items)
        fitted = self.recipe.fit(examples.where(~row_is_test), self.seed)
        self.on_fold()
        tested = row_is_test & examples.is_final
        probabilities, n_empty = clip_probabilities(
            fitted, examples.where(tested), items[tested], test_items
        )
        report = self._report("notebook", test_items % n_clips, probabilities, n_empty)
        fits = fit_folds(
            self.recipe,
            examples,
            self.masks("emobox"),
            seed=self.seed,
            n_jobs=self.n_jobs,
            on_fold=self.on_fold,
        )
        report.unseen_actors = self._judge("emobox", fits, examples)
        return report

    def _report(
        self,
        protocol: str,
        clips: Int64,
        probabilities: Float64,
        n_empty: int,
        folds: Int64 | None = None,
    ) -> Report:
        chosen = [self.recordings[clip] for clip in clips]
        return Report(
            protocol=protocol,
            recipe=self.recipe.name,
            y_true=np.array([LABELS.index(recording.label) for recording in chosen]),
            probabilities=probabilities,
            speakers=np.array([recording.speaker for recording in chosen]),
            sexes=np.array([recording.sex for recording in chosen]),
            n_without_utterance=n_empty,
            seed=self.seed,
            folds=folds,
            trained_on=tuple(sorted({recording.corpus for recording in self.recordings})),
        )


def joined(parts: Sequence[Examples]) -> Examples:
    """The rows of several tables, one after the other."""
    if len(parts) == 1:
        return parts[0]
    return Examples(
        **{
            field.name: np.concatenate([getattr(part, field.name) for part in parts])
            for field in fields(Examples)
        }
    )
