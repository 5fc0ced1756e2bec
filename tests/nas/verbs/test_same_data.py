from pathlib import Path

import pytest

from nas.cli import main
from nas.verbs.same_data import check_same_data
from quick import SMALL
from search_spaces.yaml_io import write_arch

PETS = {"dataset": "pets", "data digest": "0123456789abcdef"}


@pytest.fixture(autouse=True)
def _a_run_of_pets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for path in ("r/baseline.yaml", "r/family/b0.yaml"):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        write_arch(SMALL, path, {"evaluator": PETS})


@pytest.mark.parametrize(
    "arguments",
    [
        ["sweep", "baseline=r/baseline.yaml", "executor=local"],
        ["ablate", "baseline=r/baseline.yaml", "train=true", "executor=local"],
        ["ablate", "baseline=r/baseline.yaml", "parts=[recipe,scaling]", "executor=local"],
        ["train", "members=[b0]", "run=r"],
    ],
    ids=["sweep", "ablate", "parts", "train"],
)
def test_other_data_are_not_trained_on_in_a_run_folder(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(Path().rglob("*"))
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    for said in ("r/baseline.yaml was found on 'pets'", "data is 'digits' now", "data=…", "run=…"):
        assert said in line
    assert sorted(Path().rglob("*")) == before


def test_the_same_data_by_another_name_are_the_same() -> None:
    check_same_data(Path("r"), {**PETS, "dataset": "cats and dogs"})


def test_another_folder_takes_other_data() -> None:
    check_same_data(Path("elsewhere"), {"dataset": "digits", "data digest": "other"})


def test_what_says_no_digest_is_taken() -> None:
    check_same_data(Path("r"), {"surface": "synthetic"})
