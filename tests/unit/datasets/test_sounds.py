"""Noises, voices without words, and impulse responses."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ser_live.datasets.impulse_responses import direct_onset, find_rooms, measure
from ser_live.datasets.sounds import (
    BACKGROUNDS,
    find_music,
    find_noises,
    find_vocal_bursts,
    read_backgrounds,
)
from ser_live.errors import DatasetError
from ser_live.synthesis.corruptions import synthetic_room

RATE = 16_000


def test_kinds_of_noise_are_read_from_the_notes(tmp_path: Path) -> None:
    """Origin and remarks fall away, joined words come apart, no kind is no guess."""
    notes = {
        "a.flac": "noise class: dog bark; peak after resample 1.03 scaled to 1",
        "b.flac": "noise class: car horn (ESC-50)",
        "c.flac": "noise: MetroSubway",
        "d.flac": "noise: ACVacuum",
        "e.flac": "noise: speechbrain test sample (open rir/noise set)",
        "f.flac": "",
    }
    rows = "".join(f"{name},{note}\n" for name, note in notes.items())
    (tmp_path / "index.csv").write_text("file,notes\n" + rows)
    for name in notes:
        (tmp_path / name).touch()
    kinds = {noise.path.name: noise.kind for noise in find_noises(tmp_path)}
    assert kinds == {
        "a.flac": "dog bark",
        "b.flac": "car horn",
        "c.flac": "metro subway",
        "d.flac": "ac vacuum",
        "e.flac": "unnamed",
        "f.flac": "unnamed",
    }
    (tmp_path / "a.flac").unlink()
    with pytest.raises(DatasetError, match="lacks 1 of the 6 sounds"):
        find_noises(tmp_path)


def test_an_index_of_sounds_leads_nowhere_else(tmp_path: Path) -> None:
    """A noise that is there, but beside the folder, is not read."""
    folder, outside = tmp_path / "noise", tmp_path / "a.flac"
    folder.mkdir()
    outside.touch()
    for listed in ("../a.flac", str(outside)):
        (folder / "index.csv").write_text(f"file,notes\n{listed},noise: Car\n")
        with pytest.raises(DatasetError, match="a path that goes down from its folder"):
            find_noises(folder)


def test_backgrounds_are_read_by_kind(tmp_path: Path) -> None:
    """Only what goes on behind a speaker is read; a folder without any is refused."""
    index = tmp_path / "index.csv"
    index.write_text("file,notes\na.wav,noise class: cat\n")
    soundfile.write(tmp_path / "a.wav", np.full(160, 0.5), RATE)
    with pytest.raises(DatasetError, match="holds no background noise"):
        read_backgrounds(tmp_path)
    index.write_text("file,notes\na.wav,noise: Car\n")
    ((kind, (samples,)),) = read_backgrounds(tmp_path).items()
    assert kind == "car"
    assert samples == pytest.approx(np.full(160, 0.5), abs=1e-4)


def test_categories_of_vocal_bursts_are_read_from_the_notes(tmp_path: Path) -> None:
    """What the voice was to express, in one word."""
    (tmp_path / "index.csv").write_text(
        "file,emotion,speaker,gender,language,notes\n"
        'a.flac,happy,eg000294,,x,"vocal burst, category amusement (mostly laughter)"\n'
    )
    (tmp_path / "a.flac").touch()
    (burst,) = find_vocal_bursts(tmp_path)
    assert (burst.category, burst.speaker) == ("amusement", "emogator-000294")


def test_cuts_of_a_piece_of_music_belong_together(tmp_path: Path) -> None:
    """Every version of a piece is the same piece."""
    names = ("Feelings_guitar_1", "Feelings_song_2", "music_race1_jt_3")
    (tmp_path / "index.csv").write_text("file\n" + "".join(f"{name}.opus\n" for name in names))
    for name in names:
        (tmp_path / f"{name}.opus").touch()
    assert [music.piece for music in find_music(tmp_path)] == [
        "Feelings",
        "Feelings",
        "music_race1_jt",
    ]


@pytest.mark.parametrize("reverberation_s", [0.3, 0.8, 2.0])
@pytest.mark.parametrize("direct_db", [-12.0, 0.0])
def test_a_known_room_is_measured_back(reverberation_s: float, direct_db: float) -> None:
    """Onset, reverberation time and density of a made room come out; it is a room."""
    rng = np.random.default_rng(0)
    room = np.concatenate([np.zeros(400), synthetic_room(reverberation_s, direct_db, rng)])
    found = measure(room)
    assert found.onset == 400
    assert found.rise_s == 0.0
    assert found.reverberation_s == pytest.approx(reverberation_s, rel=0.1)
    assert found.echo_density == pytest.approx(1.0, abs=0.15)
    assert found.band_spread_db < 5.0
    assert found.is_room
    assert found.is_everyday == (reverberation_s <= 1.25)


def _decaying(reverberation_s: float, seconds: float = 1.5) -> np.ndarray:
    time_s = np.arange(round(seconds * RATE)) / RATE
    noise = np.random.default_rng(1).standard_normal(len(time_s))
    return noise * 10 ** (-3 * time_s / reverberation_s)


def test_effects_are_no_rooms() -> None:
    """Too long, sparse, late, filtered, reversed, too short, or a mere click: each is told."""
    room = _decaying(0.6)
    assert measure(room).is_room
    assert not measure(_decaying(6.0, 8.0)).is_room
    comb = np.where(np.arange(len(room)) % 400 == 0, _decaying(0.6), 0.0)
    assert measure(comb).echo_density < 0.85
    assert not measure(comb).is_room
    late = np.concatenate([0.3 * room[:3200], room])
    late[3200] = 5.0
    assert measure(late).rise_s == pytest.approx(0.2, abs=0.01)
    assert not measure(late).is_room
    spectrum = np.fft.rfft(room)
    spectrum[np.fft.rfftfreq(len(room), 1 / RATE) > 400] *= 0.01
    assert measure(np.fft.irfft(spectrum)).band_spread_db > 20
    assert not measure(np.fft.irfft(spectrum)).is_room
    assert not measure(room[::-1]).is_room
    assert not measure(room[:200]).is_room
    click = np.zeros(2000)
    click[10] = 1.0
    assert not measure(click).is_room


def test_direct_and_later_sound_are_weighed() -> None:
    """A click and one of half its height 10 ms later: 6.02 dB; within 2.5 ms: all direct."""
    for place, expected_db in ((200, 6.0206), (30, np.inf)):
        response = np.zeros(1000)
        response[[40, 40 + place]] = 1.0, 0.5
        assert measure(response).direct_db == pytest.approx(expected_db, abs=1e-3)


def test_the_direct_sound_is_the_first_within_20_db() -> None:
    """An earlier, weaker sound is not it; a sign does not matter."""
    response = np.zeros(100)
    response[[10, 20, 30]] = 0.05, -0.2, 1.0
    assert direct_onset(response) == 20


def test_rooms_are_picked_from_a_folder(tmp_path: Path) -> None:
    """Rooms are kept by name, effects and silence are not; a folder without rooms is refused."""
    soundfile.write(tmp_path / "click.wav", np.eye(1, 1600, 5)[0], RATE)
    soundfile.write(tmp_path / "nothing.wav", np.zeros(1600), RATE)
    with pytest.raises(DatasetError, match="holds no impulse response of a room"):
        find_rooms(tmp_path)
    made = synthetic_room(0.5, 0.0, np.random.default_rng(2))
    soundfile.write(tmp_path / "study.flac", 0.5 * made / np.abs(made).max(), RATE)
    assert list(find_rooms(tmp_path)) == ["study"]


@pytest.mark.corpus
def test_the_real_noises_are_found(corpus_dir: Path) -> None:
    """122 noises, every background among them."""
    if not (corpus_dir / "noise").is_dir():
        pytest.skip(f"no noise in {corpus_dir}")
    kinds = Counter(noise.kind for noise in find_noises(corpus_dir / "noise"))
    assert kinds.total() == 122
    assert set(BACKGROUNDS) <= set(kinds)


@pytest.mark.corpus
def test_the_real_vocal_bursts_are_found(corpus_dir: Path) -> None:
    """120 voices of 101 speakers, each with a category."""
    if not (corpus_dir / "vocal_bursts").is_dir():
        pytest.skip(f"no vocal_bursts in {corpus_dir}")
    bursts = find_vocal_bursts(corpus_dir / "vocal_bursts")
    assert len(bursts) == 120
    assert len({burst.speaker for burst in bursts}) == 101
    assert all(burst.category for burst in bursts)


@pytest.mark.corpus
def test_the_real_music_is_found(corpus_dir: Path) -> None:
    """116 cuts of 16 pieces."""
    if not (corpus_dir / "music").is_dir():
        pytest.skip(f"no music in {corpus_dir}")
    cuts = find_music(corpus_dir / "music")
    assert len(cuts) == 116
    assert len({cut.piece for cut in cuts}) == 16


@pytest.mark.corpus
def test_real_rooms_are_told_from_effects(corpus_dir: Path) -> None:
    """Halls, a kitchen and a clap are rooms; springs, combs and stretched sounds are not."""
    if not (corpus_dir / "rir").is_dir():
        pytest.skip(f"no rir in {corpus_dir}")
    rooms = find_rooms(corpus_dir / "rir")
    assert set(rooms) == {
        "gc_binaural-s3_r4_bd",
        "gc_cardiod-35-10-spread",
        "gc_cardiod-rear-35-10",
        "gc_cardiod-true-stereo-15-8",
        "gc_kitchen-true-stereo",
        "gc_omni-35-10",
        "sp_rir_clap",
    }
    everyday = {name for name, response in rooms.items() if measure(response).is_everyday}
    assert everyday == {"gc_kitchen-true-stereo", "sp_rir_clap"}
