"""Folds by actor."""

from __future__ import annotations

import numpy as np
import pytest

from ser_live.errors import DatasetError, UsageError
from ser_live.evaluation.protocols import actor_folds

ACTORS = np.repeat(np.arange(1, 25), 60)


@pytest.mark.parametrize(("protocol", "n_folds"), [("emobox", 6), ("luna", 5), ("loso", 24)])
def test_every_actor_is_tested_once_and_never_trained_on_then(protocol: str, n_folds: int) -> None:
    """The test sets are disjoint, cover all 24 actors, and share no actor with training."""
    folds = actor_folds(protocol, ACTORS)
    assert len(folds) == n_folds
    tested = np.zeros(len(ACTORS), dtype=int)
    for fold in folds:
        mask = fold.is_test(ACTORS)
        assert not set(ACTORS[mask]) & set(ACTORS[~mask])
        tested += mask
    assert (tested == 1).all()


def test_emobox_folds_hold_two_men_and_two_women_or_so() -> None:
    """Each EmoBox fold tests four actors."""
    assert {len(fold.test_actors) for fold in actor_folds("emobox", ACTORS)} == {4}


def test_missing_actors_are_named() -> None:
    """A fixed protocol on a partial corpus says who is missing; loso takes what is there."""
    some = ACTORS[ACTORS < 23]
    with pytest.raises(DatasetError, match="actors 23, 24 are missing"):
        actor_folds("emobox", some)
    assert len(actor_folds("loso", some)) == 22
    with pytest.raises(DatasetError, match="needs at least 2"):
        actor_folds("loso", ACTORS[:60])


def test_unknown_protocols_are_refused() -> None:
    """The message lists what there is."""
    with pytest.raises(UsageError, match="emobox, luna, loso, notebook"):
        actor_folds("random", ACTORS)
