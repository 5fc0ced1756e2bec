"""The notebook runs from top to bottom as it is stored, in one plain namespace.

Without a kernel: so nothing in it depends on a notebook, and it is a script as well.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
NOTEBOOK = json.loads((ROOT / "docs" / "tutorials" / "quickstart.ipynb").read_text("utf-8"))
CELLS: list[dict[str, Any]] = [c for c in NOTEBOOK["cells"] if c["cell_type"] == "code"]
CODE = ["".join(cell["source"]) for cell in CELLS]


def test_twelve_lines_go_from_a_search_to_a_trained_network(tmp_path: Path) -> None:
    lines = [line for source in CODE for line in source.splitlines() if line.strip()]
    assert len(lines) == 12
    asked = 'print(len(found.records), len(family), b0.model.arch.name, b0.folder, sep="\\n")'
    done = subprocess.run(
        [sys.executable, "-"],
        input="\n".join([*CODE, asked]),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    assert done.stdout.splitlines()[-4:] == [
        "4",
        "4",
        "quickstart_b0",
        "results/quickstart/trained/b0",
    ]
    assert done.stderr == ""


def test_it_is_stored_without_outputs() -> None:
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in CELLS)
