"""Images trained per second on one core, for several settings, each beside the default.

python benchmarks/training_throughput.py

Variants take turns, and the fastest step of each counts: on a busy machine that is the one least
disturbed. The last column is the ratio to the default.
"""

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import torch
from torch.nn import functional as F

from nas.data.dataset import load
from nas.evaluators.proxy import ProxyEvaluator
from nas.networks.model import build
from nas.training.augment import augment, normalise
from nas.training.recipe import Recipe, make_optimizer
from search_spaces.zoo import zoo

ROUNDS = 12

Step = Callable[[], int]
"""A function that does one step and returns how many images it took"""


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One way to train; the defaults are the project's."""

    evaluator: ProxyEvaluator = field(default_factory=ProxyEvaluator)
    recipe: Recipe = field(default_factory=Recipe)
    layout: torch.memory_format = torch.channels_last
    optimizer_loop: str = "fused"
    train: bool = True

    def step(self) -> Step:
        """A training step, or a validation batch, that repeats on the same images."""
        slim = self.evaluator.proxy(zoo("efficientnet_b0"))
        data = load(self.evaluator.data, slim.resolution)
        model = build(slim).to(memory_format=self.layout)
        model.train(self.train)
        optimizer = make_optimizer(self.recipe, model)
        for group in optimizer.param_groups:
            group |= {
                "lr": 1e-6,
                "foreach": self.optimizer_loop == "foreach",
                "fused": self.optimizer_loop == "fused",
            }
        generator = torch.Generator().manual_seed(0)
        everything = itertools.cycle(range(len(data.train)))
        chosen = torch.tensor(list(itertools.islice(everything, self.recipe.batch_size)))

        def forward() -> torch.Tensor:
            images = data.train.pixels.batch(chosen, data.mean.device)
            if self.train:
                images = augment(images, self.recipe.shift, False, generator)
            return model(
                normalise(images, data.mean, data.std).contiguous(memory_format=self.layout)
            )

        def train() -> int:
            loss = F.cross_entropy(forward(), data.train.labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return len(chosen)

        def validate() -> int:
            with torch.inference_mode():
                forward()
            return len(chosen)

        return train if self.train else validate


def recipes(batch_size: int, **changes: object) -> Variant:
    return Variant(recipe=replace(Recipe(), batch_size=batch_size), **changes)


def proxies(**changes: object) -> Variant:
    return Variant(evaluator=replace(ProxyEvaluator(), **changes))


GROUPS: dict[str, dict[str, Variant]] = {
    "memory layout": {
        "channels_last": Variant(),
        "contiguous": Variant(layout=torch.contiguous_format),
    },
    "optimizer": {
        "fused": Variant(),
        "foreach": Variant(optimizer_loop="foreach"),
        "a loop over parameters": Variant(optimizer_loop="loop"),
        "rmsprop_tf": Variant(recipe=Recipe(optimizer="rmsprop_tf"), optimizer_loop="foreach"),
    },
    "batch size": {f"{size} images": recipes(size) for size in (64, 16, 32, 128, 256)},
    "divisor": {f"multiples of {d}": proxies(divisor=d) for d in (2, 1, 4, 8)},
    "width": {f"{width} ×": proxies(width=width) for width in (0.125, 0.0625, 0.25, 0.5)},
    "resolution": {f"{side} px": proxies(resolution=side) for side in (40, 32, 48, 64)},
    "validation batch": {f"{n} images": recipes(n, train=False) for n in (256, 64, 128, 512)},
}


def fastest(steps: dict[str, Step]) -> dict[str, float]:
    """The images per second of each step, by processor time."""
    best = dict.fromkeys(steps, 0.0)
    for _ in range(ROUNDS):
        for name, step in steps.items():
            start = time.process_time()
            images = step()
            best[name] = max(best[name], images / (time.process_time() - start))
    return best


def main() -> None:
    torch.set_num_threads(1)
    about = ProxyEvaluator()
    print(f"EfficientNet-B0 at width {about.width}, {about.resolution} px, one core\n")
    for group, variants in GROUPS.items():
        speeds = fastest({name: variant.step() for name, variant in variants.items()})
        default = next(iter(speeds.values()))
        for name, speed in speeds.items():
            print(f"{group:18}{name:24}{speed:8,.0f} images/s{speed / default:8.2f}")
        print()


if __name__ == "__main__":
    main()
