"""``ser-live serve``: emotion for other programs over HTTP and WebSocket."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ser_live.cli.bridge_options import BridgeOptions, bridge_options
from ser_live.cli.help_pages import Page
from ser_live.cli.options import device_option, model_option, prior_option, settings_options
from ser_live.config import Settings


@click.command(
    cls=Page,
    shown=("open", "microphone", "device", "host", "port", "socket", "token-file"),
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    metavar="ADDRESS",
    help="Address to listen on; another one than this machine's own lets others in.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8765,
    show_default=True,
    metavar="N",
    help="Port to listen on; 0 takes a free one.",
)
@click.option(
    "--socket",
    "socket_path",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    metavar="PATH",
    help="Listen on this UNIX socket, which only you can open, instead of an address.",
)
@click.option("--open", "opens", is_flag=True, help="Open the live page in the browser.")
@click.option("--microphone", is_flag=True, help="Hear this machine's microphone for all who ask.")
@device_option
@click.option(
    "--overlay",
    is_flag=True,
    help="Hear the microphone and print an address for streaming software such as OBS.",
)
@click.option(
    "--token-file",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    metavar="FILE",
    help="Take the token from this file, or write a new one there; it is then not printed.",
)
@click.option("--no-token", is_flag=True, help="Let every program and user of this machine in.")
@click.option(
    "--allow-origin",
    "origins",
    multiple=True,
    metavar="URL",
    help="Let pages of this origin use the WebSockets with the token; repeat it for more.",
)
@click.option(
    "--allow-host",
    "hosts",
    multiple=True,
    metavar="NAME",
    help="Answer to this name in the Host header, as behind a proxy; repeat it for more.",
)
@click.option(
    "--certfile", type=click.Path(path_type=Path, dir_okay=False), default=None, metavar="FILE"
)
@click.option(
    "--keyfile", type=click.Path(path_type=Path, dir_okay=False), default=None, metavar="FILE"
)
@click.option(
    "--wyoming",
    "wyoming_port",
    type=click.IntRange(0, 65535),
    default=None,
    metavar="PORT",
    help="Speak Wyoming (TCP) on this port too, without a token; 0 takes a free one.",
)
@click.option(
    "--wyoming-host",
    default="127.0.0.1",
    show_default=True,
    metavar="ADDRESS",
    help="Address for --wyoming; another one than this machine's own lets everybody in.",
)
@click.option(
    "--max-sessions",
    type=click.IntRange(1, 10_000),
    default=32,
    show_default=True,
    metavar="N",
    help="Streams at the same time.",
)
@click.option(
    "--processes",
    "n_processes",
    type=click.IntRange(0, 256),
    default=None,
    metavar="N",
    help="Processes that analyze, started as sessions come; one a core unless given.",
)
@model_option
@prior_option
@settings_options
@bridge_options
def command(
    host: str,
    port: int,
    socket_path: Path | None,
    opens: bool,
    microphone: bool,
    device: str | None,
    overlay: bool,
    token_file: Path | None,
    no_token: bool,
    origins: tuple[str, ...],
    hosts: tuple[str, ...],
    certfile: Path | None,
    keyfile: Path | None,
    wyoming_port: int | None,
    wyoming_host: str,
    max_sessions: int,
    n_processes: int | None,
    model: str | None,
    settings: Settings,
    bridges: BridgeOptions,
) -> None:
    """Give emotion to other programs, and to a page in the browser.

    \b
    Examples:
      ser-live serve --open                     the live page in the browser
      ser-live serve --microphone --open        of this machine's microphone

    \f
    Sound comes over a WebSocket (/v1/stream) or as a recording (/v1/analyze), or
    from this machine's microphone (--microphone, /v1/events). Nothing is kept, and
    nobody gets in without the token that is printed. Ctrl-C reports what was heard
    and ends. Needs pip install "ser-live[server]".

    \b
    More examples:
      ser-live serve --token-file ~/.ser-live-token --port 9000
      curl -H "Authorization: Bearer $TOKEN" --data-binary @talk.wav \\
        http://127.0.0.1:8765/v1/analyze
      ser-live serve --open --osc 127.0.0.1:9001   tells a game what it hears
    """
    from ser_live.cli.serving import Serving, check_extra

    check_extra()
    sys.exit(
        Serving(
            host=host,
            port=port,
            socket_path=socket_path,
            opens=opens,
            microphone=microphone or overlay or device is not None,
            device=device,
            overlay=overlay,
            token_file=token_file,
            no_token=no_token,
            origins=origins,
            hosts=hosts,
            certfile=certfile,
            keyfile=keyfile,
            wyoming_port=wyoming_port,
            wyoming_host=wyoming_host,
            max_sessions=max_sessions,
            n_processes=n_processes,
            model=model,
            settings=settings,
            bridges=bridges,
        ).run()
    )
