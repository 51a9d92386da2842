"""Archives on a Dask cluster: the same bytes, whatever becomes of workers and files."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from batch_trial import command, folder_of, undisturbed
from cluster_work import process_id, slow_length
from places import ROOT

from ser_live.batch.workers import Job
from ser_live.config import Settings
from ser_live.errors import SerLiveError, UsageError
from ser_live.stream.analyzer import loaded

distributed = pytest.importorskip("distributed", reason="clusters need the extra cluster")
pytest.importorskip("pyarrow", reason="archives need the extra parquet")

from ser_live.archive.cluster.batch import ClusterBatch  # noqa: E402
from ser_live.archive.cluster.opening import Cluster, opened_cluster  # noqa: E402
from ser_live.archive.cluster.work import ClusterWork, refusal  # noqa: E402

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX systems")

_LIKE_IT = ClusterWork(
    model="classic",
    weights_sha256="",
    settings=Settings(),
    channel=None,
    roles=None,
    profile=None,
    track=None,
)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Two processes that do the work of these tests."""
    import dask

    with (
        pytest.MonkeyPatch.context() as patched,
        dask.config.set({"distributed.scheduler.allowed-failures": 1}),
    ):
        patched.setenv("PYTHONPATH", f"{ROOT}{os.pathsep}{ROOT / 'tests' / 'support'}")
        with (
            distributed.LocalCluster(
                n_workers=2,
                threads_per_worker=1,
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",
                silence_logs=logging.CRITICAL,
            ) as local,
            distributed.Client(local, set_as_default=False) as client,
        ):
            yield Cluster(client, local.scheduler_address, slow_length)  # type: ignore[arg-type]


def files(folder: Path, names: list[str]) -> list[Path]:
    folder.mkdir()
    for number, name in enumerate(names):
        (folder / name).write_bytes(b"x" * number)
    return [folder / name for name in names]


def results(cluster: Cluster, paths: list[Path]) -> list[Any]:
    with ClusterBatch(
        cluster, Job(work=slow_length, paths=paths, on_crash=lambda path, how: (path.name, how))
    ) as batch:
        return list(batch)


def test_a_file_that_ends_its_workers_is_that_files_loss_alone(
    cluster: Cluster, tmp_path: Path
) -> None:
    names = [f"{number:02d}" for number in range(20)]
    names[3], names[7] = "poison", "odd"
    expected: list[Any] = list(range(20))
    expected[3] = ("poison", "ended by SIGKILL")
    expected[7] = ("odd", "ValueError: odd")
    assert results(cluster, files(tmp_path / "in", names)) == expected


def test_a_worker_that_dies_costs_nothing(cluster: Cluster, tmp_path: Path) -> None:
    cluster.client.wait_for_workers(2)
    pid = next(iter(cluster.client.run(process_id).values()))
    killer = threading.Timer(0.3, os.kill, (pid, signal.SIGKILL))
    killer.start()
    names = [f"{number:02d}" for number in range(40)]
    assert results(cluster, files(tmp_path / "in", names)) == list(range(40))
    killer.join()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_the_program_writes_the_same_bytes_from_a_cluster(short_talk: Path, tmp_path: Path) -> None:
    calls = folder_of(short_talk, tmp_path / "calls", 3)
    (calls / "01.txt.wav").write_bytes(b"no recording")
    for name, options in (("one", ()), ("two", ("--dask", "local:2"))):
        ended = undisturbed(command(calls, "--out", tmp_path / f"{name}.parquet", *options))
        assert ended.code == 1, ended.stderr
        assert ("2 workers with 2 threads at tcp://127.0.0.1:" in ended.stderr) == bool(options)
    for end in ("parquet", "files.parquet"):
        one, two = ((tmp_path / f"{name}.{end}").read_bytes() for name in ("one", "two"))
        assert one == two


def test_a_worker_of_another_version_or_model_is_named() -> None:
    said = refusal(replace(_LIKE_IT, versions={**_LIKE_IT.versions, "numpy": "0.1"}))
    assert said is not None
    assert said.startswith("numpy ")
    assert said.endswith("and not 0.1")
    said = refusal(_LIKE_IT)
    assert said is not None
    assert "the model classic" in said


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("tcp://127.0.0.1:9", "no Dask scheduler that answers at tcp://127.0.0.1:9"),
        ("nonsense", "the address of a scheduler is needed"),
        ("local:two", "the address of a scheduler is needed"),
    ],
)
def test_a_cluster_that_cannot_be_reached_is_one_sentence(where: str, said: str) -> None:
    began_s = time.monotonic()
    with pytest.raises(UsageError, match=said), opened_cluster(where, _LIKE_IT):
        pass
    assert time.monotonic() - began_s < 15


def test_a_worker_that_is_slow_to_come_back_is_not_given_up() -> None:
    """A busy machine takes longer to start one than Dask waits by itself: here a moment."""
    import dask

    work = replace(_LIKE_IT, weights_sha256=loaded("classic").card.weights_sha256)
    with (
        dask.config.set({"distributed.deploy.lost-worker-timeout": "1ms"}),
        opened_cluster("local:1", work) as there,
    ):
        before = set(there.client.nthreads())
        os.kill(next(iter(there.client.run(os.getpid).values())), signal.SIGKILL)
        deadline_s = time.monotonic() + 120
        while not (now := set(there.client.nthreads()) - before) and time.monotonic() < deadline_s:
            time.sleep(0.1)
        assert now


def test_a_scheduler_that_goes_is_one_sentence(tmp_path: Path) -> None:
    paths = files(tmp_path / "in", [f"{number:02d}" for number in range(200)])
    with distributed.LocalCluster(
        n_workers=1,
        threads_per_worker=1,
        processes=False,
        host="127.0.0.1",
        protocol="tcp://",
        dashboard_address="127.0.0.1:0",
        silence_logs=logging.CRITICAL,
    ) as local:
        client = distributed.Client(local.scheduler_address, set_as_default=False)
        there = Cluster(client, local.scheduler_address, slow_length)  # type: ignore[arg-type]
        with ClusterBatch(
            there, Job(work=slow_length, paths=paths, on_crash=lambda *_: -1)
        ) as batch:
            given = iter(batch)
            assert next(given) == 0
            local.close()
            with pytest.raises(SerLiveError, match="run the same command; what is done stays done"):
                list(given)
        client.close()
