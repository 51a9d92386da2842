"""What is taken of folders, and what is said of the rest."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from ser_live.batch.folders import Why, find_audio_files, in_words
from ser_live.errors import UsageError
from ser_live.sources import AUDIO_SUFFIXES
from ser_live.sources.suffixes import has_media


@pytest.fixture(autouse=True)
def _with_pyav(monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies in a folder is taken alike, whether the optional PyAV is installed or not."""
    monkeypatch.setattr("ser_live.batch.folders.has_media", lambda: True)


def made(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return folder


def names(folder: Path, files: list[Path]) -> list[str]:
    return [str(path.relative_to(folder)) for path in files]


def test_every_suffix_of_a_recording_is_taken_in_any_case(tmp_path: Path) -> None:
    """Also those that only some systems write."""
    suffixes = "wma aac caf mov avi mka w64 wave mp2 aifc snd m4b weba 3gp amr sph voc vob".split()  # noqa: SIM905
    assert {f".{suffix}" for suffix in suffixes} < AUDIO_SUFFIXES
    made(tmp_path, *(f"a{suffix}" for suffix in AUDIO_SUFFIXES), "b.WAV", "c.txt")
    found = find_audio_files([tmp_path])
    assert len(found.files) == len(AUDIO_SUFFIXES) + 1
    assert in_words(found.left_out) == "1 file with another name"


def test_what_is_hidden_or_discarded_is_passed_over(tmp_path: Path) -> None:
    """The leavings of Macs, wastebaskets and storage boxes are counted, not heard."""
    made(
        tmp_path,
        *("a.wav", "._a.wav", ".DS_Store", "__MACOSX/._a.wav", ".Trash/b.wav"),
        *("@eaDir/a.wav/thumb.mp3", ".hidden/c.wav", "sub/.Trash-1000/d.wav", "sub/e.wav"),
    )
    found = find_audio_files([tmp_path])
    assert names(tmp_path, found.files) == ["a.wav", "sub/e.wav"]
    assert {why for _, why in found.left_out} == {Why.SET_ASIDE}
    assert in_words(found.left_out) == "6 hidden or discarded ones"


def test_a_hidden_folder_that_is_named_is_meant(tmp_path: Path) -> None:
    """Names are passed over below what was asked for, not at its top."""
    made(tmp_path, ".box/a.wav")
    assert len(find_audio_files([tmp_path / ".box"]).files) == 1
    assert len(find_audio_files([tmp_path / ".box" / "a.wav"]).files) == 1


@pytest.fixture
def linked(tmp_path: Path) -> Path:
    """A folder with links to a file, to a folder elsewhere, in a circle, and to nothing."""
    top = made(tmp_path / "top", "sub/b.wav")
    made(tmp_path / "elsewhere", "y.wav")
    try:
        (top / "a link.wav").symlink_to(top / "sub" / "b.wav")
    except OSError:
        pytest.skip("this system makes no links for this user")
    (top / "circle").symlink_to(top, target_is_directory=True)
    (top / "other").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (top / "sub" / "other too").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (top / "gone.wav").symlink_to(tmp_path / "nowhere.wav")
    (top / "unmounted").symlink_to(tmp_path / "disk", target_is_directory=True)
    (top / "self.wav").symlink_to(top / "self.wav")
    (top / "gone.txt").symlink_to(tmp_path / "nowhere.txt")
    return top


def test_links_lead_once_to_what_they_name(linked: Path) -> None:
    """A linked folder is entered once, a circle is told, what leads nowhere is a missing file."""
    found = find_audio_files([linked])
    assert names(linked, found.files) == [
        *("gone.wav", "other/y.wav", "self.wav", "sub/b.wav", "unmounted")
    ]
    assert sorted((path.name, why) for path, why in found.left_out) == [
        ("a link.wav", Why.TWICE),
        ("circle", Why.ENTERED),
        ("gone.txt", Why.OTHER_NAME),
        ("other too", Why.ENTERED),
    ]
    assert in_words(found.left_out) == (
        "1 file with another name, 1 second name of the same file and 2 ways into folders entered "
        "before"
    )


def test_a_file_named_through_two_links_is_taken_once(linked: Path) -> None:
    """Also where both are named, but a name that is repeated is repeated on purpose."""
    file, link = linked / "sub" / "b.wav", linked / "a link.wav"
    found = find_audio_files([link, file, link])
    assert found.files == [link, link]
    assert found.left_out == [(file, Why.TWICE)]
    assert find_audio_files([linked / "sub", linked / "sub"]).files == [
        *(linked / "sub" / "b.wav", linked / "sub" / "other too" / "y.wav")
    ]


@pytest.mark.skipif(os.name == "nt", reason="modes of POSIX systems")
def test_a_folder_without_permission_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is a failure with a sentence, and the rest is taken."""
    made(tmp_path, "a.wav", "locked/b.wav")
    scan = os.scandir

    def refusing(path: Path) -> object:  # root may read anything
        if Path(path).name == "locked":
            raise PermissionError(13, "Permission denied")
        return scan(path)

    monkeypatch.setattr(os, "scandir", refusing)
    found = find_audio_files([tmp_path])
    assert names(tmp_path, found.files) == ["a.wav"]
    ((folder, sentence),) = found.unreadable
    assert folder == str(tmp_path / "locked")
    assert sentence.startswith("this folder cannot be read (permission denied), but")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_what_is_no_file_is_left_out(tmp_path: Path) -> None:
    """A pipe in a folder would be waited for without end."""
    made(tmp_path, "a.wav")
    os.mkfifo(tmp_path / "pipe.wav")
    found = find_audio_files([tmp_path])
    assert names(tmp_path, found.files) == ["a.wav"]
    assert in_words(found.left_out) == "1 device or pipe"


def test_a_folder_without_recordings_is_refused(tmp_path: Path) -> None:
    """The sentence counts what lies there."""
    made(tmp_path, "a.txt", "b.doc")
    with pytest.raises(UsageError, match=r"Found no audio file below .*, but 2 files with other"):
        find_audio_files([tmp_path])


def test_files_are_sorted_below_each_folder(tmp_path: Path) -> None:
    """The order is that of the paths, part by part, and folders stay as they were named."""
    made(tmp_path, "b/2.wav", "b/10.wav", "b a/1.wav", "a/1.wav")
    assert names(tmp_path, find_audio_files([tmp_path / "b", tmp_path]).files) == [
        *("b/10.wav", "b/2.wav", "a/1.wav", "b a/1.wav")
    ]


def test_what_needs_pyav_is_counted_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without PyAV, what only it reads is left out with the way to get it, by its content."""
    monkeypatch.setattr("ser_live.batch.folders.has_media", has_media)
    monkeypatch.setitem(sys.modules, "av", None)
    for name in ("a.wav", "b.m4a", "c.WV", "d.tta"):
        (tmp_path / name).write_bytes(b"\0\0\0\x18ftypM4A ")
    (tmp_path / "e.aac").write_bytes(b"RIFF\0\0\0\0WAVE")  # named wrongly, but can be read
    found = find_audio_files([tmp_path])
    assert [path.name for path in found.files] == ["a.wav", "e.aac"]
    assert in_words(found.left_out) == (
        '3 files that need PyAV (.m4a, .tta, .wv; `pip install "ser-live[media]"` brings it)'
    )
