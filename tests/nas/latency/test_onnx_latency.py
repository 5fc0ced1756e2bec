"""Latency under ONNX Runtime: whole networks, the parts that it fuses, and searches that pay it."""

from collections import Counter
from pathlib import Path

import onnx
import pytest
import yaml

from nas.latency.measure import LatencySettings, time_networks
from nas.latency.onnx_subject import _blocks, parts_of
from nas.latency.profile import Check, TableSettings, build_table
from nas.latency.table import parts, read_table, write_table
from nas.networks.cost import cost
from nas.networks.export import onnx_model, seeded
from nas.searches.pricing import OnnxRuntimeLatency
from search_spaces.arch import Arch
from search_spaces.ends import Head, Stem
from search_spaces.errors import UserError
from search_spaces.space import load_space
from search_spaces.stage import Stage
from search_spaces.yaml_io import arch_to_yaml

TINY = Arch(
    name="tiny",
    resolution=16,
    num_classes=3,
    stem=Stem(channels=8),
    stages=(
        Stage(repeats=2, stride=2, expand=2, channels=8, se=0.25),
        Stage(op="sepconv", channels=16),
    ),
    head=Head(channels=16),
)
ONNX = LatencySettings(engine="onnxruntime", runs=3, warmup=1)


def silent(done: int, total: int) -> None:
    pass


def test_each_convolution_is_counted_to_the_part_that_it_is_in() -> None:
    model = seeded(TINY)
    content = onnx_model(model)
    place = parts_of(content, [name for name, _ in _blocks(model)])
    graph = onnx.load_from_string(content).graph
    convs = Counter(place[node.name] for node in graph.node if node.op_type == "Conv")
    # Stem; two inverted residuals with squeeze-and-excitation; one separable; the head's own.
    assert convs == {0: 1, 1: 5, 2: 5, 3: 2, 4: 1}
    assert [place[node.name] for node in graph.node if node.op_type in ("Gemm", "MatMul")] == [4]


def test_a_network_is_timed_whole_and_part_by_part() -> None:
    session = time_networks([(TINY, True)], ONNX, silent)
    assert session.wholes[0].shape == (3,)
    (laps,) = session.laps
    assert laps.shape == (3, len(parts(TINY)))
    assert (laps > 0).all()


def test_a_table_of_onnx_runtime_prices_a_search_and_one_of_torch_does_not(tmp_path: Path) -> None:
    base = yaml.safe_load(arch_to_yaml(TINY))
    space = load_space({"name": "tiny", "base": base, "vary": {"kernel": [3, 5]}}, "space")
    table, check = build_table(space, ONNX, TableSettings(contexts=1, networks=1), silent)
    assert check is not None
    write_table(table, tmp_path / "table.yaml")
    about = read_table(tmp_path / "table.yaml").about
    assert about["settings"]["engine"] == "onnxruntime"
    assert about["check"].keys() >= {"within_5_percent", "within_10_percent"}
    price = OnnxRuntimeLatency(str(tmp_path / "table.yaml"))
    assert price(TINY, cost(TINY)) > 0
    said = (tmp_path / "table.yaml").read_text("utf-8").replace("onnxruntime\n", "torch\n")
    (tmp_path / "torch.yaml").write_text(said, "utf-8")
    with pytest.raises(UserError, match="was measured with torch; expected one of nas-search"):
        OnnxRuntimeLatency(str(tmp_path / "torch.yaml"))


def test_the_share_of_networks_that_are_predicted_within_some_percent() -> None:
    check = Check(predicted=(1.0, 2.18, 3.6, 4.0), measured=(1.04, 2.0, 3.0, 4.0), halves=((), ()))
    assert check.within(0.05) == 0.5
    assert check.within(0.1) == 0.75


@pytest.mark.parametrize("other", [{"device": "cuda"}, {"dtype": "bfloat16"}])
def test_only_what_onnx_runtime_is_timed_with(other: dict[str, str]) -> None:
    with pytest.raises(UserError, match="engine: onnxruntime is timed with device=cpu"):
        LatencySettings(engine="onnxruntime", **other)  # type: ignore[arg-type]
