"""``ser-live analyze``: recordings in folders, one row an utterance or a file."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from ser_live import __version__
from ser_live.cli.archive_options import ArchiveOptions, archive_options, sources_argument
from ser_live.cli.batch_run import BatchOptions, BatchRun, batch_options
from ser_live.cli.expire import expire_option, expiring
from ser_live.cli.help_pages import Page
from ser_live.cli.options import (
    channel_option,
    load_speaker,
    model_option,
    prior_option,
    settings_options,
    speaker_options,
    track_option,
)
from ser_live.cli.presets import preset_options
from ser_live.cli.roles import roles_options
from ser_live.cli.rows import make_form
from ser_live.config import Settings
from ser_live.remote import Location

if TYPE_CHECKING:
    from ser_live.batch.recording import Recording
    from ser_live.events import Record
    from ser_live.stream.roles import Roles


@click.command(
    cls=Page,
    shown=("format", "unit", "output", "resume", "jobs", "channel", "sensitivity", "quiet"),
)
@sources_argument
@click.option(
    "-f",
    "--format",
    "format_",
    type=click.Choice(["table", "jsonl", "csv"]),
    default="table",
    show_default=True,
    help="Encoding of the rows.",
)
@click.option(
    "--unit",
    type=click.Choice(["utterance", "file"]),
    default="utterance",
    show_default=True,
    help="A row for each utterance, or for each file.",
)
@batch_options
@archive_options
@expire_option
@roles_options
@channel_option
@track_option
@model_option
@prior_option
@preset_options
@speaker_options
@settings_options
def command(
    paths: tuple[Location, ...],
    format_: str,
    unit: str,
    options: BatchOptions,
    archive: ArchiveOptions,
    expires_at: str | None,
    channel: int | None,
    roles: Roles | None,
    track: int | None,
    model: str | None,
    speaker: str | None,
    settings: Settings,
) -> None:
    """Analyze files, or all recordings below folders.

    \b
    Examples:
      ser-live analyze calls/ --channel 2 --jobs 2 --format csv > customers.csv
      ser-live analyze clips/ --unit file --format jsonl

    \f
    A file that cannot be read is listed at the end, the others go on; the exit
    code is then 1. With --jobs a file that crashes the analyzer is tried once
    more by itself, then listed too. A file's probabilities are the mean over its
    utterances, weighted by their speech time.

    Below folders, linked ones included, hidden and discarded files and those
    with other names are left out; one line at the end counts them.

    \b
    More examples:
      ser-live analyze interview.mp3
      ser-live analyze calls/ --roles left=agent:activity,right=customer -f csv
      ser-live analyze archive/ -j 0 -f csv -o rows.csv --resume
      ser-live analyze archive/ -j 0 --out results.parquet
      ser-live analyze s3://bucket/calls --out s3://bucket/parts --shard 2/8
      ser-live analyze archive/ --out results.parquet --dask tcp://10.0.0.1:8786
    """
    from ser_live.archive.sources import find_recordings
    from ser_live.batch.files import analyze_file
    from ser_live.batch.recording import Recording, file_fields
    from ser_live.records.csv_rows import emotion_fields
    from ser_live.speaker.memory import SpeakerMemory
    from ser_live.stream.analyzer import loaded

    options.check(format_)
    archive.check(options, format_, unit, expires_at)
    emotion_model = loaded(model)
    profile = load_speaker(speaker)
    if profile is not None:
        SpeakerMemory(emotion_model, profile=profile)  # one that does not fit fits no file
    found = archive.own_share(find_recordings(paths))
    by_file = unit == "file"
    labels = emotion_model.card.labels
    table = (
        ("file", "emotion", "state", "confidence", "speech_s", "n_utterances")
        if by_file
        else ("file", "start_s", "end_s", "emotion", "state", "confidence")
    )
    without = partial(
        Recording,
        model=emotion_model.card.id,
        min_confidence=emotion_model.thresholds(settings.reject)[1],
        labels=labels,
    )
    hangs_on = {
        "--channel": None if channel is None else channel + 1,
        "--roles": None if roles is None else str(roles),
        "--track": track,
        "--model": f"{emotion_model.card.id} {emotion_model.card.weights_sha256}",
        "--speaker": None if profile is None else asdict(profile.card),
        "version": __version__,
        "settings": asdict(settings),
    }
    heard: dict[str, Any] = {
        "settings": settings,
        "channel": channel,
        "roles": roles,
        "profile": profile,
        "track": track,
    }
    with (
        archive.cluster(
            model, emotion_model.card.weights_sha256, heard, is_quiet=options.quiet
        ) as batch,
        expiring(options.output, expires_at),
    ):
        run = BatchRun(
            found=found,
            work=partial(analyze_file, model=emotion_model, **heard),
            on_crash=lambda file, error: without(file=file, error=error),
            rows_of=archive.rows_of or (_summary if by_file else _utterances),
            form=archive.form
            or make_form(
                format_,
                (file_fields if by_file else emotion_fields)(labels),
                table,
                found.files,
                labels,
            ),
            options=options,
            what="analyzing",
            notes_of=lambda recording: recording.notes,
            hangs_on={"command": "analyze", "--format": format_, "--unit": unit, **hangs_on},
            place=archive.place(found.files, labels, hangs_on, is_quiet=options.quiet),
            batch=batch,
        )
        code = run.run()
    sys.exit(code)


def _summary(recording: Recording) -> Sequence[Record]:
    return [recording.summary] if recording.was_opened else []


def _utterances(recording: Recording) -> Sequence[Record]:
    return recording.to_records()
