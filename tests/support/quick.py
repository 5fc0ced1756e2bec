"""A network and a training of it that tests can afford."""

from nas.data.sources import Digits
from nas.evaluators.proxy import ProxyEvaluator
from nas.training.recipe import Recipe
from search_spaces.arch import Arch
from search_spaces.stage import Stage

SMALL = Arch(
    name="small",
    resolution=64,
    stages=(Stage(channels=32, stride=2, expand=2), Stage(channels=64, repeats=2, se=0.25)),
)
QUICK = ProxyEvaluator(
    data=Digits(limit=300),
    recipe=Recipe(lr=0.4, batch_size=32),
    epochs=2,
    width=0.25,
    resolution=12,
    base_resolution=64,
    device="cpu",
)
