"""`nas-search run train.members=…`: a run that ends in trained networks."""

from pathlib import Path

import pytest
import yaml

from nas.cli import main
from nas.networks.trained import read_card
from nas.verbs.member_pixels import pixels_in
from quick import SMALL
from search_spaces.yaml_io import load_arch, write_arch

RUN = [
    *("run", "run=r", "space.base=net.yaml", "~space.stages", "sampler=random", "data.limit=120"),
    *("search.trials=1", "executor=local", "sweep_executor=local", "workers=1", "phis=[1]"),
    *("evaluator.epochs=8", "evaluator.width=0.5", "evaluator.resolution=12"),
    *("evaluator.base_resolution=64", "sweep=grid", "sweep.step=0.2", "sweep.seeds=1"),
]
TRAIN = ["train.members=[b0,b1]", "train.recipe=plain", "train.recipe.epochs=1"]


@pytest.fixture(autouse=True)
def _beside_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_arch(SMALL, "net.yaml")


def test_a_run_ends_in_trained_members(capsys: pytest.CaptureFixture[str]) -> None:
    main([*RUN, *TRAIN])
    told = capsys.readouterr().out
    assert "── 4/5 training" in told
    assert "── 5/5 dashboard" in told
    card = read_card("r/trained/b0")
    assert card.test is not None
    found = card.test.accuracy
    assert f"{found.value:.4f} [{found.low:.4f}, {found.high:.4f}]" in told
    assert card.recipe["optimizer"] == "sgd"
    # Digits of 8 px, and proxies of 12: more would add cost and no detail.
    grown = load_arch("r/family/b1.yaml").resolution
    assert card.arch.resolution == 12
    assert read_card("r/trained/b1").arch.resolution == round(12 * grown / 64)
    assert "expected proxy accuracy [95 %]" in told
    assert "Trained" in Path("r/dashboard.html").read_text("utf-8")
    weights = Path("r/trained/b0/weights.safetensors").read_bytes()
    main([*RUN, *TRAIN])
    assert "b0: trained already" in capsys.readouterr().err
    main(["train", "members=[b0]", "run=r", "data.limit=120", "recipe=plain", "recipe.epochs=1"])
    assert "b0: trained already" in capsys.readouterr().err
    assert Path("r/trained/b0/weights.safetensors").read_bytes() == weights


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["train.members=[b2]"], "train.members: 'b2': the family has b0, b1"),
        (["train.members=b0"], "train.members: expected a list such as [b0,b2], got 'b0'"),
        (["train.members=null"], "train.members: expected a list such as [b0,b2], got None"),
        (["train.members=[b0,b0]"], "train.members: expected each once"),
        ([TRAIN[0], "train.recipe=short"], "train.recipe: nas.training.recipe.Recipe is a proxy's"),
        ([TRAIN[0], "train.recipe=sort"], "recipe/sort: no such option"),
        ([*TRAIN, "train.recipe.epochs=0"], "train.recipe.epochs: expected at least 1, got 0"),
        ([*TRAIN, "train.recipe.minival=500"], "train.recipe.minival: expected fewer than the 120"),
        ([*TRAIN, "train.resolution=0"], "train.resolution: expected an integer of at least 1"),
        ([*TRAIN, "train.weights=gone.safetensors"], "train.weights: gone.safetensors: no such"),
        ([*TRAIN, "+train.epochs=3"], "train.epochs: no such setting"),
        ([*TRAIN, "coefficients=published", "phis=[1]"], "phis: need coefficients=formula"),
    ],
)
def test_a_mistake_is_told_before_the_search(
    arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([*RUN, *arguments])
    assert stopped.value.code == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert expected in line
    assert not Path("r").exists()


def _family(*resolutions: int) -> None:
    for number, resolution in enumerate(resolutions):
        write_arch(SMALL.replace(resolution=resolution), f"r/family/b{number}.yaml")


def _measured_on(**said: int) -> None:
    evaluator = {name.replace("_", " "): value for name, value in said.items()}
    write_arch(SMALL, "r/baseline.yaml", {"evaluator": evaluator})


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"largest_image": 32, "resolution": 40}, [40, 45]),  # as many as proxies were fed
        ({"largest_image": 96, "resolution": 40}, [96, 108]),  # as many as images have
        ({"largest_image": 500, "resolution": 40}, [224, 252]),  # their own
        ({"resolution": 40}, [224, 252]),  # nothing is known of the images
    ],
)
def test_members_are_fed_no_more_than_small_images_have(
    said: dict[str, int], expected: list[int]
) -> None:
    Path("r/family").mkdir(parents=True)
    _family(224, 252)
    _measured_on(**said)
    found = [pixels_in(Path("r"), load_arch(f"r/family/b{n}.yaml")) for n in (0, 1)]
    assert found == expected


def test_a_resolution_that_is_given_is_every_members(capsys: pytest.CaptureFixture[str]) -> None:
    Path("r/family").mkdir(parents=True)
    _family(224, 252)
    main(["train", "members=[b0,b1]", "run=r", "resolution=12", "data.limit=120", "recipe=plain",
          "recipe.epochs=1"])  # fmt: skip
    about = [yaml.safe_load(Path(f"r/trained/b{n}/network.yaml").read_text()) for n in (0, 1)]
    assert [each["resolution"] for each in about] == [12, 12]
