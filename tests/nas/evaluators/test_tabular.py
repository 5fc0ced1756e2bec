"""Evaluators that look accuracies up, or predict them: tables, NAS-Bench-Macro, surrogates."""

import csv
import itertools
import json
import pickle
import random
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from nas.cli import main
from nas.defaults.conf import config_dir
from nas.evaluators.base import EvaluationFailed
from nas.evaluators.nas_bench_macro import NasBenchMacroEvaluator
from nas.evaluators.surrogate import SurrogateEvaluator
from nas.evaluators.table import TableEvaluator
from nas.verbs.config import make
from search_spaces.errors import UserError
from search_spaces.scaling import scale
from search_spaces.space import Space, load_space
from search_spaces.zoo import zoo
from toy import prepare

DATA = Path(__file__).parents[2] / "search_spaces/data"
SMALL = {
    "name": "small",
    "base": "efficientnet_b0",
    "stages": {1: {"kernel": [3, 5], "expand": [4, 6]}, 2: {"se": {"no": {"se": 0}, "yes": {}}}},
}


def config(name: str) -> dict[str, Any]:
    plain: dict[str, Any] = yaml.safe_load((config_dir() / f"space/{name}.yaml").read_text())
    return plain


def quiet(epoch: int, accuracy: float) -> None:
    """Look-ups have no epochs."""


def accuracy(params: Mapping[str, Any]) -> float:
    """A smooth truth, with an interaction."""
    values = [option / 6 for option in params.values()]
    weights = [1 + i % 3 for i in range(len(values))]
    trend = sum(w * v for w, v in zip(weights, values, strict=True)) / sum(weights)
    return float(0.3 + 0.6 * trend + 0.05 * values[0] * values[-3])


def write(path: Path, rows: Iterable[Mapping[str, Any]]) -> str:
    rows = list(rows)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return str(path)


def sampled(space: Space, count: int, seed: int = 0) -> list[dict[str, Any]]:
    rng = random.Random(seed)
    rows = [space.sample(rng) for _ in range(count)]
    return [{**params, "accuracy": accuracy(params)} for params in rows]


def refused(evaluator: Any) -> str:
    with pytest.raises(UserError) as mistake:
        prepare(evaluator)
    assert "\n" not in str(mistake.value)
    return str(mistake.value)


ROWS = [
    {"s1_kernel": 3, "s1_expand": 4, "s2_se": "no", "accuracy": 0.7, "sd": 0.01, "runs": 2},
    {"s1_kernel": 5, "s1_expand": 4, "s2_se": "yes", "accuracy": 0.8, "sd": 0.0, "runs": 1},
    {"s1_kernel": 5, "s1_expand": 6, "s2_se": "no", "accuracy": None, "sd": None, "runs": 0},
]


class TestTable:
    @pytest.mark.parametrize("suffix", ["csv", "parquet", "json", "columns.json"])
    def test_finds_what_a_file_of_any_kind_holds(self, suffix: str, tmp_path: Path) -> None:
        path = tmp_path / f"table.{suffix}"
        frame = pd.DataFrame(ROWS)
        if suffix == "csv":
            frame.to_csv(path, index=False)
        elif suffix == "parquet":
            frame.to_parquet(path)
        else:
            columns = {name: [row[name] for row in ROWS] for name in ROWS[0]}
            path.write_text(json.dumps(ROWS if suffix == "json" else columns))
        evaluator = TableEvaluator(path=str(path), space=SMALL, accuracy_std="sd", runs="runs")
        space = load_space(SMALL)
        archs = [space.decode({k: row[k] for k in list(row)[:3]}) for row in ROWS]  # type: ignore[misc]
        first = evaluator.evaluate(archs[0].replace(name="other"), 0, quiet)
        assert (first.accuracy, first.noise) == (0.7, 0.01)
        second = evaluator.evaluate(archs[1], 1, quiet)
        assert (second.accuracy, second.noise) == (0.8, None)
        with pytest.raises(EvaluationFailed, match="not in the table"):
            evaluator.evaluate(archs[2], 0, quiet)
        assert evaluator.describe()["networks"] == 2

    def test_travels_to_other_processes(self, tmp_path: Path) -> None:
        path = write(tmp_path / "t.csv", ROWS)
        evaluator = pickle.loads(pickle.dumps(TableEvaluator(path=path, space=SMALL)))
        prepare(evaluator)
        assert pickle.loads(pickle.dumps(evaluator)).describe()["networks"] == 2

    def test_averages_rows_of_one_network(self, tmp_path: Path) -> None:
        rows = [ROWS[0], {**ROWS[0], "accuracy": 0.8}]
        evaluator = TableEvaluator(path=write(tmp_path / "t.csv", rows), space=SMALL)
        (found,) = evaluator.table.values()
        assert found.accuracy == pytest.approx(0.75)

    def test_reads_percent_and_columns_by_other_names(self, tmp_path: Path) -> None:
        rows = [{"k": 3, "s1_expand": 4, "s2_se": "no", "top1": 70.5}]
        path = write(tmp_path / "t.csv", rows)
        columns = {"s1_kernel": "k"}
        evaluator = TableEvaluator(
            path=path, space=SMALL, scale="percent", accuracy="top1", columns=columns
        )
        (found,) = evaluator.table.values()
        assert found.accuracy == pytest.approx(0.705)

    @pytest.mark.parametrize(
        ("change", "options", "expected"),
        [
            ({"accuracy": 70}, {}, "row 1: accuracy: expected a fraction .*scale=percent meant"),
            ({}, {"scale": "percent"}, "expected percent, but none is above 1"),
            ({"accuracy": "good"}, {}, "row 1: accuracy: expected a number, got 'good'"),
            ({"s1_kernel": 9}, {}, "row 1: s1_kernel: expected one of 3, 5, got 9"),
            ({}, {"accuracy": "acuracy"}, "no column 'acuracy'.*did you mean 'accuracy'"),
            ({}, {"columns": {"s2_se": "x"}}, "no column 'x' .a choice of space small"),
            ({"accuracy": ""}, {}, "no row has an accuracy"),
        ],
    )
    def test_says_what_is_wrong_and_where(
        self, change: dict[str, Any], options: dict[str, Any], expected: str, tmp_path: Path
    ) -> None:
        path = write(tmp_path / "t.csv", [{**ROWS[0], **change}])
        with pytest.raises(UserError, match=expected):
            prepare(TableEvaluator(path=path, space=SMALL, **options))

    def test_refuses_files_that_are_no_table(self, tmp_path: Path) -> None:
        assert "no such file" in refused(TableEvaluator(path="no.csv", space=SMALL))
        assert "expected a file of .csv" in refused(TableEvaluator(path="t.xls", space=SMALL))
        (tmp_path / "t.json").write_text('{"a": 1}')
        assert "list of records" in refused(
            TableEvaluator(path=str(tmp_path / "t.json"), space=SMALL)
        )

    def test_has_nothing_to_say_of_networks_outside_its_space(self, tmp_path: Path) -> None:
        evaluator = TableEvaluator(path=write(tmp_path / "t.csv", ROWS), space=SMALL)
        with pytest.raises(UserError, match=r"of space small alone.*resolution: expected 224"):
            evaluator.evaluate(scale(zoo("efficientnet_b0"), 1.2, 1.1, 260), 0, quiet)


def macro_file(path: Path) -> str:
    """A benchmark of the fourteen keys at hand: accuracies by key, three trainings each."""
    with (DATA / "nas_bench_macro.csv").open() as file:
        keys = [row["key"] for row in csv.DictReader(file)]
    entries = {}
    for key in keys:
        mean = 80 + sum(map(int, key)) / 2
        entries[key] = {"test_acc": [mean - 1, mean, mean + 1], "mean_acc": mean}
    path.write_text(json.dumps(entries))
    return str(path)


def macro(path: Path, **options: Any) -> tuple[NasBenchMacroEvaluator, Space]:
    space = config("nas_bench_macro")
    evaluator = NasBenchMacroEvaluator(path=macro_file(path), space=space, **options)
    return evaluator, load_space(space)


def spelt(space: Space, key: str) -> dict[str, Any]:
    return {c.name: c.options[int(digit)] for c, digit in zip(space.choices, key, strict=True)}


class TestNasBenchMacro:
    def test_gives_the_mean_of_its_trainings(self, tmp_path: Path) -> None:
        evaluator, space = macro(tmp_path / "m.json")
        found = evaluator.evaluate(space.decode(spelt(space, "22222222")), 5, quiet)
        assert found.accuracy == pytest.approx(0.88)
        assert found.noise == pytest.approx(0.01)
        assert evaluator.describe()["dataset"] == "CIFAR-10 test accuracy, NAS-Bench-Macro"

    def test_picks_one_training_by_seed(self, tmp_path: Path) -> None:
        evaluator, space = macro(tmp_path / "m.json", trial="seed")
        arch = space.decode(spelt(space, "11111111"))
        three = [evaluator.evaluate(arch, seed, quiet).accuracy for seed in range(3)]
        assert sorted(three) == pytest.approx([0.83, 0.84, 0.85])
        assert [evaluator.evaluate(arch, seed, quiet).accuracy for seed in range(3)] == three
        first = {
            evaluator.evaluate(arch, seed, quiet).accuracy == three[0] for seed in range(3, 30, 3)
        }
        assert first == {True, False}

    def test_networks_that_differ_in_spelling_share_figures(self, tmp_path: Path) -> None:
        evaluator, space = macro(tmp_path / "m.json")
        figures = {"test_acc": [84, 84, 84]}
        (tmp_path / "m.json").write_text(json.dumps({"11010000": figures}))
        # Layers 3 and 4 are alike: an identity may stand in either.
        same = space.decode(spelt(space, "11001000"))
        assert evaluator.evaluate(same, 0, quiet).accuracy == pytest.approx(0.84)
        with pytest.raises(EvaluationFailed):
            evaluator.evaluate(space.decode(spelt(space, "11011000")), 0, quiet)

    def test_goes_with_its_own_space_and_file(self, tmp_path: Path) -> None:
        path = macro_file(tmp_path / "m.json")
        wrong = NasBenchMacroEvaluator(path=path, space=SMALL)
        assert "goes with space=nas_bench_macro" in refused(wrong)
        (tmp_path / "l.json").write_text('{"00000000": {"mean_acc": 80}}')
        space = config("nas_bench_macro")
        other = NasBenchMacroEvaluator(path=str(tmp_path / "l.json"), space=space)
        assert "00000000: expected a list test_acc of per cent" in refused(other)
        missing = NasBenchMacroEvaluator(path="missing.json", space=space)
        assert "missing.json: no such file" in refused(missing)


class TestSurrogate:
    def make(self, folder: Path, count: int = 200, **options: Any) -> SurrogateEvaluator:
        space = config("accel_nasbench")
        path = folder / "table.csv"
        if not path.exists():
            write(path, sampled(load_space(space), count))
        return SurrogateEvaluator(path=str(path), space=space, **options)

    def test_predicts_networks_that_it_was_not_shown(self, tmp_path: Path) -> None:
        evaluator = self.make(tmp_path)
        prepare(evaluator)
        new = sampled(evaluator.loaded_space, 100, seed=1)
        true = [row.pop("accuracy") for row in new]
        predicted = evaluator.predict(new)
        errors = np.abs(predicted - true)
        quality = evaluator.fitted[1]
        assert quality.tau > 0.9
        assert quality.r2 > 0.95
        assert errors.mean() < 2 * quality.rmse
        assert evaluator.describe()["cross-validated Kendall τ"] == round(quality.tau, 3)
        said = evaluator.data_summary()
        assert f"Kendall τ {quality.tau:.3f}, R² {quality.r2:.3f}" in said
        arch = evaluator.loaded_space.decode(new[0])
        assert evaluator.evaluate(arch, 0, quiet).accuracy == pytest.approx(predicted[0])

    def test_noise_is_of_the_architecture_and_the_seed(self, tmp_path: Path) -> None:
        evaluator = self.make(tmp_path, noise=0.01)
        arch = zoo("efficientnet_b0")
        found = [evaluator.evaluate(arch, seed, quiet).accuracy for seed in range(40)]
        assert [evaluator.evaluate(arch, seed, quiet).accuracy for seed in range(40)] == found
        assert np.std(found) == pytest.approx(0.01, rel=0.5)
        exact = evaluator.predict([evaluator.loaded_space.encode(arch)])[0]
        assert np.mean(found) == pytest.approx(exact, abs=0.006)

    def test_is_kept_as_plain_arrays_and_read_again(self, tmp_path: Path) -> None:
        first = self.make(tmp_path, cache=str(tmp_path / "kept.npz"))
        prepare(first)
        with np.load(tmp_path / "kept.npz", allow_pickle=False) as kept:
            assert kept["features"].shape[0] == 200
        written = (tmp_path / "kept.npz").stat().st_mtime_ns
        again = self.make(tmp_path, cache=str(tmp_path / "kept.npz"))
        params = [again.loaded_space.encode(zoo("efficientnet_b0"))]
        assert again.predict(params) == first.predict(params)
        assert (tmp_path / "kept.npz").stat().st_mtime_ns == written

    def test_is_fitted_anew_to_a_table_that_changed(self, tmp_path: Path) -> None:
        prepare(self.make(tmp_path))
        assert self.make(tmp_path).cache_path.exists()
        (tmp_path / "table.csv").unlink()
        evaluator = self.make(tmp_path, count=100)
        assert len(evaluator.fitted[0].weights) == 100

    def test_believes_no_fit_that_came_with_the_table(self, tmp_path: Path) -> None:
        first = self.make(tmp_path, cache=str(tmp_path / "table.csv.surrogate.npz"))
        prepare(first)
        with np.load(tmp_path / "table.csv.surrogate.npz", allow_pickle=False) as kept:
            forged = {**kept, "weights": -kept["weights"]}
        np.savez(tmp_path / "table.csv.surrogate.npz", **forged)
        params = [first.loaded_space.encode(zoo("efficientnet_b0"))]
        assert self.make(tmp_path).predict(params) == first.predict(params)

    @pytest.mark.parametrize("text", ["notes", ""])
    def test_does_not_overwrite_what_is_not_its_own(self, text: str, tmp_path: Path) -> None:
        (tmp_path / "mine.npz").write_text(text)
        assert "is no surrogate" in refused(self.make(tmp_path, cache=str(tmp_path / "mine.npz")))
        assert (tmp_path / "mine.npz").read_text() == text

    def test_goes_on_where_it_cannot_be_kept(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        prepare(self.make(tmp_path, count=40, cache=str(tmp_path / "table.csv/x.npz")))
        assert "surrogate not kept" in capsys.readouterr().err

    def test_refuses_a_table_that_is_too_small(self, tmp_path: Path) -> None:
        assert "at least 20 networks to fit a surrogate to, got 12" in refused(
            self.make(tmp_path, count=12)
        )

    def test_travels_to_other_processes_fitted(self, tmp_path: Path) -> None:
        evaluator = self.make(tmp_path)
        prepare(evaluator)
        (tmp_path / "table.csv").unlink()
        copy = pickle.loads(pickle.dumps(evaluator))
        arch = zoo("efficientnet_b0")
        assert copy.evaluate(arch, 0, quiet) == evaluator.evaluate(arch, 0, quiet)


class TestCommands:
    def test_macro_is_searched_by_one_override(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.chdir(tmp_path)
        keys = map("".join, itertools.product("012", repeat=8))
        entries = {key: {"test_acc": [80 + sum(map(int, key))] * 3} for key in keys}
        Path("m.json").write_text(json.dumps(entries))
        command = ["search", "experiment=nas_bench_macro", "sampler=random", "run=r"]
        main([*command, "evaluator.path=m.json", "search.trials=6"])
        trials = pd.read_csv("r/trials.csv")
        layers = trials.filter(regex="_op$").replace({"identity": 0, "mb3": 1, "mb6": 2})
        assert trials["accuracy"].tolist() == pytest.approx((80 + layers.sum(axis=1)) / 100)
        about = yaml.safe_load(Path("r/config.yaml").read_text())["search"]["about"]
        assert about["dataset"] == "CIFAR-10 test accuracy, NAS-Bench-Macro"

    def test_imagenet_is_searched_by_one_override_and_its_records_make_a_surrogate(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.chdir(tmp_path)
        space = config("accel_nasbench")
        write(tmp_path / "t.csv", sampled(load_space(space), 60))
        command = ["search", "experiment=imagenet_table", "sampler=random"]
        main([*command, "evaluator.path=t.csv", "search.trials=24", "run=r"])
        printed = capsys.readouterr()
        assert printed.err.startswith("surrogate of 60 networks of t.csv")
        about = yaml.safe_load(Path("r/config.yaml").read_text())["search"]["about"]
        assert about["dataset"] == "ImageNet, reduced schedule, Accel-NASBench"
        records = make(
            {
                "_target_": "nas.evaluators.surrogate.SurrogateEvaluator",
                "path": "r/trials.csv",
                "space": space,
            },
            "evaluator",
        )
        prepare(records)
        assert len(records.fitted[0].weights) == 24
