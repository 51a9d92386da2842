"""Files and folders by address (``s3://``, ``gs://``, ``http://``), as fsspec reaches them.

Nothing of fsspec is imported before an address is used. Credentials come from the environment, as
each library looks for them there; one that stands in an address is refused, for addresses are
written into rows. Every trouble is a `RemoteError`, whose text says what is wrong in a few words.
"""

from __future__ import annotations

import errno
import io
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO, Any, NamedTuple, TypeAlias
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from ser_live.errors import UsageError

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_CONNECT_S = 5.0
"""Time in which a server must answer for the first time."""
_OPTIONS: dict[str, dict[str, Any]] = {
    "s3": {
        "config_kwargs": {"connect_timeout": _CONNECT_S, "retries": {"max_attempts": 2}},
        "use_listings_cache": False,
    },
}
_ONE_FILE = ("http", "https")
"""Schemes without folders: each address is that of one file."""

_CHANGED = ("LastModified", "mtime", "last_modified", "updated", "created")
"""Names under which the libraries tell when a file was changed."""

_REASONS = (
    (
        ("NoCredentialsError", "PartialCredentialsError", "ProfileNotFound",
         "DefaultCredentialsError"),
        "no credentials were found in the environment",
    ),
    (("NoSuchBucket", "InvalidBucketName", "ParamValidationError"), "there is no such bucket"),
    (
        ("EndpointConnectionError", "HTTPClientError", "ClientConnectorError", "TimeoutError",
         "ConnectionError", "ServerDisconnectedError"),
        "its server cannot be reached",
    ),
    (("PermissionError",), "the server refuses access with these credentials"),
    (("FileNotFoundError",), "it does not exist"),
    (("NotImplementedError",), "addresses of this kind can only be read"),
)  # fmt: skip
"""Meaning of the libraries' exceptions, by their names: importing them would load all."""


class RemoteError(OSError):
    """Trouble with an address; `strerror` is what is wrong."""


class Status(NamedTuple):
    """Size and time of change of a file, under the names of `os.stat_result`."""

    st_size: int
    st_mtime_ns: int
    """0 where its server does not tell."""


@dataclass(frozen=True, order=True)
class RemotePath:
    """A file or folder by address, with the names of `Path` for what it can do.

    Objects come into being whole or not at all: what is written under an address is there when
    the last byte of it has arrived.
    """

    url: str
    known: Status | None = field(default=None, compare=False)
    """Status as a listing told it."""

    def __str__(self) -> str:
        return self.url

    def __fspath__(self) -> str:
        return self.url

    def __truediv__(self, name: str) -> RemotePath:
        return RemotePath(f"{self.url.rstrip('/')}/{name}")

    @property
    def _plain(self) -> str:
        """Address without what a question mark adds."""
        is_web = self.url.lower().startswith(tuple(f"{scheme}:" for scheme in _ONE_FILE))
        return re.split(r"[?#]", self.url)[0] if is_web else self.url

    @property
    def scheme(self) -> str:
        """Part before the colon, in small letters."""
        return self.url.partition("://")[0].lower()

    @property
    def name(self) -> str:
        """Name of the file, without the folders above it."""
        _, _, path = self._plain.partition("://")
        name = path.rstrip("/").rpartition("/")[2]
        return unquote(name) if self.scheme in _ONE_FILE else name

    @property
    def suffix(self) -> str:
        """End of the name, such as ``.wav``."""
        return os.path.splitext(self.name)[1]  # noqa: PTH122  no path of this machine

    @property
    def stem(self) -> str:
        """Name without its suffix."""
        return self.name.removesuffix(self.suffix)

    def with_name(self, name: str) -> RemotePath:
        """Give a neighbour of another name."""
        return RemotePath(f"{self._plain.rstrip('/').rpartition('/')[0]}/{name}")

    @property
    def is_read_only(self) -> bool:
        """Whether nothing can be written under such an address."""
        return self.scheme in _ONE_FILE

    def stat(self) -> Status:
        """Ask for size and time of change, unless a listing told them.

        Raises
        ------
        RemoteError
        """
        return self.known or _status(self._asked(lambda fs, path: fs.info(path)))

    def exists(self) -> bool:
        """Whether something is there; a bucket that is not is an error.

        Raises
        ------
        RemoteError
        """
        return self._kind() is not None

    def is_dir(self) -> bool:
        """Whether files are below it.

        Raises
        ------
        RemoteError
        """
        return self.scheme not in _ONE_FILE and self._kind() == "directory"

    def _kind(self) -> str | None:
        try:
            return str(self._asked(lambda fs, path: fs.info(path))["type"])
        except RemoteError as error:
            if error.errno == errno.ENOENT:
                return None
            raise

    def iterdir(self) -> Iterator[RemotePath]:
        """Files and folders directly below it."""
        with suppress(_MissingError):
            for info in self._asked(lambda fs, path: fs.ls(path, detail=True, refresh=True)):
                name = str(info["name"]).rstrip("/").rpartition("/")[2]
                if name != self.name or info["type"] != "directory":
                    yield replace(self / name, known=_status(info))

    def glob(self, pattern: str) -> Iterator[RemotePath]:
        """Files directly below it whose names fit a pattern."""
        return (path for path in self.iterdir() if fnmatchcase(path.name, pattern))

    def find(self) -> Iterator[RemotePath]:
        """All files below it, sorted."""
        found = self._asked(lambda fs, path: (path, fs.find(path, detail=True)))
        top, below = found
        for path, info in sorted(below.items()):
            rest = path[len(top) :].lstrip("/")
            if rest and not path.endswith("/"):
                yield replace(self / rest, known=_status(info))

    def open(self, mode: str = "rb") -> IO[bytes]:
        """Open it for reading."""
        return io.BytesIO(self.read_bytes()) if mode == "rb" else self._unsupported()

    def _unsupported(self) -> IO[bytes]:
        raise RemoteError(errno.EINVAL, "it can only be read or replaced as a whole", self.url)

    def read_bytes(self) -> bytes:
        """Read all of it.

        Raises
        ------
        RemoteError
        """
        return bytes(self._asked(lambda fs, path: fs.cat_file(path)))

    def write_bytes(self, data: bytes) -> None:
        """Replace it as a whole.

        Raises
        ------
        RemoteError
        """
        self._asked(lambda fs, path: fs.pipe_file(path, data))

    def fetch(self, into: Path) -> None:
        """Copy it into a file of this machine.

        Raises
        ------
        RemoteError
        """
        self._asked(lambda fs, path: fs.get_file(path, str(into)))

    def put(self, file: Path) -> None:
        """Replace it by a file of this machine, as a whole.

        Raises
        ------
        RemoteError
        """
        self._asked(lambda fs, path: fs.put_file(str(file), path))

    def unlink(self) -> None:
        """Remove it.

        Raises
        ------
        RemoteError
        """
        self._asked(lambda fs, path: fs.rm_file(path))

    def rmdir(self) -> None:
        """Do nothing: a folder of objects is there as long as something is below it."""

    def _asked(self, what: Callable[[Any, str], Any]) -> Any:
        with _faults(self.url):
            from fsspec.core import url_to_fs

            return what(*url_to_fs(self.url, **_OPTIONS.get(self.scheme, {})))


Location: TypeAlias = Path | RemotePath
"""Where something is: on this machine, or by address."""


def location(text: str | os.PathLike[str]) -> Location:
    """Tell an address from a path of this machine.

    Raises
    ------
    UsageError
        The address is chained, or carries credentials.
    """
    text = os.fspath(text)
    if not _ADDRESS.match(text):
        return Path(text)
    if "::" in text:
        raise UsageError(
            f"Found the chained address {text}, but one place is needed: unpack it first."
        )
    parts = urlsplit(text)
    if parts.scheme == "file":
        return Path(url2pathname(parts.path))
    if "@" in parts.netloc:
        raise UsageError(
            f"Found credentials in an address of {parts.netloc.rpartition('@')[2]}, but addresses "
            "are written into rows: give them by the environment alone."
        )
    return RemotePath(text)


class _MissingError(RemoteError):
    """Nothing is there."""


@contextmanager
def _faults(url: str) -> Iterator[None]:
    """Turn whatever the libraries raise into a `RemoteError`."""
    try:
        yield
    except RemoteError:
        raise
    except ImportError as error:
        scheme = url.partition("://")[0]
        library = {"gs": "gcsfs", "gcs": "gcsfs", "az": "adlfs", "abfs": "adlfs"}.get(scheme)
        how = f"pip install {library}" if library else "pip install 'ser-live[cloud]'"
        raise RemoteError(
            errno.ENOSYS, f"its library is missing, which `{how}` brings", url
        ) from error
    except Exception as error:  # each library has exceptions of its own
        kinds = {kind.__name__ for link in _chain(error) for kind in type(link).__mro__}
        kinds |= {"NoSuchBucket"} if "bucket does not exist" in str(error).lower() else set()
        for names, reason in _REASONS:
            if kinds & set(names):
                kind = _MissingError if names == ("FileNotFoundError",) else RemoteError
                number = errno.ENOENT if kind is _MissingError else errno.EIO
                raise kind(number, reason, url) from error
        said = next(iter(str(error).splitlines()), "") or type(error).__name__
        raise RemoteError(errno.EIO, said.rstrip("."), url) from error


def _chain(error: BaseException) -> Iterator[BaseException]:
    link: BaseException | None = error
    while link is not None:
        yield link
        link = link.__cause__


def _status(info: dict[str, Any]) -> Status:
    """Size and time of change as the libraries tell them, each under names of its own."""
    changed: object = next((info[name] for name in _CHANGED if info.get(name)), 0)
    if isinstance(changed, str):
        changed = datetime.fromisoformat(changed.replace("Z", "+00:00"))
    if isinstance(changed, datetime):
        changed = changed.timestamp()
    changed_ns = round(float(changed) * 1000) * 1_000_000 if isinstance(changed, float | int) else 0
    return Status(int(info.get("size") or 0), changed_ns)
