"""`nas-search dashboard`: a run folder as one HTML page, or several; as a file, or served."""

import shlex
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from nas.cli.live_page import Serving
from nas.runs.folder import run_folder_of
from nas.verbs.config import Config
from nas.verbs.outputs import file_to_write
from scaling_search.rule.compound import COMPOUND
from search_spaces.errors import UserError
from search_spaces.files import write_text

_COMPARISON = "comparison.html"


def main(config: Config) -> None:
    """Write `dashboard.html` into the run folder, or serve the page until Ctrl-C."""
    runs = [Path(run) for run in config["run"]]
    for run in runs:
        if not run.is_dir():
            raise UserError(f"{run}: no such run folder")
    for place, run in enumerate(runs):
        if run.resolve() in (each.resolve() for each in runs[:place]):
            raise UserError(f"{run}: given twice; expected runs to hold side by side")
    serving = Serving.asked(config["serve"])
    if config["out"] is not None and (serving is not None or len(runs) < 2):
        raise UserError("out: the page of several runs is written there; expected null otherwise")
    with _told_where_runs_are():
        if serving is not None:
            serve(runs, serving)
        elif len(runs) == 1:
            print(f"written to {draw(runs[0])}")
        else:
            out = file_to_write("out", config["out"] or _COMPARISON)
            print(f"written to {compare(runs, out)}")


@contextmanager
def _told_where_runs_are() -> Iterator[None]:
    """A folder without a run may be the one that runs lie in: the line names those."""
    from nas.dashboard.frames import NoRun  # brings pandas

    try:
        yield
    except NoRun as error:
        near = [f"nas-search dashboard {shlex.quote(str(run))}" for run in runs_below(Path())]
        if not near:
            raise
        more = f", and {len(near) - 1} more like it" if len(near) > 1 else ""
        raise UserError(f"{str(error).partition(',')[0]}; {near[0]} would draw one{more}") from None


def runs_below(folder: Path) -> list[Path]:
    """Run folders in a folder, and in the folders in it, the latest first."""
    found = [*folder.glob("*/config.yaml"), *folder.glob("*/*/config.yaml")]
    latest = sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)
    return [path.parent for path in latest if run_folder_of(path) == path.parent]


def draw(run: Path) -> Path:
    """The page's path. Raises UserError where there is no such run folder."""
    from nas.dashboard.write import write_dashboard  # brings pandas and Plotly

    if not run.is_dir():
        raise UserError(f"{run}: no such run folder")
    return write_dashboard(run, COMPOUND)


def compare(runs: Sequence[Path], out: Path) -> Path:
    """Write the page of several runs side by side; its path."""
    from nas.dashboard.comparison import comparison_page
    from nas.dashboard.frames import load_run

    page = comparison_page([load_run(run, COMPOUND) for run in runs])
    out.parent.mkdir(parents=True, exist_ok=True)
    write_text(out, page)
    return out


def serve(runs: Sequence[Path], serving: Serving) -> None:
    """Serve the page of a run, or of several side by side, until Ctrl-C or SIGTERM."""
    from nas.dashboard.frames import check_run
    from nas.dashboard.server.addresses import Access, address, bound
    from nas.dashboard.server.http import PageServer, Site
    from nas.dashboard.server.http import serving as serving_pages
    from nas.dashboard.server.live_page import of_run, of_runs

    for run in runs:
        check_run(run)
    access = Access.at(serving.host)
    pages = {"/": of_run(runs[0], COMPOUND)}
    if len(runs) > 1:
        each = {f"/run-{n}/": of_run(run, COMPOUND) for n, run in enumerate(runs, start=1)}
        pages = {"/": of_runs(runs, COMPOUND), **each}
    server = PageServer(bound(serving.host, serving.port), Site(pages, access))
    print(f"live page: {address(serving.host, server.port, access)} until Ctrl-C", flush=True)
    try:
        with serving_pages(server):
            signal.pause()
    except KeyboardInterrupt:  # how a server is ended
        return
