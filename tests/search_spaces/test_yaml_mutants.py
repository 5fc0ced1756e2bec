"""Whatever a file holds, it is read or refused on one line: nothing else comes of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzz.yaml_mutations import TOKENS, VALUES, mutations
from nas.latency.table import read_table
from nas.networks.cost import cost
from scaling_search.grow.family import published_family, read_constants
from search_spaces.compact import parse_stage, spell
from search_spaces.errors import UserError
from search_spaces.files import read_text
from search_spaces.scaling import scale
from search_spaces.space import load_space
from search_spaces.yaml_io import arch_to_yaml, load_arch, read_arch
from search_spaces.yaml_text import load_yaml
from search_spaces.zoo import zoo

seeds = st.integers(0, 2**32)


def read_or_refused(read: Callable[[], Any], *names: object) -> Any:
    """What `read` makes, or None where it refuses on one line; `names` may make the line long."""
    try:
        return read()
    except UserError as error:
        text = str(error)
        for name in names:
            text = text.replace(str(name), "FILE")
        assert text.isprintable()
        assert len(text) < 500
        return None


def mutant(folder: Path, seed: int) -> Path:
    path = folder / "a.yaml"
    path.write_bytes(next(mutations(seed, 1)))
    return path


@settings(max_examples=300)
@given(seeds)
def test_networks(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    path = mutant(tmp_path_factory.getbasetemp(), seed)
    arch = read_or_refused(lambda: load_arch(str(path)), path)
    if arch is not None:
        assert cost(arch).params > 0
        assert read_arch(arch_to_yaml(arch), "again") == arch
        assert [parse_stage(spell(stage)).channels for stage in arch.stages]
        read_or_refused(lambda: scale(arch, 1.2, 1.1, arch.resolution))
        read_or_refused(lambda: published_family(arch))


@settings(max_examples=300)
@given(seeds)
def test_spaces(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    path = mutant(tmp_path_factory.getbasetemp(), seed)
    data = read_or_refused(lambda: load_yaml(read_text(path), str(path)), path)
    read_or_refused(lambda: load_space(data))


@settings(max_examples=150)
@given(seeds)
def test_constants_and_tables(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    path = mutant(tmp_path_factory.getbasetemp(), seed)
    read_or_refused(lambda: read_constants(path), path)
    read_or_refused(lambda: read_table(path), path)


@given(st.text(max_size=300))
def test_any_text_at_all(text: str) -> None:
    read_or_refused(lambda: read_arch(text, "a.yaml"))
    read_or_refused(lambda: parse_stage(text))


@given(
    st.lists(
        st.sampled_from(["ir", "er", "bt", "cn", "r2", "k3", "s2", "e6", "c40", "se0.25", "g4"])
        | st.sampled_from(TOKENS)
        | st.text(max_size=10),
        max_size=8,
    )
)
def test_block_strings(parts: list[str]) -> None:
    read_or_refused(lambda: parse_stage("_".join(parts)))


@pytest.mark.parametrize("field", ["repeats", "channels", "expand", "name", "op", "stages", "se"])
def test_every_nasty_value_in_a_network(field: str) -> None:
    for value in VALUES:
        around = (
            "" if field in ("name", "stages") else f"stages: [{{channels: 8, {field}: {value}}}]"
        )
        text = around or f"{'stages: [{channels: 8}]' if field == 'name' else ''}\n{field}: {value}"
        read_or_refused(lambda text=text: read_arch(text, "a.yaml"))  # type: ignore[misc]


@pytest.mark.parametrize("field", ["name", "base", "vary", "stages", "network"])
def test_every_nasty_value_in_a_space(field: str) -> None:
    for value in VALUES:
        base = "" if field == "base" else "base: efficientnet_b0\n"
        for written in (f"{field}: {value}", f"{field}: {{kernel: {value}, 0: {{op: {value}}}}}"):
            data = read_or_refused(lambda text=base + written: load_yaml(text, "a.yaml"))  # type: ignore[misc]
            read_or_refused(lambda data=data: load_space(data))  # type: ignore[misc]


@pytest.mark.parametrize("letter", "rksecg")
def test_every_nasty_value_in_a_block_string(letter: str) -> None:
    for value in VALUES:
        read_or_refused(lambda value=value: parse_stage(f"bt_c40_{letter}{value}"))  # type: ignore[misc]


def test_mutants_are_the_same_by_seed() -> None:
    assert list(mutations(3, 20)) == list(mutations(3, 20))
    assert read_or_refused(lambda: zoo("resnet50")) == zoo("resnet50")
