"""Proxy accuracy: how well a slim version of a network does after a short training."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from nas.data.dataset import verify
from nas.defaults.conf import default
from nas.defaults.limits import MOST_THREADS
from nas.evaluators.base import AT_CHANCE, EvaluationFailed, Measurement, ProgressReport, Report
from nas.evaluators.identity import plain
from nas.evaluators.slim import SlimEvaluator
from nas.networks.model import build
from nas.training.allocator import freed_memory_kept
from nas.training.devices import device_named
from nas.training.fit import chance, fit, seeded
from nas.training.initial import start_near_identity
from nas.training.memory import within_memory
from nas.training.outcomes import TrainingFailed
from nas.training.recipe import Recipe
from nas.training.threads import threads
from nas.training.training_recipe import left_out, proxy_part
from search_spaces.arch import Arch
from search_spaces.checks import check_count


@dataclass(frozen=True, kw_only=True)
class ProxyEvaluator(SlimEvaluator):
    """Trains the slim architecture and validates it.

    The accuracy is the last epoch's, on images held out of the training images.
    """

    recipe: Recipe = field(default_factory=Recipe)
    """A proxy takes the part that is a Recipe where this is a whole training's."""
    epochs: int = default("evaluator/proxy", "epochs")
    width: float = default("evaluator/proxy", "width")
    resolution: int = default("evaluator/proxy", "resolution")
    divisor: int = default("evaluator/proxy", "divisor")
    dropout: float = default("evaluator/proxy", "dropout")
    """It takes the place of the architecture's own, which is meant for trainings many times longer.
    So do `drop_path` and `bn_momentum`."""
    drop_path: float = default("evaluator/proxy", "drop_path")
    bn_momentum: float = 0.1
    device: str = default("evaluator/proxy", "device")
    """A torch device; `auto` is CUDA where there is one."""
    threads: int = default("evaluator/proxy", "threads")
    """CPU threads of one training. They are part of what makes a training repeat exactly."""
    parts: int = 1
    """Each batch is divided into so many parts, whose gradients are added up. Where memory runs
    out, a training begins anew with twice as many."""

    def __post_init__(self) -> None:
        self._check_least("epochs", "threads", "parts")
        check_count("threads", self.threads, MOST_THREADS)
        super().__post_init__()

    def proxy(self, arch: Arch) -> Arch:
        """Give the network that is trained in place of `arch`."""
        return self.slim(arch).replace(
            num_classes=self._num_classes(),
            dropout=self.dropout,
            drop_path=self.drop_path,
            batch_norm=replace(arch.batch_norm, momentum=self.bn_momentum),
        )

    def evaluate(self, arch: Arch, seed: int, report: Report) -> Measurement:
        """Give the proxy accuracy of `arch`; to the bit the same for the same `arch` and `seed`."""
        device = device_named(self.device, "evaluator.device")
        slim = self.proxy(arch)
        data = self._dataset(slim.resolution, seed)
        training_seed, recipe = derive_seed(seed, arch), proxy_part(self.recipe)

        def train(parts: int) -> tuple[float, ...]:
            with seeded(training_seed, device):
                model = build(slim)
                if recipe.near_identity:
                    start_near_identity(model)
            return fit(
                model,
                data,
                recipe,
                epochs=self.epochs,
                seed=training_seed,
                device=device,
                report=report,
                parts=parts,
            )

        batch_size = min(recipe.batch_size, len(data.train))
        try:
            with threads(self.threads), freed_memory_kept():
                curve, parts = within_memory(train, batch_size, self.parts)
        except TrainingFailed as error:
            raise EvaluationFailed(str(error)) from error
        notes = []
        if parts > 1:
            notes.append(f"for want of memory, batches of {batch_size} in {parts} parts")
        if curve[-1] <= chance(data.val):
            notes.append(AT_CHANCE)
        return Measurement(accuracy=curve[-1], curve=curve, note="; ".join(notes))

    def reduced_memory(self, times: int) -> "ProxyEvaluator":
        """Give the same, dividing each batch into 2^`times` times as many parts."""
        return replace(self, parts=self.parts * 2**times)

    def describe(self) -> Mapping[str, str | int | float]:
        """Describe the proxy for the axis titles and tables that show its accuracy."""
        largest = self._dataset(self.resolution).summary.largest
        return {
            **self._about_data(),
            **({"largest image": largest} if largest else {}),
            "resolution": self.resolution,
            "width": self.width,
            "depth": self.depth,
            "epochs": self.epochs,
        }

    def identity(self) -> Mapping[str, object]:
        """Give all that accuracies depend on, as of every evaluator of slim networks."""
        return {**super().identity(), "recipe": plain(proxy_part(self.recipe))}

    def data_summary(self) -> str:
        """Say what was read, and what of a whole training's recipe has no part in a proxy."""
        unused = left_out(self.recipe)
        said = [f"recipe: a proxy leaves out {', '.join(unused)}"] if unused else []
        return "\n".join([super().data_summary(), *said])

    def prepare(self, workspace: Path, progress: ProgressReport) -> None:
        """Read the data; raises UserError where they, or the device, are not to be had."""
        device_named(self.device, "evaluator.device")
        verify(self.data, self.resolution)


def derive_seed(seed: int, arch: Arch) -> int:
    """Make the seed of one training, which depends on nothing else that a run trains."""
    digest = hashlib.sha256(f"{seed} {arch.key()}".encode()).digest()
    return int.from_bytes(digest[:6], "big")
