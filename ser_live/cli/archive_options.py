"""Options of ``analyze`` for archives: parts that outlive any end, shards of several machines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ser_live.cli.batch_run import BatchOptions
from ser_live.cli.ending import say
from ser_live.cli.given_path import check_given
from ser_live.cli.options import Command, taking
from ser_live.cli.rows import Form
from ser_live.errors import UsageError
from ser_live.records.long_list import LongList
from ser_live.remote import Location, RemoteError, location

if TYPE_CHECKING:
    from ser_live.archive.cluster.batch import ClusterBatch
    from ser_live.archive.rows import ArchiveRows
    from ser_live.batch.folders import Found
    from ser_live.batch.recording import Recording
    from ser_live.batch.workers import Job
    from ser_live.events import Record


class AnyPlace(click.Path):
    """Path of this machine or address (``s3://bucket/folder``) on the command line."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Location:
        """Tell which of them it is."""
        check_given(value)
        found = location(value)
        if isinstance(found, Path):
            super().convert(found, param, ctx)
        return found


def existing(place: Location) -> bool:
    """Whether something is there already where a result is to be.

    Raises
    ------
    UsageError
        An address cannot be reached, or written.
    """
    from ser_live.archive.rows import refuse_read_only

    refuse_read_only(place)
    try:
        return place.exists()
    except RemoteError as error:
        raise UsageError(
            f"{place} cannot be written ({error.strerror}): check address, network and credentials."
        ) from error


def sources_argument(command: Command) -> Command:
    """Add ``PATH...``, each also an address."""
    return click.argument("paths", nargs=-1, required=True, type=AnyPlace(), metavar="PATH...")(
        command
    )


@dataclass(frozen=True, kw_only=True)
class ArchiveOptions:
    """Values of the options that make an archive of the rows."""

    out: Location | None
    shard: str | None
    overwrite: bool
    dask: str | None

    def check(
        self, options: BatchOptions, format_: str, unit: str, expires_at: str | None = None
    ) -> None:
        """Refuse what does not go together.

        Raises
        ------
        UsageError
            Options of archives without one, or options of rows that are printed with one.
        """
        if self.out is None:
            for name, is_given in (
                ("--shard", self.shard),
                ("--overwrite", self.overwrite),
                ("--dask", self.dask),
            ):
                if is_given:
                    raise UsageError(f"Found {name}, but it needs an archive: add --out FOLDER.")
            return
        if expires_at is not None:
            raise UsageError(
                "Found --expire with --out, but an archive is many files that go on by themselves: "
                "remove it by hand, or write rows with --output FILE."
            )
        given = (
            ("--output", options.output is not None),
            ("--resume", options.resume),
            (f"--format {format_}", format_ != "table"),
            ("--unit file", unit == "file"),
        )
        if self.dask is not None and options.jobs != 1:
            raise UsageError(
                f"Found --jobs {options.jobs} with --dask, but the cluster has workers of its own: "
                "leave one out."
            )
        for name, is_given in given:
            if is_given:
                raise UsageError(
                    f"Found {name} with --out, but an archive has its own form (by the end of its "
                    "name) and goes on by itself: leave one out."
                )

    def own_share(self, found: Found) -> Found:
        """Recordings that are this shard's."""
        if self.shard is None:
            return found
        from ser_live.archive.plan import Shard

        shard = Shard.parse(self.shard)
        return replace(found, files=LongList(p for p in found.files if shard.holds(p)))

    @property
    def rows_of(self) -> Callable[[Recording], Sequence[Record]] | None:
        """Records that a recording gives to an archive; ``None`` without one."""
        return None if self.out is None else _utterances_and_summary

    @property
    def form(self) -> Form | None:
        """Form of rows on their way into an archive; ``None`` without one."""
        if self.out is None:
            return None
        from ser_live.archive.rows import JsonForm

        return JsonForm()

    @contextmanager
    def cluster(
        self, model: str | None, weights_sha256: str, heard: Mapping[str, Any], *, is_quiet: bool
    ) -> Iterator[Callable[[Job[Any]], ClusterBatch[Any]] | None]:
        """Reach the cluster of ``--dask``, if any, and look at its workers.

        Parameters
        ----------
        model : str or None
            As it was named.
        weights_sha256 : str
            Hash that it must have everywhere.
        heard : mapping
            How recordings are heard, as for `analyze_file`.
        is_quiet : bool

        Raises
        ------
        UsageError
            It cannot be reached, or a worker is unfit.
        """
        if self.dask is None:
            yield None
            return
        import logging

        from ser_live.archive.cluster.batch import ClusterBatch
        from ser_live.archive.cluster.opening import opened_cluster
        from ser_live.archive.cluster.work import ClusterWork

        is_folder = model is not None and Path(model).is_dir()
        work = ClusterWork(
            model=str(Path(model).resolve()) if model and is_folder else model,
            weights_sha256=weights_sha256,
            **heard,
        )
        logging.disable(logging.CRITICAL)  # Dask would tell of each worker; this program logs not
        with opened_cluster(self.dask, work) as cluster:
            if not is_quiet:
                say(f"ser-live: {cluster.in_words}")
            yield partial(ClusterBatch, cluster)

    def place(
        self,
        files: Sequence[Location],
        labels: Sequence[str],
        hangs_on: Mapping[str, object],
        *,
        is_quiet: bool,
    ) -> Callable[[], ArchiveRows] | None:
        """Opener of the archive; ``None`` without one."""
        if (target := self.out) is None:
            return None
        from ser_live.archive.plan import WHOLE, Shard
        from ser_live.archive.rows import ArchiveRows
        from ser_live.archive.table import Form as ArchiveForm

        shard = WHOLE if self.shard is None else Shard.parse(self.shard)
        form = ArchiveForm(tuple(labels), hangs_on)

        def opened() -> ArchiveRows:
            rows = ArchiveRows(target, files, form, shard=shard, overwrites=self.overwrite)
            if rows.n_before and not is_quiet:
                say(f"ser-live: {rows.n_before} of {len(files)} files were done before.")
            return rows

        return opened


def archive_options(command: Command) -> Command:
    """Add ``--out``, ``--shard`` and ``--overwrite``, one argument: `archive`."""
    command = taking(ArchiveOptions, command, "archive")
    for option in reversed(
        [
            click.option(
                "--out",
                type=AnyPlace(),
                default=None,
                metavar="TARGET",
                help="Make an archive: a .parquet or .csv file, or a folder of parts; run again, "
                "it goes on where it was.",
            ),
            click.option(
                "--shard",
                default=None,
                metavar="I/N",
                help="Only the I-th of N shares of the files, for one of N machines.",
            ),
            click.option(
                "--dask",
                default=None,
                metavar="ADDRESS",
                help="Work on a Dask cluster: tcp://host:8786, or local:N for N processes here.",
            ),
            click.option("--overwrite", is_flag=True, help="Replace what --out names."),
        ]
    ):
        command = option(command)
    return command


def _utterances_and_summary(recording: Recording) -> Sequence[Record]:
    return [*recording.to_records(), recording.summary]
