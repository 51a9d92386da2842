"""``ser-live listen``: the microphone, or sound from a pipe."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import click

from ser_live.cli.help_pages import Page
from ser_live.cli.live import LiveOptions, live_options, run_live
from ser_live.cli.options import device_option, device_wait_option, track_option
from ser_live.terminal.printing import echo


def _print_devices(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    """Print the table of input devices, then leave."""
    if not value or ctx.resilient_parsing:
        return
    from rich.table import Table
    from rich.text import Text

    from ser_live.sources.devices import accepted_rates, list_devices, no_device
    from ser_live.terminal.console import plain_console
    from ser_live.terminal.text import printable

    table = Table(box=None, pad_edge=False)
    for heading in ("", "index", "name", "host API", "channels", "rates accepted (Hz)"):
        table.add_column(heading, justify="right" if heading in ("index", "channels") else "left")
    devices = list_devices()
    if not devices:
        raise no_device()
    for device in devices:
        table.add_row(
            "*" if device.is_default else "",
            str(device.index),
            Text(printable(device.name)),
            Text(printable(device.host_api)),
            str(device.n_channels),
            " ".join(map(str, accepted_rates(device))),
        )
    plain_console().print(table)
    echo("* default microphone; choose another with -d INDEX or -d PART-OF-NAME", err=True)
    ctx.exit()


def _n_channels(options: LiveOptions) -> int | None:
    """Channels of which there must be so many; ``None`` where mono is as good."""
    if (lanes := options.lanes) is not None:
        return max(lanes.by_channel) + 1
    return None if options.channel is None else options.channel + 1


def _n_piped(options: LiveOptions) -> int:
    """Channels of PCM without a header: as many as have roles."""
    return 1 if options.lanes is None else max(options.lanes.by_channel) + 1


@click.command(
    cls=Page,
    shown=(
        "device",
        "list-devices",
        "sensitivity",
        "pace",
        "speaker",
        "display",
        "format",
        "output",
        "no-log",
    ),
)
@click.argument("source", required=False, metavar="[-]")
@device_option
@click.option(
    "-l",
    "--list-devices",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_devices,
    help="List the microphones and leave.",
)
@click.option(
    "-r",
    "--samplerate",
    type=click.IntRange(4000, 384_000),
    default=None,
    metavar="HZ",
    help="Rate of PCM without a header [16000], or to ask of the device.",
)
@click.option(
    "-c",
    "--channels",
    type=click.IntRange(1, 64),
    default=None,
    metavar="N",
    help="Channels of PCM without a header [1], or to ask of the device.",
)
@click.option(
    "--follow",
    type=click.Path(path_type=Path),
    default=None,
    metavar="FILE",
    help="Hear a recording that is still being written, like tail -f.",
)
@click.option(
    "--follow-for",
    type=click.FloatRange(min=0, min_open=True),
    default=None,
    metavar="SECONDS",
    help="End when the followed file did not grow for so long. Without it, at Ctrl-C.",
)
@device_wait_option
@track_option
@live_options
def command(
    source: str | None,
    device: str | None,
    samplerate: int | None,
    channels: int | None,
    follow: Path | None,
    follow_for: float | None,
    device_wait: float,
    track: int | None,
    options: LiveOptions,
) -> None:
    """Analyze the default microphone live; - reads sound from a pipe.

    Ctrl-C ends the session in order; a second Ctrl-C ends it at once.

    \b
    Examples:
      ser-live -d headset --log mood.jsonl      a device by part of its name
      ser-live --format jsonl --finals | jq -c .probabilities

    \f
    A pipe carries raw 16-bit PCM, or a recording in a container (wav, flac, ogg, mp3 and others),
    which its first bytes tell. Wav is heard as it comes, and with `pip install "ser-live[media]"`
    so are flac, ogg, mp3, aac, webm, mkv and streams of television; others once the pipe ends.

    A microphone that is unplugged meanwhile is waited for: the same one first, then the default
    one.

    \b
    More examples:
      ser-live                                  default microphone, dashboard
      arecord -f S16_LE -r 16000 -t raw | ser-live -
      ser-live --follow meeting.wav --follow-for 30   while another program records it
    """
    from ser_live.errors import UsageError
    from ser_live.sources import AudioSource, FollowedSource, PcmSource, ReconnectingMicrophone

    if follow is None and follow_for is not None:
        raise UsageError("Found --follow-for without --follow: name the file with --follow FILE.")
    if follow is not None and (source is not None or device is not None):
        raise UsageError(
            "Found --follow beside another source, but one is heard at a time: leave one out."
        )
    if track is not None and follow is None and source != "-":
        raise UsageError(
            "Found --track without a recording to hear, but a microphone has no tracks: name a "
            "file with --follow FILE, or pipe one into `ser-live -`."
        )
    audio: AudioSource
    if follow is not None:
        patience_s = math.inf if follow_for is None else follow_for
        audio = FollowedSource(
            follow,
            samplerate or 16_000,
            channels or _n_piped(options),
            patience_s,
            options.lanes,
            track,
        )
    elif source == "-":
        audio = PcmSource(
            sys.stdin.buffer,
            samplerate or 16_000,
            channels or _n_piped(options),
            roles=options.lanes,
            track=track,
        )
    elif source is not None:
        raise UsageError(
            f"Found '{source}', which is neither a command nor '-': "
            "replay a file with `ser-live replay FILE`, or see `ser-live --help`."
        )
    else:
        # A channel asked for must be among those opened; mono would be the default.
        n_channels = channels or _n_channels(options)
        audio = ReconnectingMicrophone(
            device, sample_rate=samplerate, n_channels=n_channels, wait_s=device_wait
        )
    sys.exit(run_live([audio], options))
