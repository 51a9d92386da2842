"""RAVDESS names and folders."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_live.datasets import Recording, byte_identical
from ser_live.datasets.ravdess import (
    Modality,
    VocalChannel,
    actor_of,
    find_recordings,
    parse_name,
    recording_of,
)
from ser_live.emotions import EMOTIONS, Emotion
from ser_live.errors import DatasetError


def is_song(recording: Recording) -> bool:
    return parse_name(recording.path.name).vocal_channel is VocalChannel.SONG


def test_every_field_of_a_name_is_read() -> None:
    """The example of the corpus' own description is read field by field."""
    name = parse_name("02-01-06-01-02-01-12.mp4")
    assert name.modality is Modality.VIDEO_ONLY
    assert name.vocal_channel is VocalChannel.SPEECH
    assert name.emotion is Emotion.FEARFUL
    assert not name.is_strong
    assert (name.statement, name.repetition, name.actor) == (2, 1, 12)
    assert name.sex == "female"
    assert name.speaker == "ravdess-12"


@given(
    modality=st.integers(1, 3),
    channel=st.integers(1, 2),
    emotion=st.integers(1, 8),
    intensity=st.integers(1, 2),
    statement=st.integers(1, 2),
    repetition=st.integers(1, 2),
    actor=st.integers(1, 24),
    suffix=st.sampled_from(["", ".wav", ".flac", ".mp4", ".WAV"]),
)
def test_a_name_is_legal_exactly_when_the_corpus_has_it(
    modality: int,
    channel: int,
    emotion: int,
    intensity: int,
    statement: int,
    repetition: int,
    actor: int,
    suffix: str,
) -> None:
    """Legal names survive reading and writing; the two impossible combinations are refused."""
    fields = (modality, channel, emotion, intensity, statement, repetition, actor)
    stem = "-".join(f"{field:02d}" for field in fields)
    if (emotion == 1 and intensity == 2) or (channel == 2 and emotion > 6):
        with pytest.raises(DatasetError, match=r"neutral|sung"):
            parse_name(stem + suffix)
    else:
        name = parse_name(stem + suffix)
        assert str(name) == stem
        assert name.sex == ("male" if actor % 2 else "female")
        assert EMOTIONS[emotion - 1] is name.emotion


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("04-01-01-01-01-01-01.wav", "modality 04"),
        ("00-01-01-01-01-01-01.wav", "modality 00"),
        ("03-03-01-01-01-01-01.wav", "vocal channel 03"),
        ("03-01-09-01-01-01-01.wav", "emotion 09"),
        ("03-01-02-03-01-01-01.wav", "intensity 03"),
        ("03-01-02-01-03-01-01.wav", "statement 03"),
        ("03-01-02-01-01-03-01.wav", "repetition 03"),
        ("03-01-02-01-01-01-25.wav", "actor 25"),
        ("03-01-01-02-01-01-01.wav", "no strong neutral"),
        ("03-02-07-01-01-01-01.wav", "sings only neutral"),
        ("03-02-08-01-01-01-01.wav", "sings only neutral"),
        ("3-1-1-1-1-1-1.wav", "not a RAVDESS name"),
        ("03-01-01-01-01-01.wav", "not a RAVDESS name"),
        ("03-01-01-01-01-01-01-01.wav", "not a RAVDESS name"),
        ("03-01-01-01-01-01-01 copy.wav", "not a RAVDESS name"),
        ("٠٣-01-01-01-01-01-01.wav", "not a RAVDESS name"),
        ("", "not a RAVDESS name"),
    ],
)
def test_illegal_names_are_refused_with_the_reason(name: str, reason: str) -> None:
    """What does not exist in the corpus is refused, and the message says which field."""
    with pytest.raises(DatasetError, match=reason):
        parse_name(name)


def _touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())


def test_recordings_are_found_sorted_and_other_files_passed_over(tmp_path: Path) -> None:
    """Only visible sound files count; order is by actor, then name; songs on request."""
    _touch(
        tmp_path,
        "Actor_02/03-01-03-01-01-01-02.wav",
        "Actor_01/03-01-05-02-01-01-01.FLAC",
        "Actor_01/03-01-04-01-01-01-01.wav",
        "Actor_01/02-01-08-01-01-01-01.mp4",
        "Actor_01/03-02-04-01-01-01-01.wav",
        "Actor_01/._03-01-04-01-01-01-01.wav",
        "Actor_01/notes.txt",
    )
    found = find_recordings(tmp_path)
    assert [recording.path.stem for recording in found] == [
        "03-01-04-01-01-01-01",
        "03-01-05-02-01-01-01",
        "03-01-03-01-01-01-02",
    ]
    assert [actor_of(recording) for recording in found] == [1, 1, 2]
    assert found[1].intensity == "strong"
    assert not any(is_song(recording) for recording in found)
    assert len(find_recordings(tmp_path, None)) == 4
    assert [is_song(r) for r in find_recordings(tmp_path, VocalChannel.SONG)] == [True]


def test_a_performance_that_is_there_twice_is_taken_once(tmp_path: Path) -> None:
    """The nested second copy of a widespread archive, and audio beside video, count once."""
    _touch(
        tmp_path,
        "Actor_01/03-01-04-01-01-01-01.wav",
        "copy/Actor_01/03-01-04-01-01-01-01.wav",
        "A_video/01-01-04-01-01-01-01.mp4",
    )
    (only,) = find_recordings(tmp_path)
    assert only.path == tmp_path / "Actor_01/03-01-04-01-01-01-01.wav"


def test_folders_without_recordings_are_refused(tmp_path: Path) -> None:
    """A missing folder, an empty one and one with a misnamed clip each say what to do."""
    with pytest.raises(DatasetError, match="not a folder"):
        find_recordings(tmp_path / "absent")
    with pytest.raises(DatasetError, match="holds no RAVDESS speech recordings"):
        find_recordings(tmp_path)
    _touch(tmp_path, "take one.wav")
    with pytest.raises(DatasetError, match=r"take one\.wav' is not a RAVDESS name"):
        find_recordings(tmp_path)


def test_byte_identical_files_are_reported(tmp_path: Path) -> None:
    """Equal bytes under two names make one group; equal sizes alone do not."""
    _touch(tmp_path, "03-01-03-01-01-01-01.wav", "03-01-03-01-02-01-01.wav")
    original = tmp_path / "03-01-03-01-01-01-01.wav"
    shutil.copy(original, tmp_path / "03-01-03-01-01-02-01.wav")
    recordings = find_recordings(tmp_path)
    assert len(recordings) == 3
    (group,) = byte_identical(recordings)
    assert [recording.path.stem for recording in group] == [
        "03-01-03-01-01-01-01",
        "03-01-03-01-01-02-01",
    ]


def test_recording_of_refuses_what_parse_name_refuses() -> None:
    """A record is never made from an illegal name."""
    with pytest.raises(DatasetError, match="actor 99"):
        recording_of(Path("03-01-03-01-01-01-99.wav"))


@pytest.mark.corpus
def test_the_published_corpus_is_complete(corpus_dir: Path) -> None:
    """1440 speech clips: 96 neutral and 192 of each other emotion, 12 actors of each sex."""
    recordings = find_recordings(corpus_dir / "ravdess")
    assert len(recordings) == 1440
    counts = Counter(recording.label for recording in recordings)
    assert counts.pop(Emotion.NEUTRAL) == 96
    assert set(counts.values()) == {192}
    assert Counter(recording.sex for recording in recordings) == {"male": 720, "female": 720}
    (pair,) = byte_identical(recordings)
    assert [recording.path.stem for recording in pair] == [
        "03-01-03-01-02-01-07",
        "03-01-03-01-02-02-07",
    ]


@pytest.mark.corpus
def test_song_is_parsed_too(corpus_dir: Path) -> None:
    """Song clips carry six emotions, and none of speech is among them."""
    recordings = find_recordings(corpus_dir / "ravdess_song", VocalChannel.SONG)
    assert all(is_song(recording) for recording in recordings)
    assert {recording.label for recording in recordings} <= set(EMOTIONS[:6])
