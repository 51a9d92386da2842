"""What ffmpeg hears of an odd file is heard, or a sentence tells; and who finds that out.

These are the first inputs of each target and some of the corpus; the long form is
``scripts/reliability/odd_files.py``.
"""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import fuzz_containers
import fuzz_planted
import numpy as np
import odd_corpus
import pytest
from beside_ffmpeg import Hearing, heard_by_ffmpeg, silently_lost_s, sweep, tonal_s
from debian_packages import missing_programs
from fuzzing import attempt, fuzz

MISSING = missing_programs(["ffmpeg"])

pytestmark = [
    pytest.mark.skipif(bool(MISSING), reason=MISSING or "ffmpeg is there"),
    pytest.mark.skipif(
        not sys.platform.startswith("linux"), reason="limits of memory as Linux sets them"
    ),
]

N_INPUTS = 16


@pytest.mark.parametrize("name", fuzz_containers.TARGETS)
def test_spoilt_containers_are_heard_as_by_ffmpeg_or_told(name: str) -> None:
    """No mutation of a container loses sound without a word."""
    pytest.importorskip("av", reason="the optional extra `media` is not installed")
    target = fuzz_containers.TARGETS[name]
    outcome = fuzz(target, N_INPUTS, first=len(target.seeds()))
    assert [(e.number, e.what) for e in outcome.escapes] == []
    assert outcome.n_results > 0
    assert outcome.n_refused > 0


def test_what_is_odd_is_heard_or_told(tmp_path: Path) -> None:
    """Two dozen files of the corpus: nothing lost without a word, nothing whole called damaged."""
    pytest.importorskip("av", reason="the optional extra `media` is not installed")
    trials = [
        odd_corpus.tried(file, tmp_path)
        for file in itertools.islice(
            odd_corpus.files(lambda coding: coding.name in ("wav pcm16", "ogg opus", "mp3 cbr")),
            0,
            None,
            2,
        )
    ]
    assert len(trials) >= 20
    bad = [t for t in trials if t.is_silent_loss or t.is_false_alarm or t.escape]
    assert [str(trial) for trial in bad] == []


@pytest.mark.parametrize("kind", ["silent", "muted", "stopped"])
def test_a_decoder_that_loses_sound_is_found(kind: str, tmp_path: Path) -> None:
    """Sound that is dropped, zeroed or cut without a word is an escape; told, it is none."""
    target = fuzz_planted.LOSSES[kind]
    data = (fuzz_containers.TARGETS["wav"].folder / "pcm_16").read_bytes()
    said = attempt(target, data, tmp_path)
    assert isinstance(said, AssertionError)
    assert "silent loss" in str(said)
    assert attempt(fuzz_containers.TARGETS["wav"], data, tmp_path) is None


def test_the_rule() -> None:
    """Less than ffmpeg is a loss, unless an error, a gap of that length or a fitting note tells."""
    theirs = Hearing(1.0, 1.0)
    assert silently_lost_s(Hearing(0.4, 0.4), theirs) == pytest.approx(0.6)
    assert silently_lost_s(Hearing(0.4, 0.4, lost_s=0.5), theirs) == pytest.approx(0.1)
    assert silently_lost_s(Hearing(0.4, 0.4, error="It is cut off."), theirs) == 0.0
    assert silently_lost_s(Hearing(0.4, 0.4, notes=("5 bytes were passed over.",)), theirs) == 0.0
    assert silently_lost_s(Hearing(0.4, 0.4, notes=("All was heard.",)), theirs) > 0.5
    assert silently_lost_s(Hearing(1.0, 0.4), theirs, of_tone=True) == pytest.approx(0.6)
    assert silently_lost_s(Hearing(2.0, 2.0), theirs) == 0.0


def test_a_tone_is_known_and_noise_is_not() -> None:
    """What a decoder makes up of junk does not count as sound."""
    noise = np.random.default_rng(1).standard_normal(16_000).astype(np.float32) * 0.1
    assert tonal_s(sweep(16_000, 1.0)[:, 0]) > 0.98
    assert tonal_s(noise) < 0.02
    assert tonal_s(np.zeros(16_000, np.float32)) == 0.0


def test_ffmpeg_hears_what_is_there() -> None:
    """The other side works: the length that was put in comes out."""
    heard = heard_by_ffmpeg(fuzz_containers.TARGETS["wav"].folder / "pcm_16")
    assert heard.seconds == pytest.approx(0.8, abs=0.001)


def test_long_runs_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run with a state does not repeat what is stored, and its tally is that of one run."""
    monkeypatch.setattr(fuzz_containers, "PIECE", 2)
    state = tmp_path / "state.jsonl"
    first = fuzz_containers.run_pieces(2, ["wav"], 1, state)
    state.write_text(state.read_text() + '{"target": "wa')
    monkeypatch.setattr(fuzz_containers, "fuzz", lambda *_, **__: pytest.fail("run again"))
    assert fuzz_containers.run_pieces(2, ["wav"], 1, state) == first
    assert first["inputs"] == 2
