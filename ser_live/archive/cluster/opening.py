"""Clusters that are there already, and processes of this machine that make one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from ser_live.archive.cluster.work import ClusterWork, refusal
from ser_live.errors import UsageError

_ANSWER_S = 4.0
"""Time in which a scheduler must answer."""
_START_S = 20.0
"""Time in which one that answered must take a client: it may be busy."""
_WORKERS_S = 20.0
"""Time in which a worker must be there."""
_LOCAL = {
    # Workers that a file may end before it is tried alone.
    "distributed.scheduler.allowed-failures": 1,
    # Dask would give a worker up for good that is not back after 15 s, as on a busy machine.
    "distributed.deploy.lost-worker-timeout": "1 day",
}
"""Settings of this machine's own cluster."""


@dataclass(frozen=True)
class Cluster:
    """A cluster whose workers were all found fit."""

    client: Any
    """Client of `distributed`."""
    address: str
    work: ClusterWork

    @property
    def n_threads(self) -> int:
        """Recordings that are worked on at the same time, as workers come and go."""
        return sum(self.client.nthreads().values())

    @property
    def in_words(self) -> str:
        """One sentence of what is there."""
        n_workers, n_threads = len(self.client.nthreads()), self.n_threads
        words = (
            f"{n_workers} worker{'s' * (n_workers != 1)} with {n_threads} "
            f"thread{'s' * (n_threads != 1)} at {self.address}"
        )
        link = self.client.dashboard_link
        return f"{words}; dashboard: {link}" if link and _has_dashboard() else f"{words}."


@contextmanager
def opened_cluster(where: str, work: ClusterWork) -> Iterator[Cluster]:
    """Reach a cluster, or start one, and look at each of its workers.

    Parameters
    ----------
    where : str
        Address of a scheduler, ``tcp://host:8786``, or ``local:4`` for so many processes of this
        machine, ``local:0`` for one a core.
    work : ClusterWork

    Raises
    ------
    UsageError
        There is none, it has no worker, or a worker has other versions or another model.
    """
    n_local = _n_local(where)
    try:
        import dask
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise UsageError(
            f"Found --dask {where}, but Dask is not installed: run "
            "`pip install 'ser-live[cluster]'`, or take -j or --shard, which need nothing."
        ) from error
    with ExitStack() as stack:
        if n_local is None:
            address = where
            _refuse_silent(address)
        else:
            stack.enter_context(dask.config.set(_LOCAL))
            # On this machine alone: nothing of it answers to others.
            try:
                local = stack.enter_context(
                    LocalCluster(
                        n_workers=n_local or None,
                        threads_per_worker=1,
                        host="127.0.0.1",
                        dashboard_address="127.0.0.1:0",
                    )
                )
            except Exception as error:
                raise UsageError(
                    f"Found --dask {where}, but these processes did not start ({error}): ask for "
                    "fewer, or take -j."
                ) from error
            address = local.scheduler_address
        try:
            client = stack.enter_context(Client(address, timeout=_START_S, set_as_default=False))
        except Exception as error:
            raise _no_scheduler(address) from error
        _refuse_unfit(client, address, work)
        yield Cluster(client, address, work)


def _n_local(where: str) -> int | None:
    kind, _, number = where.partition(":")
    if kind == "local" and number.isascii() and number.isdigit():
        return int(number)
    if "://" not in where:
        raise UsageError(
            f"Found --dask {where}, but the address of a scheduler is needed: give for example "
            "tcp://10.0.0.1:8786, or local:4 for four processes of this machine."
        )
    return None


def _refuse_silent(address: str) -> None:
    """Refuse an address where no scheduler answers, before a client begins to try for long."""
    from distributed.comm import connect

    async def reached() -> None:
        comm = await connect(address, timeout=_ANSWER_S)
        comm.abort()

    try:
        asyncio.run(asyncio.wait_for(reached(), _ANSWER_S + 1.0))
    except Exception as error:  # what is no scheduler may answer with anything
        raise _no_scheduler(address) from error


def _no_scheduler(address: str) -> UsageError:
    return UsageError(
        f"Found no Dask scheduler that answers at {address} within {_ANSWER_S:.0f} s, but --dask "
        "needs one: start it with `dask scheduler`, or check address and network."
    )


def _refuse_unfit(client: Any, address: str, work: ClusterWork) -> None:
    try:
        client.wait_for_workers(1, timeout=_WORKERS_S)
    except Exception as error:
        raise UsageError(
            f"The scheduler at {address} has no worker after {_WORKERS_S:.0f} s, but at least one "
            f"is needed: start some with `dask worker {address}`."
        ) from error
    for worker, said in sorted(client.run(refusal, work, on_error="return").items()):
        if isinstance(said, BaseException):  # it cannot even import what it was asked to run
            said = f"no ser-live that it can run ({str(said).splitlines()[0]})"
        if said is not None:
            raise unfit(worker, said)


def unfit(worker: str, said: str) -> UsageError:
    """Refusal of a worker that would give other rows."""
    return UsageError(
        f"The worker {worker} has {said.rstrip('.')}, but the rows of one archive hang on the same "
        "everywhere: install there what is here, and run the same command again."
    )


def _has_dashboard() -> bool:
    from importlib.util import find_spec

    return find_spec("bokeh") is not None
