"""The result of an evaluation, as JSON and as a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_live import __version__
from ser_live.arrays import Bool, Float64, Int64, Str
from ser_live.emotions import LABELS
from ser_live.evaluation import metrics
from ser_live.evaluation.calibration import accuracy_of_confident_half, calibration_section
from ser_live.evaluation.judge import judged, rounded, sexes_compared, speaker_matrices
from ser_live.features import FEATURE_SET_VERSION

if TYPE_CHECKING:
    from rich.console import RenderableType

LEAK_WARNING = (
    "This protocol leaks: copies of the test clips, and all test voices, are in the training "
    "set. It repeats a widespread mistake for comparison; the number on unseen actors stands "
    "beside it."
)
_LIBRARIES = ("numpy", "scipy", "scikit-learn", "joblib")


@dataclass(eq=False)
class Report:
    """Predictions for labelled clips, and what follows from them."""

    protocol: str
    recipe: str
    y_true: Int64
    """Index into ``EMOTIONS``, shape (n_clips,)."""
    probabilities: Float64
    """Shape (n_clips, 8)."""
    speakers: Str
    sexes: Str
    n_without_utterance: int
    """Clips in which no utterance was found; they count as equal probabilities."""
    seed: int
    folds: Int64 | None = None
    """Fold in which each clip was tested; None where folds share speakers."""
    trained_on: tuple[str, ...] = ()
    """Corpora in training."""
    sections: Mapping[str, Any] = field(default_factory=dict)
    """Further measurements with the same models, by key of the JSON."""
    unseen_actors: Report | None = None
    """Report to compare a protocol that leaks with: the same recipe and data, split by actor."""

    @property
    def matrix(self) -> Int64:
        """Confusion matrix, rows = truth."""
        return self._matrix(np.ones(len(self.y_true), dtype=bool))

    @property
    def uar(self) -> float:
        return metrics.uar(self.matrix)

    @property
    def accuracy(self) -> float:
        return metrics.accuracy(self.matrix)

    @property
    def ece(self) -> float:
        return metrics.expected_calibration_error(self.y_true, self.probabilities)

    def interval(self, metric: str) -> tuple[float, float]:
        """95 % interval over actors drawn with replacement."""
        per_speaker = speaker_matrices(self.y_true, self._predicted, self.speakers, len(LABELS))
        return metrics.bootstrap_interval(per_speaker, metric)

    def as_json(self) -> dict[str, Any]:
        """Everything that was measured; numbers rounded to 4 digits, NaN as None."""
        matrix = self.matrix
        record: dict[str, Any] = {
            "protocol": self.protocol,
            "model": self.recipe,
            "leaks": self.unseen_actors is not None,
            **judged(self.y_true, self.probabilities, self.speakers),
            "majority_accuracy": rounded(float(matrix.sum(axis=1).max() / max(1, matrix.sum()))),
            "ece_bins": metrics.N_ECE_BINS,
            "labels": list(LABELS),
            "confusion_matrix": matrix.tolist(),
            "per_actor": self._per(self.speakers),
            "per_actor_uar_std": rounded(self._spread()),
            "per_sex": self._per(self.sexes),
            "sexes": sexes_compared(self.y_true, self.probabilities, self.speakers, self.sexes),
            "n_without_utterance": self.n_without_utterance,
            "trained_on": list(self.trained_on),
            "seed": self.seed,
            "feature_set_version": FEATURE_SET_VERSION,
            "versions": {"ser-live": __version__, **{name: version(name) for name in _LIBRARIES}},
            **self.sections,
        }
        if self.folds is not None:
            record["calibration"] = calibration_section(self.y_true, self.probabilities, self.folds)
        if self.unseen_actors is not None:
            record["warning"] = LEAK_WARNING
            record["unseen_actors"] = self.unseen_actors.as_json()
        return record

    def as_table(self) -> RenderableType:
        """Confusion matrix with recalls, and the summary below it."""
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        matrix = self.matrix
        recalls = metrics.recall_per_class(matrix)
        table = Table(
            title=f"{self.recipe}, protocol {self.protocol}: rows = truth, columns = prediction",
            box=None,
            pad_edge=False,
            title_justify="left",
        )
        table.add_column("")
        for label in LABELS:
            table.add_column(label[:7], justify="right")
        table.add_column("recall", justify="right")
        for row, label in enumerate(LABELS):
            table.add_row(label, *map(str, matrix[row]), f"{recalls[row]:.3f}")
        low, high = self.interval("uar")
        sure = accuracy_of_confident_half(self.y_true, self.probabilities)
        of_sexes = "   ".join(
            f"{sex} UAR {part['uar']:.3f}" for sex, part in self._per(self.sexes).items() if sex
        )
        lines = [
            f"UAR {self.uar:.3f} (95 % over actors {low:.3f} to {high:.3f}; "
            f"chance {metrics.chance_uar(len(LABELS)):.3f})",
            f"accuracy {self.accuracy:.3f}   macro F1 {metrics.macro_f1(matrix):.3f}   "
            f"calibration error {self.ece:.3f}",
            f"the surer half of the answers is right in {sure:.3f}   {of_sexes}",
            f"{len(self.y_true)} clips of {len(np.unique(self.speakers))} actors, "
            f"{self.n_without_utterance} without an utterance; "
            f"UAR per actor varies by {self._spread():.3f} (standard deviation)",
        ]
        lines += _session_lines(self.sections)
        parts: list[RenderableType] = [table, Text("\n".join(lines))]
        if self.unseen_actors is not None:
            parts = [
                *parts,
                Text(LEAK_WARNING, style="bold red"),
                Text(),
                self.unseen_actors.as_table(),
            ]
        return Group(*parts)

    @property
    def _predicted(self) -> Int64:
        return np.asarray(self.probabilities.argmax(axis=1), dtype=np.int64)

    def _matrix(self, mask: Bool) -> Int64:
        return metrics.confusion_matrix(self.y_true[mask], self._predicted[mask], len(LABELS))

    def _per(self, groups: Str) -> dict[str, dict[str, Any]]:
        return {
            group: {
                "n": int(matrix.sum()),
                "accuracy": rounded(metrics.accuracy(matrix)),
                "uar": rounded(metrics.uar(matrix)),
            }
            for group, matrix in metrics.matrices_per_group(
                self.y_true, self._predicted, groups, len(LABELS)
            ).items()
        }

    def _spread(self) -> float:
        per_speaker = metrics.matrices_per_group(
            self.y_true, self._predicted, self.speakers, len(LABELS)
        )
        return float(np.std([metrics.uar(matrix) for matrix in per_speaker.values()]))


def _session_lines(sections: Mapping[str, Any]) -> list[str]:
    """One line for each kind of session of a model that adapts."""
    adapted = sections.get("adapted")
    if not adapted:
        return []
    kinds = {
        "adapted to the speaker's past": adapted,
        "  in mostly neutral sessions": adapted["mostly_neutral"],
        "  after 20 angry utterances": adapted["after_anger"],
        "enrolled with one statement": sections.get("enrolled"),
    }
    return [
        f"{name}: UAR {score['uar']:.3f} ({score['interval']['uar'][0]:.3f} to "
        f"{score['interval']['uar'][1]:.3f}), unadapted {score['unadapted']['uar']:.3f}"
        for name, score in kinds.items()
        if score
    ]
