"""Pages opened in a real Chromium: messages, requests, accessibility, pictures, print."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

WIDTHS_PX = (360, 768, 1440)
"""A phone, a tablet, a desktop."""

_PROGRAM = shutil.which("chromium") or shutil.which("chromium-headless-shell")
_QUIET = (
    "--no-sandbox",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass
class Visit:
    """A page that is open, and what it did so far."""

    page: Any
    """Page of playwright."""
    messages: list[str] = field(default_factory=list)
    """Errors and warnings of the console, and exceptions."""
    requests: list[str] = field(default_factory=list)
    """Addresses that it asked for, itself left out."""

    def serious_findings(self) -> list[str]:
        """Findings of axe that are serious or worse, one a line."""
        from axe_playwright_python.sync_playwright import Axe

        found = Axe().run(self.page).response["violations"]
        return [
            f"{item['id']}: {node['target']} {node['failureSummary']}"
            for item in found
            if item["impact"] in ("serious", "critical")
            for node in item["nodes"]
        ]

    def is_too_wide(self) -> bool:
        """Whether the page as a whole has to be scrolled sideways."""
        return bool(
            self.page.evaluate(
                "document.documentElement.scrollWidth > document.documentElement.clientWidth"
            )
        )


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser; the test is skipped where there is none."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if _PROGRAM is None:
        pytest.skip("no chromium: install Debian's package of that name")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_PROGRAM, args=list(_QUIET))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def visit(
    browser: Any,
    file: Path,
    *,
    width_px: int = 1440,
    scheme: str = "light",
    javascript: bool = True,
) -> Iterator[Visit]:
    """Open a file at a width, in a light or dark scheme, with or without scripts."""
    context = browser.new_context(
        viewport={"width": width_px, "height": 900},
        color_scheme=scheme,
        java_script_enabled=javascript,
    )
    try:
        page = context.new_page()
        visited = Visit(page)
        page.on(
            "console",
            lambda message: (
                visited.messages.append(message.text)
                if message.type in ("error", "warning")
                else None
            ),
        )
        page.on("pageerror", lambda error: visited.messages.append(str(error)))
        address = file.resolve().as_uri()
        page.on(
            "request",
            lambda request: (
                None
                if request.url.split("#")[0] == address or request.url.startswith("data:")
                else visited.requests.append(request.url)
            ),
        )
        page.goto(address, timeout=60_000)
        yield visited
    finally:
        context.close()
