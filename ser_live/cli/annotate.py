"""``ser-live annotate``: labels of a person's own for the utterances of a session."""

from __future__ import annotations

import math
import shlex
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ser_live.cli.help_pages import Page
from ser_live.cli.log_options import session_argument
from ser_live.errors import AudioFileError, UsageError
from ser_live.terminal.printing import echo

if TYPE_CHECKING:
    from ser_live.annotation.round import Round
    from ser_live.sources.playback import Playback

_REPLAY, _SKIP, _UNDO, _QUIT = (" ", "r"), "s", "u", ("q", "escape")
_POLL_S = 0.03
_LABEL_KEYS = "123456789abcdefghijklmnopvwxyz"
"""Keys of labels, in the model's order; without those above."""
_MAX_BY = 60


@click.command("annotate", cls=Page)
@session_argument
@click.option(
    "--order",
    type=click.Choice(["uncertain", "random", "time"]),
    default="uncertain",
    show_default=True,
    help="Least certain first, by chance, or as they were spoken.",
)
@click.option(
    "--by", default="me", show_default=True, metavar="NAME", help="Name of the one who labels."
)
@click.option("--again", is_flag=True, help="Hear also what you have labelled before.")
@click.option(
    "--player",
    metavar="COMMAND",
    help="Program that plays a sound file, such as aplay; the default output otherwise.",
)
def command(file: Path, order: str, by: str, again: bool, player: str | None) -> None:
    """Hear the utterances of SESSION and give each a label of your own.

    The session must have kept its audio (--save-audio). An utterance is played, you
    press the key of your label, and only then see what the model said. Labels are
    stored at once, in a file beside the log; the log is not changed. At the end it
    says how well you and the model agree.

    \b
    Examples:
      ser-live annotate
      ser-live annotate 3 --order random --by anna

    \f
    SESSION is a log file, or a number of `ser-live log list`; without one it is the
    latest.
    """
    from ser_live.annotation.round import Order, Round
    from ser_live.sources.playback import Playback

    if not sys.stdin.isatty():
        raise UsageError(
            "Found no terminal, but keys are needed to give labels: run it in a terminal."
        )
    if not by.strip() or len(by) > _MAX_BY:
        raise UsageError(
            f"Found the name '{by[:_MAX_BY]}', but one of 1 to {_MAX_BY} characters is needed: "
            "give --by another."
        )
    labelling = Round(
        file,
        by=by,
        order=Order(order),
        again=again,
        on_cut=lambda sentence: echo(f"ser-live: {sentence}", err=True),
    )
    _say_left_out(labelling)
    if not labelling.every:
        raise UsageError(_nothing_to_hear(labelling))
    if labelling.items:
        playback = Playback(_words(player))
        try:
            with closing(_pressed()) as pressed:
                _ask_all(labelling, playback, pressed)
        finally:
            playback.stop()
    else:
        echo("You have labelled everything that can be heard; --again hears it once more.")
    _say_agreement(labelling, order)


def _words(player: str | None) -> list[str]:
    try:
        words = shlex.split(player or "")
    except ValueError as error:
        raise UsageError(
            f"Found the player '{player}', which cannot be read ({error}), but a program with its "
            "arguments is needed: check its quotes."
        ) from error
    if player is not None and not words:
        raise UsageError("Found an empty --player, but a program is needed: name one.")
    return words


def _nothing_to_hear(labelling: Round) -> str:
    if not labelling.has_folder:
        return (
            "Found a session that kept no audio, but utterances must be heard to be labelled: "
            "record with --save-audio FOLDER."
        )
    return (
        "Found no utterance whose audio is there, but at least one is needed: bring back the "
        "folder that --save-audio named."
    )


def _say_left_out(labelling: Round) -> None:
    for n, why in (
        (labelling.n_unjudged, "that the model said nothing about"),
        (labelling.n_unheard if labelling.has_folder else 0, "without audio of their own"),
    ):
        if n:
            echo(f"ser-live: {n} utterance{'s' * (n > 1)} {why} left out.", err=True)
    if labelling.n_passed_over:
        echo(f"ser-live: {labelling.n_passed_over} lines beside the log hold no label.", err=True)


def _ask_all(labelling: Round, playback: Playback, pressed: Iterator[str]) -> None:
    """Ask about one utterance after the other, until the last or until the person has enough."""
    if len(labelling.labels) > len(_LABEL_KEYS):
        raise UsageError(
            f"Found a model with {len(labelling.labels)} labels, but there are keys for "
            f"{len(_LABEL_KEYS)} alone: label sessions of a model with fewer."
        )
    keys = dict(zip(_LABEL_KEYS, labelling.labels, strict=False))
    echo("  ".join(f"{key} {label}" for key, label in keys.items()))
    echo("space again  s cannot tell  u undo  q enough")
    while (item := labelling.current) is not None:
        n_all = len(labelling.items)
        duration_s = item.result.end_s - item.result.start_s
        echo(f"{labelling.place + 1} of {n_all} ({duration_s:.1f} s): ", nl=False)
        try:
            playback.play(item.recording)
        except AudioFileError as error:
            echo()
            echo(f"ser-live: {error}", err=True)
            labelling.skip()
            continue
        if not _answered(labelling, playback, keys, pressed):
            echo()
            return


def _answered(
    labelling: Round, playback: Playback, keys: dict[str, str], pressed: Iterator[str]
) -> bool:
    """Take keys until one moves on; False for enough."""
    item = labelling.current
    assert item is not None  # noqa: S101  it is being asked about
    for key in pressed:
        if key in keys:
            playback.stop()
            labelling.answer(keys[key])
            said = f"{item.most_probable} {item.probability:.2f}"
            how = "named" if item.result.emotion is not None else "not named, too uncertain"
            echo(f"{keys[key]}; ser-live: {said} ({how})")
            return True
        if key in _REPLAY:
            playback.play(item.recording)
        elif key == _SKIP:
            labelling.skip()
            echo("cannot tell")
            return True
        elif key == _UNDO:
            echo("back" if labelling.undo() else "this is the first")
            return True
        elif key in _QUIT:
            return False
    return False


def _pressed() -> Generator[str, None, None]:
    """Keys as they are pressed, until the terminal is gone.

    The terminal is taken for the whole round: what is pressed between two questions counts for
    the next, and is not shown.
    """
    from ser_live.terminal.keyboard import Keyboard

    with Keyboard(sys.stdin) as keyboard:
        if not keyboard.is_there:  # Windows has another kind of terminal
            with suppress(EOFError):
                while True:
                    yield click.getchar().lower()
            return
        while keyboard.is_there:
            for key in keyboard.read():
                yield key.lower()
            time.sleep(_POLL_S)


def _say_agreement(labelling: Round, order: str) -> None:
    from ser_live.annotation.agreement import MIN_LABELS, agreement

    pairs = labelling.pairs()
    found = agreement(pairs)
    if found is None:
        echo(f"{len(pairs)} of {len(labelling.every)} utterances are labelled; from {MIN_LABELS} "
             "on your agreement with the model is shown.")  # fmt: skip
        return
    chance = (
        "undefined, as one label is all there is"
        if math.isnan(found.kappa)
        else f"{found.kappa:.2f} [{found.kappa_low:.2f} to {found.kappa_high:.2f}]"
    )
    echo(f"{found.n} of {len(labelling.every)} utterances are labelled. You and the model agree in "
         f"{found.share:.0%} [{found.share_low:.0%} to {found.share_high:.0%}]; beyond chance "
         f"(Cohen's kappa): {chance}.")  # fmt: skip
    if order == "uncertain" and found.n < len(labelling.every):
        echo("The least certain ones came first, so over the whole session you would agree more "
             "often: --order random says how often.")  # fmt: skip
