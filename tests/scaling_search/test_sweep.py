import csv
import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from interrupted import read_until
from nas.data.sources import Digits
from nas.evaluators.proxy import ProxyEvaluator
from scaling_search.grow.family import FOUND, read_constants
from scaling_search.rule.compound import PAPER
from scaling_search.settings import SweepSettings
from scaling_search.sweep import plan_sweep, run_sweep
from search_spaces.errors import UserError
from search_spaces.zoo import zoo
from synthetic import (
    Epochs,
    Mistaken,
    OnADisk,
    PerCent,
    Surface,
    Troubled,
    here,
    known_accuracy,
    nowhere,
    on_tune,
)

B0 = zoo("efficientnet_b0")
COARSE = SweepSettings(strategy="grid", step=0.1, seeds=2)  # 13 networks


def test_the_loss_of_a_node_costs_no_training(two_nodes, tmp_path):
    third = two_nodes.add_node(num_cpus=1)

    lost = []

    def lose_it_early(progress):
        if not lost and third.node_id in {node for _, _, _, node, _ in diary(tmp_path / "diary")}:
            lost.append(two_nodes.remove_node(third, allow_graceful=False))

    evaluator = Surface(seconds=0.3, diary=str(tmp_path / "diary"), workers=3, rounds=1)
    result = run_sweep(
        B0,
        COARSE,
        evaluator,
        tmp_path,
        on_tune(evaluator, address=two_nodes.address),
        progress=lose_it_early,
    )
    two_nodes.wait_for_nodes()  # that the others know it is gone
    begun = diary(tmp_path / "diary")
    assert lost, "it is lost once it has worked"
    assert result.failed == 0
    assert len({(key, seed) for key, seed, *_ in begun}) == 26
    assert len(begun) <= 27, "only what ran there is begun again"
    undisturbed = {
        each.candidate.index: {
            seed: known_accuracy(each.candidate.arch, seed, 0.005) for seed in (0, 1)
        }
        for each in result.candidates
    }
    assert {s.candidate.index: s.accuracies for s in result.candidates} == undisturbed


def test_a_worker_lost_as_its_next_training_begins_costs_that_one_try(two_nodes, tmp_path):
    evaluator = Surface(diary=str(tmp_path / "diary"))

    def lose_the_worker(progress):
        if progress.done in (2, 4):  # Tune gives it the next training when this returns
            *_, (_, _, pid, *_) = diary(tmp_path / "diary")
            os.kill(int(pid), signal.SIGKILL)

    result = run_sweep(
        B0,
        dataclasses.replace(COARSE, seeds=1),
        evaluator,
        tmp_path,
        on_tune(evaluator, address=two_nodes.address, workers=1),
        progress=lose_the_worker,
    )
    assert len({pid for _, _, pid, *_ in diary(tmp_path / "diary")}) == 3
    assert result.failed == 0


# A sweep as a process that can be killed, on a cluster or in processes of its own.
DRIVER = """
import sys
from pathlib import Path
from nas.executors.local import Processes
from synthetic import Surface, on_tune
from scaling_search.settings import SweepSettings
from scaling_search.sweep import run_sweep
from search_spaces.zoo import zoo

folder = Path(sys.argv[1])
folder.mkdir(exist_ok=True)
# Of the nine that end at first, two may be under way when it is killed.
evaluator = Surface(0.005, 0.05, str(folder / "diary"), gate=str(folder / "gate"), free=9)
settings = SweepSettings(strategy="grid", step=0.1, seeds=2)
address = sys.argv[2]
on_two = on_tune(evaluator, address=address) if address else lambda: Processes(evaluator, 2)
run_sweep(zoo("efficientnet_b0"), settings, evaluator, folder, on_two)
"""
SUPPORT = Path(__file__).parents[1] / "support"


def count_lines(path):
    return path.read_bytes().count(b"\n") if path.exists() else 0


def diary(path):
    return [line.split() for line in path.read_text().splitlines()]


def test_the_plan_counts_before_anything_is_trained(tmp_path):
    plan = plan_sweep(B0, SweepSettings(strategy="grid", seeds=3), tmp_path)
    assert (plan.grid.points, len(plan.grid.candidates), plan.todo) == (75, 46, 138)
    assert str(plan).startswith("75 points (α, β, γ) are 46 distinct networks")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def swept(two_nodes, tmp_path_factory):
    folder = tmp_path_factory.mktemp("swept")
    evaluator = Surface(seconds=0.05, diary=str(folder / "diary"), workers=2, rounds=4)
    told = []
    result = run_sweep(
        B0,
        COARSE,
        evaluator,
        folder,
        on_tune(evaluator, address=two_nodes.address),
        progress=told.append,
    )
    return folder, evaluator, result, told


def test_every_network_is_trained_with_every_seed_once(swept):
    folder, _, result, told = swept
    done = [(key, seed) for key, seed, *_ in diary(folder / "diary")]
    assert len(done) == len(set(done)) == 26
    assert [progress.done for progress in told] == list(range(1, 27))
    assert {progress.total for progress in told} == {26}
    assert told[-1].best_accuracy == pytest.approx(result.winner.mean)


def test_both_nodes_work_each_with_the_threads_of_its_share(swept):
    folder, *_ = swept
    workers = [(pid, node, threads) for _, _, pid, node, threads in diary(folder / "diary")]
    assert len(set(workers)) == 2, "a worker is kept from training to training"
    assert len({node for _, node, _ in workers}) == 2
    assert {threads for _, _, threads in workers} == {"1"}
    assert min(workers.count(worker) for worker in set(workers)) >= 4


def test_the_answer_has_its_uncertainty(swept):
    _, _, result, _ = swept
    best = max(result.candidates, key=lambda each: each.mean)
    assert result.winner is best
    assert 0.003 < result.comparison.noise < 0.008, "σ is 0.005"
    for each in result.candidates:
        assert each.stderr == pytest.approx(result.comparison.noise / 2**0.5, rel=0.2)
        assert len(each.accuracies) == 2
    assert all(tie.mean <= best.mean for tie in result.ties)


def test_files_hold_the_answer(swept):
    folder, _, result, _ = swept
    winner = result.winner.candidate
    written = yaml.safe_load((folder / "constants.yaml").read_text())
    assert read_constants(folder / "constants.yaml") == winner.constants
    assert written["target_ratio"] == 2
    assert set(written) == {"alpha", "beta", "gamma", *FOUND}
    assert written["best"]["key"] == winner.arch.key()
    assert written["best"]["realised_ratio"] == pytest.approx(winner.realised_ratio, abs=1e-6)
    assert written["best"]["accuracy"] == pytest.approx(result.winner.mean, abs=1e-6)
    assert written["verdict"] == result.estimate.verdict
    low, high = written["estimate"]["interval"]["beta"]
    assert low <= written["estimate"]["beta"] <= high
    assert written["evaluator"] == {"surface": "synthetic", "sigma": 0.005}
    assert len(written["ties"]) == len(result.ties)
    rows = list(csv.DictReader((folder / "sweep.csv").open()))
    assert len(rows) == 13
    assert [row["key"] for row in rows if row["winner"] == "True"] == [winner.arch.key()]
    assert sum(int(row["points"]) for row in rows) == 15
    records = [json.loads(line) for line in (folder / "sweep.jsonl").read_text().splitlines()]
    assert len(records) == 26


def test_a_rerun_trains_nothing_and_answers_the_same(swept):
    folder, evaluator, result, _ = swept
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    again = run_sweep(B0, COARSE, evaluator, folder, nowhere)
    assert again.winner == result.winner
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_more_seeds_train_only_what_is_missing(swept, tmp_path):
    folder, evaluator, *_ = swept
    (tmp_path / "sweep.jsonl").write_bytes((folder / "sweep.jsonl").read_bytes())
    evaluator = dataclasses.replace(evaluator, diary=str(tmp_path / "diary"), rounds=0)
    settings = dataclasses.replace(COARSE, seeds=3)
    result = run_sweep(B0, settings, evaluator, tmp_path, here(evaluator))
    assert sorted(seed for _, seed, *_ in diary(tmp_path / "diary")) == ["2"] * 13
    assert all(len(each.accuracies) == 3 for each in result.candidates)


def test_what_fails_is_on_record_with_its_reason_and_never_wins(two_nodes, tmp_path):
    evaluator = Troubled(lost=str(tmp_path / "lost"))
    settings = dataclasses.replace(COARSE, seeds=1)
    on_both = on_tune(evaluator, address=two_nodes.address)
    result = run_sweep(B0, settings, evaluator, tmp_path, on_both)
    reasons = {
        (s.candidate.arch.resolution, s.candidate.arch.head.channels): s.reason
        for s in result.candidates
        if s.reason
    }
    lost, bug = reasons.pop((224, 1792)), reasons.pop((291, 1408))
    assert re.fullmatch(r"seed 0: its worker died 3 times: .*; the next call tries it again", lost)
    found = re.fullmatch(
        r"seed 0: RuntimeError: a bug \(synthetic\.py, line \d+\), see (failures/\w+-0\.txt)", bug
    )
    assert "RuntimeError: a bug\nwith details" in (tmp_path / found[1]).read_text()
    assert reasons == {
        (314, 1280): "seed 0: the loss is not a number after epoch 2",
        (246, 1664): "seed 0: the evaluator gave an accuracy of nan",
    }
    assert result.failed == 4
    assert not result.winner.reason
    assert (tmp_path / "lost").exists(), "a training whose worker died is done anew"
    assert count_lines(tmp_path / "sweep.jsonl") == 12, "what was lost is to be tried again"
    with (tmp_path / "sweep.csv").open() as file:
        assert sum(row["accuracy"] == "" for row in csv.DictReader(file)) == 4


@pytest.mark.parametrize("executor", ["ray_tune", "local"])
def test_a_killed_sweep_goes_on_from_its_records(executor, two_nodes, tmp_path):
    address = two_nodes.address if executor == "ray_tune" else ""
    folder, log = tmp_path / "run", tmp_path / "run" / "sweep.jsonl"
    driver = subprocess.Popen([sys.executable, "-c", DRIVER, str(folder), address], cwd=SUPPORT)
    while count_lines(log) < 7:
        assert driver.poll() is None
        time.sleep(0.02)
    driver.kill()
    driver.wait()
    kept = log.read_bytes().rpartition(b"\n")[0].splitlines()
    assert 7 <= len(kept) <= 9
    (folder / "gate").touch()
    subprocess.run([sys.executable, "-c", DRIVER, str(folder), address], cwd=SUPPORT, check=True)
    lines = log.read_bytes().splitlines()
    assert lines[: len(kept)] == kept, "nothing finished is lost"
    jobs = [(record["key"], record["seed"]) for record in map(json.loads, lines)]
    assert len(jobs) == len(set(jobs)) == 26, "nor done again"
    assert len(diary(folder / "diary")) <= 28, "only the two under way were begun again"


def test_a_second_ctrl_c_ends_a_sweep_at_once(tmp_path):
    folder = tmp_path / "run"
    settings = ["baseline=efficientnet_b0", "evaluator=custom", "evaluator._target_=toy.Toy"]
    # Two trainings end, the others never do.
    endless = [f"+evaluator.gate={tmp_path / 'gate'}", "+evaluator.free=2"]
    arguments = ["sweep", f"run={folder}", *settings, "sweep.step=0.1", *endless]
    driver = subprocess.Popen(
        [sys.executable, "-c", f"import nas.cli; nas.cli.main({arguments!r})"],
        env={**os.environ, "PYTHONPATH": str(SUPPORT.parent)},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    while count_lines(folder / "sweep.jsonl") < 2:
        assert driver.poll() is None
        time.sleep(0.1)
    os.killpg(driver.pid, signal.SIGINT)
    read_until(driver.stderr, "Ctrl-C again stops at once")
    os.killpg(driver.pid, signal.SIGINT)
    _, errors = driver.communicate(timeout=60)
    assert driver.returncode == 130
    assert "To go on: nas-search sweep run=" in errors
    assert "Traceback" not in errors
    plan = plan_sweep(B0, SweepSettings(step=0.1), folder)
    assert plan.done == count_lines(folder / "sweep.jsonl") >= 2


def test_asha_ends_trainings_that_are_behind(two_nodes, tmp_path):
    settings = dataclasses.replace(COARSE, seeds=1, asha=1)
    evaluator = Epochs(sigma=0.0, diary=str(tmp_path / "diary"))
    # With two workers, how many are behind depends on which of them is faster.
    on_one = on_tune(evaluator, asha=1, address=two_nodes.address, workers=1)
    result = run_sweep(B0, settings, evaluator, tmp_path, on_one)
    ended = [each for each in result.candidates if each.reason]
    assert 4 <= len(ended) < 13
    for each in ended:
        assert re.fullmatch(
            r"seed 0: ended after epoch [13] at 0\.\d{4}, behind others there \(ASHA\)",
            each.reason,
        )
        assert each.mean is None
    best = max(result.candidates, key=lambda s: known_accuracy(s.candidate.arch, 0, 0)).candidate
    assert result.winner.candidate == best
    begun = len(diary(tmp_path / "diary"))
    assert begun < 13 * 9
    again = run_sweep(B0, settings, evaluator, tmp_path, nowhere)
    assert again.candidates == result.candidates
    assert len(diary(tmp_path / "diary")) == begun


def test_an_accuracy_in_per_cent_ends_the_sweep_with_nothing_on_record(tmp_path):
    evaluator = PerCent()
    with pytest.raises(UserError) as mistake:
        run_sweep(B0, COARSE, evaluator, tmp_path, here(evaluator))
    assert str(mistake.value) == (
        "evaluator: accuracy of 61.5; expected a fraction from 0 to 1; divide per cent by 100"
    )
    assert count_lines(tmp_path / "sweep.jsonl") == 0


def test_what_the_machine_failed_is_trained_by_the_next_call(tmp_path):
    settings, disk = dataclasses.replace(COARSE, seeds=1), tmp_path / "disk"
    evaluator = OnADisk(path=str(disk))
    first = run_sweep(B0, settings, evaluator, tmp_path, here(evaluator))
    lost = [each for each in first.candidates if each.reason]
    assert len(lost) == 1
    assert "FileNotFoundError" in lost[0].reason
    before = (tmp_path / "sweep.jsonl").read_bytes()
    assert before.count(b"\n") == 12
    disk.touch()
    again = run_sweep(B0, settings, evaluator, tmp_path, here(evaluator))
    assert again.failed == 0
    after = (tmp_path / "sweep.jsonl").read_bytes()
    assert after.startswith(before)
    assert after.count(b"\n") == 13


def test_a_users_mistake_found_by_a_worker_ends_the_sweep(two_nodes, tmp_path):
    evaluator = Mistaken()
    on_both = on_tune(evaluator, address=two_nodes.address)
    with pytest.raises(UserError, match="there are no images left"):
        run_sweep(B0, COARSE, evaluator, tmp_path, on_both)
    assert not (tmp_path / "constants.yaml").exists()


@pytest.mark.parametrize(
    ("ray", "message"),
    [
        ({"cpus": 1000}, "a training needs 1000 CPU each"),
        ({"workers": 1000}, "1000 trainings side by side need 1 CPU each"),
        ({"address": "127.0.0.1:1"}, r"^ray\.address: 127\.0\.0\.1:1: no "),
        ({"address": "ray://127.0.0.1:1"}, r"^ray\.address: .* with ray\.address=auto$"),
        ({"address": "here"}, r"^ray\.address: expected local, auto or host:port"),
    ],
)
def test_what_the_cluster_lacks_is_told_before_anything_starts(ray, message, tmp_path):
    evaluator = Surface()
    with pytest.raises(UserError, match=message):
        run_sweep(B0, COARSE, evaluator, tmp_path / "run", on_tune(evaluator, **ray))
    assert not (tmp_path / "run").exists()


def test_networks_that_cannot_be_fed_are_told_before_anything_starts(tmp_path):
    evaluator = ProxyEvaluator(data=Digits(limit=60), resolution=8)
    with pytest.raises(UserError, match=r"^evaluator: .* and 11 px: .* the feature map vanishes"):
        run_sweep(B0, COARSE, evaluator, tmp_path / "run", nowhere)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("executor", "message"),
    [
        (here, r"^asha: the executor ends trainings after None epochs, the settings ask for 1"),
        (on_tune, r"^asha: the executor ends trainings after None epochs, the settings ask for 1"),
    ],
)
def test_trainings_are_ended_early_by_nothing_but_ray_tune(executor, message, tmp_path):
    settings, evaluator = dataclasses.replace(COARSE, asha=1), Surface()
    with pytest.raises(UserError, match=message):
        run_sweep(B0, settings, evaluator, tmp_path / "run", executor(evaluator))
    assert not (tmp_path / "run").exists()


def test_a_band_without_candidates_is_refused(tmp_path):
    settings = dataclasses.replace(COARSE, band=0.01)
    with pytest.raises(UserError, match=r"^band: no candidate realises 1\.98–2\.02 ×"):
        run_sweep(B0, settings, Surface(), tmp_path, nowhere)


def test_the_grid_may_lie_around_a_larger_model(tmp_path):
    plan = plan_sweep(B0, SweepSettings(phi=2), tmp_path)
    assert len(plan.grid.candidates) == 62
    assert PAPER in {point for candidate in plan.grid.candidates for point in candidate.points}
