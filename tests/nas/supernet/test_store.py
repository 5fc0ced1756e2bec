"""What a candidate has of a supernet's weights: exactly its slices, for every space shipped."""

import random

import pytest
import torch
from torch import nn

from nas.networks.cost import cost
from nas.supernet.candidate import candidate
from nas.supernet.cover import cover
from nas.supernet.modules import Modules, skeleton
from nas.supernet.slices import Sharing
from nas.supernet.store import Layout, Store
from nas.training.update import BATCH_NORMS
from search_spaces.arch import Arch
from search_spaces.ends import Head, Stem
from search_spaces.errors import UserError
from search_spaces.scaling import scale
from search_spaces.space import Space, load_space
from search_spaces.stage import Stage
from shipped import SHIPPED, SPACES

SHARINGS: tuple[Sharing, ...] = ("own", "sliced")


def slim(arch: Arch) -> Arch:
    """The network at an eighth of its width, for the fewest pixels that its strides allow."""
    side = 8 if arch.resolution == 32 else 32
    return scale(arch, 1, 0.125, side, divisor=2).replace(
        num_classes=10, dropout=0.0, drop_path=0.0
    )


def store_of(space: Space, sharing: Sharing, near_identity: bool = False) -> Store:
    layout = Layout.of(map(slim, cover(space)), sharing)
    cpu = torch.device("cpu")
    return Store.fresh(layout, sharing, seed=0, near_identity=near_identity, device=cpu)


def filled(store: Store, arch: Arch) -> nn.Module:
    """The built network, with copies of its slices loaded by name, laid out as these are.

    Another layout in memory has another kernel run, which rounds otherwise: the logits of a few
    images then differ by a few parts in 100,000.
    """
    model = candidate(store, arch)
    copies = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
    model.load_state_dict(copies, assign=True)
    return model


def drawn(space: Space, count: int, seed: str = "") -> list[Arch]:
    rng = random.Random(seed)
    return [slim(space.decode(space.sample(rng))) for _ in range(count)]


@pytest.mark.parametrize("sharing", SHARINGS)
@pytest.mark.parametrize("name", SHIPPED)
def test_the_elastic_forward_is_the_built_module_with_its_slices(
    name: str, sharing: Sharing, candidates: int
) -> None:
    space, modules = SPACES[name], Modules()
    store = store_of(space, sharing)
    for arch in drawn(space, candidates, sharing):
        images = torch.randn(2, 3, arch.resolution, arch.resolution)
        with torch.no_grad():
            elastic = modules.forward(store, arch, images)
            model = filled(store, arch)
            alone = model.train()(images)
        assert sum(weight.numel() for weight in model.parameters()) == cost(arch).params
        assert elastic.equal(alone)


def test_smaller_kernels_are_the_centre_and_fewer_channels_the_first() -> None:
    space = load_space(
        {
            "base": {"resolution": 32, "stages": [{"channels": 16, "expand": 4}]},
            "vary": {"kernel": [3, 5], "expand": [2, 4], "width": [0.5, 1]},
        }
    )
    as_it_is = [arch.replace(num_classes=10) for arch in cover(space)]
    layout = Layout.of(as_it_is, "sliced")
    cpu = torch.device("cpu")
    store = Store.fresh(layout, "sliced", seed=0, near_identity=False, device=cpu)
    small = space.decode({"s0_kernel": 3, "s0_expand": 2, "s0_width": 0.5})
    large = space.decode({"s0_kernel": 5, "s0_expand": 4, "s0_width": 1})
    part, whole = (
        store.weights(arch, skeleton(arch))
        for arch in (small.replace(num_classes=10), large.replace(num_classes=10))
    )
    kernel = "blocks.0.0.conv_dw.weight"
    assert part[kernel].equal(whole[kernel][: len(part[kernel]), :, 1:4, 1:4])
    last = "blocks.0.0.conv_pwl.weight"
    outputs, inputs = part[last].shape[:2]
    assert part[last].equal(whole[last][:outputs, :inputs])
    assert part["classifier.weight"].equal(whole["classifier.weight"])


def test_options_have_their_own_weights_unless_they_are_sliced() -> None:
    space = SPACES["kernel_expand"]
    for sharing, options in (("own", 9), ("sliced", 1)):
        store = store_of(space, sharing)  # type: ignore[arg-type]
        places = {name.rpartition("/")[0] for name in store.tensors if name.startswith("2.0/")}
        assert len(places) == options


def test_a_shorter_stage_has_the_first_blocks() -> None:
    space = SPACES["accel_nasbench"]
    store, options = store_of(space, "own"), {c.name: c.options[0] for c in space.choices}
    one, three = (slim(space.decode({**options, "s2_repeats": n})) for n in (1, 3))
    short, long = (store.weights(arch, skeleton(arch)) for arch in (one, three))
    mine = {name: weight for name, weight in short.items() if name.startswith("blocks.2.")}
    assert mine
    assert all(weight.equal(long[name]) for name, weight in mine.items())


def test_gradients_reach_the_store_and_nothing_that_a_candidate_lacks() -> None:
    space, modules = SPACES["nas_bench_macro"], Modules()
    store = store_of(space, "own")
    arch = drawn(space, 1)[0]
    modules.forward(store, arch, torch.randn(4, 3, 8, 8)).sum().backward()
    touched = {name for name, tensor in store.tensors.items() if tensor.grad is not None}
    assert touched == modules.shared(store, arch)
    assert touched < set(store.tensors)


def test_branches_start_at_zero_where_that_is_asked_for() -> None:
    space = SPACES["kernel_expand"]
    store = store_of(space, "own", near_identity=True)
    ends = [tensor for name, tensor in store.tensors.items() if name.endswith("bn3.weight")]
    skips = [tensor for tensor in ends if not tensor.any()]
    assert skips
    assert len(skips) < len(ends)


@pytest.mark.parametrize(
    "stage",
    [
        {"op": "bottleneck", "channels": 16, "expand": 0.25},
        {"op": "bottleneck", "channels": 16, "expand": 0.5, "groups": 2},
        {"op": "convnext", "channels": 16, "expand": 4, "kernel": 7},
        {"op": "fused", "channels": 16, "expand": 4, "se": 0.25},
        {"op": "conv", "channels": 16, "groups": 4},
        {"op": "identity", "channels": 16},
        {"op": "sepconv", "channels": 16},
    ],
)
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("sharing", SHARINGS)
def test_every_kind_of_block_may_vary_its_width(
    stage: dict[str, object], stride: int, sharing: Sharing
) -> None:
    stages = [{**stage, "repeats": 2}, {**stage, "stride": stride, "repeats": 2}]
    space = load_space(
        {
            "base": {"resolution": 32, "stem": {"channels": 16}, "stages": stages},
            "vary": {"width": [0.5, 1.5]},
        }
    )
    archs = list(cover(space))
    layout = Layout.of(archs, sharing)
    cpu = torch.device("cpu")
    store = Store.fresh(layout, sharing, seed=0, near_identity=False, device=cpu)
    for arch in archs:
        images = torch.randn(2, 3, 32, 32)
        arch = arch.replace(dropout=0.0, drop_path=0.0)
        with torch.no_grad():
            elastic = Modules().forward(store, arch, images)
            assert elastic.equal(filled(store, arch).train()(images))


def test_stem_head_and_classifier_grow_too() -> None:
    small = Arch(
        resolution=32,
        num_classes=10,
        stem=Stem(channels=8),
        stages=(Stage(channels=8),),
        head=Head(channels=16),
    )
    large = scale(small, 2, 2)
    store = Store.fresh(
        Layout.of([small, large], "sliced"),
        "sliced",
        seed=0,
        near_identity=False,
        device=torch.device("cpu"),
    )
    part, whole = (store.weights(arch, skeleton(arch)) for arch in (small, large))
    assert part["conv_stem.weight"].equal(whole["conv_stem.weight"][:8])
    assert part["conv_head.weight"].equal(whole["conv_head.weight"][:16, :8])


def test_a_network_that_is_not_in_the_store_is_refused() -> None:
    store = store_of(SPACES["nas_bench_macro"], "own")
    foreign = slim(SPACES["kernel_expand"].base)
    with pytest.raises(UserError, match="is not in the supernet: "):
        store.weights(foreign, skeleton(foreign))


def test_a_stage_of_too_many_combinations_is_refused() -> None:
    space = load_space(
        {
            "base": {"resolution": 32, "stages": [{"channels": 8}]},
            "vary": {
                "kernel": [3, 5, 7, 9, 11],
                "expand": [1, 2, 3, 4, 5, 6],
                "repeats": list(range(1, 13)),
                "se": [0, 0.1, 0.2, 0.3],
                "width": [1, 2, 3, 4],
            },
        }
    )
    with pytest.raises(UserError, match=r"5,760 combinations of options of stage 0; .* 4,096"):
        list(cover(space))


def test_a_candidate_lies_on_the_store_and_starts_its_statistics_anew() -> None:
    space = SPACES["nas_bench_macro"]
    store = store_of(space, "own")
    arch = drawn(space, 1)[0]
    model = candidate(store, arch)
    whole = store.tensors["conv_stem.weight"]
    assert model.conv_stem.weight.data_ptr() == whole.data_ptr()
    layers = [layer for layer in model.modules() if isinstance(layer, BATCH_NORMS)]
    assert all(not layer.running_mean.any() and layer.running_var.eq(1).all() for layer in layers)
