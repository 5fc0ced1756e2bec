"""What a search pays with: MACs, parameters, activations, or a latency from a table."""

import random
from pathlib import Path

import pytest
import yaml

from nas.cli import main
from nas.executors.local import InProcess
from nas.latency.cover import covering
from nas.latency.table import LatencyTable, parts, write_table
from nas.networks.cost import cost
from nas.runs.storage import SqliteFile
from nas.runs.study import StudyStore, recorded
from nas.samplers.optuna import OptunaSampler
from nas.searches.loop import Search, SearchSettings
from nas.searches.pricing import COUNTED, Activations, CostMetric, Macs, Parameters, TableLatency
from nas.searches.rewards import Front, Soft
from search_spaces.errors import UserError
from search_spaces.space import Space, load_space
from search_spaces.yaml_io import load_arch
from search_spaces.zoo import zoo
from toy import Toy

B0 = zoo("efficientnet_b0")
FIXED = {index: {"kernel": [3], "expand": [6]} for index in range(4, 7)}
SPACE = {"name": "s", "base": "efficientnet_b0", "vary": {"kernel": [3, 5], "expand": [3, 6]},
         "stages": FIXED}  # fmt: skip


def space() -> Space:
    return load_space(SPACE, "space")


def table(path: Path, factor: float = 1.0) -> str:
    """A table of the space whose times follow from the names of the parts."""
    rng = random.Random(0)
    names = sorted({part for arch in covering(space(), 1, 0) for part in parts(arch)})
    seconds = {name: factor * rng.uniform(1e-3, 3e-3) for name in names}
    write_table(LatencyTable(seconds, 1.0, {"device": "abacus"}), path)
    return str(path)


def search(folder: Path, price: CostMetric, *, front: bool = False,
           latency: CostMetric | None = None, **settings: object) -> Search:  # fmt: skip
    return Search(
        space=space(),
        sampler=OptunaSampler(sampler="optuna.samplers.TPESampler"),
        reward=(Front if front else Soft)(target=5e6),
        settings=SearchSettings(**settings),  # type: ignore[arg-type]
        store=StudyStore(
            SqliteFile(folder / "study.db"),
            "test",
            ("maximize", "minimize") if front else ("maximize",),
        ),
        progress=lambda records, finished: None,
        cost_metric=price,
        latency=latency,
    )


def test_prices_are_what_they_are_called(tmp_path: Path) -> None:
    known = cost(B0)
    assert Macs()(B0, known) == known.macs
    assert Parameters()(B0, known) == known.params
    assert Activations()(B0, known) == known.activations
    for name, metric in COUNTED.items():
        assert metric(B0, known) == getattr(known, name)
    price = TableLatency(table(tmp_path / "t.yaml"))
    arch = space().decode(space().sample(random.Random(1)))
    stored = yaml.safe_load((tmp_path / "t.yaml").read_text())["milliseconds"]
    assert price(arch, cost(arch)) == pytest.approx(sum(stored[part] for part in parts(arch)))
    assert [each.unit for each in (Macs(), Parameters(), price)] == ["MACs", "params", "ms"]
    assert price.describe()["device"] == "abacus"


@pytest.mark.parametrize("front", [False, True])
@pytest.mark.parametrize("kind", ["params", "activations", "latency"])
def test_rewards_and_fronts_are_of_the_price_asked_for(
    tmp_path: Path, kind: str, front: bool
) -> None:
    timed = kind == "latency"
    price = TableLatency(table(tmp_path / "t.yaml")) if timed else COUNTED[kind]
    asked = search(tmp_path, price, front=front, trials=8)
    asked.check()
    for record in asked.run(lambda: InProcess(Toy())):
        arch = space().decode(record.choices)
        assert record.cost == pytest.approx(price(arch, cost(arch)))
        assert record.accuracy is not None
        assert record.reward == asked.reward(record.accuracy, record.cost)
        assert record.macs == cost(arch).macs
    trials = asked.store.trials()
    assert all(trial.values[-1] == trial.user_attrs["cost"] for trial in trials if front)


def test_networks_slower_than_the_limit_are_not_evaluated(tmp_path: Path) -> None:
    price = TableLatency(table(tmp_path / "t.yaml"))
    drawn = [space().decode(space().sample(random.Random(seed))) for seed in range(50)]
    middle = sorted(price(arch, cost(arch)) for arch in drawn)[25]
    asked = search(tmp_path, Macs(), latency=price, latency_max=middle, trials=10)
    archs = [space().decode(r.choices) for r in asked.run(lambda: InProcess(Toy()))]
    assert len(archs) == 10
    assert all(price(arch, cost(arch)) <= middle for arch in archs)
    with pytest.raises(UserError, match=r"within the limits: ms ≤ 0\.5"):
        search(tmp_path, Macs(), latency=price, latency_max=0.5).check()
    with pytest.raises(UserError, match=r"search\.latency_max: needs a table"):
        search(tmp_path, Macs(), latency_max=0.5).check()


def test_a_table_of_another_space_is_refused_before_anything_is_evaluated(tmp_path: Path) -> None:
    write_table(LatencyTable({"stem": 1.0}), tmp_path / "other.yaml")
    with pytest.raises(UserError, match=r"other\.yaml holds no time of"):
        search(tmp_path, TableLatency(str(tmp_path / "other.yaml"))).check()


@pytest.fixture
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("conf/space").mkdir(parents=True)
    Path("conf/space/s.yaml").write_text(yaml.safe_dump(SPACE))


ASKED = ["search", "--config-dir", "conf", "space=s", "search.trials=3", "search.workers=1",
         "evaluator=custom", "evaluator._target_=toy.Toy", "run=r"]  # fmt: skip


@pytest.mark.usefixtures("_in_an_empty_folder")
def test_the_command_line_prices_by_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    latency = ["cost=latency", "reward.target=30", f"latency_table={table(Path('t.yaml'))}"]
    main([*ASKED, *latency, "search.latency_max=100"])
    arch = load_arch("r/baseline.yaml")
    assert arch.resolution == 224
    capsys.readouterr()
    table(Path("t.yaml"), factor=1.01)
    with pytest.raises(SystemExit):
        main([*ASKED, *latency, "search.latency_max=100"])
    assert "made with cost.table=" in capsys.readouterr().err


@pytest.mark.usefixtures("_in_an_empty_folder")
def test_the_command_line_prices_by_activations() -> None:
    main([*ASKED, "cost=activations"])
    for record in recorded(Path("r")):
        assert record.cost == cost(record.arch).activations


@pytest.mark.usefixtures("_in_an_empty_folder")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["cost=latency", "reward.target=30"], ("latency_table", "--table")),
        (
            ["cost=latency", "latency_table=no.yaml", "reward.target=30"],
            ("no.yaml", "no such file"),
        ),
        (["search.latency_max=30"], ("latency_table", "--table")),
        (["search.latency_max=-1"], ("latency_max", "above 0")),
        (["cost=nope"], ("cost/nope", "latency")),
    ],
)
def test_a_mistake_gives_one_line(
    arguments: list[str], words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([*ASKED, *arguments])
    printed = capsys.readouterr()
    assert (stopped.value.code, printed.out, printed.err.count("\n")) == (2, "", 1)
    assert all(word in printed.err for word in words)
    assert not Path("r").exists()


@pytest.mark.usefixtures("_in_an_empty_folder")
def test_a_latency_to_aim_at_has_no_default(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([*ASKED, "cost=latency", f"latency_table={table(Path('t.yaml'))}"])
    assert "reward.target: expected a number" in capsys.readouterr().err
