"""A headless Chromium that opens a page from disk and hands back what became of it."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
# The browser's own errands, none of them the page's.
QUIET = (
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-quic", "--no-first-run", "--disable-gpu", "--disable-extensions",
)  # fmt: skip


# Hovers over the first point of every trace of every figure, then reports on the page.
PROBE = """
<script>
addEventListener("load", async () => {
  await new Promise((done) => setTimeout(done, 500));
  const hovers = [];
  for (const plot of document.querySelectorAll(".plot")) {
    for (let i = 0; i < plot.data.length; i++) {
      try { Plotly.Fx.hover(plot, [{ curveNumber: i, pointNumber: 0 }]); } catch { continue; }
      hovers.push(...[...plot.querySelectorAll(".hoverlayer text")].map((t) => t.textContent));
    }
  }
  const cut = [];
  for (const svg of document.querySelectorAll(".main-svg")) {
    const frame = svg.getBoundingClientRect();
    for (const text of svg.querySelectorAll(":not(.hoverlayer) text")) {
      const box = text.getBoundingClientRect();
      const inside = box.left >= frame.left - 1 && box.right <= frame.right + 1
        && box.top >= frame.top - 1 && box.bottom <= frame.bottom + 1;
      if (box.width && !inside && !text.closest(".hoverlayer")) cut.push(text.textContent);
    }
  }
  const report = {
    hovers, cut,
    drawn: [...document.querySelectorAll(".plot")].filter((p) => p.querySelector(".xy")).length,
    resources: performance.getEntriesByType("resource").map((entry) => entry.name),
    overflow: document.documentElement.scrollWidth - innerWidth,
    widths: [...document.querySelectorAll(".plot")].map((p) =>
      [p.clientWidth, p.querySelector(".main-svg").clientWidth]),
    owned: Boolean(window.owned),
  };
  const place = document.createElement("pre");
  place.id = "report";
  place.textContent = JSON.stringify(report);
  document.body.append(place);
});
</script>
"""


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


def probed(page: Path, folder: Path, width: int) -> dict[str, Any]:
    """What the probe reports of a copy of the page without its policy."""
    text = re.sub(r"<meta http-equiv.*?>", "", page.read_text("utf-8"), count=1)
    copy = folder / f"probed-{width}.html"
    copy.write_text(text.replace("</body>", PROBE + "</body>"), "utf-8")
    dom, _ = open_page(copy, folder / f"profile-{width}", width=width)
    found = re.search(r'<pre id="report">(.*?)</pre>', dom, re.DOTALL)
    assert found, "the probe did not report"
    return dict(json.loads(html.unescape(found[1])))
