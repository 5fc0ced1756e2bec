"""The verbs that take networks: zoo, scale to one network, ablate, latency, export."""

import csv
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load_file

from nas.cli import main
from nas.networks.cost import cost
from nas.networks.model import build
from nas.networks.weights import save_weights, timm_state_dict
from search_spaces.arch import Arch
from search_spaces.ends import Head, Stem
from search_spaces.stage import Stage
from search_spaces.yaml_io import arch_to_yaml, load_arch, read_about, write_arch
from search_spaces.zoo import ZOO


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_zoo_is_listed_with_what_each_network_costs(capsys: pytest.CaptureFixture[str]) -> None:
    main(["zoo"])
    lines = capsys.readouterr().out.splitlines()[1:]
    assert [line.split()[0] for line in lines] == list(ZOO)
    for line, arch in zip(lines, ZOO.values(), strict=True):
        price = cost(arch)
        assert f" {price.params:,} " in line
        assert f" {price.macs:,} " in line
        assert line.endswith(f" {price.activations:,}")


def test_one_dimension_scaled_gives_one_network(capsys: pytest.CaptureFixture[str]) -> None:
    main(["scale", "baseline=mobilenet_v2", "depth=4"])
    path = Path("results/mobilenet_v2/scaled/mobilenet_v2_d4.yaml")
    assert str(path) in capsys.readouterr().out
    assert [stage.repeats for stage in load_arch(str(path)).stages] == [4, 8, 12, 16, 12, 12, 4]
    assert read_about(path)["macs"] == cost(load_arch(str(path))).macs
    main(["scale", "run=r", "depth=1.4", "width=1.2", "resolution=300"])
    arch = load_arch("r/scaled/efficientnet_b0_d1.4_w1.2_r300.yaml")
    assert cost(arch).macs == 1827141392  # EfficientNet-B3
    assert not Path("r/family").exists()


def test_an_ablation_is_written_beside_the_baseline(capsys: pytest.CaptureFixture[str]) -> None:
    main(["ablate", "baseline=mobilenet_v2", "ratios=[1.5,2]"])
    run = Path("results/mobilenet_v2")
    with (run / "ablation.csv").open() as file:
        rows = list(csv.DictReader(file))
    names = [f"{kind}_x{ratio}" for ratio in ("1.5", "2") for kind in ("depth", "width",
             "resolution", "compound")]  # fmt: skip
    assert [row["file"] for row in rows] == [f"ablation/{name}.yaml" for name in names]
    printed = capsys.readouterr().out
    assert all(name in printed for name in names)
    assert "1.2, 1.1, 1.15" in printed


def test_an_ablation_grows_by_the_constants_of_its_run(capsys: pytest.CaptureFixture[str]) -> None:
    Path("r").mkdir()
    Path("r/constants.yaml").write_text("{alpha: 1.0, beta: 1.25, gamma: 1.1}")
    main(["ablate", "run=r", "ratio=2"])
    assert "1, 1.25, 1.1" in capsys.readouterr().out
    assert read_about(Path("r/ablation/compound_x2.yaml"))["depth"] == 1.0
    main(["ablate", "run=r", "ratio=2", "alpha=1.4", "beta=1", "gamma=1"])
    assert read_about(Path("r/ablation/compound_x2.yaml"))["width"] == 1.0


QUICK = ["device=cpu", "runs=2", "warmup=0"]


TINY = Arch(
    resolution=16,
    num_classes=3,
    stem=Stem(channels=8),
    stages=(Stage(channels=8, se=0.25), Stage(stride=2, expand=2, channels=16)),
    head=Head(channels=16),
)


def tiny(name: str) -> str:
    write_arch(TINY.replace(name=name), f"{name}.yaml")
    return f"{name}.yaml"


def test_costs_are_checked_against_other_counters(capsys: pytest.CaptureFixture[str]) -> None:
    main(["cost", tiny("small"), "--check"])
    table, checks = capsys.readouterr().out.split("\n\n", 1)
    macs = f"{cost(load_arch('small.yaml')).macs:,}"
    assert macs in table
    (whole,) = (line for line in checks.splitlines() if line.startswith("whole"))
    assert whole.split()[1:4] == [macs] * 3
    assert "all three agree in every part; the rest is batch_norm, which fvcore" in checks


def test_the_check_names_the_norm_that_the_network_has(capsys: pytest.CaptureFixture[str]) -> None:
    main(["cost", "convnext_tiny", "--check"])
    verdict = capsys.readouterr().out.splitlines()[-1]
    assert verdict.endswith("in every part; the rest is layer_norm, which fvcore counts too")


def test_latencies_are_printed_and_kept(capsys: pytest.CaptureFixture[str]) -> None:
    files = [tiny("a"), tiny("<b>")]
    main(["latency", *files, *QUICK])
    printed = capsys.readouterr().out
    run = Path("results/latency")
    stored = yaml.safe_load((run / "latency.yaml").read_text())
    assert [row["network"] for row in stored["networks"]] == files
    assert stored["settings"]["runs"] == 2
    assert all(stored[name] for name in ("device", "torch"))
    with (run / "latency.csv").open() as file:
        assert [row["network"] for row in csv.DictReader(file)] == [files[0]] * 2 + [files[1]] * 2
    page = (run / "latency.html").read_text()
    assert "&lt;b&gt;" in page
    assert all(file in printed for file in files)


def test_a_latency_table_is_made_of_a_space(capsys: pytest.CaptureFixture[str]) -> None:
    Path("conf/space").mkdir(parents=True)
    base = arch_to_yaml(TINY)
    space = {"name": "tiny", "base": yaml.safe_load(base), "stages": {1: {"kernel": [3, 5]}}}
    Path("conf/space/tiny.yaml").write_text(yaml.safe_dump(space))
    asked = ["--config-dir", "conf", "space=tiny", "contexts=1", *QUICK]
    main(["latency", "--table", "check=0", *asked])
    assert "results/latency/table.yaml" in capsys.readouterr().out
    main(["latency", "table=mine.yaml", "check=1", *asked])
    assert yaml.safe_load(Path("mine.yaml").read_text())["milliseconds"]


@pytest.mark.parametrize("spelt", [["--format", "timm"], ["--format=timm"], ["format=timm"]])
def test_a_network_is_spelt_for_timm(spelt: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    main(["scale"])
    main(["export", "results/efficientnet_b0/family/b3.yaml", *spelt])
    assert "b3_timm.py" in capsys.readouterr().out
    source = Path("b3_timm.py").read_text()
    compile(source, "b3_timm.py", "exec")
    assert "'ir_r5_k3_s2_e6_c96_se0.25'" in source


def test_weights_go_along_under_timms_names(capsys: pytest.CaptureFixture[str]) -> None:
    arch = load_arch(tiny("small"))
    model = build(arch)
    save_weights(model, "in.pth")
    main(["export", "small.yaml", "format=timm", "weights=in.pth", "out=new/net.py"])
    kept = load_file("new/net.safetensors")
    assert kept.keys() == timm_state_dict(model).keys()
    assert all(torch.equal(kept[name], t) for name, t in timm_state_dict(model).items())


def test_other_runtimes_get_a_checked_file(capsys: pytest.CaptureFixture[str]) -> None:
    main(["export", tiny("small"), "--format", "program", "out=x.pt2"])
    printed = capsys.readouterr().out
    assert "x.pt2; logits within" in printed
    assert printed.endswith("; untrained weights (seed 0)\n")
    assert Path("x.pt2").stat().st_size


def test_weights_and_classes_reach_the_export(capsys: pytest.CaptureFixture[str]) -> None:
    model = build(load_arch(tiny("small")))
    averaged = build(load_arch("small.yaml"))
    content = {"state_dict": model.state_dict(), "state_dict_ema": averaged.state_dict()}
    torch.save(content, "model_best.pth.tar")
    asked = ["export", "small.yaml", "weights=model_best.pth.tar", "num_classes=3"]
    main([*asked, "format=program", "out=x.pt2"])
    assert "untrained" not in capsys.readouterr().out
    exported = torch.export.load("x.pt2")
    assert torch.equal(exported.state_dict["conv_stem.weight"], averaged.conv_stem.weight)
    assert exported.module()(torch.zeros(2, 3, 16, 16)).shape == (2, 3)
    main([*asked, "format=timm", "out=net.py"])
    assert "num_classes=3" in Path("net.py").read_text()
    kept = load_file("net.safetensors")["classifier.weight"]
    assert torch.equal(kept, exported.state_dict["classifier.weight"])


def test_a_file_that_cannot_be_written_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    Path("file").touch()
    for out, code, words in (
        ("/proc/x.pt2", 1, "/proc"),
        ("file/x.pt2", 2, "out: file is a file; expected a folder"),
    ):
        with pytest.raises(SystemExit) as stopped:
            main(["export", tiny("small"), "--format", "program", f"out={out}"])
        assert stopped.value.code == code
        assert capsys.readouterr().err.splitlines()[-1].startswith(f"nas-search: {words}")
    assert not list(Path().glob(".*.part"))


FORMULA = ("coefficients=formula", "alpha=1.2", "beta=1.1", "gamma=1.15")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["zoo", "b0"], ("b0", "name=value")),
        (["scale", "depth=deep"], ("depth", "multiplier", "deep")),
        (["scale", "depth=0"], ("depth", "above 0")),
        (["scale", "resolution=1.5"], ("resolution", "pixels", "1.5")),
        (["scale", "width=2", "alpha=1.2"], ("alpha", "family")),
        (["scale", "width=2", "depth_rounding=up"], ("depth_rounding", "ceil")),
        (["ablate", "ratio=many"], ("ratio", "a number", "many")),
        (["ablate", "ratio=-1"], ("ratio", "above 0")),
        (["ablate", "ratios=2"], ("ratios", "a list")),
        (["ablate", "ratio=1e9"], ("depth", "no more than")),
        (["ablate", "ratio=1"], ("ratio", "efficientnet_b0 itself", "further from 1")),
        (["ablate", "ratios=[2,1.0001]"], ("ratio", "efficientnet_b0 itself")),
        (["scale", *FORMULA, "phis=[]"], ("phis", "at least one φ other than 0", "[]")),
        (["scale", *FORMULA, "phis=[0]"], ("phis", "at least one φ other than 0", "[0]")),
        (["scale", "coefficients=formula", "alpha=1", "beta=1", "gamma=1"], ("alpha", "above 1")),
        (["ablate", "depth_rounding=up"], ("depth_rounding", "ceil")),
        (["ablate", "train=true", "seeds=0"], ("seeds", "an integer of at least 1", "0")),
        (["ablate", "train=true", "seed=true"], ("seed", "an integer of at least 0", "True")),
        (["sweep", "per_stage=some"], ("per_stage", "an integer of at least 0", "some")),
        (["ablate", "alpha=1.2"], ("beta", "alpha, beta and gamma")),
        (["ablate", "constants=nowhere.yaml"], ("nowhere.yaml",)),
        (["ablate", "baseline=nope"], ("nope", "neither")),
        (["latency"], ("networks", "zoo names or YAML files")),
        (["latency", "nope"], ("nope", "neither")),
        (["latency", "resnet50", "device=gpu"], ("device", "gpu", "cpu")),
        (["latency", "resnet50", "runs=0"], ("runs", "at least 1")),
        (["latency", "resnet50", "threads=two"], ("threads", "an integer", "two")),
        (["latency", "resnet50", "clock=processor", "threads=2"], ("clock", "threads=1")),
        (["latency", "resnet50", "--table"], ("networks", "space")),
        (["latency", "--table=x.yaml"], ("--table", "table=")),
        (["latency", "--table", "check=-1"], ("check", "at least 0")),
        (["latency", "--table", "contexts=0"], ("contexts", "at least 1")),
        (["latency", "--table", "space=nope"], ("space: no option 'nope'",)),
        (["cost", "resnet50", "check=maybe"], ("check", "true or false", "maybe")),
        (["export", "resnet50"], ("format", "timm, onnx, int8, program")),
        (["export", "resnet50", "--format"], ("--format", "a value")),
        (["export", "resnet50", "--format", "tim"], ("format", "did you mean 'timm'")),
        (["export", "--format", "timm"], ("network",)),
        (["export", "nope", "--format", "timm"], ("nope", "neither")),
        (["export", "resnet50", "format=timm", "weights=no.pth"], ("weights", "no.pth")),
        (["export", "resnet50", "format=timm", "out=/"], ("out", "folder")),
        (
            ["export", "resnet50", "format=onnx", "num_classes=0"],
            ("num_classes", "at least 1", "0"),
        ),
        (["export", "resnet50", "format=onnx", "num_classes=x"], ("num_classes", "integer", "x")),
        (["export", "resnet50", "format=onnx", "weights=/"], ("weights", "ending in")),
    ],
)
def test_a_mistake_gives_one_line(
    arguments: list[str], words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    printed = capsys.readouterr()
    assert (stopped.value.code, printed.out) == (2, "")
    assert printed.err.count("\n") == 1
    assert all(word in printed.err for word in words)
    assert not list(Path.cwd().iterdir())
