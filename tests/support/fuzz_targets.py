"""Everything that takes input from outside, each fed one input at a time.

The inputs that the targets begin with lie in ``tests/corpus``; ``fuzz_seeds`` makes them.
"""

from __future__ import annotations

import hashlib
import io
import json
import warnings
import wave
import zipfile
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import click
import numpy as np
from fuzzing import Target
from places import ROOT

from ser_live.config import Settings, VadSettings
from ser_live.errors import SerLiveError

REFUSED = (SerLiveError,)
MAX_HEARD_S = 30.0
"""So much of a recording is heard at most; a small file may go on for a hundred hours."""


# -- recordings


def hear_recording(data: bytes, folder: Path) -> None:
    """Decode a file block by block, as a replay does, and bring it to 16 kHz."""
    from ser_live.audio import StreamConverter
    from ser_live.process.sound import prepared_for_sound
    from ser_live.sources import FileSource

    path = folder / "input"
    path.write_bytes(data)
    # As on the command line, for mpg123 prints what it thinks of its input.
    with prepared_for_sound(), FileSource(path, speed=0) as source:
        converter = StreamConverter(source.sample_rate, source.n_channels)
        n_heard = 0
        while not source.exhausted and n_heard < MAX_HEARD_S * source.sample_rate:
            block = source.read(0)
            if isinstance(block, np.ndarray):
                assert block.dtype == np.float32
                assert block.shape[1] == source.n_channels
                assert len(block) > 0
                n_heard += len(block)
                assert np.isfinite(converter.push(block)).all()
        converter.flush()


# -- raw PCM on standard input


class _Pipe(io.RawIOBase):
    """Gives the bytes in pieces of the sizes asked for, as a pipe does."""

    def __init__(self, data: bytes, sizes: list[int]) -> None:
        self._data = data
        self._sizes = sizes

    def read(self, size: int = -1) -> bytes:
        n = self._sizes.pop(0) if self._sizes else 4096
        n = max(1, min(n, size))
        part, self._data = self._data[:n], self._data[n:]
        return part


def hear_pcm(data: bytes, folder: Path) -> None:
    """First line: rate, channels, channel to keep or 0, sizes of reads; the rest is the pipe's.

    What is heard goes through speech detection and segmenting; the confirming network has
    no input of its own and would cost most of the time.
    """
    del folder
    from stream_parts import STREAM

    from ser_live.sources import PcmSource
    from ser_live.stream.segmenting import SegmentingStage

    head, _, pcm = data.partition(b"\n")
    numbers = [int(n) % 1_000_000 for n in head.split()[:20] if n.isdigit() and len(n) < 20]
    rate, n_channels, channel, *sizes = (*numbers, 0, 0, 0)
    with PcmSource(_Pipe(pcm, sizes), rate, n_channels) as source:  # type: ignore[arg-type]
        stage = SegmentingStage(
            Settings(vad=VadSettings(confirm="off")),
            sample_rate=source.sample_rate,
            n_channels=source.n_channels,
            stream=replace(STREAM, channel=channel - 1 if channel else None),
        )
        while not source.exhausted:
            block = source.read(0)
            if block is not None:
                stage.push(block)
        stage.flush()


# -- names of RAVDESS


def read_name(data: bytes, folder: Path) -> None:
    """Parse a name, and find the file of that name in a folder where it can exist."""
    from ser_live.datasets.ravdess import find_recordings, parse_name

    name = data.decode("utf-8", "surrogateescape")
    error: SerLiveError | None = None
    try:
        assert parse_name(name).speaker.startswith("ravdess-")
    except SerLiveError as refused:
        error = refused
    if "/" not in name and "\0" not in name and name not in ("", ".", "..") and len(data) < 256:
        path = folder / name
        path.touch()
        try:
            assert all(found.path == path for found in find_recordings(folder, None))
        finally:
            path.unlink()
    if error is not None:
        raise error


# -- tables of files and labels


def read_table(data: bytes, folder: Path) -> None:
    """Find the recordings that a table names; only those beside it can be found."""
    from ser_live.datasets.own import find_own
    from ser_live.emotions import is_label

    for number in (1, 2):
        with wave.open(str(folder / f"{number}.wav"), "wb") as sound:
            sound.setparams((1, 2, 16_000, 0, "NONE", ""))
            sound.writeframes(bytes([number]) * 200)
    table = folder / "calls.csv"
    table.write_bytes(data)
    try:
        found = find_own(table)
    finally:
        table.unlink()
    assert {r.path.resolve().parent for r in found.recordings} == {folder.resolve()}
    assert all(is_label(label) for label in found.labels)


# -- session logs


def read_session_log(data: bytes, folder: Path) -> None:
    """Read a log as ``log show`` and ``log export`` do; what is shown must be safe to show.

    What was read can be written again, and is then read as the same.
    """
    from ser_live.events import EmotionResult, EventReader
    from ser_live.records.csv_rows import CsvLines, emotion_fields
    from ser_live.records.json_line import json_line
    from ser_live.records.log_entries import ENTRY_CLASSES
    from ser_live.records.session_log import read_log
    from ser_live.records.summary import summary_lines

    path = folder / "log.jsonl"
    path.write_bytes(data)
    assert all(line.isprintable() for line in summary_lines(read_log(path)))
    table = io.StringIO()
    lines = CsvLines(table, emotion_fields())
    again = EventReader(ENTRY_CLASSES)
    for entry in read_log(path):
        record = entry.as_record()
        json_line(record).encode()
        reread = again.read(record)
        assert reread is not None
        assert reread.as_record() == record
        if isinstance(entry, EmotionResult):
            lines.write(record)
    table.getvalue().encode()


def documented_logs() -> list[bytes]:
    """The example of the documentation, which has every kind of record."""
    page = ROOT / "docs" / "session_log.md"
    text = page.read_text(encoding="utf-8").partition("```jsonl\n")[2]
    return [text.partition("```")[0].encode()]


# -- models and profiles

WEIGHTS_FOLLOW = b"\n--weights--\n"
"""Stands between a card and what its arrays are made of."""
MAX_UNITS = 300_000


def split_folder(data: bytes) -> tuple[bytes, bytes]:
    """Card and weights file of an input.

    In the card ``@sha256`` stands for the hash of the weights, so that hostile weights pass
    that test, and ``"@names"`` for the features' names. The weights are a file as it is, or
    one array a line: ``name|header|hexadecimal unit|times``, where ``@n`` stands for the
    number of features.
    """
    card, _, rest = data.partition(WEIGHTS_FOLLOW)
    weights = rest if rest.startswith(b"PK") else _archive(rest)
    card = card.replace(b"@sha256", hashlib.sha256(weights).hexdigest().encode())
    return card.replace(b'"@names"', _names_json()), weights


@cache
def _names_json() -> bytes:
    from ser_live.features import FEATURE_NAMES

    return json.dumps(FEATURE_NAMES).encode()


def _archive(lines: bytes) -> bytes:
    from ser_live.features import FEATURE_NAMES

    n = str(len(FEATURE_NAMES)).encode()
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one name twice is meant
        for line in lines.split(b"\n"):
            name, header, unit, times = [*line.replace(b"@n", n).split(b"|"), b"", b"", b""][:4]
            archive.writestr(
                name.decode("latin-1").split("\0")[0][:100] or "_", _member(header, unit, times)
            )
    return stream.getvalue()


def _member(header: bytes, unit: bytes, times: bytes) -> bytes:
    try:
        payload = bytes.fromhex(unit.decode()) * min(int(times), MAX_UNITS)
    except ValueError:
        payload = unit
    begin = b"" if unit == b"raw" else b"\x93NUMPY\x01\x00"
    return begin + len(header[:65535]).to_bytes(2, "little") + header[:65535] + payload[:MAX_UNITS]


@cache
def _inputs() -> list[Any]:
    """Input vectors as the analysis makes them, harmless and not."""
    from ser_live.model.inputs import N_HAND_MADE

    usual = np.random.default_rng(0).standard_normal(N_HAND_MADE)
    return [usual, np.full(N_HAND_MADE, np.nan), np.full(N_HAND_MADE, -1e6)]


def load_model(data: bytes, folder: Path) -> None:
    """Load a model folder and let it judge; what it says must be probabilities."""
    from ser_live.model.emotion_model import EmotionModel

    card, weights = split_folder(data)
    (folder / "card.json").write_bytes(card)
    (folder / "weights.npz").write_bytes(weights)
    model = EmotionModel.load(folder)
    for x in _inputs():
        with np.errstate(all="ignore"):
            probabilities = model.predict_proba(x, model.new_speaker())
        assert probabilities.shape == (8,)
        assert abs(probabilities.sum() - 1.0) < 1e-6, f"probabilities sum to {probabilities.sum()}"


def load_profile(data: bytes, folder: Path) -> None:
    """Load a speaker's profile and judge by it, as a session does."""
    from ser_live.speaker.memory import SpeakerMemory
    from ser_live.speaker.profile import load_profile

    card, arrays = split_folder(data)
    (folder / "anna.json").write_bytes(card)
    (folder / "anna.npz").write_bytes(arrays)
    model = _adapting_model()
    with np.errstate(all="ignore"):
        memory = SpeakerMemory(model, profile=load_profile("anna", folder=folder))
        for x in _inputs():
            probabilities = model.predict_proba(x, memory.shift)
            affect = memory.affect(probabilities, x)
            memory.reasons(x)
            memory.learn(x, probabilities)
            assert abs(affect.valence) <= 1.0
            assert abs(affect.arousal) <= 1.0


def load_encoder(data: bytes, folder: Path) -> None:
    """Load a model's graph, whose hash is right, and let it hear a short sound."""
    from ser_live.model.emotion_model import EmotionModel

    (folder / "encoder.onnx").write_bytes(data)
    encoder = EmotionModel.load_encoder(folder, hashlib.sha256(data).hexdigest(), "m", 2048)
    assert encoder.n_values == 2048


@cache
def _adapting_model() -> Any:
    from synthetic_model import adapting_model

    return adapting_model()


# -- settings


_taken: list[Settings] = []
"""What the command below was given, newest last."""


@cache
def _settings_command() -> click.Command:
    from ser_live.cli.options import settings_options

    return click.command()(settings_options(lambda settings: _taken.append(settings)))


def use_settings(data: bytes, folder: Path) -> None:
    """Options as on the command line, one word a line; then speech is heard by them.

    There is no file of settings: the options are the only way in.
    """
    del folder
    from stream_parts import STREAM, segmenting

    from ser_live.speech.segmenter import Segmenter

    _taken.clear()
    arguments = data.decode("utf-8", "surrogateescape").split("\n")
    _settings_command().main([a for a in arguments if a], "ser-live", standalone_mode=False)
    if not _taken:
        return  # --help and --help-settings
    segmenting(_taken[0])
    segmenter = Segmenter(_taken[0].segmenter, stream=STREAM)
    frame = np.full(480, 0.1, np.float32)
    for k in range(80):
        segmenter.push(frame, k % 50 < 40, -60.0, -20.0)
    segmenter.flush()


_KINDS = (b'"type"', b'"emotion"', b'"final"', b"\n", b"|", b"\x00", b"\xff", b"..", b"1e400")

TARGETS = {
    target.name: target
    for target in (
        Target(
            "audio",
            hear_recording,
            REFUSED,
            tokens=(b"data", b"fmt ", b"LIST", b"fact", b"\xff\xff\xff\xff", b"\0\0\0\0", b"OggS"),
        ),
        Target("pcm", hear_pcm, REFUSED, tokens=(b"RIFF", b"\n", b"\xff\x7f" * 500, b"\0" * 2000)),
        Target("ravdess", read_name, REFUSED, tokens=(b"-", b"00", b".wav", b"/", b"\xd9\xa3")),
        Target(
            "table",
            read_table,
            REFUSED,
            is_text=True,
            tokens=(
                b"file",
                b"label",
                b";",
                b"\t",
                b'"',
                b"\n",
                b"1.wav",
                b"../",
                b"\x00",
                b"\xff",
            ),
        ),
        Target("log", read_session_log, REFUSED, is_text=True, tokens=_KINDS, more=documented_logs),
        Target("model", load_model, REFUSED, is_text=True, tokens=_KINDS),
        Target("encoder", load_encoder, REFUSED, tokens=(b"layer_0", b"log_mel", b"location")),
        Target("profile", load_profile, REFUSED, is_text=True, tokens=_KINDS),
        Target(
            "settings",
            use_settings,
            (*REFUSED, click.ClickException),
            is_text=True,
            may_print=True,
            tokens=(b"--", b"=", b"\n", b"nan", b"inf", b"1e9", b"-5", b"\x00"),
        ),
    )
}
