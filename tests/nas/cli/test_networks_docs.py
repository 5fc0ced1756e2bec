"""The table of the zoo in docs/how-to/networks.md is what `cost` says."""

from pathlib import Path

from nas.networks.cost import cost
from search_spaces.zoo import names, zoo

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "networks.md"


def test_the_table_of_the_zoo() -> None:
    cells = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in PAGE.read_text(encoding="utf-8").splitlines()
        if line.startswith("|")
    ]
    rows = {row[0]: [int(cell) for cell in row[2:]] for row in cells if row[0] in names()}
    assert tuple(rows) == names()
    for name, row in rows.items():
        priced = cost(zoo(name))
        figures = [priced.params, priced.macs, priced.activations, priced.peak_activation_bytes]
        assert row == [zoo(name).resolution, *figures]
