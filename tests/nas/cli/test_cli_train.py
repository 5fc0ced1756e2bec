"""`nas-search train`: what it says, what it refuses, and what it leaves."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from nas.cli import main
from nas.data.dataset import identity, splits
from nas.networks.trained import read_card
from nas.runs.locks import held
from pictures import image_folder
from quick import SMALL
from search_spaces.yaml_io import read_about, write_arch

FAST = ["data.limit=150", "recipe.epochs=2", "threads=1", "resolution=12"]
TRAIN = ["train", "net.yaml", "run=r", *FAST]


@pytest.fixture(autouse=True)
def _beside_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_arch(SMALL, "net.yaml")


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """The exit code, and the last line on the terminal."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as stopped:
        main(list(arguments))
    assert isinstance(stopped.value.code, int)
    lines = capsys.readouterr().err.strip().splitlines()
    assert not any("Traceback" in line for line in lines)
    return stopped.value.code, lines[-1]


def files() -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}


def test_it_ends_with_test_accuracy_and_does_nothing_twice(
    capsys: pytest.CaptureFixture[str],
) -> None:
    main(TRAIN)
    told = capsys.readouterr()
    card = read_card("r/trained/net/weights.safetensors")
    assert card.test is not None
    assert f"{card.test.images} test images are read at the end" in told.err
    assert "train net 2/2" in told.err
    header, row = told.out.splitlines()
    assert header.split()[:3] == ["network", "px", "params"]
    main(["evaluate", "r/trained/net", "data.limit=150"])
    figures = json.loads(Path("r/trained/net/test_12px.json").read_text("utf-8"))
    capsys.readouterr()
    for each in (figures["accuracy"], figures["top5"]):
        assert f"{each['value']:.4f} [{each['low']:.4f}, {each['high']:.4f}]" in row
    for name in ("loss", "calibration_error"):
        assert f" {figures[name]:.4f} " in row
    assert row.endswith("r/trained/net")
    before = files()
    main(TRAIN)
    again = capsys.readouterr()
    assert again.out == told.out
    done, *steps = again.err.splitlines()
    assert done == "net: trained already, in r/trained/net; nothing is left to do"
    assert steps[0] == "next      nas-search evaluate r/trained/net data=digits data.limit=150"
    assert [step.split()[1] for step in steps[1:]] == ["predict", "export"]
    assert files() == before


def test_data_are_judged_by_their_own_metric(capsys: pytest.CaptureFixture[str]) -> None:
    main([*TRAIN, "recipe.epochs=1", "data.metric=mean_per_class"])
    told = capsys.readouterr()
    card = read_card("r/trained/net")
    assert card.test is not None
    assert card.worth == card.test.mean_per_class
    assert "choose the epoch by mean accuracy per class" in told.err
    header, row = told.out.splitlines()
    assert header.index("test mean accuracy per class") < header.index("test top-1 accuracy")
    per_class, top1 = card.test.mean_per_class.value, card.test.accuracy.value
    assert f"{per_class:.4f} [" in row
    assert f"{top1:.4f} [" in row
    _, line = refused(capsys, *TRAIN, "recipe.epochs=1")
    assert "metric" in line


def test_members_of_a_family_are_trained_by_their_phi(capsys: pytest.CaptureFixture[str]) -> None:
    main(["scale", "net.yaml", "run=r", "coefficients=formula", "phis=[1]", "alpha=1.2",
          "beta=1.1", "gamma=1.15"])  # fmt: skip
    main(["train", "members=[b0,b1]", "run=r", *FAST, "recipe.policy=randaugment",
          "recipe.epochs=1"])  # fmt: skip
    found = [
        yaml.safe_load(Path(f"r/trained/{name}/settings.yaml").read_text()) for name in ("b0", "b1")
    ]
    assert [each["phi"] for each in found] == [0.0, 1.0]
    small, large = (each["member"] for each in found)
    assert small == {"dropout": 0.2, "drop_path": 0.05, "magnitude": 5.0}
    assert large["dropout"] == pytest.approx(0.2 * (1 + 1.5 / 7), abs=1e-6)
    assert large["magnitude"] == pytest.approx(5 + 5 / 7, abs=1e-6)
    network = yaml.safe_load(Path("r/trained/b1/network.yaml").read_text())
    assert network["about"]["magnitude"] == large["magnitude"]
    rows = capsys.readouterr().out.splitlines()[-2:]
    assert [row.split()[0] for row in rows] == ["b0", "b1"]


def test_another_recipe_needs_another_folder(capsys: pytest.CaptureFixture[str]) -> None:
    main([*TRAIN, "recipe.epochs=1"])
    before = files()
    code, line = refused(capsys, *TRAIN, "recipe.epochs=1", "recipe.lr=0.5")
    assert code == 2
    assert line.startswith("nas-search: r holds a training of net made with recipe.lr=0.2, not 0.5")
    assert files() == before
    main([*TRAIN, "recipe.epochs=1", "recipe.lr=0.5", "name=fast"])
    assert (Path("r/trained/fast") / "weights.safetensors").exists()


def test_data_that_changed_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    random = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (Path("photos") / name).mkdir(parents=True)
        for number in range(12):
            pixels = random.integers(0, 255, (16, 16, 3), np.uint8)
            Image.fromarray(pixels).save(f"photos/{name}/{number}.png")
    photos = ["train", "net.yaml", "run=r", "data=imagefolder", "data.path=photos",
              "recipe.epochs=1", "threads=1", "resolution=12"]  # fmt: skip
    main(photos)
    assert read_card("r/trained/net/weights.safetensors").classes == ("cat", "dog")
    Image.fromarray(np.zeros((20, 20, 3), np.uint8)).save("photos/cat/3.png")
    for remembered in (identity, splits):  # as in a new process
        remembered.cache_clear()
    code, line = refused(capsys, *photos)
    assert code == 2
    assert "r holds a training of net made with other data than lie there now" in line


def test_a_folder_is_written_by_one_at_a_time(capsys: pytest.CaptureFixture[str]) -> None:
    Path("r").mkdir()
    with held(Path("r/.lock"), "r"):
        code, line = refused(capsys, *TRAIN)
    assert (code, line.startswith("nas-search: r is in use by process")) == (2, True)


def test_a_loss_that_is_no_number_ends_with_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    code, line = refused(capsys, *TRAIN, "recipe.lr=1e30", "recipe.warmup_epochs=0")
    assert code == 1
    assert "net: the loss is " in line
    assert "try a recipe.lr below 1e+30" in line


def test_a_training_starts_from_another(capsys: pytest.CaptureFixture[str]) -> None:
    main([*TRAIN, "recipe.epochs=1"])
    tune = ["train", "net.yaml", "run=t", "recipe=finetune", *FAST, "weights=r/trained/net"]
    main(tune)
    assert "train small from r/trained/net: " in capsys.readouterr().err
    card = read_card("t/trained/net/weights.safetensors")
    assert card.start == "r/trained/net"
    assert card.mean == read_card("r/trained/net/weights.safetensors").mean


def test_a_larger_network_inherits_from_a_smaller_one(capsys: pytest.CaptureFixture[str]) -> None:
    main(TRAIN)
    first, *others = SMALL.stages
    write_arch(
        SMALL.replace(stages=(replace(first, repeats=first.repeats + 1), *others)), "b1.yaml"
    )
    capsys.readouterr()
    main(["train", "b1.yaml", "run=t", *FAST, "inherit=r/trained/net"])
    told = capsys.readouterr().err
    assert "from small; 1 block begins as the identity" in told
    assert read_card("t/trained/b1/weights.safetensors").start == "r/trained/net"
    changed = ["train", "b1.yaml", "run=t", *FAST, "weights=r/trained/net"]
    assert refused(capsys, *changed)[0] == 2


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["train"], "network: expected one network"),
        (["train", "net.yaml", "members=[b0]"], "network: expected one network"),
        (["train", "members=[b0]", "run=r"], "members: r/family has no b0; nas-search scale"),
        (["train", "members=b0", "run=r"], "members: expected a list such as [b0,b2], got 'b0'"),
        ([*TRAIN, "name=../x"], "name: expected the name of a folder, got '../x'"),
        (
            ["train", "net.yaml", "run=r", "recipe=short"],
            "recipe: nas.training.recipe.Recipe is a proxy's recipe; ",
        ),
        ([*TRAIN, "weights=gone.safetensors"], "weights: gone.safetensors: no such file"),
        ([*TRAIN, "inherit=gone.safetensors"], "inherit: gone.safetensors: no such file"),
        ([*TRAIN, "inherit=a", "weights=b"], "inherit: expected null where weights are given"),
        ([*TRAIN, "recipe.minival=5000"], "recipe.minival: expected fewer than the 150 training"),
        ([*TRAIN, "recipe.epochs=0"], "recipe.epochs: expected at least 1, got 0"),
        ([*TRAIN, "device=nonsense"], "device: cannot use nonsense"),
        (["train", "net.yaml", "resolution=0"], "resolution: expected an integer of at least 1"),
        ([*TRAIN, f"name={'x' * 256}"], "name: longer than the 255 bytes that a folder's"),
        ([*TRAIN, "threads=1000000"], "threads: expected at most 1024, got 1000000"),
        ([*TRAIN, "loader_workers=9999"], "loader_workers: expected at most 1024, got 9999"),
        ([*TRAIN, "weights=hf-hub:"], "weights: hf-hub:: expected hf-hub:OWNER/NAME or "),
        ([*TRAIN, "resolution=1"], "resolution: 1 px: stem: the feature map vanishes"),
        (["train", "gone.yaml"], "network: gone.yaml: no such file"),
        ([*TRAIN, "weights=net.yaml"], "weights: net.yaml: "),
        ([*TRAIN, "inherit=net.yaml"], "inherit: net.yaml: "),
        (
            ["train", "net.yaml", "run=net.yaml", *FAST],
            "run: net.yaml is a file; expected a folder",
        ),
        ([*TRAIN, "data=imagefolder", "data.path=gone"], "data.path: "),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(
    capsys: pytest.CaptureFixture[str], arguments: list[str], expected: str
) -> None:
    before = files()
    if "data=imagefolder" in arguments:
        arguments = [each for each in arguments if each != "data.limit=150"]
    code, line = refused(capsys, *arguments)
    assert code == 2
    assert line.startswith(f"nas-search: {expected}")
    assert files() == before
    assert not Path("r").exists()


def test_a_files_network_goes_to_a_run_folder_which_the_first_lines_name(
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = set(Path().iterdir())
    fast = [*FAST, "recipe.epochs=1"]
    main(["train", "net.yaml", *fast])
    told = capsys.readouterr().err
    assert "; 1 epoch of " in told
    assert "into results/net/trained/net, with" in told
    assert set(Path().iterdir()) == before | {Path("results")}
    # A file of that run folder belongs to it, from wherever it is named.
    main(["train", "results/net/trained/net/network.yaml", *fast])
    assert "into results/net/trained/network, with" in capsys.readouterr().err


def test_a_refusal_names_the_folder_and_both_remedies(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    main([*TRAIN, "recipe.epochs=1"])
    monkeypatch.chdir("r")
    write_arch(SMALL, "net.yaml")
    code, line = refused(capsys, "train", "net.yaml", *FAST, "recipe.epochs=1", "recipe.lr=0.5")
    assert code == 2
    assert line.startswith(f"nas-search: {Path.cwd()} holds a training of net made with recipe.lr=")
    assert "give another folder with run=…, another name=…, or the same configuration" in line


def test_names_of_classes_that_are_no_utf_8_are_kept_as_they_are_shown() -> None:
    image_folder(Path("pets"), {"caf\udce9": 20, "dog": 20})
    fast = ["recipe.epochs=1", "threads=1", "resolution=12"]
    main(["train", "net.yaml", "run=r", "data=imagefolder", "data.path=pets", *fast])
    about = read_about("r/trained/net/network.yaml")
    assert about["classes"] == ["caf\\udce9", "dog"]
    assert read_card("r/trained/net").classes == ("caf\\udce9", "dog")
