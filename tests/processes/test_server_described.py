"""The running server against its own description, by a tool that knows nothing of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from places import SUPPORT
from served import require_extra, serving

require_extra()


def test_schemathesis_finds_nothing(tmp_path: Path) -> None:
    """Statuses, types, bodies, methods and tokens are as OpenAPI says, whatever is asked."""
    pytest.importorskip("schemathesis", reason="needs schemathesis, of the group dev")
    with serving(tmp_path, "--processes", "1") as served:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "--no-color"),
                *("--config-file", str(SUPPORT / "schemathesis.toml")),
                *("run", f"{served.base}/openapi.json", "--checks", "all", "--seed", "1"),
                *("--max-examples", "10", "--header", f"Authorization: Bearer {served.token}"),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    assert "No issues found" in done.stdout
    assert served.token not in "\n".join(served.said)
