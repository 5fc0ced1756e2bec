"""Made-up run folders in the formats that the search, the sweep and the scaler write."""

import csv
import itertools
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import yaml

from nas.searches.rewards import Absolute, Hard, Soft
from nas.trainings.log import TrainingLog
from nas.trainings.record import TrainingRecord
from scaling_search.expected import as_mapping
from scaling_search.grow.ablation import ablate
from scaling_search.grow.ablation import write_ablation as write_networks
from scaling_search.grow.family import formula_family
from scaling_search.grow.family import write_family as write_members
from scaling_search.grow.parts import PARTS, PlainVersions, make_arms
from scaling_search.judge.forecast import MemberForecast
from scaling_search.rule.compound import COMPOUND, PAPER
from search_spaces.arch import Arch
from search_spaces.yaml_io import load_arch, read_about, write_arch
from search_spaces.zoo import zoo

CHANNELS = (16, 24, 40, 80, 112, 192, 320)
REPEATS = (1, 2, 2, 3, 3, 4, 1)
STRIDES = (1, 2, 2, 2, 1, 2, 1)
Reward = Soft | Hard | Absolute
SOFT = Soft(400e6)
ESTIMATE = {
    **{"alpha": 1.18, "beta": 1.12, "gamma": 1.14},
    "interval": {"alpha": [1.0, 1.4], "beta": [1.02, 1.25], "gamma": [1.0, 1.31]},
    "known": {"alpha": 1.2, "beta": 1.1, "gamma": 1.15},
    **{"gain": 0.0004, "gain_stderr": 0.0007, "trainings": 33, "largest": 1.4},
}
FORECAST = (0.571, 0.582, 0.596, 0.607, 0.613, 0.6151, 0.6158, 0.6160)
ALONE = ("depth", "width", "resolution")
EVALUATOR = {
    "dataset": "digits",
    "training images": 1437,
    "resolution": 24,
    "width": 0.125,
    "depth": 1.0,
    "epochs": 8,
}


def write_config(
    folder: Path,
    reward: Reward = SOFT,
    evaluator: Mapping[str, Any] = EVALUATOR,
) -> None:
    """config.yaml: what each stage was made with."""
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "search": {
            "space": {"name": "kernel_expand"},
            "sampler": {"_target_": "nas.samplers.optuna.OptunaSampler", "sampler": "a.TPESampler"},
            "reward": {
                "_target_": f"nas.searches.rewards.{type(reward).__name__}",
                **asdict(reward),
            },
            "search": {"seed": 0, "seeds": 2},
            "about": dict(evaluator),
        },
        "sweep": {"about": dict(evaluator)},
        "ablate": {"about": dict(evaluator)},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False), "utf-8")


def write_search(
    folder: Path,
    trials: int = 32,
    *,
    failed: Sequence[int] = (),
    reward: Reward | None = SOFT,
) -> None:
    """trials.csv, and baseline.yaml where one trial finished; without a reward it has none."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(7)
    rows = [_trial(rng, number, number in failed, reward) for number in range(trials)]
    finished = [row for row in rows if row["state"] == "finished"]
    for row in rows:
        row["front"] = row in finished and not any(
            (other["accuracy"] >= row["accuracy"] and other["macs"] < row["macs"])
            or (other["accuracy"] > row["accuracy"] and other["macs"] <= row["macs"])
            for other in finished
        )  # fmt: skip
        row["file"] = f"front/{row['number']:04d}.yaml" if row["front"] else ""
    if finished:
        best = max(finished, key=lambda row: row["reward"] or row["accuracy"])
        best["baseline"] = True
        write_baseline(folder, best)
    write_csv(folder / "trials.csv", rows)


def _trial(rng: random.Random, number: int, failed: bool, reward: Reward | None) -> dict[str, Any]:
    kernels = [rng.choice((3, 5, 7)) for _ in CHANNELS]
    expands = [1, *(rng.choice((3, 4, 6)) for _ in CHANNELS[1:])]
    size = sum(expands) / 37
    macs = round(1e6 * (150 + 330 * size + 4 * sum(kernels)))
    quality = 0.80 + 0.09 * size + 0.002 * sum(kernels) + rng.gauss(0, 0.008)
    choices = {f"s{i}_kernel": k for i, k in enumerate(kernels)}
    choices |= {f"s{i}_expand": e for i, e in enumerate(expands) if i}
    return {
        "number": number,
        "state": "failed" if failed else "finished",
        "accuracy": "" if failed else quality,
        "accuracy_stderr": "" if failed else abs(rng.gauss(0.004, 0.001)),
        "reward": reward(quality, macs) if reward and not failed else "",
        "macs": macs,
        "params": round(macs / 75),
        "activations": macs // 60,
        "cost": macs,
        "front": False,
        "baseline": False,
        "seconds": 2.5,
        "seeds": 2,
        "compact": " ".join(
            f"ir_r{r}_k{k}_s{s}_e{e}_c{c}_se0.25"
            for r, k, s, e, c in zip(REPEATS, kernels, STRIDES, expands, CHANNELS, strict=True)
        ),
        "key": f"{rng.getrandbits(64):016x}",
        "file": "",
        "reason": "the loss became NaN in epoch 2" if failed else "",
        **choices,
    }


def write_baseline(folder: Path, trial: Mapping[str, Any]) -> None:
    """baseline.yaml of a trial."""
    b0 = zoo("efficientnet_b0")
    stages = tuple(
        replace(stage, kernel=trial[f"s{i}_kernel"], expand=float(trial.get(f"s{i}_expand", 1)))
        for i, stage in enumerate(b0.stages)
    )
    write_arch(b0.replace(name="b0", stages=stages), folder / "baseline.yaml", {"trial": 0})


def write_sweep(folder: Path, candidates: int = 46, *, failed: Sequence[int] = ()) -> None:
    """sweep.csv and constants.yaml."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(3)
    triples = [
        (a / 20, b / 20, c / 20)
        for a in range(20, 29) for b in range(20, 29) for c in range(20, 29)
        if abs(a / 20 * (b / 20) ** 2 * (c / 20) ** 2 - 2) <= 0.1
    ]  # fmt: skip
    rows = []
    for index, (alpha, beta, gamma) in enumerate(rng.sample(triples, candidates)):
        nominal = alpha * beta**2 * gamma**2
        realised = nominal * rng.uniform(0.97, 1.6)
        accuracy = 0.90 + 0.02 * math.log(realised) + rng.gauss(0, 0.006)
        rows.append(
            {
                "candidate": index,
                "alpha": alpha,
                "beta": beta,
                "gamma": gamma,
                "points": rng.choice((1, 1, 2, 3)),
                "nominal_ratio": nominal,
                "realised_ratio": realised,
                "depth": alpha,
                "width": beta,
                "resolution": gamma,
                "macs": round(386e6 * realised),
                "params": round(5.3e6 * alpha * beta**2),
                "accuracy": "" if index in failed else accuracy,
                "stderr": "" if index in failed else abs(rng.gauss(0.004, 0.001)),
                "seeds": 3,
                "in_band": realised <= 2.9,
                "tied": False,
                "winner": False,
                "key": f"{rng.getrandbits(64):016x}",
                "compact": "ir_r2_k3_s1_e1_c16_se0.25 ir_r3_k5_s2_e6_c32_se0.25",
                "reason": "the loss became NaN in epoch 2" if index in failed else "",
            }
        )
    valid = [row for row in rows if row["accuracy"] != "" and row["in_band"]]
    if valid:
        winner = max(valid, key=lambda row: row["accuracy"])
        for row in valid:
            row["tied"] = row is not winner and winner["accuracy"] - row["accuracy"] < 0.006
        winner["winner"] = True
        constants = {name: winner[name] for name in ("alpha", "beta", "gamma")}
        constants |= {"target_ratio": 2.0, "band": [1.1, 2.9], "trainings_to_decide": 40}
        write_constants(folder, strategy="race", phi=1.0, **constants)
    write_csv(folder / "sweep.csv", rows)


def write_constants(folder: Path, **named: Any) -> None:
    """constants.yaml; the estimate is named where nothing else is."""
    constants = {
        **{name: ESTIMATE[name] for name in ("alpha", "beta", "gamma")},
        "verdict": "The trainings do not contradict 1.2, 1.1, 1.15, nor would many more tell.",
        "estimate": ESTIMATE,
        **named,
    }
    (folder / "constants.yaml").write_text(yaml.safe_dump(constants), "utf-8")


def write_family(folder: Path) -> None:
    """family/b0.yaml … b7.yaml."""
    members = formula_family(
        zoo("efficientnet_b0"), COMPOUND.constants(alpha=1.15, beta=1.15, gamma=1.15)
    )
    write_members(members, folder)


def write_forecasts(folder: Path, accuracies: Sequence[float] = FORECAST, **other: Any) -> None:
    """What the first members of family/ are expected to reach; from the fourth on extrapolated."""
    before = None
    for number, accuracy in enumerate(accuracies):
        path = folder / "family" / f"b{number}.yaml"
        forecast = MemberForecast(
            accuracy=accuracy,
            low=accuracy - 0.01,
            high=accuracy + 0.005,
            gain=None if before is None else accuracy - before,
            extrapolates=number > 2,
        )
        about = {**read_about(path), "forecast": {**as_mapping(forecast), **other}}
        write_arch(load_arch(str(path)), path, about)
        before = accuracy


def write_ablation(
    folder: Path, ratios: Sequence[float] = (2, 4), *, failed: Sequence[str] = ()
) -> None:
    """ablation.csv and ablation_accuracy.csv."""
    folder.mkdir(parents=True, exist_ok=True)
    networks = ablate(zoo("efficientnet_b0"), ratios, PAPER)
    write_networks(networks, folder)
    gains = {"depth": 0.012, "width": 0.014, "resolution": 0.010, "compound": 0.022}
    rows = [_way("baseline", 1.0, 1.0, 385_800_000, 0.70)]
    for each in networks:
        accuracy = 0.70 + gains[each.kind] * math.log2(each.target_ratio)
        rows.append(
            _way(each.kind, each.target_ratio, each.realised_ratio, each.cost.macs, accuracy)
        )
    for row in rows:
        if row["kind"] in failed:
            row |= {"accuracy": "", "stderr": "", "seeds": 0, "tied": False, "reason": "diverged"}
    write_csv(folder / "ablation_accuracy.csv", rows)


def _way(kind: str, target: float, realised: float, macs: int, accuracy: float) -> dict[str, Any]:
    return {
        "kind": kind,
        "target_ratio": target,
        "realised_ratio": realised,
        "macs": macs,
        "accuracy": accuracy,
        "stderr": 0.003,
        "seeds": 3,
        "tied": kind in ("baseline", "compound"),
        "key": "0" * 16,
        "reason": "",
    }


def write_sweep_log(folder: Path, networks: int, seeds: int = 1, **other: Any) -> list[str]:
    """sweep.jsonl as a sweep leaves it on its way; the keys of the networks in it."""
    rng = random.Random(11)
    folder.mkdir(parents=True, exist_ok=True)
    log = TrainingLog(folder / "sweep.jsonl")
    archs = [zoo("efficientnet_b0").replace(resolution=230 + index) for index in range(networks)]
    for seed, (index, arch) in itertools.product(range(seeds), enumerate(archs)):
        realised = 1.8 + index / 10
        labels = {
            **{"alpha": 1.0 + index / 20, "beta": 1.1, "gamma": 1.15, "phi": 1.0, "points": 1},
            **{"nominal_ratio": 2.0, "realised_ratio": realised, "compact": "ir_r2_k3_s2_e6_c32"},
            **{"macs": round(386e6 * realised), "params": 6_000_000},
        }
        accuracy = 0.9 + 0.01 * index + rng.gauss(0, 0.001)
        log.append(training(arch, seed, accuracy, {**labels, **other}))
    return [arch.key() for arch in archs]


def write_ablation_log(folder: Path, ratio: float = 2.0) -> list[str]:
    """ablation.jsonl with one training of the baseline and of each way; the keys in it."""
    folder.mkdir(parents=True, exist_ok=True)
    log, baseline = TrainingLog(folder / "ablation.jsonl"), zoo("efficientnet_b0")
    ways = [("baseline", 1.0, baseline)]
    ways += [(each.kind, ratio, each.arch) for each in ablate(baseline, [ratio], PAPER)]
    for index, (kind, target, arch) in enumerate(ways):
        labels = {"kind": kind, "target_ratio": target, "realised_ratio": target}
        labels |= {"macs": round(386e6 * target), "baseline": baseline.key()}
        log.append(training(arch, 0, 0.7 + 0.01 * index, labels))
    return [arch.key() for _, _, arch in ways]


def write_parts(folder: Path, seeds: int = 3) -> None:
    """parts.jsonl with every training of every arm, and what config.yaml says of them."""
    log, b0 = TrainingLog(folder / "parts.jsonl"), zoo("efficientnet_b0")
    plain = PlainVersions(baseline=zoo("mobilenet_v1"), scaling="width")
    arms, rng = make_arms(b0, PARTS, plain, 2.0, PAPER), random.Random(5)
    for seed, arm in itertools.product(range(seeds), arms):
        accuracy = 0.9 - 0.03 * len(arm.plain) + rng.gauss(0, 0.004)
        record = training(arm.network.arch, seed, accuracy, {"kind": arm.network.kind})
        log.append(replace(record, evaluator=arm.evaluator))
    asked = [
        {
            "name": arm.name,
            "plain": list(arm.plain),
            "evaluator": arm.evaluator,
            "key": arm.network.arch.key(),
        }
        for arm in arms
    ]
    write_asked(folder, "parts", parts=list(PARTS), seeds=seeds, arms=asked)


def training(
    arch: Arch, seed: int, accuracy: float | None, labels: Mapping[str, Any], reason: str = ""
) -> TrainingRecord:
    """A record of one training, failed where it has no accuracy."""
    return TrainingRecord(
        arch=arch,
        seed=seed,
        state="failed" if accuracy is None else "finished",
        accuracy=accuracy,
        reason=reason,
        labels=labels,
    )


def write_asked(folder: Path, stage: str, **asked: Any) -> None:
    """Note in config.yaml how much of a stage was asked for."""
    path = folder / "config.yaml"
    config = yaml.safe_load(path.read_text("utf-8")) if path.exists() else {}
    config.setdefault(stage, {})["asked"] = asked
    path.write_text(yaml.safe_dump(config), "utf-8")


def write_run(folder: Path, trials: int = 32) -> Path:
    """A whole run."""
    write_config(folder)
    write_search(folder, trials, failed=(5,) if trials > 5 else ())
    write_sweep(folder, failed=(3,))
    write_ablation(folder)
    write_parts(folder)
    write_family(folder)
    write_forecasts(folder)
    return folder


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows of equal columns as CSV."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
