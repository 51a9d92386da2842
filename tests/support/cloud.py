"""A real S3 endpoint on this machine (moto's server), and the environment that leads there."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

import pytest

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",  # a cloud's own address, which nobody answers here
}
BUCKET = "calls"


@contextlib.contextmanager
def s3_server() -> Iterator[dict[str, str]]:
    """Run a server of S3 with one bucket; give the environment in which it is found."""
    pytest.importorskip("s3fs", reason="addresses need the extra cloud")
    pytest.importorskip("flask", reason="moto's server is not installed")
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        _, port = server.get_host_and_port()
        environment = {**CREDENTIALS, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}
        yield environment
    finally:
        server.stop()
