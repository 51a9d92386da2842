"""Work of ``serve``: its token, its socket, what it prints, its end."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import secrets
import socket
import traceback
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ser_live.cli.bridge_options import BridgeOptions
from ser_live.cli.ending import say
from ser_live.config import Settings
from ser_live.errors import UsageError
from ser_live.process.ending_signals import EXIT_CODES
from ser_live.records.private_files import create_private_file

if TYPE_CHECKING:
    from ser_live.model.emotion_model import EmotionModel
    from ser_live.server.app import Services
    from ser_live.server.running import Server
    from ser_live.server.teller import Teller
    from ser_live.session.listening import Listening

WYOMING_HOST = "127.0.0.1"
"""Address for Wyoming, unless another one is named; the default of the option."""
MIN_TOKEN = 16
"""Shortest token that is taken, in characters."""


def check_extra() -> None:
    """Refuse to begin without the libraries of the extra ``server``."""
    missing = [name for name in ("starlette", "uvicorn", "websockets") if find_spec(name) is None]
    if missing:
        raise UsageError(
            f"serve found {' and '.join(missing)} missing, but needs the extra server: run "
            '`pip install "ser-live[server]"`.'
        )


@dataclass(frozen=True, kw_only=True)
class Serving:
    """One run of ``serve``, as its options say."""

    host: str
    port: int
    socket_path: Path | None
    opens: bool
    microphone: bool
    device: str | None
    overlay: bool
    token_file: Path | None
    no_token: bool
    origins: tuple[str, ...]
    hosts: tuple[str, ...]
    certfile: Path | None
    keyfile: Path | None
    wyoming_port: int | None
    wyoming_host: str
    max_sessions: int
    n_processes: int | None
    model: str | None
    settings: Settings
    bridges: BridgeOptions

    def run(self) -> int:
        """Serve until a signal; the exit code."""
        from ser_live.process.native_memory import give_back_early
        from ser_live.process.open_files import allow_many_files
        from ser_live.server.app import Services
        from ser_live.server.guard import Keys
        from ser_live.server.limits import Limits
        from ser_live.server.running import Server
        from ser_live.stream.analyzer import loaded

        self._check()
        give_back_early()
        allow_many_files()
        keys = Keys(None if self.no_token else self._token())
        listener = self._bound()
        wyoming = (
            None
            if self.wyoming_port is None
            else _tcp_socket(self.wyoming_host, self.wyoming_port, "--wyoming")
        )
        own = () if self.socket_path is not None else (self.host,)
        model = loaded(self.model)
        services = Services(
            model=model,
            keys=keys,
            report=_report,
            settings=self.settings,
            limits=Limits(max_sessions=self.max_sessions, n_processes=_processes(self.n_processes)),
            hosts=(*own, *self.hosts),
            origins=self.origins,
            listen=self._listen if self.microphone else None,
            wyoming=wyoming,
            teller=self._teller(model),
        )
        server = Server(
            services,
            listener,
            certfile=None if self.certfile is None else str(self.certfile),
            keyfile=None if self.keyfile is None else str(self.keyfile),
        )
        server.on_started = lambda: self._announce(services, listener)
        return self._serve(server)

    def _check(self) -> None:
        if self.no_token and self.token_file is not None:
            raise UsageError("Found both --no-token and --token-file: leave one out.")
        if (self.certfile is None) != (self.keyfile is None):
            raise UsageError("Found --certfile or --keyfile alone, but TLS needs both.")
        for path in (self.certfile, self.keyfile):
            if path is not None and not path.is_file():
                raise UsageError(f"there is no file {path}, but TLS needs it: check the path.")
        if self.wyoming_port is None and self.wyoming_host != WYOMING_HOST:
            raise UsageError(
                f"Found --wyoming-host {self.wyoming_host} without a port: add --wyoming PORT."
            )
        shows = "--open" if self.opens else "--overlay" if self.overlay else None
        if shows and self.socket_path is not None:
            raise UsageError(
                f"Found {shows} beside --socket, but a browser cannot open that: leave one out."
            )

    def _token(self) -> str:
        """The token of the file, or a new one."""
        path = self.token_file
        if path is None:
            return secrets.token_urlsafe(32)
        try:
            token = path.read_text(encoding="ascii").strip()
        except FileNotFoundError:
            return self._new_token(path)
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(
                f"the token file {path} cannot be read ({error}): give another one."
            ) from error
        if os.name != "nt" and path.stat().st_mode & 0o077:
            raise UsageError(
                f"others can read the token file {path}, but only you may: run `chmod 600 {path}`."
            )
        if len(token) < MIN_TOKEN or not all(c.isalnum() or c in "-_" for c in token):
            raise UsageError(
                f"the token in {path} does not fit: {MIN_TOKEN} or more letters, digits, - or _ "
                "are needed."
            )
        return token

    def _new_token(self, path: Path) -> str:
        token = secrets.token_urlsafe(32)
        try:
            with open(create_private_file(path), "w", encoding="ascii") as file:  # noqa: PTH123
                file.write(f"{token}\n")
        except OSError as error:
            raise UsageError(
                f"the token file {path} cannot be written ({error.strerror}): give another one."
            ) from error
        return token

    def _bound(self) -> socket.socket:
        """The socket to listen on, for its owner alone where it is a file."""
        if self.socket_path is not None:
            return _unix_socket(self.socket_path)
        return _tcp_socket(self.host, self.port, "--port")

    def _listen(self) -> Listening:
        from ser_live.session.listening import listen

        return listen(
            device=self.device, model=self.model, settings=self.settings, with_levels=True
        )

    def _teller(self, model: EmotionModel) -> Teller | None:
        """Open what tells other programs; each says what leaves this one."""
        every, live = self.bridges.of_server(hears=self.microphone)
        if not every and not live:
            return None
        from ser_live.server.teller import Teller

        teller = Teller(every, live, lambda sentence: say(f"ser-live: {sentence}"))
        teller.open(model, self.settings)
        return teller

    def _announce(self, services: Services, listener: socket.socket) -> None:
        """Print where it is, once it is there; the token stands nowhere else."""
        if self.socket_path is not None:
            say(f"ser-live: serving on {self.socket_path}")
            address = None
        else:
            port = listener.getsockname()[1]
            name = f"[{self.host}]" if ":" in self.host else self.host
            address = f"{'https' if self.certfile else 'http'}://{name}:{port}/"
            say(f"ser-live: serving at {address}")
        if self.no_token:
            say(
                "ser-live: without a token, every program and user of this machine can hear what "
                "is told here."
            )
        elif self.token_file is not None:
            say(f"ser-live: the token is in {self.token_file}")
        elif address is not None:
            say(f"ser-live: open {address}?token={services.keys.token}")
        else:
            say(f"ser-live: the token is {services.keys.token}")
        if self.socket_path is None and not _is_loopback(self.host):
            say(
                f"ser-live: {self.host} is open to other machines: what is told here leaves this "
                "one, and without TLS everybody on the way can read it."
            )
        if self.overlay and address is not None:
            once = "" if self.no_token else f"#{services.keys.overlay_once()}"
            say(f"ser-live: for streaming software, once: {address}overlay{once}")
        self._announce_wyoming(services)
        say("ser-live: tell the people who are heard; acted speech taught it, so it errs.")
        if self.opens and address is not None:
            import webbrowser

            once = "" if self.no_token else f"?token={services.keys.once()}"
            webbrowser.open(address + once)

    def _announce_wyoming(self, services: Services) -> None:
        if services.wyoming is None:
            return
        name = f"[{self.wyoming_host}]" if ":" in self.wyoming_host else self.wyoming_host
        say(f"ser-live: Wyoming at tcp://{name}:{services.wyoming.getsockname()[1]}")
        if _is_loopback(self.wyoming_host):
            say(
                "ser-live: Wyoming has no token: every program and user of this machine can send "
                "sound there, and reads the results of its own sound alone."
            )
        else:
            say(
                f"ser-live: Wyoming has neither token nor encryption, and {self.wyoming_host} is "
                "open to other machines: each of them can send sound there, and everybody on the "
                "way can hear it and read the results."
            )

    def _serve(self, server: Server) -> int:
        try:
            asyncio.run(server.run_until_ended())
        finally:
            if self.socket_path is not None:
                self.socket_path.unlink(missing_ok=True)
        if not server.received:
            return 0
        say(f"ser-live: ended by {server.received[0].name}.")
        return EXIT_CODES[server.received[0]]


def _tcp_socket(host: str, port: int, option: str) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.socket(family[0], socket.SOCK_STREAM)
        if os.name != "nt":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(family[4])
    except OSError as error:
        raise UsageError(
            f"{host} port {port} cannot be listened on ({error.strerror}): choose another "
            f"{option}, or 0 for any."
        ) from error
    return listener


def _processes(given: int | None) -> int:
    """Processes that analyze at the most: a core each, where nobody says."""
    if given is not None:
        return given
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _unix_socket(path: Path) -> socket.socket:
    if not hasattr(socket, "AF_UNIX"):
        raise UsageError("this system has no UNIX sockets: use --host and --port.")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if path.is_socket():
            _remove_left_behind(path)
        mask = os.umask(0o177)  # before it has a name, so that nobody is quicker
        try:
            listener.bind(str(path))
        finally:
            os.umask(mask)
    except OSError as error:
        raise UsageError(
            f"the socket {path} cannot be made ({error.strerror}): give another path."
        ) from error
    return listener


def _remove_left_behind(path: Path) -> None:
    """Remove the socket of a server that is gone; one that answers is left alone."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trial:
        try:
            trial.connect(str(path))
        except OSError:
            path.unlink(missing_ok=True)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _report(error: BaseException) -> None:
    """Say a defect with the place of it; no sound and no token is in a traceback's lines."""
    say("ser-live: a defect ended a request or a session; report this:")
    for line in traceback.format_exception(error):
        for part in line.rstrip().splitlines():
            say(part)
