"""A headless Chromium that opens a page from disk and hands back what became of it."""

import shutil
import subprocess
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
# The browser's own errands, none of them the page's.
QUIET = (
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-quic", "--no-first-run", "--disable-gpu", "--disable-extensions",
)  # fmt: skip


def browser() -> str:
    """The path of a Chromium; the test fails where there is none."""
    for name in NAMES:
        if path := shutil.which(name):
            return path
    pytest.fail("no browser found: install one with `apt-get install -y chromium`", pytrace=False)


def open_page(page: Path, profile: Path, *, width: int = 1280) -> tuple[str, list[str]]:
    """The page's DOM once its scripts have run, and what the console said."""
    command = [
        browser(), "--headless", "--no-sandbox", *QUIET, f"--user-data-dir={profile}",
        f"--window-size={width},900", "--virtual-time-budget=4000", "--enable-logging=stderr",
        "--dump-dom", page.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(
        command, capture_output=True, text=True, encoding="utf-8", timeout=120, check=True
    )
    console = [line for line in done.stderr.splitlines() if ":CONSOLE" in line]
    return done.stdout, console
