"""Reports of logs of every kind: whole, continued, foreign, broken, without speech."""

from __future__ import annotations

import json
import os
import re
import stat
import string
from pathlib import Path

import pytest
from made_log import (
    AGENT,
    CALLER,
    began,
    final,
    mark,
    session_ended,
    stream_began,
    stream_ended,
    write_log,
)

from ser_live.cli import cli
from ser_live.cli import report as command
from ser_live.emotions import Emotion
from ser_live.errors import LogError, SerLiveError, UsageError
from ser_live.events import EmotionResult, Kind, SessionStarted, StreamStarted, Verdict
from ser_live.records.json_line import json_line
from ser_live.records.log_entries import LogContinued, LogGap, LogHeader
from ser_live.report.data_files import figures_json, utterances_csv
from ser_live.report.markdown import markdown
from ser_live.report.page import Report, html
from ser_live.report.reading import _chain, _is_partial, read_session
from ser_live.report.redaction import Redaction
from ser_live.report.texts import LANGUAGES, Texts, catalogue

START = "2026-03-29T01:59:59.250+01:00"


def _run(*arguments: object) -> None:
    cli(["report", *map(str, arguments)], standalone_mode=False)


def _short(path: Path, *, rest: str = "") -> Path:
    entries = [
        began(),
        stream_began(AGENT, START),
        final(AGENT, 1, 0.5, 2.0, Emotion.HAPPY, 0.8),
        final(AGENT, 2, 3.0, 4.5, Emotion.SAD, 0.7),
        mark(AGENT, 2.5, "bell"),
        stream_ended(AGENT, 6.0, 2),
        session_ended(6.0),
    ]
    return write_log(path, entries, rest=rest)


def _page(path: Path, language: str = "en") -> str:
    return html(Report.of(read_session(path), Texts(language)))


def _one_sentence(error: pytest.ExceptionInfo[SerLiveError]) -> str:
    text = str(error.value)
    assert text.endswith(".")
    assert "\n" not in text
    assert ". " not in text.replace(".jsonl. ", "")
    return text


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is not a session log"),
        (b"not a log\n", "is not a session log"),
        (b'{"type":"log","schema":"other","schema_version":1}\n', "is not a session log"),
        (b'{"type":"log","schema":"ser-live-session","schema_version":99}\n', "update ser-live"),
        (b'{"type":"log","schema":"ser-live-session","schema_version":1}\n', "no session that"),
        (
            b'{"type":"log","schema":"ser-live-session","schema_version":1}\n{"type":"gap"}\n'
            b'{"type":"gap"}\n',
            "line 2",
        ),
        (b"\0\xff\xfe\n" * 3, "is not a session log"),
    ],
)
def test_what_is_no_session_is_one_sentence(tmp_path: Path, content: bytes, said: str) -> None:
    """Empty, foreign, future, without a session, altered; and no file is left."""
    log = tmp_path / "2026-03-14T150926.jsonl"
    log.write_bytes(content)
    with pytest.raises(LogError) as error:
        _run(log, "-o", tmp_path / "page.html")
    assert said in _one_sentence(error)
    assert not (tmp_path / "page.html").exists()


def test_a_log_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    """Named by path."""
    with pytest.raises(LogError) as error:
        _run(tmp_path / "none.jsonl")
    assert "cannot be read" in _one_sentence(error)


def test_a_log_that_is_cut_off_is_told_and_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What stands before the cut is on the page, and the page says that it was cut."""
    log = _short(tmp_path / "cut.jsonl", rest='{"type":"emo')
    _run(log, "-o", tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert "breaks off in line 9" in page
    assert "breaks off in line 9" in capsys.readouterr().err
    assert "2 of them could be named" in page


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ([began()], "Nothing was heard"),
        ([began(), stream_began(AGENT, None), stream_ended(AGENT, 5.0)], "no speech in it"),
        (
            [
                began(),
                stream_began(AGENT, None),
                final(AGENT, 1, 0.0, 0.2, state=Verdict.TOO_SHORT),
                stream_ended(AGENT, 5.0, 1),
            ],
            "it was not clear enough",
        ),
        (
            [
                began(),
                stream_began(AGENT, None),
                final(AGENT, 1, 0.0, 2.0, Emotion.SAD, 0.3, Verdict.UNCERTAIN),
            ],
            "The surest guess was sad",
        ),
    ],
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_session_without_speech_has_a_page(
    tmp_path: Path, entries: list[SessionStarted], said: str, language: str
) -> None:
    """Nothing heard, silence, nothing clear, nothing sure: each says so."""
    page = _page(write_log(tmp_path / "a.jsonl", entries), language)
    if language == "en":
        assert said in page
    assert not re.search(r"\b(nan|None)\b", page)


def test_a_continued_log_is_read_from_its_beginning(tmp_path: Path) -> None:
    """Utterances of both logs are there once, on one clock; what was lost is said."""
    first = tmp_path / "first.jsonl"
    second = tmp_path / "second.jsonl"
    write_log(
        first,
        [began(), stream_began(AGENT, START), final(AGENT, 1, 0.5, 2.0, Emotion.HAPPY, 0.8)],
    )
    write_log(
        second,
        [
            LogContinued(path=str(first), cause="no space left on device"),
            began(),
            stream_began(AGENT, START),
            LogGap(n_events=3),
            final(AGENT, 2, 7.0, 9.0, Emotion.SAD, 0.7),
            stream_ended(AGENT, 10.0, 2),
            session_ended(10.0),
        ],
    )
    data = read_session(second)
    assert [u.result.id for u in data.utterances] == [1, 2]
    assert len(data.parts) == 1
    assert data.n_unlogged == 3
    assert "Events that could not be logged" in _page(second)
    first.unlink()
    data = read_session(second)
    assert [u.result.id for u in data.utterances] == [2]
    assert "not there any more" in data.sentences[0]


def test_logs_that_name_each_other_end(tmp_path: Path) -> None:
    """A circle of continued logs is read once."""
    one, other = tmp_path / "one.jsonl", tmp_path / "other.jsonl"
    for path, before in ((one, other), (other, one)):
        write_log(path, [LogContinued(path=str(before), cause="x"), began()])
    assert read_session(one).started is not None
    assert _chain(one)[0] == [other, one]


def test_another_session_under_the_name_is_not_taken_in(tmp_path: Path) -> None:
    """The file that a log continues was replaced by that of another session."""
    first = _short(tmp_path / "first.jsonl")
    second = tmp_path / "second.jsonl"
    begin = LogContinued(path=str(first), cause="x")
    write_log(second, [begin, began("2026-04-01T10:00:00.000+02:00"), stream_began(AGENT, None)])
    assert read_session(second).utterances == []


def test_recordings_stand_behind_one_another(tmp_path: Path) -> None:
    """Streams one after the other share no time; those side by side share a clock."""
    log = write_log(
        tmp_path / "a.jsonl",
        [
            began(),
            stream_began(AGENT, None),
            final(AGENT, 1, 1.0, 2.0, Emotion.SAD),
            stream_ended(AGENT, 10.0, 1),
            stream_began(CALLER, None),
            final(CALLER, 1, 1.0, 2.0, Emotion.SAD),
            stream_ended(CALLER, 10.0, 1),
        ],
    )
    data = read_session(log)
    assert [u.start_s for u in data.utterances] == [1.0, 11.0]
    assert (data.length_s, data.n_tracks) == (20.0, 1)


def test_a_models_own_labels_are_reported(tmp_path: Path) -> None:
    """Any words, up to 32 of them, and no valence where the model has none."""
    labels = tuple(f"own {word}" for word in string.ascii_lowercase)
    result = EmotionResult(
        stream=AGENT,
        id=1,
        kind=Kind.FINAL,
        start_sample=0,
        end_sample=32_000,
        emotion=labels[3],
        state=Verdict.OK,
        probabilities=tuple(0.5 if n == 3 else 0.02 for n in range(26)),
        labels=labels,
        speech_s=2.0,
        level_dbfs=-20.0,
        snr_db=20.0,
    )
    started = SessionStarted(
        started_at=START, version="1", model="own", model_sha256="f" * 64, labels=labels
    )
    path = write_log(tmp_path / "a.jsonl", [started, stream_began(AGENT, None), result])
    page = _page(path)
    assert "100% sounded own d" in page
    assert "no valence and arousal" in page
    assert "was not measured" in page
    assert ".e25{" in page


def _beside(log: Path, *records: dict[str, object]) -> None:
    with log.open("a") as file:
        file.writelines(json.dumps(record) + "\n" for record in records)


def test_notes_marks_and_corrections_are_shown(tmp_path: Path) -> None:
    """In the log and in the file beside it; what is not whole is counted."""
    log = _short(tmp_path / "a.jsonl")
    _beside(
        log,
        {"type": "mark", "stream": 1, "start_s": 2.5, "label": "bell", "source": "user"},
        {"type": "note", "stream": 1, "start_s": 4.0, "text": "slept badly", "rating": 2},
        {"type": "note", "stream": 1, "start_s": 5.0, "text": "a long day", "rating": None},
    )
    (tmp_path / "a.corrections.jsonl").write_text(
        '{"type":"corrections","schema":"ser-live-corrections","schema_version":1}\n'
        '{"type":"correction","id":1,"stream":1,"emotion":"calm","by":"a","at":"w"}\n'
        '{"type":"correction","id":1,"stream":1,"emotion":"happy","by":"a","at":"x"}\n'
        '{"type":"correction","id":2,"stream":1,"emotion":"angry","by":"b","at":"x"}\n'
        '{"type":"correction","id":77,"stream":1,"emotion":"angry","by":"b","at":"x"}\n'
        '{"type":"correction","id":2,"stream":1,"emotion":7,"by":"b","at":"x"}\n'
        '{"type":"correction","id":2,"stream":1,"emotion":"sad","by":"c","at":"x"}\n'
        '{"type":"correction","id":2,"stream":1,"emotion":null,"by":"c","at":"y"}\n'
        '{"type":"correc'
    )
    data = read_session(log)
    assert [(r.kind, r.start_s, r.rating, r.source) for r in data.remarks] == [
        ("mark", 2.5, None, "api"),
        ("mark", 2.5, None, "user"),
        ("note", 4.0, 2, ""),
        ("note", 5.0, None, ""),
    ]
    assert data.n_unread == 2
    page = _page(log)
    for said in ("slept badly", "2 of 5", "mark by a program", "mark by hand", "a long day"):
        assert said in page
    assert "Of 2 named utterances with an own label, 1 have the same one: 50%" in page
    assert "One is about an utterance that this log does not have." in page
    assert "2 labels beside the log are not whole" in page


def test_a_foreign_file_of_labels_is_told_and_the_report_is_made(tmp_path: Path) -> None:
    """What only has the name of one is left alone."""
    log = _short(tmp_path / "a.jsonl")
    (tmp_path / "a.corrections.jsonl").write_text("mine\n")
    data = read_session(log)
    assert data.corrections == []
    assert any("does not hold labels of ser-live" in sentence for sentence in data.sentences)


def test_redaction_leaves_no_name(tmp_path: Path) -> None:
    """Names, paths, devices, marks, notes and messages are in no form of the report."""
    from hostile_log import hostile_log
    from terminal_run import HOSTILE

    log = tmp_path / "Anna SECRET.jsonl"
    hostile_log(log)
    records = [json.loads(line) for line in log.read_text().splitlines()]
    for record in records:
        # Model and features are named by their makers, and say nothing of who speaks.
        if record["type"] == "session_started":
            record.update(model="ear", version="1", model_sha256="0" * 64, started_at=START)
        for reason in record.get("reasons", []):
            reason.update(feature="f0_semitones_p50", text="pitch")
    lines = "".join(json.dumps(record) + "\n" for record in records)
    log.write_text(lines.replace(json.dumps(HOSTILE)[1:-1], "SECRET"))
    _beside(
        log,
        {"type": "note", "stream": 1, "start_s": 4.0, "text": "SECRET", "rating": 2},
        {"type": "correction", "stream": 1, "id": 1, "emotion": "calm", "by": "SECRET", "at": ""},
    )
    found = [_every_form(Report.of(read_session(log), Texts("en")))]
    data = read_session(log, redaction=Redaction())
    found.append(_every_form(Report.of(data, Texts("en"), is_redacted=True)))
    assert [[text.count("SECRET") > 0 for text in texts] for texts in found] == [
        [True] * 4,
        [False] * 4,
    ]
    assert "left out of this report" in found[1][0]


def _every_form(report: Report) -> list[str]:
    return [
        html(report),
        markdown(report),
        figures_json(report.data, report.figures, report.facts),
        utterances_csv(report.data),
    ]


def test_an_existing_file_is_kept_unless_told_otherwise(tmp_path: Path) -> None:
    """One sentence; with --overwrite it is replaced, for its owner only, and nothing lies about."""
    log, page = _short(tmp_path / "a.jsonl"), tmp_path / "page.html"
    page.write_text("mine")
    with pytest.raises(UsageError) as error:
        _run(log, "-o", page)
    assert "--overwrite" in _one_sentence(error)
    assert page.read_text() == "mine"
    _run(log, "-o", page, "--overwrite")
    assert page.read_text().startswith("<!DOCTYPE html>")
    if os.name != "nt":
        assert stat.S_IMODE(page.stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jsonl", "page.html"]


def test_a_place_that_takes_nothing_is_one_sentence(tmp_path: Path) -> None:
    """A folder that is not there."""
    with pytest.raises(LogError) as error:
        _run(_short(tmp_path / "a.jsonl"), "-o", tmp_path / "no" / "page.html")
    assert "writable place" in _one_sentence(error)


@pytest.mark.parametrize(
    "arguments",
    [
        ["LOG", "--compare"],
        ["LOG", "LOG"],
        ["LOG", "LOG", "--compare", "-f", "csv"],
        ["LOG", "--with-audio", "--redact"],
        ["LOG", "--with-audio", "-f", "md"],
    ],
)
def test_options_that_do_not_go_together(tmp_path: Path, arguments: list[str]) -> None:
    """One sentence each, before anything is read."""
    log = str(_short(tmp_path / "a.jsonl"))
    with pytest.raises(UsageError) as error:
        _run(*(log if word == "LOG" else word for word in arguments))
    _one_sentence(error)


def test_forms_by_the_name_of_the_file(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """md, json and csv by their endings or by --format; sessions side by side in three forms."""
    log = _short(tmp_path / "a.jsonl")
    for name in ("a.md", "a.json", "a.csv"):
        _run(log, "-o", tmp_path / name)
    assert (tmp_path / "a.md").read_text().startswith("# Session of 29 March 2026, 01:59\n")
    assert json.loads((tmp_path / "a.json").read_text())["n_utterances"] == 2
    assert (tmp_path / "a.csv").read_text().startswith("session_s,type,id,")
    capfdbinary.readouterr()
    _run(log, "-f", "json", "-o", "-")
    assert json.loads(capfdbinary.readouterr().out)["type"] == "session_report"
    _run(log, log, "--compare", "-f", "json")
    both = json.loads(capfdbinary.readouterr().out)
    assert len(both["sessions"]) == 2
    assert {d["differences"][0]["value"] for d in both["differences_from_the_first"]} <= {0.0, None}
    _run(log, log, "--compare", "-o", tmp_path / "both.html")
    assert "Session 2 against session 1" in (tmp_path / "both.html").read_text()
    _run(log, log, "--compare", "-f", "md")
    assert "## Valence and arousal" in capfdbinary.readouterr().out.decode()


def test_a_picture_is_drawn(tmp_path: Path) -> None:
    """With matplotlib a PNG; names that it takes for mathematics do no harm."""
    pytest.importorskip("matplotlib", reason="the extra plots is not installed")
    _run(_short(tmp_path / "a.jsonl"), "-o", tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG\r\n")


def test_the_languages_have_the_same_texts() -> None:
    """Every text is there in every language, with the same places for values, and is not empty."""
    english = catalogue("en")
    for language in LANGUAGES:
        texts = catalogue(language)
        assert texts.keys() == english.keys()
        for name, text in texts.items():
            assert text or name.endswith(".unit"), name
            assert _places(text) == _places(english[name]), (language, name)
    assert command.LANGUAGES == LANGUAGES


def _places(text: str) -> set[str | None]:
    return {place for _, place, _, _ in string.Formatter().parse(text) if place}


def test_numbers_are_written_as_the_language_does() -> None:
    """Decimal signs, and no share that is called nothing or all while it is neither."""
    english, german = Texts("en"), Texts("de")
    assert (english.number(-0.5), german.number(-0.5)) == ("−0.50", "−0,50")
    assert [english.percent(p) for p in (0.0, 0.001, 0.5, 0.999, 1.0)] == [
        "0%", "<1%", "50%", ">99%", "100%",
    ]  # fmt: skip
    assert german.percent(0.123, 1) == "12,3\u00a0%"
    assert [english.probability(p) for p in (1.0, 0.996, 0.99, 0.001)] == [
        ">0.99", ">0.99", "0.99", "<0.01",
    ]  # fmt: skip
    assert [english.duration(s) for s in (0.0, 9.96, 59.6, 61, 3599.6, 7260)] == [
        "0.0 s", "10 s", "1 min", "1 min 1 s", "1 h", "2 h 1 min",
    ]  # fmt: skip


def test_eight_hours_are_a_megabyte_at_most(tmp_path: Path) -> None:
    """6,000 utterances, and the most that are drawn one by one."""
    from long_session import long_session

    for n in (6000, 2000):
        log = long_session(tmp_path / f"{n}.jsonl", n)
        assert len(_page(log).encode()) <= 1_000_000


def test_every_word_of_a_log_has_a_text() -> None:
    """Verdicts, causes and reasons for an end, in every language."""
    from ser_live.events import Cause, EndReason

    for language in LANGUAGES:
        texts = catalogue(language)
        words = [f"label.{v.value}" for v in Verdict if v is not Verdict.OK]
        words += [f"cause.{cause.value}" for cause in Cause]
        words += [f"ended.{reason.value}" for reason in EndReason]
        assert not [word for word in words if word not in texts]


def test_lines_of_json_are_those_of_the_log() -> None:
    """Partial results are known by how the log writes them: a change there would show here."""
    part = final(AGENT, 123456, 0.0, 1.0, Emotion.SAD)
    line = json_line(part.as_record()).encode() + b"\n"
    assert not _is_partial(line)
    assert _is_partial(line.replace(b'"kind":"final"', b'"kind":"partial"'))
    assert not _is_partial(json_line(LogHeader().as_record()).encode() + b"\n")
    assert isinstance(stream_began(AGENT, None), StreamStarted)


def test_the_latest_session_has_a_file_named_like_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without arguments, or with "latest": the newest log, into the folder that one works in."""
    sessions = tmp_path / "ser-live" / "sessions"
    sessions.mkdir(parents=True)
    monkeypatch.setattr("ser_live.records.session_list.sessions_folder", lambda: sessions)
    monkeypatch.setattr("ser_live.records.session_files.sessions_folder", lambda: sessions)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LogError, match="no session log"):
        _run()
    _short(sessions / "2026-03-29T015958.jsonl")
    _run()
    assert capsys.readouterr().out.strip() == "2026-03-29T015958.html"
    assert (tmp_path / "2026-03-29T015958.html").read_text().startswith("<!DOCTYPE html>")
    with pytest.raises(UsageError):
        _run("latest")
    _run("latest", "--overwrite")
    _run("latest", "1", "--compare")
    assert (tmp_path / "comparison.html").exists()
