"""Whatever comes from outside leads to a result or to one sentence; and who finds that out.

These are the first inputs of each target; ``scripts/reliability/hostile.py`` runs 100,000.
"""

from __future__ import annotations

import sys
from pathlib import Path

import fuzz_planted
import fuzz_targets
import pytest
from fuzzing import attempt, fuzz

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="limits of memory as Linux sets them"
)

N_INPUTS = {"audio": 1500, "settings": 400, "model": 400, "encoder": 400}
"""Inputs for each target in a second or two; the others take 2000."""


@pytest.mark.parametrize("name", fuzz_targets.TARGETS)
def test_hostile_input_gives_a_result_or_a_refusal(name: str) -> None:
    """No stored input and no mutation of one escapes; some are good and some are refused."""
    target = fuzz_targets.TARGETS[name]
    n_inputs = len(target.seeds()) + N_INPUTS.get(name, 2000)
    outcome = fuzz(target, n_inputs)
    assert [(e.number, e.what) for e in outcome.escapes] == []
    assert outcome.n_results + outcome.n_refused == n_inputs
    assert outcome.n_results > 0
    assert outcome.n_refused > 0


@pytest.mark.parametrize("name", fuzz_targets.TARGETS)
def test_what_is_good_in_the_corpus_is_taken(name: str, tmp_path: Path) -> None:
    """The corpus reaches deep: it has not gone stale with the program's formats."""
    target = fuzz_targets.TARGETS[name]
    results = [
        path.name
        for path in target.corpus()
        if not path.name.startswith(("kept", "escaped"))
        and attempt(target, path.read_bytes(), tmp_path) is None
    ]
    least = {"audio": 30, "ravdess": 2, "pcm": 4, "log": 4, "model": 2, "settings": 4}
    assert len(results) >= least.get(name, 1)


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("raises", "IndexError: planted"),
        ("exits", "SystemExit"),
        ("dies", "exit -6"),
        ("hangs", "no answer within 5 s"),
        ("swells", "MemoryError"),
        ("prints", "printed past the program"),
        ("speechless", "a refusal that says nothing"),
    ],
)
def test_every_kind_of_escape_is_noticed(name: str, what: str) -> None:
    """A planted fault is counted each time, its input is told, and the rest is run too."""
    target = fuzz_planted.TARGETS[name]
    n_inputs = 40 if name in ("hangs", "dies") else 200
    seeds = target.seeds()
    bad = [number for number in range(n_inputs) if sum(target.make_input(number, seeds)) % 32 == 5]
    assert bad, "no planted input among them: take more"
    outcome = fuzz(target, n_inputs, time_limit_s=5.0)
    assert [escape.number for escape in outcome.escapes] == bad
    assert all(what in escape.what for escape in outcome.escapes)
    assert all(e.data == target.make_input(e.number, seeds) for e in outcome.escapes)


def test_every_kind_of_record_is_fuzzed() -> None:
    """The documented log, with all records there are, is among the inputs, and it is read."""
    target = fuzz_targets.TARGETS["log"]
    (example,) = target.more()
    assert example.count(b'"type":"') >= 12
    assert example in target.seeds()


def test_an_input_is_the_same_each_time() -> None:
    """Number and name make an input; nothing else does."""
    target = fuzz_targets.TARGETS["log"]
    seeds = target.seeds()
    made = [target.make_input(number, seeds) for number in range(300)]
    assert made == [target.make_input(number, seeds) for number in range(300)]
    assert len(set(made)) > 200
