"""The verbs of `nas-search`, and what their arguments without `=` and their flags stand for."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from nas.cli.setting_types import (
    Reader,
    anything,
    data,
    database,
    evaluator,
    flag,
    group,
    integer,
    label,
    network,
    networks,
    number,
    optional,
    path,
    paths,
    processors,
    table_file,
    text,
)


@dataclass(frozen=True, slots=True)
class Verb:
    """One thing that `nas-search` does: `nas.cli.commands.NAME.main`, set by `conf/NAME.yaml`."""

    summary: str
    example: str
    settings: Mapping[str, Reader]
    """The type of each setting that the verb reads; `conf/NAME.yaml` has its default."""
    positional: str | None = None
    """The setting that arguments without `=` fill."""
    many: bool = False
    """Whether several such arguments make a list."""
    flags: Mapping[str, str] = field(default_factory=dict)
    """Flags and the settings they stand for; one that ends in `=` takes the next argument."""
    places: Mapping[str, str] = field(default_factory=dict)
    """Settings that an option of another group's name fills, and that group."""
    refused: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Options of its groups that the verb does not take."""


_EVALUATION = {"evaluator": evaluator, "ray": group()}
_TRACKED = {"tracker": group("_target_")}
_TRAININGS = {"executor": group("name"), "workers": optional(integer(1))}
_SEARCH = {
    **_EVALUATION,
    **_TRACKED,
    "space": group(),
    "sampler": group("_target_"),
    "cost": group("_target_"),
    "reward": group("_target_"),
    "executor": group("name"),
    "search": group("workers", "start_from"),
    "run": path,
    "storage": database,
    "study": optional(text),
    "from_csv": flag,
    "num_classes": optional(integer(1)),
    "latency_table": optional(path),
}
_RULE = {
    "constants": optional(path),
    "alpha": optional(number),
    "beta": optional(number),
    "gamma": optional(number),
    "depth_rounding": anything,
}
_FAMILY = {
    **_RULE,
    **dict.fromkeys(("coefficients", "phis", "targets", "targets_of"), anything),
    "family": group(),
    "latency_table": optional(path),
    "num_classes": optional(integer(1)),
}
_INFERENCE = {
    "resolution": optional(integer(1)),
    "crop_pct": optional(number),
    "device": text,
    "threads": optional(processors(1)),
}
_TIMING = (
    "engine",
    "threads",
    "batch",
    "dtype",
    "memory_format",
    "clock",
    "memory",
    "runs",
    "warmup",
)

VERBS = {
    "run": Verb(
        "search, sweep, scale, train and draw, in one run folder",
        "nas-search run data=imagefolder data.path=~/pets search.trials=200 train.members=[b0]",
        settings={
            **_SEARCH,
            **_FAMILY,
            "sweep": group(),
            "sweep_executor": group("name"),
            "workers": optional(integer(1)),
            "train": group("members", "recipe", "resolution", "weights", "seed"),
            "data": data,
        },
        flags={"--from-csv": "from_csv=true"},
        places={"sweep_executor": "executor", "train.recipe": "recipe"},
    ),
    "search": Verb(
        "find a baseline network",
        "nas-search search space=mnasnet search.trials=100 reward.target=300e6",
        settings=_SEARCH,
        flags={"--from-csv": "from_csv=true"},
    ),
    "sweep": Verb(
        "find the scaling constants α, β, γ of a baseline",
        "nas-search sweep results/digits/baseline.yaml",
        settings={
            **_EVALUATION,
            **_TRAININGS,
            **_TRACKED,
            "sweep": group(),
            "baseline": network,
            "run": path,
            "num_classes": optional(integer(1)),
            "plan": flag,
            "per_stage": integer(0),
        },
        positional="baseline",
        flags={"--plan": "plan=true"},
    ),
    "scale": Verb(
        "write a family of networks, B0 to B7, as YAML",
        "nas-search scale efficientnet_b0 coefficients=published",
        settings={
            **_FAMILY,
            "baseline": network,
            "run": path,
            **dict.fromkeys(("depth", "width", "resolution"), anything),
        },
        positional="baseline",
    ),
    "ablate": Verb(
        "hold ways to grow, or recipe, architecture and scaling, against each other at equal cost",
        "nas-search ablate mobilenet_v2 ratio=4",
        settings={
            **_EVALUATION,
            **_TRAININGS,
            **_RULE,
            "baseline": network,
            "run": path,
            "num_classes": optional(integer(1)),
            "ratio": anything,
            "ratios": anything,
            "parts": anything,
            "plain_baseline": network,
            "plain_scaling": anything,
            "plain_recipe": group("_target_"),
            "train": flag,
            "seeds": integer(1),
            "seed": integer(0),
        },
        positional="baseline",
    ),
    "train": Verb(
        "train networks whole, and say how accurate they are on the test images",
        "nas-search train efficientnet_b0 data=imagefolder data.path=~/pets",
        settings={
            **_TRACKED,
            "network": optional(network),
            "members": anything,
            "data": data,
            "recipe": group("_target_"),
            "weights": optional(text),
            "inherit": optional(text),
            "run": path,
            "name": optional(text),
            "seed": integer(0),
            "resolution": optional(integer(1)),
            "device": text,
            "threads": optional(processors(1)),
            "loader_workers": optional(processors(0)),
            "checkpoint_seconds": number,
            "executor": group("name"),
            "ray": group(),
            "max_failures": integer(0),
        },
        positional="network",
        refused={"executor": ("ray_tune",), "recipe": ("short",)},
    ),
    "evaluate": Verb(
        "say how good a trained network is on a split of the data",
        "nas-search evaluate results/digits/trained/b0 data=digits split=test",
        settings={
            **_INFERENCE,
            "batch_size": integer(1),
            "weights": path,
            "network": optional(network),
            "data": data,
            "split": text,
            "loader_workers": optional(processors(0)),
            "out": optional(path),
        },
        positional="weights",
    ),
    "predict": Verb(
        "name what is on images, with a trained network",
        "nas-search predict results/pets/trained/b0 images=~/photos",
        settings={
            **_INFERENCE,
            "batch_size": integer(1),
            "weights": path,
            "images": paths,
            "top": integer(1),
            "megapixels": number,
            "out": path,
        },
        positional="weights",
        flags={"--out": "out="},
    ),
    "explain": Verb(
        "draw where on images trained networks see what they name",
        "nas-search explain results/pets/trained/b0 results/pets/trained/b2 images=~/photos",
        settings={
            **_INFERENCE,
            "weights": paths,
            "images": paths,
            "class": optional(label),
            "most": integer(1),
            "megapixels": number,
            "out": path,
        },
        positional="weights",
        many=True,
        flags={"--out": "out="},
    ),
    "zoo": Verb(
        "list the published networks that can be named",
        "nas-search zoo",
        settings={},
    ),
    "cost": Verb(
        "price networks: parameters, MACs, activations",
        "nas-search cost efficientnet_b0 results/digits/family/b3.yaml",
        settings={"networks": networks, "check": flag},
        positional="networks",
        many=True,
        flags={"--check": "check=true"},
    ),
    "latency": Verb(
        "time networks on this device, or every block of a space for a latency table",
        "nas-search latency efficientnet_b0 resnet50 threads=1",
        settings={
            **dict.fromkeys((*_TIMING, "device", "seed"), anything),
            **dict.fromkeys(("contexts", "check", "quantile"), anything),
            "num_classes": optional(integer(1)),
            "space": group(),
            "networks": networks,
            "run": path,
            "table": table_file,
        },
        positional="networks",
        many=True,
        flags={"--table": "table=true"},
    ),
    "export": Verb(
        "write a network for timm, the hub, as ONNX, int8, a torch.export program, or as trained",
        "nas-search export results/digits/family/b3.yaml --format timm",
        settings={
            "network": network,
            "trial": optional(integer(0)),
            "format": optional(text),
            "num_classes": optional(integer(1)),
            "weights": optional(path),
            "supernet": optional(path),
            "data": optional(data),
            "out": optional(path),
            "dynamic": text,
            "calibration": integer(1),
            "validation": integer(1),
        },
        positional="network",
        flags={"--format": "format=", "--out": "out="},
    ),
    "bench": Verb(
        "hold samplers against each other where all accuracies are known",
        "nas-search bench experiment=nas_bench_macro evaluator.path=nas-bench-macro_cifar10.json",
        settings={
            **dict.fromkeys(("only", "at", "truth"), anything),
            **{name: group("_target_") for name in ("evaluator", "cost", "reward")},
            "space": group(),
            "samplers": group(),
            "run": path,
            "seeds": integer(1),
            "seed": integer(0),
            "trials": integer(1),
            "workers": integer(1),
            "bar": optional(network),
            "processes": optional(integer(1)),
        },
    ),
    "proxy-check": Verb(
        "how well does a proxy rank networks, beside their MACs alone?",
        "nas-search proxy-check data=parquet data.path=~/cifar10 'proxies={thin: {width: 0.1}}'",
        settings={
            **_EVALUATION,
            **_TRAININGS,
            **{name: group("_target_") for name in ("cost", "reward")},
            "space": group(),
            "run": path,
            "networks": integer(5),
            "seeds": integer(1),
            "seed": integer(0),
            "proxies": anything,
            "latency_table": optional(path),
        },
    ),
    "dashboard": Verb(
        "draw a run folder as one HTML page",
        "nas-search dashboard results/digits",
        settings={"run": path},
        positional="run",
    ),
}


def module(verb: str) -> str:
    """What a verb's module and its configuration are called."""
    return verb.replace("-", "_")


def overview() -> str:
    """The verbs, a line each."""
    width = max(map(len, VERBS))
    verbs = "\n".join(f"  {name:<{width}}  {verb.summary}" for name, verb in VERBS.items())
    return (
        "nas-search: from a dataset and a compute budget to a family of networks.\n\n"
        f"usage: nas-search VERB [name=value ...]\n\nverbs:\n{verbs}\n\n"
        "Every verb takes Hydra overrides and Hydra's flags: --cfg job, --multirun, --config-dir.\n"
        "nas-search VERB --help: a verb's settings, the options of its groups, and an example;\n"
        "with name=value beside it, the settings of those options.\n"
        "nas-search --version: which version this is."
    )
