"""Whether a command trains on the data that its run folder is of."""

from collections.abc import Mapping
from pathlib import Path

from search_spaces.errors import UserError, shown
from search_spaces.yaml_io import read_about

_DIGEST = "data digest"


def check_same_data(run: Path, about: Mapping[str, object]) -> None:
    """Raises UserError where the run folder's baseline was found on other data than these.

    `about` is how an evaluator describes them, by the name `dataset` and the `data digest` that a
    search's `baseline.yaml` has as well. What does not say its digest may be of any data.
    """
    path = run / "baseline.yaml"
    found = read_about(path).get("evaluator") if path.is_file() else None
    before = found if isinstance(found, Mapping) else {}
    old, new = before.get(_DIGEST), about.get(_DIGEST)
    if old is not None and new is not None and old != new:
        raise UserError(
            f"data: {path} was found on {shown(before.get('dataset'))} (digest {shown(old)}), and "
            f"data is {shown(about.get('dataset'))} now (digest {shown(new)}): give the data=… "
            "that it was found on, or another folder with run=…"
        )
