"""Speech of people who act nothing."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from ser_live.datasets.corpora import find_corpora
from ser_live.datasets.everyday import SOURCES, EverydayRecording, find_everyday
from ser_live.errors import DatasetError

HEADER = "file,emotion,speaker,gender,language,notes\n"


def _write(root: Path, source: str, *lines: str) -> None:
    folder = root / source
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "index.csv").write_text(HEADER + "\n".join(lines))
    for line in lines:
        (folder / line.partition(",")[0]).write_bytes(line.encode())


def test_every_source_says_what_it_is() -> None:
    """Each has a kind, terms, and whom to credit."""
    assert all(source.kind and source.licence and source.origin for source in SOURCES.values())


def test_sources_are_read_together(tmp_path: Path) -> None:
    """Whatever an index says of neutral, the label is plain; kind and age come from the notes."""
    _write(
        tmp_path,
        "everyday/mexican_384",
        'a.opus,neutral,mx_1,female,es,"Mexican Spanish, age 20y29; read"',
        'b.opus,,mx_2,male,es,"Mexican Spanish, age 50y69; probably YouTube talk"',
    )
    _write(
        tmp_path,
        "everyday/speechocean762",
        'a.opus,neutral,so1,male,en,"read, L1 Mandarin, age 6; text TOM"',
        'b.opus,neutral,so2,male,en,"read, language 3, age 0"',
    )
    _write(tmp_path, "everyday/wuw_telephone", "a.opus,,wuw_1,female,en,telephone cellphone")
    _write(tmp_path, "etts_ko_read", "ada00001.opus,,etts_ada,,ko,read")
    found = find_everyday(tmp_path)
    assert [(r.speaker, r.kind, r.sex, r.language, r.age) for r in found] == [
        ("etts_ko-ada", "reading", "", "ko", ""),
        ("mexican_384-mx_1", "reading", "female", "es", "adult"),
        ("mexican_384-mx_2", "talk", "male", "es", "older"),
        ("speechocean762-so1", "reading", "male", "en", "child"),
        ("speechocean762-so2", "reading", "male", "en", ""),
        ("wuw_telephone-wuw_1", "telephone", "female", "en", ""),
    ]
    assert {r.label for r in found} == {"plain"}
    assert [r.source for r in found][-1] == "wuw_telephone"
    assert all(r.path.is_file() for r in found)


@pytest.mark.parametrize(
    "line",
    [
        "absent.opus,neutral,mx_1,female,es,x",
        "a.opus,angry,mx_1,female,es,x",
        "a.opus,neutral,,female,es,x",
        "a.opus,neutral,mx_1,unsaid,es,x",
    ],
)
def test_a_line_that_gives_no_recording_is_refused(tmp_path: Path, line: str) -> None:
    """Nothing is passed over: a measurement would miss it."""
    _write(tmp_path, "everyday/mexican_384", "a.opus,neutral,mx_1,female,es,x")
    (tmp_path / "everyday/mexican_384/index.csv").write_text(HEADER + line)
    with pytest.raises(DatasetError, match=r"index of 1 lines, 1 of them .* is the first"):
        find_everyday(tmp_path)


def test_folders_without_everyday_speech_are_refused(tmp_path: Path) -> None:
    """Nothing, an empty index, and an unknown source each say what is needed."""
    with pytest.raises(DatasetError, match="holds no everyday speech"):
        find_everyday(tmp_path)
    _write(tmp_path, "everyday/vctk_samples")
    with pytest.raises(DatasetError, match="index of 0 lines"):
        find_everyday(tmp_path)
    _write(tmp_path, "everyday/elsewhere", "a.opus,neutral,1,,en,x")
    with pytest.raises(DatasetError, match="no known source of everyday speech"):
        find_everyday(tmp_path)


@pytest.fixture(scope="module")
def everyday(corpus_dir: Path) -> list[EverydayRecording]:
    if not (corpus_dir / "everyday").is_dir() or not (corpus_dir / "etts_ko_read").is_dir():
        pytest.skip(f"no everyday and etts_ko_read in {corpus_dir}")
    return find_everyday(corpus_dir)


@pytest.mark.corpus
@pytest.mark.parametrize(
    ("source", "n_recordings", "n_speakers", "ages"),
    [
        ("etts_ko_read", 200, 26, {"": 200}),
        ("gujarati_digits", 80, 19, {"": 80}),
        ("ktuberling_words", 100, 22, {"": 100}),
        ("librispeech_train100", 220, 176, {"": 220}),
        ("mandarin_samples", 50, 31, {"": 50}),
        ("mexican_384", 220, 220, {"adult": 143, "older": 77}),
        ("speech_accent_archive", 260, 260, {"adult": 196, "older": 62, "": 2}),
        ("speechocean762", 220, 165, {"adult": 65, "child": 155}),
        ("vctk_samples", 32, 4, {"": 32}),
        ("wuw_telephone", 220, 145, {"": 220}),
    ],
)
def test_the_real_sources_are_complete(
    everyday: list[EverydayRecording],
    source: str,
    n_recordings: int,
    n_speakers: int,
    ages: dict[str, int],
) -> None:
    """Clips, speakers and ages are those documented."""
    own = [recording for recording in everyday if recording.source == source]
    assert len(own) == n_recordings
    assert len({recording.speaker for recording in own}) == n_speakers
    assert Counter(recording.age for recording in own) == ages


@pytest.mark.corpus
def test_real_everyday_speakers_are_nobody_else(
    everyday: list[EverydayRecording], corpus_dir: Path
) -> None:
    """1602 clips of 1068 people, none of them an actor of a corpus."""
    speakers = {recording.speaker for recording in everyday}
    assert (len(everyday), len(speakers)) == (1602, 1068)
    assert Counter(recording.kind for recording in everyday) == {
        "reading": 1151,
        "telephone": 220,
        "words": 100,
        "digits": 80,
        "talk": 51,
    }
    actors = {r.speaker for recordings in find_corpora(corpus_dir).values() for r in recordings}
    assert not speakers & actors
