"""`nas-search` as people use it: verbs, overrides, and one line for every mistake."""

import csv
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from PIL import Image

import toy
from nas.cli import VERBS, main
from nas.runs.folder import RunFolder, logged
from search_spaces.yaml_io import arch_to_yaml, load_arch, read_about

PUBLISHED = {  # params, MACs: EfficientNet B0 to B7
    "b0": (5288548, 385814752),
    "b1": (7794184, 686802832),
    "b2": (9109994, 993561872),
    "b3": (12233232, 1827141392),
    "b4": (19341616, 4393771024),
    "b5": (30389784, 10266384752),
    "b6": (43040704, 19067593536),
    "b7": (66347960, 37745884192),
}


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def mistake(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line that a mistake gives; nothing may have been written."""
    before = sorted(Path.cwd().rglob("*"))
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    printed = capsys.readouterr()
    assert stopped.value.code == 2
    assert printed.out == ""
    assert printed.err.startswith("nas-search: ")
    assert printed.err.count("\n") == 1
    assert sorted(Path.cwd().rglob("*")) == before
    return printed.err


def images(folder: Path, classes: tuple[str, ...], count: int = 6) -> Path:
    for name in classes:
        (folder / name).mkdir(parents=True)
        for index in range(count):
            Image.new("RGB", (20, 20), (index * 9, 40, 80)).save(folder / name / f"{index}.png")
    return folder


def test_help_names_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--help"])
    text = capsys.readouterr().out
    assert all(f"  {verb}" in text for verb in VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    main([verb, "--help"])
    text = capsys.readouterr().out
    assert VERBS[verb].example in text
    assert "settings:" in text


def test_help_of_the_search_lists_groups_and_their_options(
    capsys: pytest.CaptureFixture[str],
) -> None:
    main(["search", "--help"])
    text = capsys.readouterr().out
    assert "kernel_expand*" in text
    assert "mnasnet" in text
    assert "trials: " in text


def test_the_command_line_imports_no_framework() -> None:
    heavy = "torch", "ray", "plotly", "pandas", "optuna", "hydra"
    code = f"import sys, nas.cli; sys.exit([m for m in {heavy} if m in sys.modules] or 0)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_scaling_needs_neither_torch_nor_ray(tmp_path: Path) -> None:
    code = (
        "import sys, nas.cli; nas.cli.main(['scale', 'run=r']);"
        "sys.exit([m for m in ('torch', 'ray', 'plotly', 'optuna') if m in sys.modules] or 0)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_published_family_is_exact() -> None:
    main(["scale", "baseline=efficientnet_b0", "coefficients=published"])
    folder = Path("results/efficientnet_b0/family")
    found = {path.stem: read_about(path) for path in sorted(folder.iterdir())}
    assert {name: (a["params"], a["macs"]) for name, a in found.items()} == PUBLISHED
    assert load_arch(str(folder / "b7.yaml")).resolution == 600


def test_a_family_by_formula_replaces_a_larger_one() -> None:
    main(["scale", "run=r"])
    constants = ["alpha=1.2", "beta=1.1", "gamma=1.15"]
    main(["scale", "run=r", "coefficients=formula", *constants, "phis=[-1,1]"])
    assert sorted(path.name for path in Path("r/family").iterdir()) == [
        "b-1.yaml",
        "b0.yaml",
        "b1.yaml",
    ]


def test_cost_takes_names_and_files(capsys: pytest.CaptureFixture[str]) -> None:
    Path("my net.yaml").write_text(arch_to_yaml(load_arch("efficientnet_b0")))
    main(["cost", "efficientnet_b0", "my net.yaml"])
    assert capsys.readouterr().out.count("385,814,752") == 2


def test_hydra_shows_the_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    main(["search", "--cfg", "job", "search.trials=7"])
    assert yaml.safe_load(capsys.readouterr().out)["search"]["trials"] == 7


def test_multirun_runs_every_combination() -> None:
    main(["scale", "--multirun", "baseline=efficientnet_b0,mobilenet_v2"])
    assert Path("results/efficientnet_b0/family/b7.yaml").exists()
    assert Path("results/mobilenet_v2/family/b7.yaml").exists()


def test_a_config_of_ones_own_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    Path("mine/space").mkdir(parents=True)
    Path("mine/space/tiny.yaml").write_text("name: tiny\nbase: efficientnet_b0\nvary: {}\n")
    main(["search", "--config-dir", "mine", "space=tiny", "--cfg", "job"])
    assert yaml.safe_load(capsys.readouterr().out)["space"]["name"] == "tiny"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["serach"], ("serach", "did you mean 'search'")),
        (["search", "serach.trials=3"], ("serach",)),
        (["search", "search.trails=3"], ("trails",)),
        (["search", "search.trials=many"], ("search.trials", "integer", "many")),
        (["search", "search.trials=0"], ("search.trials", "at least 1")),
        (["search", "sampler.initial=0"], ("nas-search: sampler.initial: expected at least 1",)),
        (
            ["search", "+sampler.prior.trend=[3,0]"],
            ("nas-search: sampler.prior.trend: expected two numbers above 0, got 3.0, 0.0",),
        ),
        (["search", "recipe.lr=-1"], ("nas-search: evaluator.recipe.lr: expected above 0",)),
        (["search", "evaluator.width=-1"], ("nas-search: evaluator.width: expected above 0",)),
        (["search", "search.workers=0"], ("search.workers", "at least 1")),
        (["search", "space=nope"], ("space: no option 'nope'", "kernel_expand")),
        (["search", "data=nope"], ("data: no option 'nope'", "digits")),
        (["search", "reward.target=-1"], ("reward.target", "above 0")),
        (["search", "reward.target=much"], ("reward.target", "number", "much")),
        (["search", "+reward.powre=2"], ("reward", "powre")),
        (["search", "space.base=nope"], ("nope", "neither")),
        (["search", "space.vary.kernel=[4]"], ("kernel", "odd")),
        (["search", "evaluator=custom"], ("evaluator._target_",)),
        (["search", "evaluator=custom", "evaluator._target_=no.Thing"], ("no.Thing",)),
        (["search", "executor=ray", "ray.cpus=64"], ("64 CPU", "more than there is")),
        (["sweep", "ray.cpus=64"], ("64 CPU", "more than there is")),
        (["sweep", "sweep.tolerance=1e-6"], ("tolerance", "nearest")),
        (["sweep", "sweep.band=.001"], ("band",)),
        (["sweep", "baseline=nope"], ("nope", "neither")),
        (["search", "executor.name=nope"], ("executor.name", "local")),
        (["search", "search.macs_max=10"], ("within the limits",)),
        (["search", "data=imagefolder", "data.path=nowhere"], ("nowhere",)),
        (["scale", "coefficients=best"], ("coefficients", "published")),
        (["scale", "coefficients=formula"], ("constants.yaml",)),
        (["scale", "coefficients=formula", "alpha=1.2"], ("beta",)),
        (["scale", "coefficients=formula", "alpha=.5", "beta=1", "gamma=1"], ("alpha", "0.5")),
        (["scale", "baseline=nowhere.yaml"], ("nowhere.yaml", "no such file")),
        (["cost", "nope"], ("nope", "neither")),
        (["cost"], ("networks",)),
        (["dashboard", "nowhere"], ("nowhere",)),
        (["dashboard"], ("run",)),
        (["zoo", "stray"], ("stray", "name=value")),
    ],
)
def test_a_mistake_gives_one_line(
    arguments: list[str], words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    line = mistake(capsys, *arguments)
    assert all(word in line for word in words)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("repeats: 2", "repeat: 2"), ("stages[1]", "'repeat'", "did you mean 'repeats'")),
        (("repeats: 2", "repeats: two"), ("stages[1].repeats", "an integer", "two")),
        (("channels: 24", "channels: -24"), ("stages[1].channels", "-24")),
        (("kernel: 5", "kernel: 4"), ("stages[2].kernel", "odd", "4")),
        (("resolution: 224", "resolution: 3"), ("stages[", "vanishes")),
        (("stages:", "stages: ["), ("not YAML", "line")),
    ],
)
def test_a_mistake_in_a_network_is_named_with_its_place(
    change: tuple[str, str], words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    text = arch_to_yaml(load_arch("efficientnet_b0"))
    Path("net.yaml").write_text(text.replace(*change, 1))
    for verb in ("cost", "scale"):
        reference = ["net.yaml"] if verb == "cost" else ["baseline=net.yaml"]
        line = mistake(capsys, verb, *reference)
        assert "net.yaml" in line
        assert all(word in line for word in words)


def test_an_image_folder_with_one_class_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    images(Path("pets"), ("cat",))
    assert "class" in mistake(capsys, "search", "data=imagefolder", "data.path=pets")


def test_a_truncated_image_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    images(Path("pets"), ("cat", "dog"), 20)
    broken = Path("pets/cat/3.png")
    broken.write_bytes(broken.read_bytes()[:40])
    assert "3.png" in mistake(capsys, "search", "data=imagefolder", "data.path=pets")


TOY = ["evaluator=custom", "evaluator._target_=toy.Toy", "search.workers=1"]


def test_a_search_leaves_what_it_promises(capsys: pytest.CaptureFixture[str]) -> None:
    main(["search", "run=r", "search.trials=6", *TOY])
    out = capsys.readouterr()
    assert "baseline" in out.out
    assert "6/6" in out.err
    found = {str(path.relative_to("r")) for path in Path("r").rglob("*.*")}
    assert {"baseline.yaml", "trials.csv", "study.db", "config.yaml"} <= found
    assert any(name.startswith("front/") for name in found)
    baseline = load_arch("r/baseline.yaml")
    assert baseline.name == "r"
    assert read_about("r/baseline.yaml")["evaluator"] == {"dataset": "toy"}


def test_worker_processes_import_nothing_of_the_folder_that_goes_by_a_packages_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    Path("nas").mkdir()
    Path("nas/__init__.py").write_text("raise RuntimeError('this is somebody else')")
    main(["search", "run=r", "search.trials=2", *TOY, "search.workers=2"])
    with open("r/trials.csv", newline="") as file:
        assert [trial["state"] for trial in csv.DictReader(file)] == ["finished", "finished"]


def test_a_run_folder_of_another_configuration_is_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    main(["search", "run=r", "search.trials=2", *TOY])
    capsys.readouterr()
    line = mistake(capsys, "search", "run=r", "search.trials=2", "search.seed=1", *TOY)
    assert "search.seed=0, not 1" in line
    main(["search", "run=r", "search.trials=3", *TOY])  # more of the same is welcome


def test_a_run_folder_in_use_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    slow = [*TOY, "+evaluator.seconds=600", "run=r"]
    code = f"import nas.cli; nas.cli.main({['search', *slow]!r})"
    environment = {**os.environ, "PYTHONPATH": str(Path(toy.__file__).parent)}
    with subprocess.Popen([sys.executable, "-c", code], env=environment) as other:
        while not Path("r/config.yaml").exists():
            assert other.poll() is None
            time.sleep(0.02)
        with pytest.raises(SystemExit):
            main(["search", *slow])
        other.kill()
    line = f"r is in use by process {other.pid} on {socket.gethostname()}"
    assert line in capsys.readouterr().err
    # What the killed one left of its lock holds nobody up.
    assert f"process {other.pid}" in Path("r/.lock").read_text()
    with RunFolder(Path("r")).stage(logged("sweep", {}, Path("r/sweep.jsonl"))):
        assert f"process {os.getpid()}" in Path("r/.lock").read_text()


def test_ctrl_c_is_the_programs_again_once_a_verb_has_ended(capsys) -> None:
    before = signal.getsignal(signal.SIGINT)
    main(["zoo"])
    with pytest.raises(SystemExit):
        main(["cost", "nonsense"])
    assert signal.getsignal(signal.SIGINT) is before


def test_a_path_in_the_home_folder_needs_no_quotes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(SystemExit):
        main(["search", "data=imagefolder", "data.path=~/my pets", f"run={tmp_path / 'run'}"])
    assert f"{tmp_path}/my pets" in capsys.readouterr().err


@pytest.mark.parametrize("data", ["imagefolder", "parquet"])
def test_a_mistyped_path_of_data_is_told_before_a_framework_is_imported(data: str) -> None:
    code = (
        f"import sys, nas.cli\n"
        f"try: nas.cli.main(['search', 'data={data}', 'data.path=~/no such', 'run=r'])\n"
        f"except SystemExit as end: sys.exit(end.code if 'torch' not in sys.modules else 'torch')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    assert "data.path: no such file or folder" in done.stderr
    assert not Path("r").exists()
