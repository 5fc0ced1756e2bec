"""`nas-search dashboard`: a run folder as one HTML page."""

from pathlib import Path

from nas.verbs.config import Config
from scaling_search.rule.compound import COMPOUND
from search_spaces.errors import UserError


def main(config: Config) -> None:
    """Write `dashboard.html` into the run folder."""
    print(f"written to {draw(Path(str(config['run'])).expanduser())}")


def draw(run: Path) -> Path:
    """The page's path. Raises UserError where there is no such run folder."""
    from nas.dashboard.write import write_dashboard  # brings pandas and Plotly

    if not run.is_dir():
        raise UserError(f"{run}: no such run folder")
    return write_dashboard(run, COMPOUND)
