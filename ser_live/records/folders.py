"""The folders of the user's that ser-live keeps its files in, where nobody names another."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

TEMPORARY = "ser-live-"
"""Prefix of the folders in which a log goes on where no other place takes it."""


def sessions_folder() -> Path:
    """Folder of session logs."""
    from platformdirs import user_state_dir

    return Path(user_state_dir("ser-live", appauthor=False)) / "sessions"


def history_file() -> Path:
    """Index of the session logs, which is made of them."""
    return sessions_folder().with_name("history.sqlite3")


def notes_file() -> Path:
    """Notes that a person made outside sessions."""
    return sessions_folder().with_name("notes.jsonl")


def expiry_file() -> Path:
    """List of files elsewhere that are to be removed after a date."""
    return sessions_folder().with_name("expiring.jsonl")


def profiles_folder() -> Path:
    """Folder of speaker profiles."""
    from platformdirs import user_data_dir

    return Path(user_data_dir("ser-live", appauthor=False)) / "profiles"


def examples_folder() -> Path:
    """Folder in which features of training recordings are kept between runs."""
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("ser-live")) / "examples"


def config_file() -> Path:
    """The user's configuration file, which need not exist."""
    from platformdirs import user_config_dir

    return Path(user_config_dir("ser-live", appauthor=False)) / "config.toml"


def temporary_folders() -> list[Path]:
    """Folders for temporary files that logs may have gone on in."""
    import tempfile

    with suppress(OSError):
        return sorted(Path(tempfile.gettempdir()).glob(f"{TEMPORARY}*"))
    return []
