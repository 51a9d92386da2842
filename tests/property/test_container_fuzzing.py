"""What ffmpeg hears of an odd file is heard, or a sentence tells; and who finds that out.

These are the first inputs of each target and some of the corpus; the long form is
``scripts/reliability/odd_files.py``.
"""

from __future__ import annotations

import itertools
import math
import sys
from dataclasses import replace
from pathlib import Path

import fuzz_containers
import fuzz_planted
import held_sound
import mp3_bits
import numpy as np
import odd_corpus
import pytest
from beside_ffmpeg import (
    Hearing,
    heard_by_ffmpeg,
    heard_by_library,
    heard_by_ser_live,
    silently_lost_s,
    sweep,
    tonal_s,
)
from container_parts import mpeg_frames
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


ONCE_LOST = {
    "wav": (
        734,
        1046,
        1195,
        3216,
        3490,
        3741,
        100_706,
        100_922,
        707_962,
        714_411,
        719_068,
        719_817,
    ),
    "ogg": (365, 530, 603, 3376, 708_528, 710_601, 1_208_885),
    "mp3": (370, 694, 1523, 1622, 2021, 2457, 103_046, 505_869, 700_742, 908_412),
    "flac": (942, 1115, 1940, 2413, 2777, 704_294),
    "mp4": (4087, 7551, 11_546),
}
"""Inputs of which something was lost without a word, one or more of each kind that was mended."""

MADE_UP = {
    "wav": (100_049, 702_252, 702_412),
    "flac": (286, 507, 752),
    "mp3": (740, 1064, 2138, 104_928, 300_709, 502_451, 719_563, 919_785, 1_207_785),
}
"""Inputs of which ffmpeg gives what is not in them; see `held_sound` and `mp3_bits`."""


@pytest.mark.parametrize("inputs", [ONCE_LOST, MADE_UP], ids=["once lost", "made up"])
def test_inputs_that_once_escaped(inputs: dict[str, tuple[int, ...]], tmp_path: Path) -> None:
    """What was lost without a word is heard or told; what ffmpeg makes up is not asked for."""
    pytest.importorskip("av", reason="the optional extra `media` is not installed")
    for name, numbers in inputs.items():
        target = fuzz_containers.TARGETS[name]
        seeds = target.seeds()
        for number in numbers:
            said = attempt(target, target.make_input(number, seeds), tmp_path)
            assert said is None or isinstance(said, target.refusals), f"{name} {number}: {said}"


def test_what_a_file_cannot_hold_is_known() -> None:
    """Frames of flac, bytes of joined wav, and padding and frames without bits of MP3 are found."""
    wav = (fuzz_containers.TARGETS["wav"].folder / "pcm_16").read_bytes()
    assert held_sound.most_wav_s(wav) == math.inf
    assert held_sound.most_wav_s(wav + wav) == pytest.approx(1.6, abs=0.05)
    flac = (fuzz_containers.TARGETS["flac"].folder / "16k").read_bytes()
    assert held_sound.most_flac_s(flac + flac) == pytest.approx(1.6)
    steady = (fuzz_containers.TARGETS["mp3"].folder / "steady_16k").read_bytes()
    assert held_sound.padding_between_s(steady) == 0.0
    between_s = held_sound.padding_between_s(steady + steady)
    assert 1105 / 16_000 < between_s < 4 * 1152 / 16_000
    for path in fuzz_containers.TARGETS["mp3"].folder.iterdir():
        data = path.read_bytes()
        assert mp3_bits.without_bits_s(data) == 0.0
    varying = mpeg_frames(
        (fuzz_containers.TARGETS["mp3"].folder / "varying_of_libsndfile").read_bytes()
    )
    assert mp3_bits.without_bits_s(b"".join([*varying[:2], *varying[3:]])) > 0.3
    assert mp3_bits.without_bits_s(b"".join([*varying[:9], *varying[8:]])) > 0.3
    # Zeros over a hundred bytes that hold the sound of four frames, each 36 ms.
    whole = b"".join(varying)
    blank = whole[:700] + bytes(100) + whole[800:]
    assert 4 * 0.036 <= mp3_bits.without_bits_s(blank) < 7 * 0.036


def test_ffmpeg_and_its_libraries_hear_the_same() -> None:
    """The quick way of asking ffmpeg gives what its program gives."""
    pytest.importorskip("av", reason="the optional extra `media` is not installed")
    for name in ("wav", "ogg", "mp4"):
        for path in fuzz_containers.TARGETS[name].corpus()[:3]:
            by_program, by_library = heard_by_ffmpeg(path), heard_by_library(path)
            assert by_library.seconds == pytest.approx(by_program.seconds, abs=0.05)
            assert by_library.tonal_s == pytest.approx(by_program.tonal_s, abs=0.05)


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


@pytest.mark.parametrize(("name", "seed"), [("flac", "16k"), ("mp3", "varying_of_libsndfile")])
def test_what_is_known_of_ffmpeg_hides_no_loss(name: str, seed: str, tmp_path: Path) -> None:
    """Of whole files, and of two that follow each other, a third that is dropped is found."""

    def dropping(path: Path) -> Hearing:
        heard = heard_by_ser_live(path)
        return replace(heard, seconds=heard.seconds * 2 / 3, tonal_s=heard.tonal_s * 2 / 3)

    one = (fuzz_containers.TARGETS[name].folder / seed).read_bytes()
    for data in (one, one + one):
        with pytest.raises(AssertionError, match="silent loss"):
            fuzz_containers.hear_beside_ffmpeg(data, tmp_path, dropping, kind=name)
        fuzz_containers.hear_beside_ffmpeg(data, tmp_path, kind=name)


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
