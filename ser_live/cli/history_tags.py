"""``ser-live history tags``: days with a tag beside days without."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ser_live.cli.help_pages import Page
from ser_live.cli.history_options import form_options, in_form, own_notes, up_to_date
from ser_live.cli.history_trend import chosen_voice, voice_options
from ser_live.cli.rows_output import rows_output
from ser_live.terminal.printing import echo

if TYPE_CHECKING:
    from ser_live.history.tags import Comparison, Tags


_TAG_CELLS = 20
"""Greatest width of a tag on a terminal."""


@click.command(cls=Page)
@voice_options
@click.option(
    "--tag",
    "wanted",
    multiple=True,
    metavar="TAG",
    help="Only this tag; may be given several times.",
)
@form_options
def tags(
    speaker: str | None,
    unnamed: bool,
    recordings: bool,
    wanted: tuple[str, ...],
    format_: str,
    output: Path | None,
) -> None:
    """Compare days with a tag to days without.

    How the voice sounded, and how you rated the day, with intervals that know that
    days hang together. Less than 5 days on a side are too few.

    \b
    Examples:
      ser-live history tags
      ser-live history tags --tag sport --tag travel --format csv

    \f
    Tags are those of `ser-live note`. A tag is of the day of its note. Compared are
    days under the one microphone, model and settings that have most. A difference is
    called one where it holds beside all that are shown (Holm); fewer tags, chosen
    before looking, let smaller differences hold.
    """
    from ser_live.history.days import voice_days
    from ser_live.history.session_notes import all_notes
    from ser_live.history.tags import as_record, compare_tags, comparison_record

    with up_to_date() as index:
        who = chosen_voice(index.database, speaker, unnamed)
        days = voice_days(index.database, who, recordings=recordings)
        notes = all_notes(index.database, who, own_notes().notes)
    found = compare_tags(days, notes, only=wanted)
    if format_ == "json":
        text = json.dumps(as_record(found), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    elif format_ == "csv":
        text = in_form(
            "csv",
            [
                {"tag": tag.name, "n_days": tag.n_days, **comparison_record(comparison)}
                for tag in found.tags
                for comparison in tag.comparisons
            ],
        )
    else:
        text = _text(found, who) if found.tags else ""
    with rows_output(output) as write:
        write(text)
    missing = [tag for tag in wanted if tag not in {t.name for t in found.tags}]
    if missing:
        echo(f"ser-live: there is no note with the tag {', '.join(missing)}.", err=True)
    elif not found.tags:
        echo('ser-live: no note has a tag yet: write `ser-live note "swam" --tag sport`.', err=True)


def _text(found: Tags, who: str | None) -> str:
    from ser_live.cli.history_tables import columns_text
    from ser_live.cli.rows import screen_cells
    from ser_live.history.sentences import setup_name, voice_name
    from ser_live.terminal.text import fit, fold, printable

    header = ("tag", "measure", "with", "without", "difference", "95 %", "")
    rows = [
        _row(fit(printable(tag.name), _TAG_CELLS) if place == 0 else "", comparison)
        for tag in found.tags
        for place, comparison in enumerate(tag.comparisons)
    ]
    width = min(screen_cells(), 100)
    heard = (
        "no day has enough speech to count"
        if found.setup is None
        else f"{found.n_days} days with enough speech, {setup_name(found.setup)}"
    )
    said = [f"{voice_name(who)}: {heard}"]
    lines = [line for text in said for line in fold(printable(text), width, indent=2)]
    table = columns_text([header, *rows], right=(2, 3, 4))
    after = [line for text in _sentences(found) for line in fold(printable(text), width, indent=2)]
    return (
        "".join(f"{line}\n" for line in lines)
        + "\n"
        + table
        + "\n"
        + "".join(f"{line}\n" for line in after)
    )


def _row(name: str, found: Comparison) -> tuple[str, ...]:
    verdict = "" if not found.is_there else "higher" if found.difference > 0 else "lower"
    if math.isnan(found.p):
        interval = "too few days" if found.is_too_few else "always the same"
    else:
        interval = f"{found.low:+.2f} to {found.high:+.2f}"
    difference = "" if math.isnan(found.difference) else f"{found.difference:+.2f}"
    return (
        name,
        found.measure,
        str(found.n_with),
        str(found.n_without),
        difference,
        interval,
        verdict,
    )


def _sentences(found: Tags) -> Sequence[str]:
    from ser_live.history.sentences import DISCLAIMER
    from ser_live.history.tags import MIN_DAYS

    others = (
        [f"{found.n_other_days} days under other microphones, models or settings do not compare "
         "with these and are left out."]
        if found.n_other_days
        else []
    )  # fmt: skip
    tested = (
        [f'"Higher" and "lower" hold beside all {found.n_tests} comparisons (Holm, 5 %); an '
         "interval is for its own alone."]
        if found.n_tests
        else []
    )  # fmt: skip
    return [
        *others,
        "With and without are the days with the tag and the others; the difference is that of "
        f"their means. At least {MIN_DAYS} days are needed on each side.",
        *tested,
        "Days with a tag differ in more than the tag: this shows what goes together, not what "
        "comes of what.",
        DISCLAIMER,
    ]
