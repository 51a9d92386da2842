"""``ser-live analyze``: recordings in folders, one row an utterance or a file."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import click

from ser_live.cli.options import (
    channel_option,
    jobs_option,
    load_speaker,
    model_option,
    prior_option,
    settings_options,
    speaker_options,
    track_option,
)
from ser_live.cli.rows import (
    open_rows,
    paths_argument,
    report_bad_files,
    report_notes,
    with_progress,
)
from ser_live.config import Settings


@click.command()
@paths_argument
@click.option(
    "-f",
    "--format",
    "format_",
    type=click.Choice(["table", "jsonl", "csv"]),
    default="table",
    show_default=True,
)
@click.option(
    "--unit",
    type=click.Choice(["utterance", "file"]),
    default="utterance",
    show_default=True,
    help="One row for each utterance, or one for each file.",
)
@jobs_option
@channel_option
@track_option
@model_option
@prior_option
@speaker_options
@settings_options
def command(
    paths: tuple[Path, ...],
    format_: str,
    unit: str,
    jobs: int,
    channel: int | None,
    track: int | None,
    model: str | None,
    speaker: str | None,
    settings: Settings,
) -> None:
    """Analyze files, or all recordings below folders.

    A file that cannot be read is listed at the end, the others go on; the exit
    code is then 1. A file's probabilities are the mean over its utterances,
    weighted by their speech time.

    \b
    Examples:
      ser-live analyze interview.mp3
      ser-live analyze calls/ --channel 2 --jobs 2 --format csv > customers.csv
      ser-live analyze clips/ --unit file --format jsonl
    """
    from ser_live.batch.files import analyze_file, find_audio_files, map_files
    from ser_live.batch.recording import file_fields
    from ser_live.records.csv_rows import emotion_fields
    from ser_live.speaker.memory import SpeakerMemory
    from ser_live.stream.analyzer import loaded

    emotion_model = loaded(model)
    profile = load_speaker(speaker)
    if profile is not None:
        SpeakerMemory(emotion_model, profile=profile)  # one that does not fit fits no file
    files = find_audio_files(paths)
    work = partial(
        analyze_file,
        model=emotion_model,
        settings=settings,
        channel=channel,
        profile=profile,
        track=track,
    )
    failures: list[tuple[str, str]] = []
    by_file = unit == "file"
    table = (
        ("file", "emotion", "state", "confidence", "speech_s", "n_utterances")
        if by_file
        else ("file", "start_s", "end_s", "emotion", "state", "confidence")
    )
    fields = (file_fields if by_file else emotion_fields)(emotion_model.card.labels)
    with open_rows(format_, fields, table) as rows:
        for recording in with_progress(map_files(work, files, jobs), len(files), "analyzing"):
            report_notes(recording.file, recording.notes)
            if recording.error is not None:
                failures.append((recording.file, recording.error))
            if by_file and recording.was_opened:
                rows.write(recording.summary)
            elif not by_file:
                for record in recording.to_records():
                    rows.write(record)
    sys.exit(report_bad_files(len(files), failures))
