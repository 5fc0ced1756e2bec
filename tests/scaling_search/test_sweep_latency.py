import math

import pytest

from nas.networks.cost import cost
from scaling_search.grow.grid import make_grid
from scaling_search.grow.grid_points import GridSettings
from scaling_search.grow.timed_price import timed_price
from search_spaces.errors import UserError
from search_spaces.zoo import zoo

B0 = zoo("efficientnet_b0")


class Stopwatch:
    """Takes each session for twice as slow as the one before: only what is relative holds."""

    def __init__(self):
        self.timed, self.slowness = [], 1.0

    def __call__(self, archs):
        self.timed += [arch.key() for arch in archs[1:]]
        self.slowness *= 2
        return [self.slowness * cost(arch).macs ** 0.5 for arch in archs]


def test_latency_decides_in_place_of_macs(tmp_path):
    settings = GridSettings(constraint="realised", within=0.05, ratio=math.sqrt(2))
    price = timed_price(B0, settings, tmp_path / "latency.yaml", Stopwatch())
    grid = make_grid(B0, settings, price)
    macs = [candidate.cost.macs / cost(B0).macs for candidate in grid.candidates]
    for candidate, ratio in zip(grid.candidates, macs, strict=True):
        assert candidate.realised_ratio == pytest.approx(math.sqrt(ratio), abs=1e-5)
        assert candidate.realised_ratio == pytest.approx(math.sqrt(2), rel=0.05 + 1e-6)
    assert max(macs) - min(macs) > 0.1


def test_nothing_is_timed_twice(tmp_path):
    path, first, second = tmp_path / "latency.yaml", Stopwatch(), Stopwatch()
    before = timed_price(B0, GridSettings(), path, first)
    after = timed_price(B0, GridSettings(), path, second)
    assert len(first.timed) == len(set(first.timed)) == 46
    assert second.timed == []
    archs = [candidate.arch for candidate in make_grid(B0, GridSettings()).candidates]
    assert [before(arch) for arch in archs] == [after(arch) for arch in archs]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "expected a mapping with baseline and relative"),
        ("baseline: other\nrelative: {}", "was timed for another baseline"),
        (f"baseline: {B0.key()}\nrelative: {{a: fast}}", "expected numbers above 0"),
    ],
)
def test_a_damaged_file_is_named(tmp_path, text, message):
    path = tmp_path / "latency.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=message):
        timed_price(B0, GridSettings(), path, Stopwatch())
