"""Running a protocol: fit a recipe without the test speakers, predict their clips."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ser_live.config import Settings
from ser_live.datasets.ravdess import actor_of
from ser_live.datasets.recording import Recording
from ser_live.emotions import LABELS
from ser_live.evaluation.protocols import actor_folds
from ser_live.evaluation.report import Report
from ser_live.fitted import Fitted
from ser_live.training.augmentation import NOTEBOOK_VARIANTS, PLAIN
from ser_live.training.examples import Examples, make_examples
from ser_live.training.recipe import Recipe

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

NOTEBOOK_TEST_SHARE = 0.25


@dataclass
class Evaluation:
    """One evaluation to run: what, on what, and how fast."""

    recipe: Recipe
    recordings: Sequence[Recording]
    seed: int = 0
    n_jobs: int = 1
    cache_dir: Path | None = None
    settings: Settings = field(default_factory=Settings)
    _made: dict[tuple[str, ...], Examples] = field(default_factory=dict, init=False)
    on_example: Callable[[], None] = lambda: None
    """Called after each recording and variant has become examples."""
    on_fold: Callable[[], None] = lambda: None
    """Called after each fold."""

    def n_examples(self, protocol: str) -> int:
        """How often ``on_example`` will be called."""
        return len(self.recordings) * len(self._variants(protocol))

    def n_folds(self, protocol: str) -> int:
        """How often ``on_fold`` will be called; also checks that the protocol can run."""
        if protocol == "notebook":
            return 1 + self.n_folds("emobox")
        return len(actor_folds(protocol, self._actors()))

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
        examples = self.examples(protocol)
        if protocol == "notebook":
            return self._notebook(examples)
        return self._by_actor(protocol, examples)

    def examples(self, protocol: str) -> Examples:
        """The examples a protocol needs, made once."""
        variants = self._variants(protocol)
        if variants not in self._made:
            self._made[variants] = make_examples(
                self.recordings,
                variants,
                settings=self.settings,
                n_jobs=self.n_jobs,
                cache_dir=self.cache_dir,
                on_progress=self.on_example,
            )
        return self._made[variants]

    def _variants(self, protocol: str) -> tuple[str, ...]:
        return NOTEBOOK_VARIANTS if protocol == "notebook" else self.recipe.variants

    def _actors(self) -> IntArray:
        return np.array([actor_of(recording) for recording in self.recordings], dtype=np.int64)

    def _by_actor(self, protocol: str, examples: Examples) -> Report:
        """Train on some actors, test the plain recordings of the others."""
        from joblib import Parallel, delayed

        actors = self._actors()
        tests = [fold.is_test(actors) for fold in actor_folds(protocol, actors)]
        answers = Parallel(n_jobs=self.n_jobs, return_as="generator")(
            delayed(_test_fold)(self.recipe, examples, is_test, self.seed) for is_test in tests
        )
        probabilities = np.full((len(actors), len(LABELS)), np.nan)
        n_empty = 0
        for is_test, (answer, n_missing) in zip(tests, answers, strict=True):
            probabilities[is_test] = answer
            n_empty += n_missing
            self.on_fold()
        return self._report(protocol, np.arange(len(actors)), probabilities, n_empty)

    def _notebook(self, examples: Examples) -> Report:
        """Copies first, random split second: copies of test clips are in training."""
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
        report.unseen_actors = self._by_actor("emobox", examples)
        return report

    def _report(
        self, protocol: str, clips: IntArray, probabilities: FloatArray, n_empty: int
    ) -> Report:
        chosen = [self.recordings[clip] for clip in clips]
        return Report(
            protocol=protocol,
            recipe=self.recipe.name,
            y_true=np.array([LABELS.index(recording.emotion.value) for recording in chosen]),
            probabilities=probabilities,
            speakers=np.array([recording.speaker for recording in chosen]),
            sexes=np.array([recording.sex for recording in chosen]),
            n_without_utterance=n_empty,
            seed=self.seed,
        )


def _test_fold(
    recipe: Recipe, examples: Examples, is_test: NDArray[np.bool_], seed: int
) -> tuple[FloatArray, int]:
    """Probabilities of the test clips by a classifier that saw none of their actors."""
    row_is_test = is_test[examples.clips]
    fitted = recipe.fit(examples.where(~row_is_test), seed)
    tested = examples.where(row_is_test & examples.is_final & (examples.variants == PLAIN))
    return clip_probabilities(fitted, tested, tested.clips, np.flatnonzero(is_test))


def clip_probabilities(
    fitted: Fitted, tested: Examples, items: IntArray, wanted: IntArray
) -> tuple[FloatArray, int]:
    """Probabilities of whole clips from those of their utterances.

    The mean over a clip's utterances, weighted by their speech time. A clip in which
    no utterance was found has equal probabilities for all labels.

    Parameters
    ----------
    fitted : Fitted
    tested : Examples
    items : int array, shape (n_rows,)
        Which clip each row belongs to.
    wanted : int array, shape (n_clips,)
        Clips to answer for, in this order.

    Returns
    -------
    probabilities : float64 array, shape (n_clips, n_labels)
    n_empty : int
        Clips without an utterance.
    """
    position = {int(item): index for index, item in enumerate(wanted)}
    total = np.zeros((len(wanted), len(LABELS)))
    weight = np.zeros(len(wanted))
    if len(tested):
        rows = np.array([position[int(item)] for item in items])
        np.add.at(total, rows, tested.speech_s[:, None] * fitted.predict_proba(tested.X))
        np.add.at(weight, rows, tested.speech_s)
    empty = weight == 0.0
    total[empty], weight[empty] = 1.0 / len(LABELS), 1.0
    result: FloatArray = total / weight[:, None]
    return result, int(empty.sum())
