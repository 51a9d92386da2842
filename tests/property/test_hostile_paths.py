"""No name and no content of a file leads out of the folder it belongs to."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hostile_log import hostile_log
from made_profile import CARD, PROFILE
from opened_files import opened_files
from terminal_run import HOSTILE

import ser_live
from ser_live.errors import ModelError, ProfileError
from ser_live.model.emotion_model import EmotionModel
from ser_live.records.recorder import UtteranceRecorder
from ser_live.speaker.profile import load_profile, profile_names, remove_profile, save_profile

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links and names of POSIX systems")

DEMO = Path(ser_live.__file__).parent / "demo.ogg"
MODELS = DEMO.parents[1] / "models"

WAYS_OUT = ("../canary", "..", "/etc/canary", "a/../../canary", "canary\0.json", "..\\canary",
            "C:\\canary", "\\\\host\\canary", "~/canary", "$HOME/canary", "nul", "con.json", "COM1",
            "canary.", "canary ", "canary:stream", "file:///canary", "%2e%2e%2fcanary",
            "\u2215canary", "a" * 300)  # fmt: skip
"""Up, away, through a NUL, by the rules of Windows, and too long."""

SPOKEN = np.zeros(4800, np.float32)


def _canary(folder: Path) -> Path:
    path = folder / "canary.json"
    path.write_text("precious")
    return path


# -- what stands in a log


def test_a_log_opens_nothing(tmp_path: Path) -> None:
    """Whatever paths a log holds, its summary and its table open that log alone."""
    canary = _canary(tmp_path)
    log = hostile_log(tmp_path / "log.jsonl")
    records = [json.loads(line) for line in log.read_text().splitlines()]
    for k, record in enumerate(records[1:]):
        way_out = (*WAYS_OUT, str(canary))[k % (len(WAYS_OUT) + 1)]
        names = ("file", "source", "path", "model", "speaker")
        # The source of a mark is one of three words, and anything else no record.
        record.update(dict.fromkeys(names[: 1 if record["type"] == "mark" else None], way_out))
    records[2].update(source=str(canary), file=str(canary))
    log.write_text("".join(json.dumps(record) + "\n" for record in records))
    for command in ("show", "export"):
        done, opened = opened_files(tmp_path, "log", command, log)
        assert done.returncode == 0, done.stderr
        assert str(log) in opened
        assert "canary" not in opened


# -- what stands in a model's card and graph


def test_a_card_opens_nothing(short_talk: Path, tmp_path: Path) -> None:
    """Names of files on a card are for people: the files of a model have fixed names."""
    canary = _canary(tmp_path)
    folder = shutil.copytree(MODELS / "classic", tmp_path / "m")
    card = json.loads((folder / "card.json").read_text())
    card["id"] = "../canary"
    card["weights"]["file"] = card["file"] = card["encoder_file"] = str(canary)
    (folder / "card.json").write_text(json.dumps(card))
    done, opened = opened_files(
        tmp_path, *("replay", short_talk, "--speed", 0, "--no-log", "--model", folder)
    )
    assert done.returncode == 0, done.stderr
    assert str(folder / "weights.npz") in opened
    assert "canary" not in opened


def test_a_graph_opens_nothing(tmp_path: Path) -> None:
    """Weights that a graph wants from elsewhere are refused, wherever they lie."""
    onnx = pytest.importorskip("onnx")
    from fuzz_seeds import encoder

    for place in (str(_canary(tmp_path)), "canary.json", "../canary.json", "/dev/zero"):
        graph = onnx.load_from_string(encoder()["file_outside"])
        graph.graph.initializer[0].external_data[0].value = place
        content = graph.SerializeToString()
        (tmp_path / "encoder.onnx").write_bytes(content)
        with pytest.raises(ModelError, match="takes weights from other files"):
            EmotionModel.load_encoder(tmp_path, hashlib.sha256(content).hexdigest(), "m")


def test_the_bundled_encoder_needs_no_other_file() -> None:
    """The word that is searched for does not stand in a good graph by chance."""
    assert b"location" not in (MODELS / "ear" / "encoder.onnx").read_bytes()


@pytest.mark.parametrize("name", WAYS_OUT)
def test_a_models_name_finds_no_other_folder(name: str, tmp_path: Path) -> None:
    """A name is one of the bundled ones; a path is taken as what the user means."""
    if name == "..":
        pytest.skip("a folder that the user may mean")
    with pytest.raises(ModelError, match="there is no model"):
        EmotionModel.load(name)


# -- names of profiles


@pytest.mark.parametrize("name", [n for n in WAYS_OUT if "\0" not in n])
def test_a_profiles_name_leads_nowhere(name: str, tmp_path: Path) -> None:
    """Using, enrolling and removing refuse the name before any file is looked for."""
    share = tmp_path / "share" / "ser-live" / "profiles"
    share.mkdir(parents=True)
    canary = _canary(share.parent)
    environment = {"XDG_DATA_HOME": str(tmp_path / "share"), "HOME": str(tmp_path)}
    done, opened = opened_files(tmp_path, "enroll", "--remove", name, **environment)
    assert done.returncode == 8, done.stderr
    assert b"cannot name a speaker" in done.stderr
    assert "canary" not in opened.replace(repr(name), "")
    with pytest.raises(ProfileError, match="cannot name a speaker"):
        load_profile(name, folder=share)
    assert canary.read_text() == "precious"
    assert list(share.iterdir()) == []


def test_a_name_on_a_profiles_card_is_not_followed(tmp_path: Path) -> None:
    """A card that names another speaker, or a path, is refused."""
    save_profile(PROFILE, folder=tmp_path)
    for name in ("../anna", "bert", HOSTILE):
        card = json.loads((tmp_path / "anna.json").read_text())
        (tmp_path / "anna.json").write_text(json.dumps({**card, "name": name}))
        with pytest.raises(ProfileError, match="not one of this program"):
            load_profile("anna", folder=tmp_path)


@pytest.mark.parametrize("suffix", [".json", ".npz"])
def test_a_profile_that_is_a_link_is_refused(suffix: str, tmp_path: Path) -> None:
    """A link out of the folder is not read, and removing it leaves what it leads to."""
    folder, elsewhere = tmp_path / "profiles", tmp_path / f"elsewhere{suffix}"
    save_profile(PROFILE, folder=folder)
    (folder / f"anna{suffix}").rename(elsewhere)
    (folder / f"anna{suffix}").symlink_to(elsewhere)
    with pytest.raises(ProfileError, match=r"is elsewhere|moved"):
        load_profile("anna", folder=folder)
    before = elsewhere.read_bytes()
    save_profile(PROFILE, folder=folder, replace=True)
    assert elsewhere.read_bytes() == before
    assert load_profile("anna", folder=folder).card == CARD
    (folder / f"anna{suffix}").unlink()
    (folder / f"anna{suffix}").symlink_to(elsewhere)
    remove_profile("anna", folder=folder)
    assert elsewhere.read_bytes() == before
    assert profile_names(folder=folder) == []


# -- names of recordings, for the audio that is kept


@pytest.mark.parametrize("stem", [*WAYS_OUT, HOSTILE, "", ".", "-rf", "a\nb", "録音", "\udcff"])
def test_a_recordings_name_keeps_its_audio_in_the_folder(stem: str, tmp_path: Path) -> None:
    """Whatever the recording was called, its utterances lie in the folder asked for."""
    folder = tmp_path / "kept"
    recorder = UtteranceRecorder(folder)
    path = recorder.write(SPOKEN, 7, stem)
    assert path is not None, recorder.failure
    assert path.parent == folder
    assert list(tmp_path.rglob("*.flac")) == [path]
    assert path.name.isprintable()
    assert not set(path.name) & set('\\/:*?"<>|')
    assert soundfile.info(path).samplerate == 16_000


def test_kept_audio_follows_no_link(tmp_path: Path) -> None:
    """A link with the name of the next recording is left alone, and so is its target."""
    victim = tmp_path / "victim"
    victim.write_text("precious")
    recorder = UtteranceRecorder(tmp_path / "kept")
    (tmp_path / "kept" / "talk-u00007.flac").symlink_to(victim)
    path = recorder.write(SPOKEN, 7, "talk")
    assert path is not None
    assert path.name == "talk-u00007-2.flac"
    assert victim.read_text() == "precious"


def test_a_log_follows_no_link(tmp_path: Path) -> None:
    """A link in the log's place, to a file or to none, is refused."""
    victim = tmp_path / "victim"
    for exists in (True, False):
        victim.write_text("precious") if exists else victim.unlink()
        link = tmp_path / f"log{exists}.jsonl"
        link.symlink_to(victim)
        done, _ = opened_files(tmp_path, "replay", DEMO, "--speed", 0, "--log", link)
        assert done.returncode == 6, done.stderr
        assert victim.exists() == exists
        assert not exists or victim.read_text() == "precious"


def test_a_session_writes_only_where_it_should(short_talk: Path, tmp_path: Path) -> None:
    """A recording with a hostile name: log and audio in their folders, and nothing elsewhere."""
    home = tmp_path / "home"
    home.mkdir()
    recording = tmp_path / f"..{HOSTILE}..\\up.wav"
    shutil.copy(short_talk, recording)
    before = {path.name for path in tmp_path.iterdir()}
    done, _ = opened_files(
        tmp_path,
        *("replay", recording, "--speed", 0, "--save-audio", tmp_path / "kept"),
        HOME=str(home),
        XDG_STATE_HOME=str(home / "state"),
    )
    assert done.returncode == 0, done.stderr
    assert {path.name for path in tmp_path.iterdir()} - before == {"hook", "opened", "kept"}
    kept = [path.name for path in (tmp_path / "kept").iterdir()]
    assert kept
    assert all(name.isprintable() and name.endswith(".flac") for name in kept)
    logs = [path for path in home.rglob("*") if path.is_file()]
    assert [path.parent for path in logs] == [home / "state" / "ser-live" / "sessions"]
