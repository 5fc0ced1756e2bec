"""The commands of the documentation, as arguments that a test can give in a folder of its own."""

import shlex
import shutil
from pathlib import Path

from markdown_pages import DOCS, ROOT, blocks
from nas.cli import main
from nas.cli.compose import with_config
from nas.cli.overrides import read_arguments
from nas.cli.verbs import VERBS, module
from nas.verbs.config import Config
from nas.verbs.setting_types import checked
from pictures import image_folder, parquet

STAND_INS = {
    # Places and variables of a reader's own.
    "/data/pets": "~/pets",
    "/shared/pets": "shared",
    "~/imagenet": "~/pets",
    "data/cifar10": "~/cifar10",
    "$C": "baseline=efficientnet_b0 data=parquet data.path=~/cifar10",
    "$M": "experiment=nas_bench_macro evaluator.path=macro.json",
    "$A": "experiment=imagenet_table evaluator.path=accel.csv",
    "$T": "335824560",
    "$name": "depth_x4",
    # What is left out of a line.
    "data=…": "data=digits",
    "path=…": "path=x.json",
    "'proxies={…}'": "'proxies={}'",
    " …": "",
}


def arguments(command: str) -> list[str]:
    """What a shell makes of a command, without the program, with stand-ins for a reader's own."""
    for given, stand_in in STAND_INS.items():
        command = command.replace(given, stand_in)
    return shlex.split(command.partition(" | ")[0], comments=True)[1:]


def compose(command: str) -> None:
    """Read a command's settings, and check them, as it would before it does anything.

    Raises UserError as it would.
    """
    name, *rest = arguments(command)
    if name.startswith("-") or name == "completion" or "--help" in rest:
        main([name, *rest])
        return
    verb = VERBS[name]

    def check(config: Config) -> None:
        checked(verb.settings, config)

    with_config(module(name), read_arguments(verb, rest), check)


def with_budget(command: str, *settings: str) -> list[str]:
    """The command's arguments with these settings in place of its own of the same names."""
    names = {setting.partition("=")[0] for setting in settings}
    given = [each for each in arguments(command) if each.partition("=")[0] not in names]
    return [*given, *settings]


def furnish(home: Path) -> None:
    """Put into the working folder and into `home` what the documentation takes to be there."""
    image_folder(home / "pets", {"birds": 12, "cats": 12, "dogs": 12})
    image_folder(home / "photos", {"mixed": 3})
    (home / "cifar10").mkdir()
    for file in ("pets.parquet", "cifar10/train.parquet", "cifar10/test.parquet"):
        parquet(home / file)
    (space,) = blocks(DOCS / "how-to" / "extending.md", "yaml")
    for folder in ("my_conf", "mine"):
        Path(folder, "space").mkdir(parents=True)
        Path(folder, "space", "wide.yaml").write_text(space)
    runs = {"digits": "example", "pets": "example", "cifar10-sweep": "cifar10-sweep"}
    for run, shipped in runs.items():
        shutil.copytree(ROOT / "results" / shipped, Path("results", run))
