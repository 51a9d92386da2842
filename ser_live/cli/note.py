"""``ser-live note``: a note or rating of one's own, outside sessions."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from ser_live.cli.help_pages import Page
from ser_live.errors import UsageError
from ser_live.terminal.printing import echo

_MAX_FUTURE_S = 86_400.0
"""A clock may be wrong, or of another zone, by this much."""


@click.command("note", cls=Page)
@click.argument("text", required=False, default="")
@click.option(
    "--rating",
    type=click.IntRange(1, 5),
    metavar="1…5",
    help="How you feel, from 1 to 5, 5 being best.",
)
@click.option(
    "--tag", "tags", multiple=True, metavar="TAG", help="Tag; may be given several times."
)
@click.option(
    "--at",
    metavar="TIME",
    help="Moment it is about, such as 2026-03-14T21:30 or 2026-03-14; now by default.",
)
@click.option(
    "--import",
    "diary",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Take ratings, tags and notes from a CSV export of Daylio; twice does no harm.",
)
@click.option(
    "--map",
    "moods",
    multiple=True,
    metavar="MOOD=1…5",
    help="With --import: rating of a mood of your own; may be given several times.",
)
def command(
    text: str,
    rating: int | None,
    tags: tuple[str, ...],
    at: str | None,
    diary: Path | None,
    moods: tuple[str, ...],
) -> None:
    """Note how you feel, beside what the voice says.

    Notes are kept in one file of your own, readable by you alone; `ser-live history
    trend` puts ratings beside the voice. From 14 rated days on it says how well the
    two agree.

    \b
    Examples:
      ser-live note --rating 4 "slept badly"
      ser-live note --import daylio.csv --map "super=5" --map "so-so=3"

    \f
    Moods of Daylio are ratings: rad 5, good 4, meh 3, bad 2, awful 1. Activities
    become tags. Entries that were imported before are passed over.

    \b
    More examples:
      ser-live note "first day at the new place" --tag work --at 2026-03-14
    """
    if diary is not None:
        _refuse_beside_import(text, rating, tags, at)
        _import(diary, moods)
        return
    if moods:
        raise UsageError("Found --map without --import, but it is about its moods: give both.")
    from ser_live.history.notes import MAX_TAG, MAX_TAGS, MAX_TEXT, Note, add_note

    if not text.strip() and rating is None and not tags:
        raise UsageError(
            "Found nothing to note, but a text, --rating or --tag is needed: write "
            '`ser-live note --rating 4 "slept badly"`.'
        )
    if len(text) > MAX_TEXT:
        raise UsageError(
            f"Found a note of {len(text)} characters, and at most {MAX_TEXT} are kept: shorten it."
        )
    if len(tags) > MAX_TAGS or any(not tag.strip() or len(tag) > MAX_TAG for tag in tags):
        raise UsageError(
            f"Found tags that do not fit, but at most {MAX_TAGS} of 1 to {MAX_TAG} characters are "
            "kept: shorten them."
        )
    note = Note(
        at=_moment(at),
        text=_writable(text),
        rating=rating,
        tags=tuple(dict.fromkeys(_writable(tag).strip() for tag in tags)),
    )
    path = add_note(note)
    echo(f"Noted for {note.at:%Y-%m-%d %H:%M} in {path}.")


def _refuse_beside_import(
    text: str, rating: int | None, tags: tuple[str, ...], at: str | None
) -> None:
    if text or rating is not None or tags or at is not None:
        raise UsageError(
            "Found a note beside --import, but an import takes everything from its file: note it "
            "by a command of its own."
        )


def _import(path: Path, moods: tuple[str, ...]) -> None:
    """Add the entries of a diary that are not noted yet."""
    from ser_live.history.daylio import not_yet_noted, read_daylio
    from ser_live.history.notes import add_notes, read_notes

    diary = read_daylio(path, dict(map(_mood, moods)))
    new = not_yet_noted(diary.notes, read_notes().notes)
    if new:
        add_notes(new)
    n_old = len(diary.notes) - len(new)
    old = f", {n_old} were noted before" if n_old else ""
    echo(f"Noted {len(new)} entries of {path}{old}.")
    for reason, n in diary.passed_over.items():
        if n:
            echo(f"ser-live: {n} lines {reason} passed over.", err=True)
    for reason, n in diary.altered.items():
        if n:
            echo(f"ser-live: {n} entries {reason}.", err=True)


def _mood(text: str) -> tuple[str, int]:
    """Name and rating of a mood, as ``super=5``."""
    name, _, rating = text.rpartition("=")
    if not name.strip() or rating.strip() not in {"1", "2", "3", "4", "5"}:
        raise UsageError(
            f"Found '{text[:60]}' as --map, but a mood and its rating from 1 to 5 are needed: "
            'write it as "super=5".'
        )
    return name.strip().lower(), int(rating)


def _moment(at: str | None) -> datetime:
    """The moment that is meant, with the offset that this machine has then."""
    now = datetime.now().astimezone()
    if at is None:
        return now
    try:
        moment = datetime.fromisoformat(at).astimezone()
    except (ValueError, OverflowError, OSError):
        raise UsageError(
            f"Found the time '{at}', but one such as 2026-03-14T21:30 is needed: write it so."
        ) from None
    if "T" not in at and " " not in at.strip():
        # A day alone: its noon, which lies in that day in spite of every change of the clock.
        moment = datetime.fromisoformat(at).replace(hour=12).astimezone()
    elif datetime.fromisoformat(at).tzinfo is not None:
        moment = datetime.fromisoformat(at)  # the offset that was written is that of the place
    if (moment - now).total_seconds() > _MAX_FUTURE_S:
        raise UsageError(
            f"Found the time {moment:%Y-%m-%d %H:%M}, which is still to come, but a note is about "
            "what was: check the date."
        )
    return moment


def _writable(text: str) -> str:
    """`text` without halves of characters, such as bytes of a terminal that are no UTF-8."""
    return text.encode("utf-8", "replace").decode()
