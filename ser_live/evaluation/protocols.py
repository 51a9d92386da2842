"""Protocols: the speakers that are tested, and those that are trained on.

Every protocol but ``notebook`` holds whole actors out: no voice is in training and
test at once, which is what a new user's voice is to a shipped model.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ser_live.arrays import Bool, Int64
from ser_live.datasets.ravdess import N_ACTORS
from ser_live.errors import DatasetError, UsageError

PROTOCOLS = ("emobox", "luna", "loso", "notebook")

EMOBOX_TEST_ACTORS = (
    (1, 11, 20, 21),
    (4, 10, 12, 14),
    (8, 9, 19, 23),
    (3, 5, 7, 24),
    (2, 15, 16, 18),
    (6, 13, 17, 22),
)
"""Test actors of the six RAVDESS folds of EmoBox (Ma et al. 2024, arXiv:2406.07162)."""

LUNA_TEST_ACTORS = (
    (2, 5, 14, 15, 16),
    (3, 6, 7, 13, 18),
    (10, 11, 12, 19, 20),
    (8, 17, 21, 23, 24),
    (1, 4, 9, 22),
)
"""Test actors of the five folds of Luna-Jiménez et al. 2021 (Sensors 21(22), 7665)."""


@dataclass(frozen=True)
class Fold:
    """One split by actor."""

    name: str
    test_actors: frozenset[int]

    def is_test(self, actors: Int64) -> Bool:
        """Mask of the samples that belong to the test actors, shape of `actors`."""
        return np.isin(actors, sorted(self.test_actors))


def actor_folds(protocol: str, actors: Int64) -> list[Fold]:
    """The folds of a speaker-independent protocol.

    Parameters
    ----------
    protocol : {"emobox", "luna", "loso"}
    actors : int array, shape (n_samples,)
        Actor number of every sample.

    Raises
    ------
    UsageError
        Unknown protocol.
    DatasetError
        Actors the protocol needs are missing (``loso`` takes any two or more).
    """
    present = {int(actor) for actor in np.unique(actors)}
    if protocol == "loso":
        if len(present) < 2:
            raise DatasetError(
                f"found recordings of {len(present)} actor, but leaving one out needs at least 2."
            )
        return [Fold(f"actor {actor:02d}", frozenset({actor})) for actor in sorted(present)]
    groups = {"emobox": EMOBOX_TEST_ACTORS, "luna": LUNA_TEST_ACTORS}.get(protocol)
    if groups is None:
        raise UsageError(f"unknown protocol {protocol!r}: choose one of {', '.join(PROTOCOLS)}.")
    missing = sorted(set(range(1, N_ACTORS + 1)) - present)
    if missing:
        raise DatasetError(
            f"recordings of actors {', '.join(map(str, missing))} are missing, but protocol "
            f"{protocol} tests on all {N_ACTORS}: complete the corpus or use --protocol loso."
        )
    return [
        Fold(f"{protocol} {number}", frozenset(group)) for number, group in enumerate(groups, 1)
    ]
