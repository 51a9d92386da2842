"""Recordings of one's own: every form is read, and what is left out is counted by reason."""

from __future__ import annotations

import wave
from collections.abc import Callable
from pathlib import Path

import pytest

from ser_live.datasets.corpora import holds_corpora
from ser_live.datasets.known_names import NAMINGS
from ser_live.datasets.own import OwnRecordings, check_enough, find_own
from ser_live.datasets.recording import Recording
from ser_live.errors import DatasetError


def sound(path: Path, content: str | None = None) -> Path:
    """A wav of a moment; every name, or content, has other samples."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = (content or str(path)).encode()
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes((text * 800)[:1600])
    return path


def sounds(folder: Path, *names: str) -> Path:
    for name in names:
        sound(folder / name)
    return folder


def found_of(n: int, n_speakers: int, *labels: str, by_speaker: bool = True) -> OwnRecordings:
    recordings = [
        Recording("own", f"own-{k % n_speakers}", Path(f"{label}{k}.wav"), label, "", "")
        for label in labels
        for k in range(n)
    ]
    return OwnRecordings(recordings, "folders", {}, by_speaker)


def test_a_folder_for_each_label_with_a_folder_for_each_speaker(tmp_path: Path) -> None:
    """Known labels come first in their order, then the others by the alphabet."""
    sounds(tmp_path, *(f"{label}/{who}/{k}.wav" for label in ("stressed", "Angry", "bored")
                       for who in ("anna", "ben") for k in "12"))  # fmt: skip
    (tmp_path / "bored" / "notes.txt").write_text("x")
    (tmp_path / "bored" / "broken.wav").write_text("x")
    sounds(tmp_path, "loose.wav", "bored/.hidden/1.wav")
    found = find_own(tmp_path)
    assert found.labels == ("angry", "bored", "stressed")
    assert found.by_speaker
    assert found.n_speakers == 2
    assert len(found.recordings) == 12
    assert found.left_out == {"in no folder of a label": 1, "not sound": 1, "unreadable": 1}
    assert str(found) == (
        "12 recordings of 2 speakers by folders: 4 angry, 4 bored, 4 stressed; left out: "
        "1 in no folder of a label, 1 not sound, 1 unreadable"
    )


@pytest.mark.parametrize("folder", ["", "anna/"])
def test_without_speakers_each_recording_stands_for_itself(tmp_path: Path, folder: str) -> None:
    """The same holds where all are of one voice: there is nobody to hold out."""
    found = find_own(
        sounds(tmp_path, *(f"{label}/{folder}{k}.wav" for label in "ab" for k in "123"))
    )
    assert not found.by_speaker
    assert found.n_speakers == 6


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("named", [False, True])
def test_a_table_names_files_labels_and_speakers(
    tmp_path: Path, delimiter: str, named: bool
) -> None:
    """Whatever separates its columns, and with the mark that some programs begin files with."""
    sounds(tmp_path, "a/1.wav", "a/2.wav", "3.wav", "4.wav")
    rows = [
        ("Speaker", "File", "Emotion", "note"),
        ("anna", "a/1.wav", "bored", "x"),
        ("ben", "a/2.wav", " HAPPY ", ""),
        ("ben", "a/2.wav", "bored", ""),
        ("ben", "absent.wav", "bored", ""),
        ("ben", "3.wav", "", ""),
        ("anna", "4.wav", "__proto__", ""),
        ("", "", "", ""),
    ]
    table = tmp_path / "calls.csv"
    text = "\n".join(delimiter.join(row) for row in rows)
    table.write_text(f"\ufeff{text}\n", encoding="utf-8")
    found = find_own(table if named else tmp_path)
    assert {(r.path.name, r.label, r.speaker) for r in found.recordings} == {
        ("1.wav", "bored", "own-anna"),
        ("2.wav", "happy", "own-ben"),
        ("4.wav", "__proto__", "own-anna"),
    }
    assert found.form == "table calls.csv"
    assert found.left_out == {"listed twice": 1, "listed but absent": 1, "without a label": 1}


@pytest.mark.parametrize("listed", ["../1.wav", "/etc/passwd", "a/../../1.wav", "C:1.wav"])
def test_a_table_leads_nowhere_else(tmp_path: Path, listed: str) -> None:
    """A recording beside the folder is not read: the table is refused."""
    sounds(tmp_path, "1.wav")
    table = tmp_path / "in" / "calls.csv"
    table.parent.mkdir()
    table.write_text(f"file,label\n{listed},bored\n")
    with pytest.raises(DatasetError, match="a path that goes down from its folder"):
        find_own(table)


@pytest.mark.parametrize("label", ["\x1b[31mred", "a\u202eb", "x" * 1000, "x" * 41, "a\x00b"])
def test_labels_that_no_terminal_should_show_are_refused(tmp_path: Path, label: str) -> None:
    """One sentence, in which the label stands escaped and cut."""
    sounds(tmp_path, "1.wav")
    table = tmp_path / "calls.csv"
    table.write_text(f"file,label\n1.wav,{label}\n", encoding="utf-8")
    with pytest.raises(DatasetError) as caught:
        find_own(table)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < len(str(table)) + 300


@pytest.mark.parametrize("label", ["__proto__", "😀", "עייף", "=1+1", "[red]", "<b>", "sehr müde"])
def test_odd_labels_are_words_like_others(tmp_path: Path, label: str) -> None:
    """In any writing; displays escape them where they must."""
    sounds(tmp_path, "1.wav", "2.wav")
    table = tmp_path / "calls.csv"
    table.write_text(f"file;label\n1.wav;{label}\n2.wav;other\n", encoding="utf-8")
    assert set(find_own(table).labels) == {label, "other"}


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda folder: folder / "absent", "is not a folder and not a CSV file"),
        (lambda folder: folder, r"holds no labelled recording \(empty\)"),
        (lambda folder: _written(folder / "x.csv", b"a,b\n1,2\n"), "no columns file and label"),
        (lambda folder: _written(folder / "x.csv", b"file,label\n\xff"), "cannot be read"),
        (lambda folder: _written(folder / "x.csv", b"file,label\n"), "holds no labelled"),
        (
            lambda folder: (
                _written(folder / "x.csv", b"file,label\n")
                and _written(folder / "y.csv", b"file,label\n").parent
            ),
            "several tables",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_sentence(
    tmp_path: Path, make: Callable[[Path], Path], reason: str
) -> None:
    """Absent, empty, not a table, not text, without lines, ambiguous."""
    with pytest.raises(DatasetError, match=reason) as caught:
        find_own(make(tmp_path))
    assert "\n" not in str(caught.value)


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("stem", "name", "label", "speaker"),
    [
        ("03-01-05-01-02-02-12", "RAVDESS", "angry", "12"),
        ("1001_DFA_ANG_XX", "CREMA-D", "angry", "1001"),
        ("03a01Wa", "EMO-DB", "angry", "03"),
        ("16b10Lb", "EMO-DB", "bored", "16"),
        ("OAF_back_ps", "TESS", "surprised", "OAF"),
        ("OA_bite_neutral", "TESS", "neutral", "OAF"),
        ("YAF_dog_fear", "TESS", "fearful", "YAF"),
        ("DC_a01", "SAVEE", "angry", "DC"),
        ("KL_su15", "SAVEE", "surprised", "KL"),
        ("03-01-09-01-02-02-12", "", "", ""),
        ("holiday", "", "", ""),
    ],
)
def test_names_of_well_known_corpora(stem: str, name: str, label: str, speaker: str) -> None:
    """Each is known to one corpus alone."""
    read = {naming.name: naming.parse(stem) for naming in NAMINGS}
    known = {key: value for key, value in read.items() if value is not None}
    assert known == ({name: (label, speaker)} if name else {})


@pytest.mark.parametrize("place", ["", "wav/", "OAF_angry/"])
def test_names_count_where_folders_say_nothing_else(tmp_path: Path, place: str) -> None:
    """Flat, below any folder with several labels, or below one that is named alike."""
    sounds(tmp_path, f"{place}OAF_back_angry.wav", "YAF_sad/YAF_back_sad.wav")
    if place == "wav/":
        sounds(tmp_path, "wav/OAF_dog_sad.wav")
    found = find_own(tmp_path)
    assert found.form == "names of TESS"
    assert found.labels == ("sad", "angry")
    assert {r.speaker for r in found.recordings} == {"own-OAF", "own-YAF"}


def test_folders_win_over_names(tmp_path: Path) -> None:
    """Clips of a corpus, sorted into labels of one's own, have those."""
    sounds(tmp_path, "stressed/1001_DFA_ANG_XX.wav", "bored/1001_DFA_SAD_XX.wav")
    assert find_own(tmp_path).labels == ("bored", "stressed")


def test_copies_are_taken_once(tmp_path: Path) -> None:
    """Else the same sound would be trained on and tested; with two labels it says nothing."""
    sound(tmp_path / "a" / "1.wav", "same")
    sound(tmp_path / "a" / "2.wav", "same")
    sound(tmp_path / "a" / "3.wav", "both")
    sound(tmp_path / "b" / "3.wav", "both")
    sound(tmp_path / "b" / "4.wav")
    found = find_own(tmp_path)
    assert [r.path.name for r in found.recordings] == ["1.wav", "4.wav"]
    assert found.left_out == {"a copy of another": 1, "the same sound with two labels": 2}


def test_too_little_is_refused_with_what_is_missing() -> None:
    """Each label by its name; with few asked for, two recordings do."""
    check_enough(found_of(30, 2, "bored", "stressed"), few=False)
    check_enough(found_of(2, 1, "bored", "stressed"), few=True)
    check_enough(found_of(30, 30, "bored", "stressed", by_speaker=False), few=False)
    with pytest.raises(DatasetError) as caught:
        check_enough(found_of(12, 1, "bored", "stressed"), few=False)
    assert str(caught.value) == (
        "found too little to learn from: bored lacks 18 of its 30 recordings and 1 of its 2 "
        "speakers; stressed lacks 18 of its 30 recordings and 1 of its 2 speakers: add recordings, "
        "or go on all the same with --few."
    )
    with pytest.raises(DatasetError, match=r"bored lacks 1 of its 2 rec.*add recordings\.$"):
        check_enough(found_of(1, 1, "bored", "stressed"), few=True)
    for labels in (("bored",), tuple(f"label {n}" for n in range(33))):
        with pytest.raises(DatasetError, match=f"found {len(labels)} label"):
            check_enough(found_of(30, 2, *labels), few=True)


def test_ravdess_and_folders_of_corpora_are_not_ones_own(tmp_path: Path) -> None:
    """Anything else is."""
    assert not holds_corpora(tmp_path / "absent")
    assert not holds_corpora(sounds(tmp_path / "mine", "bored/1.wav"))
    assert holds_corpora(sounds(tmp_path / "one", "Actor_01/03-01-05-01-01-01-01.wav"))
    assert holds_corpora(sounds(tmp_path / "many", "CREMA-D/1001_DFA_ANG_XX.wav"))
