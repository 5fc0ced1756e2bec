"""What trained weights are worth on other classes: five classes of CIFAR-10 after the other five.

    python benchmarks/transfer.py CIFAR10

CIFAR10 is a folder with CIFAR-10's train.parquet and test.parquet. A slim EfficientNet-B0 is
trained on 20,000 images of the first five classes, and then, three times, on 50 images of each of
the other five: from these weights, and from scratch in as many steps, with the same recipe and with
the one that is made for such trainings.
"""

import sys
import tempfile
from pathlib import Path

import pandas as pd
from cifar10_trainings import SEEDS, mean, slim_b0, train_all, weights

IMAGES = 20_000
SHOTS = 50
EPOCHS = 60
_STEPS = (f"recipe.epochs={EPOCHS}", "recipe.batch_size=32", "recipe.minival=0")


def main(cifar10: Path) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        splits = {
            split: pd.read_parquet(cifar10 / f"{split}.parquet") for split in ("train", "test")
        }
        first = {split: rows[rows.label < 5] for split, rows in splits.items()}
        source = written(folder / "source", {**first, "train": first["train"].head(IMAGES)})
        network = str(slim_b0(folder, width=0.25))
        train_all({"source": (network, *source, "recipe.epochs=20")}, folder)
        trainings = {}
        for seed in SEEDS:
            few = splits["train"][splits["train"].label >= 5].groupby("label")
            shots = {
                "train": few.sample(SHOTS, random_state=seed),
                "test": splits["test"][splits["test"].label >= 5],
            }
            data = written(folder / f"shots-{seed}", shots)
            common = (network, *data, f"seed={seed}", *_STEPS)
            began = f"weights={weights(folder, 'source')}"
            trainings[f"finetune-{seed}"] = (*common, "recipe=finetune", began)
            trainings[f"scratch-{seed}"] = (*common, "recipe=finetune")
            trainings[f"scratch-small-{seed}"] = (*common, "recipe=small")
        found = train_all(trainings, folder)
        for kind in ("finetune", "scratch", "scratch-small"):
            print(f"{kind}: {mean([found[f'{kind}-{seed}'] for seed in SEEDS])} %")


def written(folder: Path, splits: dict[str, pd.DataFrame]) -> tuple[str, ...]:
    """Overrides that name these images as the data."""
    folder.mkdir()
    for split, rows in splits.items():
        rows = rows.assign(label="class " + rows.label.astype(str))
        rows.to_parquet(folder / f"{split}.parquet", index=False)
    return ("data=parquet", f"data.path={folder}", "data.val_fraction=0.02")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
