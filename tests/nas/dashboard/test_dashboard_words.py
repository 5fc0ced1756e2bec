"""What a page says in words: estimates, counts of things, and commands of the run's own data."""

import csv
import random
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

import run_folder
from nas.dashboard.commands import DIGITS
from nas.dashboard.expected import best_trial
from nas.dashboard.frames import load_run
from nas.dashboard.header import headline
from nas.dashboard.verdict import run_verdict
from nas.dashboard.wording import proxy_words
from nas.dashboard.write import write_dashboard
from nas.data.dataset import identity
from nas.data.sources import Digits
from scaling_search.rule.compound import COMPOUND

OF_DIGITS = {"limit": None, "val_fraction": 0.5, "folds": 1, "test_fraction": 0.15, "seed": 0}


def write_data(folder: Path, stage: str, name: str, data: Mapping[str, Any]) -> None:
    """Note in config.yaml which data a stage trained on."""
    path = folder / "config.yaml"
    config = yaml.safe_load(path.read_text("utf-8")) if path.exists() else {}
    config[stage] = {"evaluator": {"data": dict(data)}, "about": {"dataset": name}}
    path.write_text(yaml.safe_dump(config), "utf-8")


def proposed(folder: Path) -> list[str]:
    text = write_dashboard(folder, COMPOUND).read_text("utf-8")
    return re.findall(r"<code>nas-search ([^<]*)</code>", text)


def test_the_digits_are_known_by_their_digest() -> None:
    assert identity(Digits())["digest"] == DIGITS


@pytest.mark.parametrize(
    ("write", "stage", "commands"),
    [
        (
            run_folder.write_search,
            "search",
            ["sweep baseline={}/baseline.yaml", "scale baseline={}"],
        ),
        (run_folder.write_sweep, "sweep", ["search run={}", "scale baseline=… run={}"]),
    ],
)
def test_what_is_missing_names_the_command_that_makes_it_of_the_same_data(
    tmp_path: Path, write: Callable[[Path], None], stage: str, commands: list[str]
) -> None:
    run = tmp_path / "my run"
    write(run)
    write_data(run, stage, "digits", {"digest": DIGITS, **OF_DIGITS, "limit": 200})
    said = proposed(run)
    for command, expected in zip(said, commands, strict=True):
        assert command.startswith(expected.format(f"&#x27;{run}"))
    trained = [command for command in said if not command.startswith("scale")]
    assert all(command.endswith("data=digits data.limit=200") for command in trained)
    # No network is trained for a family.
    assert not any("data=" in command for command in said if command.startswith("scale"))


@pytest.mark.parametrize(
    "data", [{"digest": "a18fef0be1a92cbd", **OF_DIGITS}, {}], ids=["known", "unknown"]
)
def test_no_command_is_proposed_that_would_train_on_other_data(
    tmp_path: Path, data: dict[str, Any]
) -> None:
    run_folder.write_sweep(tmp_path)
    write_data(tmp_path, "sweep", "digits", data)
    assert [command.split()[0] for command in proposed(tmp_path)] == ["scale"]
    page = (tmp_path / "dashboard.html").read_text("utf-8")
    assert "no command is proposed: records do not say where digits lies" in page


def test_stages_of_different_data_have_no_common_command(tmp_path: Path) -> None:
    run_folder.write_family(tmp_path)
    write_data(tmp_path, "sweep", "digits", {"digest": DIGITS, **OF_DIGITS})
    write_data(tmp_path, "ablate", "other", {"digest": "a18fef0be1a92cbd"})
    assert proposed(tmp_path) == []


def noisy_search(folder: Path, trials: int, images: int = 120) -> float:
    """A search over networks that are all as accurate; what its luckiest measured."""
    run_folder.write_config(folder, evaluator={"dataset": "pets", "validation images": images})
    run_folder.write_search(folder, trials)
    rng = random.Random(3)
    rows = list(_rows(folder / "trials.csv"))
    for row in rows:
        hits = sum(rng.random() < 0.4 for _ in range(images))
        row |= {"accuracy": hits / images, "accuracy_stderr": "", "seeds": 1}
        row["reward"] = run_folder.SOFT(hits / images, float(row["macs"]))
        row["baseline"] = False
    luckiest = max(rows, key=lambda row: row["accuracy"])
    luckiest["baseline"] = True
    run_folder.write_csv(folder / "trials.csv", rows)
    return float(luckiest["accuracy"])


def _rows(path: Path) -> list[dict[str, Any]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_headline_is_an_estimate_with_its_error_not_the_luckiest_measurement(
    tmp_path: Path,
) -> None:
    measured = noisy_search(tmp_path, 32)
    frames = load_run(tmp_path, COMPOUND)
    best = best_trial(frames)
    assert best is not None
    assert measured > 0.48  # by luck alone
    assert abs(best.accuracy - 0.4) < 0.5 * (measured - 0.4)
    assert abs(best.accuracy - 0.4) < 3 * best.stderr
    assert best.how == "estimate from 32 trials"
    said = f"{100 * best.accuracy:.1f} ± {100 * best.stderr:.1f} %"
    facts = headline(frames)
    assert facts["Baseline, proxy accuracy, estimate from 32 trials"].replace("\u00a0", " ") == said
    assert said in run_verdict(frames)
    assert float(facts["Baseline, reward"]) == pytest.approx(best.reward, abs=1e-4)


def test_few_trials_are_given_with_the_error_of_their_images(tmp_path: Path) -> None:
    measured = noisy_search(tmp_path, 4)
    best = best_trial(load_run(tmp_path, COMPOUND))
    assert best is not None
    assert best.accuracy == pytest.approx(measured)
    assert best.stderr == pytest.approx((measured * (1 - measured) / 120) ** 0.5, rel=0.1)


def test_an_accuracy_whose_error_nothing_tells_says_so(tmp_path: Path) -> None:
    run_folder.write_config(tmp_path, evaluator={"dataset": "pets"})
    run_folder.write_search(tmp_path, 4)
    rows = [{**row, "accuracy_stderr": "", "seeds": 1} for row in _rows(tmp_path / "trials.csv")]
    run_folder.write_csv(tmp_path / "trials.csv", rows)
    assert "Baseline, proxy accuracy, error unknown" in headline(load_run(tmp_path, COMPOUND))


def test_one_of_a_thing_is_not_called_several() -> None:
    about = {"dataset": "pets", "training images": 1, "classes": 1, "resolution": 1, "epochs": 1}
    assert proxy_words(about, [1]) == "pets, 1 training image, 1 class, 1 px, 1 epoch, 1 seed"
    several = {"training images": 20, "classes": 2, "epochs": 4, "data digest": "965a7d1ff60a88a3"}
    assert proxy_words(several, [1, 3]) == "20 training images, 2 classes, 4 epochs, 1–3 seeds"


def test_no_cell_is_blank(tmp_path: Path) -> None:
    text = write_dashboard(run_folder.write_run(tmp_path / "pets"), COMPOUND).read_text("utf-8")
    assert not re.search(r"<(td|th)[^>]*></", text)
    assert not re.search(
        r"\d(\.\d+)?e[+-]\d", re.sub(r"<(script|style).*?</\1>", "", text, flags=re.S)
    )
