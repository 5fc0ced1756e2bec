"""The zoo's names; its figures are held in tests/nas/networks/test_cost.py."""

import pytest

from search_spaces.errors import UserError
from search_spaces.yaml_io import load_arch
from search_spaces.zoo import TIMM_NAMES, ZOO, names, zoo


def test_names() -> None:
    assert set(names()) == {
        "efficientnet_b0",
        "tf_efficientnet_b0",
        "mnasnet_a1",
        "mnasnet_b1",
        "mobilenet_v1",
        "mobilenet_v2",
        "mobilenet_v3_large",
        "resnet50",
        "resnet152",
        "efficientnet_v2_s",
        "convnext_tiny",
    }
    assert all(zoo(name).name == name for name in names())


def test_a_misspelt_name_gets_a_hint() -> None:
    with pytest.raises(UserError, match="did you mean 'mobilenet_v2'"):
        zoo("mobilenetv2")


def test_the_tensorflow_variant_differs_in_padding_and_batch_norm() -> None:
    tf, b0 = zoo("tf_efficientnet_b0"), zoo("efficientnet_b0")
    assert (tf.padding, tf.batch_norm.eps, tf.batch_norm.momentum) == ("same", 1e-3, 0.1)
    assert tf.replace(name=b0.name, padding="torch", batch_norm=b0.batch_norm) == b0


def test_the_zoos_keys_stay() -> None:
    keys = {
        "efficientnet_b0": "6cd665235cd8e4b2",
        "tf_efficientnet_b0": "32a3147fc4387b1d",
        "mnasnet_a1": "82ac68c398a80e31",
        "mnasnet_b1": "75fa02c2b3d5023a",
        "mobilenet_v1": "d865d675264bbc6e",
        "mobilenet_v2": "dbb9a00fe08b8beb",
        "mobilenet_v3_large": "845aa344adc68855",
        "resnet50": "620c1ffb3ff87810",
        "resnet152": "67cfbc2667606b40",
        "efficientnet_v2_s": "ad715ee0757c8e78",
        "convnext_tiny": "1f44621c649484f6",
    }
    assert {name: arch.key() for name, arch in ZOO.items()} == keys


def test_it_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        ZOO["mine"] = zoo("resnet50")  # type: ignore[index]


def test_networks_are_understood_by_timms_names_too() -> None:
    assert zoo("mobilenetv3_large_100") is zoo("mobilenet_v3_large")
    assert all(zoo(theirs) is zoo(ours) for ours, theirs in TIMM_NAMES.items())
    assert load_arch("semnasnet_100") == zoo("mnasnet_a1")
    with pytest.raises(UserError, match="did you mean 'mobilenetv3_large_100'"):
        load_arch("mobilenetv3_large_075")
