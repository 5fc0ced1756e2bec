"""The reference is what the program itself reads, and lists all that runs leave."""

from pathlib import Path

import pytest

from markdown_pages import DOCS
from nas.cli.reference import main, pages, run_folder
from nas.cli.verbs import VERBS
from nas.defaults.conf import config_dir
from nas.runs.trials_csv import COLUMNS as TRIALS
from nas.trainings import log
from scaling_search import ablate, files, parts
from scaling_search.grow import ablation
from scaling_search.rule.compound import COMPOUND

TABLES = run_folder()["tables"]


@pytest.mark.parametrize("name", pages())
def test_the_pages_in_docs_are_up_to_date(name: str) -> None:
    assert (DOCS / "reference" / name).read_text("utf-8") == pages()[name], "run: make reference"


def test_the_pages_are_written_where_they_are_asked_for(tmp_path: Path) -> None:
    main(str(tmp_path))
    assert {path.name for path in tmp_path.iterdir()} == pages().keys()


def test_every_verb_group_and_option_has_a_section() -> None:
    verbs, options = pages()["verbs.md"], pages()["options.md"]
    assert [name for name in VERBS if f"\n## {name}\n" not in verbs] == []
    for file in config_dir().glob("*/*.yaml"):
        assert f"\n## {file.parent.name}\n" in options
        assert f"\n### {file.parent.name}={file.stem}\n" in options


def test_a_setting_has_its_default_and_its_meaning() -> None:
    assert "- `seeds`, `1`: trainings a candidate" in pages()["options.md"]
    assert "- `plan`, `false`: train nothing" in pages()["verbs.md"]


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("trials.csv", TRIALS),
        ("sweep.csv", files.columns(COMPOUND)),
        ("ablation.csv", ablation.columns(COMPOUND)),
        ("ablation_accuracy.csv", ablate.COLUMNS),
        ("parts.csv", parts.ARM_COLUMNS),
        ("effects.csv", parts.EFFECT_COLUMNS),
    ],
)
def test_every_column_of_a_table_is_told(table: str, columns: tuple[str, ...]) -> None:
    assert tuple(TABLES[table]["columns"]) == columns


def test_every_log_of_trainings_is_told() -> None:
    logs = {value for name, value in vars(log).items() if name.isupper()}
    assert logs <= run_folder()["records"].keys()
