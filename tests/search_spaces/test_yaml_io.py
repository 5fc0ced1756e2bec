"""A network's file: what is read back, what is refused, and where."""

from pathlib import Path

import pytest
from hypothesis import given

from search_spaces.arch import Arch
from search_spaces.errors import UserError
from search_spaces.yaml_io import arch_to_yaml, load_arch, read_about, read_arch, write_arch
from search_spaces.zoo import names, zoo
from strategies import archs


@pytest.mark.parametrize("name", names())
def test_every_network_of_the_zoo_reads_back(name: str) -> None:
    assert read_arch(arch_to_yaml(zoo(name)), name) == zoo(name)
    assert load_arch(name) == zoo(name)


@given(archs())
def test_yaml_reads_back_as_the_same_network(arch: Arch) -> None:
    text = arch_to_yaml(arch)
    again = read_arch(text, "net.yaml")
    assert again == arch
    assert again.key() == arch.key()
    assert arch_to_yaml(again) == text


def test_what_is_noted_about_a_network_is_no_part_of_it(tmp_path: Path) -> None:
    about = {"phi": 1.0, "macs": 7, "ties": ["a", "b"], "alpha": None}
    write_arch(zoo("resnet50"), tmp_path / "deep" / "net.yaml", about)
    assert load_arch(str(tmp_path / "deep" / "net.yaml")) == zoo("resnet50")
    assert read_about(tmp_path / "deep" / "net.yaml") == about


def test_a_stage_is_a_line() -> None:
    lines = arch_to_yaml(zoo("efficientnet_b0")).splitlines()
    assert sum(line.startswith("- {op: mbconv") for line in lines) == 7


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1, 2]", "net.yaml: expected a mapping of Arch fields"),
        ("", "net.yaml: expected a mapping of Arch fields"),
        ("name: x", "net.yaml: missing field 'stages'"),
        ("stages: []", "net.yaml: stages: expected at least one"),
        ("stages: {op: conv}", "net.yaml: stages: expected a list"),
        ("stages: [{channels: 8, op: mbcnov}]", r"stages\[0\].op.*did you mean 'mbconv'"),
        ("stages: [{channels: 8, skip: 1}]", r"stages\[0\].skip: expected true or false"),
        ("stages: [{channels: true}]", r"stages\[0\].channels: expected an integer"),
        ("stages: [{channels: 8}]\ndropout: .nan", "net.yaml: dropout"),
        ("stages: [{channels: 8}]\nstem: {kernal: 3}", "stem: unknown field 'kernal'"),
        ("stages: !!python/object/apply:os.getcwd []", "net.yaml: line 1: not YAML"),
    ],
)
def test_a_mistake_is_named_with_its_place(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as error:
        read_arch(text, "net.yaml")
    assert "\n" not in str(error.value)
