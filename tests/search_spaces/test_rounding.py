"""Rounding by the released rules."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_spaces.rounding import round_channels, round_repeats, round_resolution

channels = st.integers(1, 4000)
widths = st.floats(0.05, 8)
divisors = st.sampled_from((1, 2, 4, 8, 16, 32))


@pytest.mark.parametrize(
    ("count", "width", "rounded"),
    [
        (32, 1.1, 32),
        (32, 1.4, 48),  # 44.8 lies halfway up
        (24, 0.75, 24),  # 18 would round to 16, under 90 % of it
        (16, 1.8, 32),  # 28.8 would round to 32 either way
        (1280, 1.2, 1536),
        (320, 2.0, 640),
        (4, 0.1, 8),  # never under the divisor
        (200, 2.3, 456),  # 459.99999999999994 in double precision, as there; not 460
    ],
)
def test_channels_as_in_the_released_code(count: int, width: float, rounded: int) -> None:
    assert round_channels(count, width) == rounded


@given(channels, widths, divisors)
def test_channels_are_multiples_within_ten_percent_below(
    count: int, width: float, divisor: int
) -> None:
    rounded = round_channels(count, width, divisor)
    assert rounded % divisor == 0
    assert rounded >= max(divisor, 0.9 * count * width - 1e-6)
    assert rounded <= max(divisor, count * width + divisor)


@given(channels, widths, widths, divisors)
def test_channels_are_monotone(count: int, one: float, other: float, divisor: int) -> None:
    less, more = sorted((one, other))
    assert round_channels(count, less, divisor) <= round_channels(count, more, divisor)


@given(st.integers(1, 500), divisors)
def test_multiples_stay(multiple: int, divisor: int) -> None:
    assert round_channels(multiple * divisor, 1.0, divisor) == multiple * divisor


@pytest.mark.parametrize(
    ("repeats", "depth", "rounded"),
    [
        (1, 1.1, 2),
        (4, 1.2, 5),
        (10, 1.1, 11),
        (30, 1.1, 33),
        (3, 0.1, 1),
        (4, 0.5, 2),
        (25, 2.2, 56),  # 55.00000000000001 in double precision, as there; not 55
    ],
)
def test_repeats_round_up_as_in_the_released_code(repeats: int, depth: float, rounded: int) -> None:
    assert round_repeats(repeats, depth) == rounded


def released_filters(filters: int, width: float, divisor: int) -> int:
    """`round_filters` of the TPU repository's efficientnet_model.py, without its globals."""
    scaled = filters * width
    new_filters = max(divisor, int(scaled + divisor / 2) // divisor * divisor)
    if new_filters < 0.9 * scaled:
        new_filters += divisor
    return int(new_filters)


tenths = st.integers(1, 80).map(lambda tenth: tenth / 10)


@given(channels, widths | tenths, divisors)
def test_channels_equal_the_released_codes(count: int, width: float, divisor: int) -> None:
    assert round_channels(count, width, divisor) == released_filters(count, width, divisor)


@given(st.integers(1, 200), widths | tenths)
def test_repeats_equal_the_released_codes(repeats: int, depth: float) -> None:
    assert round_repeats(repeats, depth) == math.ceil(depth * repeats)


@pytest.mark.parametrize(("repeats", "depth", "rounded"), [(1, 1.4, 1), (3, 1.5, 5), (4, 0.1, 1)])
def test_repeats_to_the_nearest(repeats: int, depth: float, rounded: int) -> None:
    assert round_repeats(repeats, depth, "round") == rounded


def test_resolution_to_the_nearest() -> None:
    assert [round_resolution(r) for r in (0.1, 224.4, 224.5)] == [1, 224, 225]
