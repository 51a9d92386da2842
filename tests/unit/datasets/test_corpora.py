"""Corpora besides RAVDESS: names, indexes, and which corpora a folder holds."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest

from ser_live.datasets import ased, crema_d, emotale, etts_ko, iesc, nemo, ravdess
from ser_live.datasets.corpora import (
    CITATIONS,
    CORPORA,
    CORPORA_APART,
    LICENCES,
    find_corpora,
    recordings_in,
    survey_corpora,
)
from ser_live.datasets.indexed import Declaration, Found, Spoken, find_recordings, index_rows
from ser_live.datasets.recording import byte_identical
from ser_live.emotions import Emotion
from ser_live.errors import DatasetError

DECLARATIONS = (
    nemo.DECLARATION,
    crema_d.DECLARATION,
    etts_ko.DECLARATION,
    ased.DECLARATION,
    iesc.DECLARATION,
    emotale.DECLARATION,
)
UNKNOWN = Spoken(Emotion.ANGRY, "d14a028c")
HEADER = "file,emotion,speaker,gender,language,notes\n"


def _touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())


@pytest.mark.parametrize(
    ("parse", "stem", "spoken"),
    [
        (nemo.parse, "EB0_anger_17", Spoken(Emotion.ANGRY, "EB0", "female")),
        (nemo.parse, "WR0_surprised_3", Spoken(Emotion.SURPRISED, "WR0", "male")),
        (crema_d.parse, "1001_DFA_ANG_XX", Spoken(Emotion.ANGRY, "1001")),
        (crema_d.parse, "1091_IEO_SAD_HI", Spoken(Emotion.SAD, "1091", "", "strong")),
        (crema_d.parse, "1091_IEO_HAP_LO", Spoken(Emotion.HAPPY, "1091", "", "weak")),
        (etts_ko.parse, "ema00001", Spoken(Emotion.NEUTRAL, "ema", "female")),
        (etts_ko.parse, "nek00101", Spoken(Emotion.HAPPY, "nek", "male")),
        (etts_ko.parse, "nek00300", Spoken(Emotion.ANGRY, "nek", "male")),
        (etts_ko.parse, "nek00400", Spoken(Emotion.SAD, "nek", "male")),
        (ased.parse, "a5-01-02-02-07", Spoken(Emotion.ANGRY, "07", "male")),
        (ased.parse, "n1-05-02-01-65", Spoken(Emotion.NEUTRAL, "65", "female")),
        (ased.parse, "S4-04-02-01-29", Spoken(Emotion.SAD, "29", "female")),
        (iesc.parse, "bacho-safe-angry-1562907046662-d14a028c2a3a2bc9", UNKNOWN),
        (iesc.parse, "webservice_no-safe-fearful-??-b4e29092", Spoken(Emotion.FEARFUL, "b4e29092")),
        (emotale.parse, "DK_001_A_1", Spoken(Emotion.ANGRY, "001", "female", language="da")),
        (emotale.parse, "EN_018_S_5", Spoken(Emotion.SAD, "018", "male", language="en")),
    ],
)
def test_published_names_are_read(parse: object, stem: str, spoken: Spoken) -> None:
    """Emotion, speaker, sex and intensity stand in the names."""
    assert callable(parse)
    assert parse(stem) == spoken


@pytest.mark.parametrize(
    "stem",
    [
        "EB0_calm_17",
        "1001_DFA_ANG",
        "1001_DFA_SUR_XX",
        "ema00401",
        "ema00000",
        "emx00001",
        "x1-01-01-01-01",
        "a5-01-01-03-01",
        "background-safe-None-20190701193438-d14a028c",
        "DK_001_B_1",
        "SE_001_A_1",
        "03-01-03-01-01-01-99",
        "",
    ],
)
def test_other_names_belong_to_no_corpus(stem: str) -> None:
    """A name with an unknown field is nobody's."""
    assert all(declaration.parse(stem) is None for declaration in DECLARATIONS)


def test_a_corpus_says_what_it_is() -> None:
    """Every corpus has a licence and a citation."""
    for name in CORPORA:
        assert LICENCES[name]
        assert CITATIONS[name]


def test_an_index_is_read_and_what_is_left_out_is_counted(tmp_path: Path) -> None:
    """Each reason for leaving out a line or a file shows up once."""
    lines = (
        "1001_DFA_HAP_HI.flac,happy,crema1001,male,en,good",
        "1002_DFA_SAD_XX.flac,sad,crema1002,female,en,good",
        "1002_DFA_SAD_XX.flac,sad,crema1002,female,en,again",
        "1003_DFA_ANG_XX.flac,angry,crema1003,female,en,other emotion",
        "1004_DFA_SAD_XX.flac,sad,crema1004,female,en,absent",
        "1005_DFA_SAD_XX.flac,happy,crema1005,female,en,name says sad",
        "1006_DFA_SAD_XX.flac,sad,crema1007,female,en,name says 1006",
        "1007_DFA_SAD_XX.flac,bored,crema1007,female,en,unknown label",
    )
    (tmp_path / "index.csv").write_text(HEADER + "\r\n".join(lines))
    _touch(
        tmp_path,
        *(line.split(",")[0] for line in lines if "absent" not in line),
        "1008_DFA_SAD_XX.wav",
        ".hidden.wav",
    )
    found = find_recordings(tmp_path, crema_d.DECLARATION)
    assert [
        (r.speaker, r.label, r.sex, r.language, r.intensity, r.path.name) for r in found.recordings
    ] == [
        ("crema_d-1001", "happy", "male", "en-US", "strong", "1001_DFA_HAP_HI.flac"),
        ("crema_d-1002", "sad", "female", "en-US", "", "1002_DFA_SAD_XX.flac"),
    ]
    assert found.left_out == {
        "listed twice": 1,
        "labelled angry": 1,
        "listed but absent": 1,
        "listed otherwise than named": 2,
        "with an unknown label, sex or speaker": 1,
        "not listed": 1,
    }
    assert sum(found.left_out.values()) == 7
    assert "2 recordings; left out: 1 labelled angry, 1 listed but absent" in str(found)


def test_the_corpus_as_published_is_read_from_its_names(tmp_path: Path) -> None:
    """Without an index all six emotions of CREMA-D count; the table beside gives the sexes."""
    folder = tmp_path / "CREMA-D"
    _touch(
        folder,
        "AudioWAV/1001_DFA_ANG_XX.wav",
        "AudioWAV/1002_DFA_SAD_HI.wav",
        "AudioWAV/1040_ITH_SAD_X.wav",
        "copy/1002_DFA_SAD_HI.wav",
        "AudioWAV/notes.wav",
    )
    (folder / "VideoDemographics.csv").write_text(
        '"ActorID","Age","Sex","Race"\n1001,51,"Male","Caucasian"\n1002,21,"Female","Caucasian"\n'
    )
    found = survey_corpora(tmp_path)["crema_d"]
    assert [(r.speaker, str(r.label), r.sex) for r in found.recordings] == [
        ("crema_d-1001", "angry", "male"),
        ("crema_d-1002", "sad", "female"),
        ("crema_d-1040", "sad", ""),
    ]
    assert found.left_out == {"there twice": 1, "named otherwise": 1}


def test_a_spoiled_index_is_refused(tmp_path: Path) -> None:
    """Missing columns, undecodable bytes and an empty index each say what to do."""
    index = tmp_path / "index.csv"
    index.write_text("file,emotion\n")
    with pytest.raises(DatasetError, match="no column speaker, gender"):
        find_recordings(tmp_path, nemo.DECLARATION)
    index.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DatasetError, match="cannot be read as a table"):
        find_recordings(tmp_path, nemo.DECLARATION)
    index.write_text(HEADER)
    with pytest.raises(DatasetError, match="holds no recording of nemo"):
        find_recordings(tmp_path, nemo.DECLARATION)
    with pytest.raises(DatasetError, match="is not a folder"):
        find_recordings(tmp_path / "absent", nemo.DECLARATION)


@pytest.mark.parametrize(
    "listed",
    [
        "../outside/EB0_anger_1.wav",
        "inside/../../outside/EB0_anger_1.wav",
        "{outside}/EB0_anger_1.wav",
        "..\\outside\\EB0_anger_1.wav",
        "C:EB0_anger_1.wav",
    ],
)
def test_an_index_leads_nowhere_else(tmp_path: Path, listed: str) -> None:
    """A recording that is there, but beside the folder, is not read: the index is refused."""
    folder, outside = tmp_path / "nemo", tmp_path / "outside"
    _touch(tmp_path, "nemo/inside/EB0_anger_2.wav", "outside/EB0_anger_1.wav")
    good = "inside/EB0_anger_2.wav,angry,EB0,female,pl,\n"
    (folder / "index.csv").write_text(HEADER + good)
    assert len(find_recordings(folder, nemo.DECLARATION).recordings) == 1
    bad = f"{listed.format(outside=outside)},angry,EB0,female,pl,\n"
    (folder / "index.csv").write_text(HEADER + good + bad)
    with pytest.raises(DatasetError, match="a path that goes down from its folder"):
        find_recordings(folder, nemo.DECLARATION)


@pytest.mark.parametrize(
    ("corpus", "name"),
    [
        ("ravdess", "Actor_01/03-01-05-01-01-01-01.wav"),
        ("nemo", "samples/EB0_anger_1.wav"),
        ("crema_d", "AudioWAV/1001_DFA_ANG_XX.wav"),
        ("etts_ko", "plain-to-emotional/ema/wav/ema00201.wav"),
        ("ased", "a5-01-01-01-01.wav"),
        ("iesc", "house/bacho-safe-angry-1562907046662-d14a028c2a3a2bc9.wav"),
        ("emotale", "DK_001_A_1.wav"),
    ],
)
def test_a_corpus_is_known_by_its_files_and_by_its_folder(
    tmp_path: Path, corpus: str, name: str
) -> None:
    """The folder of one corpus under any name, or a folder above it, give the same."""
    _touch(tmp_path, f"anything/{name}")
    (only,) = find_corpora(tmp_path / "anything")[corpus]
    assert only.label == "angry"
    (tmp_path / "anything").rename(tmp_path / corpus)
    assert list(find_corpora(tmp_path)) == [corpus]
    assert list(find_corpora(tmp_path / corpus)) == [corpus]
    assert only.speaker.startswith(f"{corpus}-")


def test_folders_without_corpora_are_refused(tmp_path: Path) -> None:
    """No folder, no corpus, and two folders of one corpus each say what is needed."""
    with pytest.raises(DatasetError, match="is not a folder"):
        find_corpora(tmp_path / "absent")
    _touch(tmp_path, "music/song.wav")
    with pytest.raises(DatasetError, match="holds no corpus: give a folder that holds ravdess"):
        find_corpora(tmp_path)
    _touch(tmp_path, "crema_d/1001_DFA_ANG_XX.wav", "CREMA-D/1001_DFA_ANG_XX.wav")
    with pytest.raises(DatasetError, match="both of them crema_d"):
        find_corpora(tmp_path)


def test_a_corpus_in_two_folders_is_one(tmp_path: Path) -> None:
    """Speakers are merged, a clip in both counts once, the second folder alone will do too."""
    _touch(tmp_path, "nemo/EB0_anger_1.flac", "nemo/EB0_fear_1.flac")
    _touch(tmp_path, "nemo_more/EB0_anger_2.opus", "nemo_more/EB0_fear_1.opus")
    _touch(tmp_path, "nemo_more/notes.ogg")
    found = survey_corpora(tmp_path)["nemo"]
    assert [r.path.relative_to(tmp_path).as_posix() for r in found.recordings] == [
        "nemo/EB0_anger_1.flac",
        "nemo/EB0_fear_1.flac",
        "nemo_more/EB0_anger_2.opus",
    ]
    assert {r.speaker for r in found.recordings} == {"nemo-EB0"}
    assert found.left_out == {"there twice": 1, "named otherwise": 1}
    shutil.rmtree(tmp_path / "nemo")
    assert [r.path.suffix for r in find_corpora(tmp_path)["nemo"]] == [".opus", ".opus"]
    assert len(find_corpora(tmp_path / "nemo_more")["nemo"]) == 2
    _touch(tmp_path, "NEMO-more/EB0_anger_2.opus")
    with pytest.raises(DatasetError, match="both of them nemo_more"):
        find_corpora(tmp_path)


def test_song_has_the_speakers_of_speech(tmp_path: Path) -> None:
    """An actor is one voice in both corpora, and a whole recording goes before a cut one."""
    _touch(tmp_path, "ravdess/Actor_01/03-01-05-01-01-01-01.wav")
    _touch(tmp_path, "ravdess_song/Actor_01/03-02-05-01-01-01-01.flac")
    _touch(tmp_path, "ravdess_song_more/03-02-05-01-01-01-01.opus")
    _touch(tmp_path, "ravdess_song_more/03-02-02-02-01-01-02.opus")
    found = survey_corpora(tmp_path)
    (spoken,), song = found["ravdess"].recordings, found["ravdess_song"]
    assert [(r.corpus, r.speaker, r.label, r.path.suffix) for r in song.recordings] == [
        ("ravdess_song", "ravdess-01", "angry", ".flac"),
        ("ravdess_song", "ravdess-02", "calm", ".opus"),
    ]
    assert song.left_out == {"there twice": 1}
    assert spoken.speaker == song.recordings[0].speaker


def test_only_the_corpora_asked_for_are_returned(tmp_path: Path) -> None:
    """RAVDESS always, others by name; the song of its actors never unasked."""
    _touch(tmp_path, "ravdess/03-01-05-01-01-01-01.wav", "nemo/EB0_anger_1.flac")
    _touch(tmp_path, "ravdess_song/03-02-05-01-01-01-01.wav", "emotale/DK_001_A_1.opus")

    def asked(*args: tuple[str, ...]) -> list[str]:
        return [recording.corpus for recording in recordings_in(tmp_path, *args)]

    assert asked(()) == ["ravdess"]
    assert asked(("nemo",)) == ["ravdess", "nemo"]
    assert asked(("ravdess_song", "nemo_more")) == ["ravdess", "ravdess_song"]
    assert asked() == asked(CORPORA_APART) == ["ravdess", "nemo", "emotale"]


def test_scripted_labels_exchange_angry_and_sad(tmp_path: Path) -> None:
    """The listed labels are what is read; the exchange is asked for by name."""
    _touch(tmp_path, "nea00001.wav", "nea00101.wav", "nea00201.wav", "nea00301.wav")
    listed = find_recordings(tmp_path, etts_ko.DECLARATION).recordings
    assert [str(r.label) for r in listed] == ["neutral", "happy", "angry", "sad"]
    scripted = [etts_ko.as_scripted(recording) for recording in listed]
    assert [str(r.label) for r in scripted] == ["neutral", "happy", "sad", "angry"]
    assert [r.path for r in scripted] == [r.path for r in listed]


def test_nothing_left_out_says_only_how_many() -> None:
    """A complete corpus needs no second sentence."""
    assert str(Found([])) == "0 recordings"


@pytest.mark.corpus
@pytest.mark.parametrize(
    ("declaration", "n_recordings", "n_left_out", "n_speakers", "sexes"),
    [
        (nemo.DECLARATION, 583, 0, 9, {"female": 253, "male": 330}),
        (crema_d.DECLARATION, 234, 11, 39, {"female": 114, "male": 120}),
        (etts_ko.DECLARATION, 120, 0, 15, {"female": 56, "male": 64}),
        (ased.DECLARATION, 159, 0, 40, {"female": 80, "male": 79}),
        (iesc.DECLARATION, 800, 0, 92, {"": 800}),
        (emotale.DECLARATION, 640, 0, 18, {"female": 460, "male": 180}),
    ],
)
def test_the_samples_are_complete(
    corpus_dir: Path,
    declaration: Declaration,
    n_recordings: int,
    n_left_out: int,
    n_speakers: int,
    sexes: dict[str, int],
) -> None:
    """Clips, speakers and sexes are those documented, no line contradicts a name."""
    if not (corpus_dir / declaration.corpus).is_dir():
        pytest.skip(f"no {declaration.corpus} in {corpus_dir}")
    found = find_recordings(corpus_dir / declaration.corpus, declaration)
    assert (len(found.recordings), sum(found.left_out.values())) == (n_recordings, n_left_out)
    assert len({recording.speaker for recording in found.recordings}) == n_speakers
    assert Counter(recording.sex for recording in found.recordings) == sexes
    wanted = declaration.index_emotions or declaration.emotions
    assert {recording.label for recording in found.recordings} == wanted
    spoken = [declaration.parse(recording.path.stem) for recording in found.recordings]
    assert all(
        name is not None and name.sex in ("", recording.sex)
        for name, recording in zip(spoken, found.recordings, strict=True)
    )


@pytest.mark.corpus
def test_a_folder_of_corpora_is_surveyed(corpus_dir: Path) -> None:
    """Every corpus present is found once, speakers are unique, other folders are passed over."""
    found = find_corpora(corpus_dir)
    assert "ravdess" in found
    assert len(found["ravdess"]) == 1440
    assert all(
        recording.corpus == name and recording.speaker.startswith(f"{name.removesuffix('_song')}-")
        for name, recordings in found.items()
        for recording in recordings
    )


@pytest.mark.corpus
@pytest.mark.parametrize(
    ("corpus", "n_recordings", "n_speakers", "left_out"),
    [
        ("ravdess_song", 1009, 23, {"there twice": 88}),
        ("nemo", 1783, 9, {}),
        ("ased", 1159, 65, {}),
        (
            "crema_d",
            1001,
            39,
            {
                "labelled angry": 4,
                "labelled disgust": 4,
                "labelled fearful": 1,
                "labelled neutral": 3,
            },
        ),
    ],
)
def test_the_two_folders_of_a_corpus_are_one(
    corpus_dir: Path, corpus: str, n_recordings: int, n_speakers: int, left_out: dict[str, int]
) -> None:
    """No clip twice, in no form; speakers of the second folder bear the names of the first."""
    folders = [corpus_dir / corpus, corpus_dir / f"{corpus}_more"]
    if not all(folder.is_dir() for folder in folders):
        pytest.skip(f"no {corpus} and {corpus}_more in {corpus_dir}")
    found = survey_corpora(corpus_dir)[corpus]
    assert len(found.recordings) == n_recordings
    assert found.left_out == left_out
    assert not byte_identical(found.recordings)
    assert len({r.path.stem.lower() for r in found.recordings}) == n_recordings
    speakers = [{r.speaker for r in find_corpora(folder)[corpus]} for folder in folders]
    assert speakers[0] <= speakers[1] == {r.speaker for r in found.recordings}
    assert len(speakers[1]) == n_speakers


@pytest.mark.corpus
def test_the_labels_of_song_are_those_of_its_index(corpus_dir: Path) -> None:
    """23 actors of the speech sing six emotions; index and names agree."""
    folder = corpus_dir / "ravdess_song_more"
    if not folder.is_dir():
        pytest.skip(f"no ravdess_song_more in {corpus_dir}")
    listed = {row["file"]: row for row in index_rows(folder, ("file", "emotion", "speaker"))}
    found = find_corpora(folder)["ravdess_song"]
    assert len(found) == len(listed) == 1009
    for recording in found:
        row = listed[recording.path.name]
        assert row["emotion"] == recording.label
        assert row["speaker"].removeprefix("ravdess") == f"{ravdess.actor_of(recording):02d}"
    spoken = {r.speaker for r in find_corpora(corpus_dir)["ravdess"]}
    assert spoken - {r.speaker for r in found} == {"ravdess-18"}


@pytest.mark.corpus
def test_children_of_emotale(corpus_dir: Path) -> None:
    """The three speakers said to be children are those whose notes tell so."""
    folder = corpus_dir / "emotale"
    if not folder.is_dir():
        pytest.skip(f"no emotale in {corpus_dir}")
    ages = {
        emotale.DECLARATION.speaker_id(row["speaker"]): int(row["notes"].split()[1].rstrip(";"))
        for row in index_rows(folder, ("file", "speaker", "notes"))
    }
    assert {speaker for speaker, age in ages.items() if age < 18} == emotale.CHILDREN
    languages = Counter(r.language for r in find_corpora(folder)["emotale"])
    assert languages == {"da": 360, "en": 280}
