"""The verbs of `nas-search`, and what their arguments without `=` and their flags stand for."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from nas.verbs.setting_types import Reader
from nas.verbs.settings import SETTINGS


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


_SERVE = {"--serve": "serve=true"}

VERBS = {
    "run": Verb(
        "search, sweep, scale, train and draw, in one run folder",
        "nas-search run data=imagefolder data.path=~/pets search.trials=200 train.members=[b0]",
        settings=SETTINGS["run"],
        flags={"--from-csv": "from_csv=true", **_SERVE},
        places={"sweep_executor": "executor", "train.recipe": "recipe"},
    ),
    "search": Verb(
        "find a baseline network",
        "nas-search search space=mnasnet search.trials=100 reward.target=300e6",
        settings=SETTINGS["search"],
        flags={"--from-csv": "from_csv=true", **_SERVE},
    ),
    "sweep": Verb(
        "find the scaling constants α, β, γ of a baseline",
        "nas-search sweep results/digits/baseline.yaml",
        settings=SETTINGS["sweep"],
        positional="baseline",
        flags={"--plan": "plan=true", **_SERVE},
    ),
    "scale": Verb(
        "write a family of networks, B0 to B7, as YAML",
        "nas-search scale efficientnet_b0 coefficients=published",
        settings=SETTINGS["scale"],
        positional="baseline",
    ),
    "ablate": Verb(
        "hold ways to grow, or recipe, architecture and scaling, against each other at equal cost",
        "nas-search ablate mobilenet_v2 ratio=4",
        settings=SETTINGS["ablate"],
        positional="baseline",
    ),
    "train": Verb(
        "train networks whole, and say how accurate they are on the test images",
        "nas-search train efficientnet_b0 data=imagefolder data.path=~/pets",
        settings=SETTINGS["train"],
        positional="network",
        flags=_SERVE,
        refused={"executor": ("ray_tune",), "recipe": ("short",)},
    ),
    "evaluate": Verb(
        "say how good a trained network is on a split of the data",
        "nas-search evaluate results/digits/trained/b0 data=digits split=test",
        settings=SETTINGS["evaluate"],
        positional="weights",
    ),
    "predict": Verb(
        "name what is on images, with a trained network",
        "nas-search predict results/pets/trained/b0 images=~/photos",
        settings=SETTINGS["predict"],
        positional="weights",
        flags={"--out": "out="},
    ),
    "explain": Verb(
        "draw where on images trained networks see what they name",
        "nas-search explain results/pets/trained/b0 results/pets/trained/b2 images=~/photos",
        settings=SETTINGS["explain"],
        positional="weights",
        many=True,
        flags={"--out": "out="},
    ),
    "zoo": Verb(
        "list the published networks that can be named",
        "nas-search zoo",
        settings=SETTINGS["zoo"],
    ),
    "cost": Verb(
        "price networks: parameters, MACs, activations",
        "nas-search cost efficientnet_b0 results/digits/family/b3.yaml",
        settings=SETTINGS["cost"],
        positional="networks",
        many=True,
        flags={"--check": "check=true"},
    ),
    "latency": Verb(
        "time networks on this device, or every block of a space for a latency table",
        "nas-search latency efficientnet_b0 resnet50 threads=1",
        settings=SETTINGS["latency"],
        positional="networks",
        many=True,
        flags={"--table": "table=true"},
    ),
    "export": Verb(
        "write a network for timm, the hub, as ONNX, int8, a torch.export program, or as trained",
        "nas-search export results/digits/family/b3.yaml --format timm",
        settings=SETTINGS["export"],
        positional="network",
        flags={"--format": "format=", "--out": "out="},
    ),
    "bench": Verb(
        "hold samplers against each other where all accuracies are known",
        "nas-search bench experiment=nas_bench_macro evaluator.path=nas-bench-macro_cifar10.json",
        settings=SETTINGS["bench"],
    ),
    "proxy-check": Verb(
        "how well does a proxy rank networks, beside their MACs alone?",
        "nas-search proxy-check data=parquet data.path=~/cifar10 'proxies={thin: {width: 0.1}}'",
        settings=SETTINGS["proxy-check"],
    ),
    "fetch": Verb(
        "download a published table of accuracies, to search and bench with",
        "nas-search fetch nas_bench_macro --out .",
        settings=SETTINGS["fetch"],
        positional="benchmark",
        flags={"--out": "out="},
    ),
    "dashboard": Verb(
        "draw a run folder as one HTML page, several side by side; --serve shows what is new",
        "nas-search dashboard results/digits --serve",
        settings=SETTINGS["dashboard"],
        positional="run",
        many=True,
        flags={"--out": "out=", **_SERVE},
    ),
}


def module(verb: str) -> str:
    """What a verb's module and its configuration are called."""
    return verb.replace("-", "_")


EXIT_CODES = {
    0: "done; the output is the answer",
    1: "the system refused (a full disk, permissions), or a training or an evaluator failed",
    2: "a mistake in what was asked for; nothing was done, and nothing is left behind",
    130: "interrupted by Ctrl-C; what is finished is kept, and the same command goes on",
    143: "terminated; likewise",
}
"""What each exit code of the program says."""


def overview() -> str:
    """The verbs, a line each."""
    width = max(map(len, VERBS))
    verbs = "\n".join(f"  {name:<{width}}  {verb.summary}" for name, verb in VERBS.items())
    codes = "\n".join(f"  {code:>3}  {meaning}" for code, meaning in EXIT_CODES.items())
    return (
        "nas-search: from a dataset and a compute budget to a family of networks.\n\n"
        f"usage: nas-search VERB [name=value ...]\n\nverbs:\n{verbs}\n\n"
        "Every verb takes Hydra overrides and Hydra's flags: --cfg job, --multirun, --config-dir.\n"
        "nas-search VERB --help: a verb's settings, the options of its groups, and an example;\n"
        "with name=value beside it, the settings of those options.\n"
        "nas-search completion bash (or zsh, fish): a script that completes verbs, settings, "
        "options.\n"
        "nas-search --version: which version this is.\n\n"
        f"exit codes:\n{codes}"
    )
