"""Searches for baselines that grow well, where every network's accuracy at every size is known.

    python benchmarks/scaled_search.py [repetitions] [units] [space]

A network's accuracy grows with the logarithm of its MACs, levels off, and differs from that of
others of equal cost by a smooth function of its choices. What growing it brings differs by a second
such function, whose standard deviation is a share of the first one's, and which is correlated with
it. What a search names is judged by the mean true reward of its family, φ from 0 to 3 under the
published constants, each member priced against its own target. Training a baseline costs one unit,
training it grown by φ = 1 two. The ways to spend the units:

    two steps     candidates are trained as they are; the family follows from the one that is named
    joint         each candidate is trained as it is and grown, for the mean of both rewards
    finalists     as two steps, but the best few are trained grown before one is named
    again         the same, but trained once more as they are: what more trainings alone bring

How many finalists, and their weight, were chosen on seeds from 0 on; what is printed is of seeds
from 1000 on. It takes about half an hour.
"""

import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import optuna
import yaml
from numpy.typing import NDArray
from optuna.trial import FrozenTrial, TrialState, create_trial

from nas.networks.cost import Cost, cost
from nas.prediction.features import Encoding
from nas.samplers.cost_aware import CostAware
from nas.samplers.recommend import expected_rewards
from nas.searches.proposals import Limits, Proposer
from nas.searches.rewards import Soft
from nas.statistics.intervals import mean_interval
from nas.verbs.columns import table
from scaling_search.rule.compound import PAPER
from scaling_search.rule.rule import Multipliers
from search_spaces.arch import Arch
from search_spaces.space import Space, load_space

Floats = NDArray[np.float64]

CONF = Path(__file__).parents[1] / "conf" / "space"
FIRST_SEED = 1000
PHIS = (0, 1, 2, 3)
NOISE = 0.5
"""Percentage points by which a training differs from the network's true accuracy"""
APART = 1.5
"""The standard deviation, in points, of the true accuracies of networks of equal cost"""
OWN = 0.1
"""The share of that function's variance, and of the gain's, that no choice explains"""
AT_TARGET = 75.0
PER_DOUBLING = 3.6
"""Points that a doubling of the MACs brings at the target"""
LEVELLING = 0.16
"""How fast that falls: by a factor of e^−0.16 a doubling"""


@dataclass(frozen=True, slots=True)
class Kind:
    """How what growing brings relates to accuracies."""

    share: float
    """Its standard deviation, as a share of that of accuracies at equal cost"""
    correlation: float


KINDS = (
    Kind(0.1, 0.5),
    *(Kind(0.3, correlation) for correlation in (0.9, 0.5, 0.0)),
    *(Kind(0.6, correlation) for correlation in (0.0, -0.9)),
    *(Kind(1.0, correlation) for correlation in (0.9, 0.5, 0.0)),
)


@dataclass(frozen=True, slots=True)
class Finalists:
    """How many candidates are trained again, and the weight of what those trainings say."""

    count: int
    weight: float


GROWN_FINALISTS = Finalists(4, 0.7)
SAME_FINALISTS = Finalists(2, 0.5)


@dataclass(slots=True)
class Sizes:
    """The choices of networks as numbers, and the MACs of their families, each computed once."""

    space: Space
    encoding: Encoding = field(init=False)
    growth: list[Multipliers] = field(default_factory=lambda: [PAPER.multipliers(p) for p in PHIS])
    known: dict[tuple[str, int], float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.encoding = Encoding(self.space.choices)

    def macs(self, arch: Arch, phi: int) -> float:
        """The MACs of a network grown by φ."""
        key = arch.key(), phi
        if key not in self.known:
            self.known[key] = float(cost(self.growth[phi].apply(arch)).macs)
        return self.known[key]

    def family(self, arch: Arch) -> Floats:
        """(φ,) MACs of a network's family."""
        return np.array([self.macs(arch, phi) for phi in PHIS])

    def positions(self, arch: Arch) -> Floats:
        """(choices,) positions of a network's options, from −1 to 1."""
        rows = self.encoding.rows([self.space.encode(arch)])
        positions: Floats = 2 * rows[0] / (self.encoding.sizes - 1) - 1
        return positions

    def sample(self, count: int) -> list[Arch]:
        """Random networks, always the same."""
        rows = self.encoding.random(np.random.default_rng(0), count)
        return [self.space.decode(self.encoding.params(row)) for row in rows]


@dataclass(frozen=True, slots=True)
class Smooth:
    """A random function of the choices, free of what it has in common with other values.

    Its standard deviation over the networks that it was drawn for is one.
    """

    slopes: Floats
    pairs: Floats
    """(choices, choices) what pairs of choices bring together: mostly zeros"""
    weights: Floats
    deviation: float

    @classmethod
    def draw(cls, at: Floats, common: Floats, rng: np.random.Generator) -> "Smooth":
        """A function that is uncorrelated with (n, k) `common` values at (n, choices) positions."""
        choices: int = at.shape[1]
        slopes, pairs = rng.normal(size=choices), rng.normal(size=(choices, choices))
        pairs *= rng.random((choices, choices)) < 1 / choices
        values = cls(slopes, pairs, np.zeros(common.shape[1]), 1.0)(at, common)
        fit = np.linalg.lstsq(common, values, rcond=None)[0]
        weights = np.asarray(fit, dtype=np.float64)
        return cls(slopes, pairs, weights, float((values - common @ weights).std()))

    def __call__(self, at: Floats, common: Floats) -> Floats:
        """(n,) values."""
        values = at @ self.slopes + ((at @ self.pairs) * at).sum(axis=1) - common @ self.weights
        result: Floats = values / self.deviation
        return result


@dataclass(frozen=True, slots=True)
class Landscape:
    """The true accuracies of one repetition."""

    sizes: Sizes
    seed: int
    targets: Floats
    """(φ,) MACs: the median network's, times what the constants promise before any rounding"""
    quality: Smooth
    gain: Smooth

    @classmethod
    def draw(cls, sizes: Sizes, seed: int) -> "Landscape":
        networks = sizes.sample(500)
        at = np.array([sizes.positions(arch) for arch in networks])
        macs = np.array([cost(arch).macs for arch in networks])
        rng = np.random.default_rng((seed, 0))
        targets = np.median(macs) * np.array([PAPER.nominal_ratio(phi) for phi in PHIS])
        size = _powers(np.log2(macs / targets[0]))
        quality = Smooth.draw(at, size, rng)
        common = np.column_stack([size, quality(at, size)])
        return cls(sizes, seed, targets, quality, Smooth.draw(at, common, rng))

    def accuracies(self, arch: Arch, kind: Kind) -> Floats:
        """The (φ,) true accuracies of a network's family, fractions."""
        at = self.sizes.positions(arch)
        doublings = np.log2(self.sizes.family(arch) / self.targets[0])
        size = _powers(doublings[:1])
        quality = self.quality(at[None], size)
        gain = self.gain(at[None], np.column_stack([size, quality]))
        smooth = np.concatenate([quality, gain])
        own = self._rng(arch).normal(size=2)
        quality, gain = np.sqrt(1 - OWN) * smooth + np.sqrt(OWN) * own
        gain = kind.correlation * quality + np.sqrt(1 - kind.correlation**2) * gain
        grown = _levelling(np.array(PHIS)) / _levelling(np.ones(1))
        points = AT_TARGET + PER_DOUBLING * _levelling(doublings)
        points += APART * (quality + kind.share * grown * gain)
        return np.clip(points / 100, 0.01, 0.99)

    def measured(self, arch: Arch, kind: Kind, phi: int, training: int = 0) -> float:
        """The accuracy that a training of the network grown by φ ends with."""
        noise = self._rng(arch, phi, training + 1).normal() * NOISE / 100
        return float(np.clip(self.accuracies(arch, kind)[phi] + noise, 0.01, 0.99))

    def reward(self, arch: Arch, accuracy: float, phi: int) -> float:
        """The reward of an accuracy at φ, priced against that φ's target."""
        return Soft(self.targets[phi])(accuracy, self.sizes.macs(arch, phi))

    def worth(self, arch: Arch, kind: Kind) -> float:
        """What a baseline is judged by: the mean true reward of its family, in points."""
        accuracies = self.accuracies(arch, kind)
        return 100 * float(np.mean([self.reward(arch, float(accuracies[p]), p) for p in PHIS]))

    def _rng(self, arch: Arch, *of: int) -> np.random.Generator:
        return np.random.default_rng((self.seed, int(arch.key(), 16), *of))


def _powers(size: Floats) -> Floats:
    return np.column_stack([np.ones_like(size), size, size**2])


def _levelling(doublings: Floats) -> Floats:
    values: Floats = (1 - np.exp(-LEVELLING * doublings)) / LEVELLING
    return values


@dataclass(frozen=True, slots=True)
class FamilyMacs:
    """The geometric mean of some members' MACs, each over its own target.

    The reward of a mean accuracy is then the mean of the members' rewards, to first order.
    """

    landscape: Landscape
    phis: tuple[int, ...]
    unit: str = "MACs"

    def __call__(self, arch: Arch, cost: Cost) -> float:
        targets, sizes = self.landscape.targets, self.landscape.sizes
        macs = [float(cost.macs) if phi == 0 else sizes.macs(arch, phi) for phi in self.phis]
        over = math.prod(m / float(targets[phi]) for m, phi in zip(macs, self.phis, strict=True))
        return float(targets[0]) * over ** (1 / len(self.phis))

    def describe(self) -> Mapping[str, str]:
        return {"unit": self.unit}


@dataclass(frozen=True, slots=True)
class Searched:
    """What a search tried, in order."""

    proposer: Proposer
    trials: list[FrozenTrial]
    networks: list[Arch]

    def expected(self, trials: int) -> Floats:
        """The rewards that a model of so many trials expects of their networks."""
        return expected_rewards(self.proposer.problem, self.trials[:trials])

    def named(self, trials: int) -> Arch:
        """The network that is named after so many trials."""
        return self.networks[int(self.expected(trials).argmax())]


def search(landscape: Landscape, kind: Kind, phis: tuple[int, ...], trials: int) -> Searched:
    """A search whose candidates are each trained once at every one of `phis`."""
    reward = Soft(landscape.targets[0])
    metric, space = FamilyMacs(landscape, phis), landscape.sizes.space
    proposer = Proposer.resume(
        space, CostAware(), reward, metric, Limits(), landscape.seed, finished=()
    )
    searched = Searched(proposer, [], [])
    for number in range(trials):
        proposal = proposer.propose(number)
        assert proposal is not None
        arch = proposal.arch
        accuracy = float(np.mean([landscape.measured(arch, kind, phi) for phi in phis]))
        trial = create_trial(
            state=TrialState.COMPLETE,
            value=reward(accuracy, metric(arch, proposal.cost)),
            params=dict(proposal.params),
            distributions=proposal.trial.distributions,
            user_attrs={"accuracy": accuracy, "key": arch.key()},
        )
        proposer.tell(proposal, trial)
        searched.trials.append(trial)
        searched.networks.append(arch)
    return searched


def reranked(
    landscape: Landscape, kind: Kind, searched: Searched, trials: int, final: Finalists, phi: int
) -> Arch:
    """What is named once the best after so many trials were trained again.

    They are trained grown, or for the cost of that twice more as they are.
    """
    expected = searched.expected(trials)
    chosen = np.argsort(-expected, kind="stable")[: final.count]
    scores = []
    for index in chosen:
        arch = searched.networks[index]
        trainings = (0,) if phi else (1, 2)
        again = np.mean([landscape.measured(arch, kind, phi, each) for each in trainings])
        reward = landscape.reward(arch, float(again), phi)
        scores.append((1 - final.weight) * expected[index] + final.weight * reward)
    return searched.networks[int(chosen[np.argmax(scores)])]


def findings(landscape: Landscape, plain: Searched, kind: Kind, units: int) -> dict[str, float]:
    """The worth of what each way names."""
    joint = search(landscape, kind, (0, 1), units // 2)
    grown, same = GROWN_FINALISTS, SAME_FINALISTS
    named = {
        "two steps": plain.named(units),
        "joint": joint.named(units // 3),
        "finalists": reranked(landscape, kind, plain, units - 2 * grown.count, grown, 1),
        "again": reranked(landscape, kind, plain, units - 2 * same.count, same, 0),
        "joint, equal trainings": joint.named(units // 2),
        "finalists, equal trainings": reranked(
            landscape, kind, plain, units - grown.count, grown, 1
        ),
    }
    return {name: landscape.worth(arch, kind) for name, arch in named.items()}


def rows(found: Mapping[Kind, Sequence[Mapping[str, float]]]) -> Iterator[tuple[str, ...]]:
    """For each kind, what each way gains over two steps."""
    for kind, repetitions in found.items():
        values = {name: np.array([r[name] for r in repetitions]) for name in repetitions[0]}
        plain = values.pop("two steps")
        gained = [f"{mean_interval(other - plain):+.2f}" for other in values.values()]
        yield f"{kind.share:g}", f"{kind.correlation:g}", *gained


def main(repetitions: int, units: int, space: str) -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sizes = Sizes(load_space(yaml.safe_load((CONF / f"{space}.yaml").read_text(encoding="utf-8"))))
    found: dict[Kind, list[dict[str, float]]] = {kind: [] for kind in KINDS}
    for seed in range(FIRST_SEED, FIRST_SEED + repetitions):
        landscape = Landscape.draw(sizes, seed)
        plain = search(landscape, KINDS[0], (0,), units)
        for kind in KINDS:
            found[kind].append(findings(landscape, plain, kind, units))
    ways = [name for name in found[KINDS[0]][0] if name != "two steps"]
    print(table(("share", "correlation", *ways), rows(found)))


if __name__ == "__main__":
    asked = [*sys.argv[1:], *("40", "48", "kernel_expand")[len(sys.argv) - 1 :]]
    main(int(asked[0]), int(asked[1]), asked[2])
