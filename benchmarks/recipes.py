"""What recipes are worth at equal epochs: `small` and `modern` beside `plain` on CIFAR-10.

    python benchmarks/recipes.py CIFAR10 [epochs]

CIFAR10 is a folder of CIFAR-10's parquet files, of which 10,000 images are trained on.
"""

import sys
import tempfile
from pathlib import Path

from cifar10_trainings import SEEDS, mean, slim_b0, train_all

RECIPES = ("plain", "small", "modern")


def main(cifar10: Path, epochs: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        network = str(slim_b0(folder, width=0.25))
        data = ("data=parquet", f"data.path={cifar10}", "data.limit=10000")
        trainings = {
            f"{recipe}-{seed}": (
                network,
                *data,
                f"recipe={recipe}",
                f"recipe.epochs={epochs}",
                f"seed={seed}",
            )
            for seed in SEEDS
            for recipe in RECIPES
        }
        found = train_all(trainings, folder)
        for recipe in RECIPES:
            print(f"{recipe}: {mean([found[f'{recipe}-{seed}'] for seed in SEEDS])} %")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 40)
