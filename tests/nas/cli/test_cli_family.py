"""`scale` and `run` make families within limits and for targets, or say in a line why not."""

from pathlib import Path

import pytest

from nas.cli import main
from nas.latency.table import LatencyTable, parts, write_table
from nas.networks.cost import cost
from search_spaces.yaml_io import load_arch, read_about
from search_spaces.zoo import zoo

PAPER = ["alpha=1.2", "beta=1.1", "gamma=1.15", "coefficients=formula"]


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_limits_that_bind_are_said_under_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    fast = ["alpha=1.1", "beta=1.1", "gamma=1.4", "coefficients=formula", "run=r"]
    main(["scale", *fast, "family.resolution_max=320", "family.macs_max=3e9", "phis=[1,2,3,4]"])
    printed = capsys.readouterr().out
    assert "\nB2, B3: resolution_max 320\n" in printed
    assert "\nB3: macs_max 3,000,000,000: φ = " in printed
    assert "in place of 3; left out φ = 4" in printed
    members = sorted(Path("r/family").iterdir())
    assert [path.name for path in members] == ["b0.yaml", "b1.yaml", "b2.yaml", "b3.yaml"]
    assert read_about(members[-1])["limited"].startswith("resolution_max 320; macs_max 3,000")
    assert cost(load_arch(str(members[-1]))).macs <= 3e9


@pytest.mark.parametrize("kind", ["macs", "params", "activations"])
def test_members_are_of_the_costs_asked_for(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    own = getattr(cost(zoo("efficientnet_b0")), kind)
    main(["scale", *PAPER, "run=r", f"targets=[{4 * own},{2 * own}]", f"targets_of={kind}"])
    printed = capsys.readouterr().out
    for name, times in (("b1", 2), ("b2", 4)):
        has = getattr(cost(load_arch(f"r/family/{name}.yaml")), kind)
        assert has == pytest.approx(times * own, rel=0.15)
        assert read_about(Path(f"r/family/{name}.yaml"))["target"] == times * own
        assert f"{has:,}" in printed
        assert f"{has / (times * own) - 1:+.2%}" in printed


def test_a_target_that_is_missed_far_has_its_remedy(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["scale", *PAPER, "run=r", "targets=[490e6]"]
    main(asked)
    printed = capsys.readouterr().out
    assert "asked (MACs)" in printed
    assert "built (MACs)" in printed
    assert "\nB1: more than 5% off what was asked for; depth_rounding=round may come" in printed
    main([*asked, "depth_rounding=round"])
    assert "depth_rounding" not in capsys.readouterr().out


def test_published_rows_beside_constants_of_ones_own_say_how_to_use_these(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("r").mkdir()
    Path("r/constants.yaml").write_text("alpha: 1.3\nbeta: 1.1\ngamma: 1.1\n", "utf-8")
    main(["scale", "efficientnet_b0", "run=r"])
    line = "grown by the published rows; coefficients=formula grows by r/constants.yaml"
    assert capsys.readouterr().out.splitlines()[-1] == line


def test_milliseconds_of_a_table_are_targets_too(capsys: pytest.CaptureFixture[str]) -> None:
    baseline = zoo("efficientnet_b0")
    write_table(LatencyTable(dict.fromkeys(parts(baseline), 0.002)), "t.yaml")
    main(["scale", *PAPER, "run=r", "targets=[80,160]", "targets_of=latency",
          "latency_table=t.yaml"])  # fmt: skip
    assert "ms, estimated" in capsys.readouterr().out
    about = read_about(Path("r/family/b2.yaml"))
    assert (about["target"], about["unit"]) == (160, "ms, estimated")
    assert abs(about["difference"]) < 0.2


def test_what_is_said_of_a_run_folder_without_data_is_nothing_of_images(
    capsys: pytest.CaptureFixture[str],
) -> None:
    main(["scale"])
    assert "image" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["family.macs_max=-1"], "family.macs_max: expected a number above 0, or null, got -1.0"),
        (["family.macs_max=many"], "family.macs_max: expected a number, got 'many'"),
        (["family.resolution_max=0"], "family.resolution_max: expected pixels from 1 to "),
        (["family.resolution_multiple=1.5"], "family.resolution_multiple: expected an integer"),
        (["family.resolution_multiple=1000"], "family.resolution_multiple: expected at most reso"),
        (["family.macs_max=1"], "family.macs_max: efficientnet_b0 itself has 385,814,752 MACs"),
        (["family.mac_max=1"], "family.mac_max: no such setting"),
        (["family=none"], "family: no option 'none'"),
        (["targets=3e8"], "targets: expected a list of numbers, got 300000000.0"),
        (["targets=[]"], "targets: expected at least one, and each once, got []"),
        (["targets=[1e9,1e9]"], "targets: expected at least one, and each once, got [1e+09"),
        (["targets=[0]"], "targets: expected numbers above 0, got 0"),
        (["targets=[1e9]", "phis=[1]"], "phis: targets stand in their place; expected one of the"),
        (["targets=[1e9]", "coefficients=published"], "alpha: needs coefficients=formula; "),
        (
            ["targets=[300M]"],
            "targets: expected a list of numbers, got ['300M']; 300M is spelt 300e6",
        ),
        (["targets=[1e9]", "targets_of=flops"], "targets_of: got 'flops'; expected one of: macs"),
        (["targets=[1e9]", "targets_of=latency"], "latency_table: expected a file that nas-sea"),
        (["targets=[1e9]", "targets_of=latency", "latency_table=no.yaml"], "no.yaml: no such f"),
        (["targets_of=params"], "targets_of: is of targets; give targets=[…] too"),
        (["num_classes=0"], "num_classes: expected an integer of at least 1, got 0"),
        (["width=2", "targets=[1e9]"], "targets: makes a family; depth, width and resolution one"),
        (["width=2", "family.macs_max=1e9"], "family.macs_max: is of a family; depth, width and "),
        (["PUBLISHED", "targets=[1e9]"], "targets: needs coefficients=formula; the published rows"),
        (
            ["PUBLISHED", "phis=[1]"],
            "phis: need coefficients=formula; the published rows are fixed",
        ),
        (["PUBLISHED", "constants=c.yaml"], "constants: needs coefficients=formula; the publish"),
    ],
)
def test_a_mistake_gives_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    formula = [] if arguments[0] in ("width=2", "PUBLISHED") else PAPER
    given = [each for each in arguments if each != "PUBLISHED"]
    with pytest.raises(SystemExit) as stopped:
        main(["scale", "run=r", *formula, *given])
    printed = capsys.readouterr()
    assert (stopped.value.code, printed.out, printed.err.count("\n")) == (2, "", 1)
    assert printed.err.startswith(f"nas-search: {message}")
    assert not Path("r").exists()


@pytest.mark.parametrize("argument", ["family.macs_max=0", "targets=[0]", "targets_of=x"])
def test_a_run_is_refused_before_its_search(
    argument: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["run", "run=r", argument, *(["targets=[1e9]"] if argument == "targets_of=x" else [])])
    assert stopped.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not Path("r").exists()
