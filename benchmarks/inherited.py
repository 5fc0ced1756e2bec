"""What a supernet's weights are worth to a training: begun with them, and from scratch.

    python benchmarks/inherited.py CIFAR10 [FOLDER]

CIFAR10 is a folder with CIFAR-10's train.parquet and test.parquet. FOLDER keeps what is made: a
call that was killed goes on from there. A supernet of NAS-Bench-Macro's
networks, at ¼ width and 16 px, is trained on 2,700 images. One of its networks is exported with its
part of the weights, and trained further on the same images, with three seeds; and from scratch in
as many steps, with the same recipe. 2,000 test images judge both.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd
from cifar10_trainings import SEEDS, mean, train_all

from nas.data.image_rows import Parquet
from nas.defaults.conf import settings
from nas.evaluators.supernet import SupernetEvaluator
from nas.networks.trained import read_card
from nas.training.recipe import Recipe
from nas.verbs.progress import ProgressLine
from search_spaces.space import load_space
from search_spaces.yaml_io import write_arch

IMAGES = {"train": 3_000, "test": 2_000}
HELD = 0.1
"""The share of the training images that validates."""
SUPERNET_EPOCHS = 8
EPOCHS = 3
"""The epochs of the trainings that are compared."""
OPERATIONS = ("mb3", "mb6", "mb3", "identity", "mb6", "mb3", "mb6", "mb3")
"""The candidate, layer by layer."""
_ALIKE = ("recipe.minival=0", "recipe.warmup_epochs=0.5", "recipe.crop_pct=1")


def main(cifar10: Path, folder: Path) -> None:
    images = folder / "images"
    images.mkdir(parents=True, exist_ok=True)
    for split, count in IMAGES.items():
        file = f"{split}.parquet"
        pd.read_parquet(cifar10 / file).head(count).to_parquet(images / file, index=False)
    data = ("data=parquet", f"data.path={images}", f"data.val_fraction={HELD}")
    exported = export(folder, supernet(images, folder), data)
    print(f"as inherited: {read_card(exported).minival:.2%} on validation images", flush=True)
    trainings = {}
    for seed in SEEDS:
        recipe = (f"recipe.epochs={EPOCHS}", *_ALIKE)
        common = (str(exported / "network.yaml"), *data, f"seed={seed}", *recipe)
        trainings[f"inherited-{seed}"] = (*common, f"weights={exported}")
        trainings[f"scratch-{seed}"] = common
    found = train_all(trainings, folder)
    for kind in ("inherited", "scratch"):
        print(f"{kind}: {mean([found[f'{kind}-{seed}'] for seed in SEEDS])} %")


def supernet(images: Path, folder: Path) -> Path:
    """Train the supernet; gives the folder that it lies in."""
    evaluator = SupernetEvaluator(
        space=settings("space/nas_bench_macro"),
        data=Parquet(path=str(images), name="images", val_fraction=HELD),
        recipe=Recipe(batch_size=64, warmup_epochs=0.5),
        epochs=SUPERNET_EPOCHS,
        resolution=16,
        base_resolution=32,
        device="cpu",
    )
    line = ProgressLine("supernet")
    evaluator.prepare(folder, lambda done, total, note="": line(done, total, note, None))
    line.end()
    return folder


def export(folder: Path, trained: Path, data: tuple[str, ...]) -> Path:
    """Export the candidate with its part of the supernet; gives its folder."""
    space = load_space(settings("space/nas_bench_macro"))
    chosen = {f"s{stage}_op": option for stage, option in enumerate(OPERATIONS)}
    network, out = folder / "candidate.yaml", folder / "candidate"
    write_arch(space.decode(chosen), network)
    command = [sys.executable, "-m", "nas.cli", "export", str(network), *data]
    options = [f"supernet={trained}", "format=trained", f"out={out}"]
    ended = subprocess.run([*command, *options], capture_output=True, text=True)
    if ended.returncode:
        raise SystemExit(ended.stderr)
    print(ended.stdout.splitlines()[0], flush=True)
    return out


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        main(Path(sys.argv[1]), Path(sys.argv[2] if len(sys.argv) > 2 else made))
