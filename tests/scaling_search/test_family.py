import subprocess
import sys

import pytest

from nas.networks.cost import cost
from scaling_search.grow.family import (
    formula_family,
    published_family,
    read_constants,
    write_family,
)
from scaling_search.rule.compound import COMPOUND, PAPER
from search_spaces.errors import UserError
from search_spaces.scaling import scaled_dropout
from search_spaces.yaml_io import load_arch, read_about
from search_spaces.zoo import zoo

B0 = zoo("efficientnet_b0")

# Parameters and MACs of the released family, from a public reference implementation.
PUBLISHED = {
    "b0": (5288548, 385814752, 224, 0.2),
    "b1": (7794184, 686802832, 240, 0.2),
    "b2": (9109994, 993561872, 260, 0.3),
    "b3": (12233232, 1827141392, 300, 0.3),
    "b4": (19341616, 4393771024, 380, 0.4),
    "b5": (30389784, 10266384752, 456, 0.4),
    "b6": (43040704, 19067593536, 528, 0.5),
    "b7": (66347960, 37745884192, 600, 0.5),
}


def test_a_phi_that_leaves_nothing_is_blamed() -> None:
    for phi, message in (
        (-20, "phis: -20: depth × 0.0260841, width × 0.148644, 14 px: stages[5]: "),
        (1e6, "phis: 1e+06: phi: 1000000.0 is too large"),
    ):
        with pytest.raises(UserError) as caught:
            formula_family(zoo("efficientnet_b0"), PAPER, [phi])
        assert str(caught.value).startswith(message)


def test_published_rows_give_the_published_family():
    assert {
        member.label: (
            member.cost.params,
            member.cost.macs,
            member.arch.resolution,
            member.arch.dropout,
        )
        for member in published_family(B0)
    } == PUBLISHED


def test_written_files_are_complete_networks_with_their_provenance(tmp_path):
    members = formula_family(B0, PAPER)
    paths = write_family(members, tmp_path)
    assert [path.name for path in paths] == [f"b{index}.yaml" for index in range(8)]
    for member, path in zip(members, paths, strict=True):
        arch, about = load_arch(str(path)), read_about(path)
        assert arch == member.arch
        assert (about["params"], about["macs"]) == (cost(arch).params, cost(arch).macs)
        assert (about["alpha"], about["beta"], about["gamma"]) == (1.2, 1.1, 1.15)
        assert about["phi"] == member.phi
    assert read_about(paths[2])["realised_ratio"] == pytest.approx(2.5728, abs=1e-4)
    assert read_about(paths[2])["nominal_ratio"] == pytest.approx(1.9203, abs=1e-4)


def test_phi_zero_is_the_baseline_and_negative_phi_is_smaller():
    members = formula_family(B0, PAPER, [1, -1, -2, 3])
    assert [member.label for member in members] == ["b-2", "b-1", "b0", "b1", "b2"]
    assert members[2].arch.key() == B0.key()
    macs = [member.cost.macs for member in members]
    assert macs == sorted(macs)
    assert members[0].arch.name == "efficientnet_b-2"


def test_dropout_grows_as_in_the_paper():
    assert scaled_dropout(0.2, 0) == 0.2
    assert scaled_dropout(0.2, 7) == 0.5
    assert scaled_dropout(0.2, 3.5) == 0.35
    assert scaled_dropout(0.0, 7) == 0.0
    assert scaled_dropout(0.2, 20) == 0.5
    assert scaled_dropout(0.2, -7) == 0.0


def test_other_networks_have_families_too():
    for name in ("mobilenet_v1", "resnet50"):
        members = formula_family(zoo(name), PAPER)
        macs = [member.cost.macs for member in members]
        assert macs == sorted(macs)


def test_constants_are_read_from_a_file(tmp_path):
    path = tmp_path / "constants.yaml"
    path.write_text("alpha: 1.3\nbeta: 1\ngamma: 1.2\nverdict: so\n")
    assert read_constants(path) == COMPOUND.constants(alpha=1.3, beta=1.0, gamma=1.2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("beta: 1\ngamma: 1.2\n", "alpha: expected a number, got None"),
        ("alpha: high\nbeta: 1\ngamma: 1\n", "alpha: expected a number, got 'high'"),
        ("alpha: 0.5\nbeta: 1\ngamma: 1\n", "alpha: expected a number of at least 1, got 0.5"),
        ("- 1\n", "expected a mapping"),
        (
            "{alpha: 1, beta: 1, gamma: 1.2, delta: 1.3}",
            "'delta': expected alpha, beta and gamma, and",
        ),
        (
            "{alpha: 1, beta: 1, gamma: 1.2, gama: 1.3}",
            "'gama': expected alpha, beta and gamma, and",
        ),
        ("{1: 2, alpha: 1, beta: 1, gamma: 1.2}", "1: expected alpha, beta and gamma, and"),
    ],
)
def test_a_bad_constants_file_is_refused(tmp_path, text, message):
    path = tmp_path / "constants.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=message) as error:
        read_constants(path)
    assert str(error.value).startswith(f"{path}: ")


def test_a_missing_constants_file_is_refused(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        read_constants(tmp_path / "constants.yaml")


def test_a_phi_given_twice_is_refused():
    with pytest.raises(UserError, match=r"^phis: expected each φ once"):
        formula_family(B0, PAPER, [1, 2, 1])


@pytest.mark.parametrize("phis", [[], [0], [0.0]])
def test_a_family_of_its_baseline_alone_is_refused(phis):
    with pytest.raises(UserError, match=r"^phis: expected at least one φ other than 0, got \["):
        formula_family(B0, PAPER, phis)


def test_a_family_that_does_not_grow_is_refused():
    with pytest.raises(UserError, match=r"^alpha, beta, gamma: at least one must be above 1"):
        formula_family(B0, COMPOUND.constants())


def test_no_framework_is_loaded():
    code = (
        "import sys, scaling_search.grow.family\n"
        "print([m for m in ('torch', 'ray', 'plotly', 'optuna', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
