"""A supernet's training: what a step touches, and that it ends alike however often it is killed."""

import dataclasses
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from nas.data.dataset import Dataset, load
from nas.data.sources import Digits
from nas.networks.cost import cost
from nas.supernet.paths import PATHS, PathsName
from nas.supernet.population import OfSpace
from nas.supernet.slices import Sharing
from nas.supernet.store import Layout, Store
from nas.supernet.train import SupernetTraining
from nas.training.checkpoint import Checkpoints, EpochRow
from nas.training.recipe import Recipe
from search_spaces.arch import Arch
from search_spaces.errors import UserError
from search_spaces.space import load_space

SPACE = load_space(
    {
        "name": "tiny",
        "base": {
            "resolution": 12,
            "num_classes": 10,
            "stem": {"channels": 4},
            "stages": [{"channels": 8, "stride": 2, "expand": 2}, {"channels": 8, "repeats": 2}],
            "head": {"channels": 16},
            "dropout": 0,
            "drop_path": 0,
        },
        "vary": {"kernel": [3, 5, 7], "expand": [1, 2], "layers": [0, 1], "width": [1, 1.5]},
    }
)
POPULATION = OfSpace(SPACE)
EPOCHS = 3
IMAGES = load(Digits(limit=240), 12)


def ignore(done: int, total: int, row: EpochRow) -> None:
    """Nobody listens."""


def as_it_is(arch: Arch) -> Arch:
    return arch


def all_images(resolution: int) -> Dataset:
    assert resolution == 12
    return IMAGES


def training(
    paths: PathsName = "single",
    sharing: Sharing = "own",
    images: Callable[[int], Dataset] = all_images,
    seed: int = 0,
) -> SupernetTraining:
    cpu = torch.device("cpu")
    layout = Layout.of(POPULATION.cover(), sharing)
    store = Store.fresh(layout, sharing, seed=seed, near_identity=True, device=cpu)
    return SupernetTraining(
        store=store,
        paths=PATHS[paths](POPULATION),
        slim=as_it_is,
        images=images,
        count=len(IMAGES.train),
        recipe=Recipe(batch_size=32, shift=0.1),
        epochs=EPOCHS,
        seed=seed,
        device=cpu,
    )


def weights(trained: SupernetTraining) -> dict[str, Tensor]:
    return {name: tensor.detach() for name, tensor in trained.store.tensors.items()}


def equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(t.equal(other[name]) for name, t in one.items())


class Killed(Exception):
    """Stands for the end of a process."""


@dataclasses.dataclass
class Ending:
    """Images that end the process after so many steps."""

    left: int

    def __call__(self, resolution: int) -> Dataset:
        self.left -= 1
        if self.left < 0:
            raise Killed
        return IMAGES


@pytest.mark.parametrize(
    ("paths", "sharing"), [("single", "own"), ("fair", "sliced"), ("sandwich", "sliced")]
)
def test_a_killed_training_ends_in_the_same_weights(
    paths: PathsName, sharing: Sharing, tmp_path: Path
) -> None:
    undisturbed = training(paths, sharing)
    told = undisturbed.run(Checkpoints(tmp_path / "whole"), 1e9, ignore)
    kept = Checkpoints(tmp_path / "killed")
    each = {"single": 1, "fair": 3, "sandwich": 4}[paths]
    for steps in (2, 5):  # the first in the middle of an epoch
        with pytest.raises(Killed):
            training(paths, sharing, Ending(steps * each)).run(kept, 0.0, ignore)
    resumed = training(paths, sharing)
    found = resumed.run(kept, 0.0, ignore)
    assert equal(weights(resumed), weights(undisturbed))
    assert [row.train_loss for row in found.curve] == [row.train_loss for row in told.curve]


def test_a_training_that_was_really_killed_goes_on(tmp_path: Path) -> None:
    code = (
        "import os, pathlib, signal, sys; sys.path[:0] = sys.argv[2:]\n"
        "from test_training import training\n"
        "from nas.training.checkpoint import Checkpoints\n"
        "def told(done, total, row):\n"
        "    if done == 2: os.kill(os.getpid(), signal.SIGKILL)\n"
        "training().run(Checkpoints(pathlib.Path(sys.argv[1])), 0.0, told)\n"
    )
    here = Path(__file__).parent
    process = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path), str(here), *sys.path], check=False
    )
    assert process.returncode == -signal.SIGKILL
    told: list[int] = []
    resumed, undisturbed = training(), training()
    resumed.run(Checkpoints(tmp_path), 0.0, lambda done, total, row: told.append(done))
    undisturbed.run(Checkpoints(tmp_path / "whole"), 1e9, ignore)
    assert told == [3]
    assert equal(weights(resumed), weights(undisturbed))


def test_a_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    kept = Checkpoints(tmp_path)
    with pytest.raises(Killed):
        training(images=Ending(2)).run(kept, 0.0, ignore)
    (state,) = kept.folder.glob("state*")
    state.write_bytes(state.read_bytes()[:-1] + b"x")
    with pytest.raises(UserError, match="the checkpoint is damaged"):
        training().run(kept, 0.0, ignore)


def test_another_seed_trains_another_supernet(tmp_path: Path) -> None:
    one, other = training(), training(seed=1)
    for number, each in enumerate((one, other)):
        each.run(Checkpoints(tmp_path / str(number)), 1e9, ignore)
    assert not equal(weights(one), weights(other))


@pytest.mark.parametrize("paths", PATHS)
def test_what_no_candidate_of_a_step_has_stays_as_it_is(paths: PathsName, tmp_path: Path) -> None:
    """Neither momentum nor weight decay moves it."""
    begun = training(paths)
    before = {name: tensor.clone() for name, tensor in weights(begun).items()}
    each = {"single": 1, "fair": 3, "sandwich": 4}[paths]
    stopped = dataclasses.replace(begun, images=Ending(2 * each))
    with pytest.raises(Killed):
        stopped.run(Checkpoints(tmp_path), 1e9, ignore)
    trained: set[str] = set()
    for step in range(2):
        for arch in begun.paths(random.Random(f"0 0 {step}")).archs:
            trained |= begun.modules.shared(begun.store, arch)
    moved = {name for name, tensor in weights(begun).items() if not tensor.equal(before[name])}
    assert moved
    assert moved <= trained < set(before)


def test_a_single_path_draws_every_option_alike() -> None:
    rng = random.Random(0)
    steps = [PATHS["single"](POPULATION)(rng) for _ in range(600)]
    assert all(len(step.archs) == 1 for step in steps)
    kernels = Counter(step.archs[0].stages[0].kernel for step in steps)
    assert all(150 < kernels[kernel] < 250 for kernel in (3, 5, 7))


def test_fair_paths_hold_each_option_once_a_step() -> None:
    rng = random.Random(0)
    for _ in range(20):
        step = PATHS["fair"](POPULATION)(rng)
        for index in range(2):
            assert sorted(arch.stages[index].kernel for arch in step.archs) == [3, 5, 7]
            expansions = Counter(arch.stages[index].expand for arch in step.archs)
            assert set(expansions) == {1, 2}


def test_a_sandwich_holds_the_largest_and_the_smallest() -> None:
    step = PATHS["sandwich"](POPULATION)(random.Random(0))
    macs = [cost(arch).macs for arch in step.archs]
    everything = [
        cost(SPACE.decode({c.name: c.options[end] for c in SPACE.choices})).macs for end in (-1, 0)
    ]
    assert [macs[0], macs[-1]] == everything
    assert len(macs) == 4
    assert step.distils


def test_the_others_of_a_sandwich_learn_what_the_largest_answers() -> None:
    """The labels concern the largest alone."""
    begun = training("sandwich")
    labels = IMAGES.train.labels
    wrong = dataclasses.replace(IMAGES.train, labels=(labels + 1) % 10)
    misled = dataclasses.replace(
        begun, images=lambda resolution: dataclasses.replace(IMAGES, train=wrong)
    )
    step, chosen = begun.paths(random.Random(0)), torch.arange(32)
    first, *others = [loss.item() for *_, loss in begun._losses(step, chosen, (0, 0))]
    other_first, *same = [loss.item() for *_, loss in misled._losses(step, chosen, (0, 0))]
    assert first != other_first
    assert others == same


def test_gradients_are_means_over_the_candidates_that_have_the_weight(tmp_path: Path) -> None:
    """A step of one candidate twice is a step of it once."""

    @dataclasses.dataclass
    class Twice:
        times: int

        def __call__(self, rng: random.Random) -> object:
            step = PATHS["single"](POPULATION)(rng)
            return dataclasses.replace(step, archs=step.archs * self.times)

    once, twice = (
        dataclasses.replace(training(), paths=Twice(times), images=Ending(3 * times))
        for times in (1, 2)
    )
    for number, each in enumerate((once, twice)):
        with pytest.raises(Killed):
            each.run(Checkpoints(tmp_path / str(number)), 1e9, ignore)
    for name, tensor in weights(once).items():
        assert tensor.allclose(weights(twice)[name], atol=1e-6)
