"""The recipe of a whole training: what a proxy's has, and what only long trainings pay for."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace

from nas.defaults.conf import default
from nas.training.policies import MOST, POLICIES, PolicyName
from nas.training.recipe import Recipe
from search_spaces.arch import Arch
from search_spaces.checks import check_one_of, check_within
from search_spaces.errors import UserError
from search_spaces.scaling import scaled_dropout

_LARGEST = 7.0
"""The φ of B7, the largest network of the paper."""
_OFF: Mapping[str, object] = {
    "crop_scale": 1.0,
    "policy": "none",
    "colour_jitter": 0.0,
    "erasing": 0.0,
    "mixup": 0.0,
    "cutmix": 0.0,
    "dropout": 0.0,
    "drop_path": 0.0,
    "clip_grad": None,
    "layer_decay": None,
    "freeze_epochs": 0,
    "freeze_batch_norm": False,
}
"""What changes a training beside the part that proxies have, and its value where it is off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRecipe(Recipe):
    """Everything about a whole training but the data and the seed."""

    lr: float = default("recipe/small", "lr")
    batch_size: int = default("recipe/small", "batch_size")
    warmup_epochs: float = default("recipe/small", "warmup_epochs")
    label_smoothing: float = default("recipe/small", "label_smoothing")
    ema: float | None = default("recipe/small", "ema")
    epochs: int = default("recipe/small", "epochs")
    minival: float | None = default("recipe/small", "minival")
    """Training images held out to choose the epoch: a share below 1, or a number of them. 0: none
    are, and the last epoch counts. None: the data's validation images choose it."""
    crop_scale: float = default("recipe/small", "crop_scale")
    """The least share of an image's area that a random resized crop keeps, which takes the place of
    `shift`; at 1 there is no such crop."""
    crop_pct: float = default("recipe/small", "crop_pct")
    """The part of an image's side that validation crops at the centre."""
    policy: PolicyName = default("recipe/small", "policy")
    magnitude: float = default("recipe/small", "magnitude")
    """RandAugment's strength, 0 to 10, for a network of φ = 0; a larger one's is stronger."""
    colour_jitter: float = default("recipe/small", "colour_jitter")
    """How much brightness, contrast and saturation may change, as a share."""
    erasing: float = default("recipe/small", "erasing")
    """The share of images of which a rectangle is erased."""
    mixup: float = default("recipe/small", "mixup")
    """The α of the Beta distribution that two images are mixed by; 0: none are."""
    cutmix: float = default("recipe/small", "cutmix")
    """The α of the Beta distribution of the area that another image is pasted over; 0: none is."""
    dropout: float | None = default("recipe/small", "dropout")
    """The dropout of a network of φ = 0, growing with φ as published; None: the network's own."""
    drop_path: float | None = default("recipe/small", "drop_path")
    """The drop path of every network; None: its own."""
    clip_grad: float | None = default("recipe/small", "clip_grad")
    """The largest norm of a step's gradient; None: any."""
    layer_decay: float | None = default("recipe/small", "layer_decay")
    """The learning rate of a block over that of the block after it; None: all have the same."""
    freeze_epochs: int = default("recipe/small", "freeze_epochs")
    """Epochs, at the beginning, in which the classifier alone is trained."""
    freeze_batch_norm: bool = default("recipe/small", "freeze_batch_norm")
    """Batch normalisation keeps its scales and running statistics."""
    sync_batch_norm: bool = default("recipe/small", "sync_batch_norm")
    """Batch normalisation takes its statistics over all processes of a training."""
    compile: bool = default("recipe/small", "compile")
    """Compile the network for CUDA; elsewhere it is slower."""
    grad_checkpointing: bool = default("recipe/small", "grad_checkpointing")
    """Keep a block's input alone and compute its inside again: less memory, a third more time."""

    def __post_init__(self) -> None:
        # super() without arguments is of the class that slots=True replaced.
        Recipe.__post_init__(self)
        if self.epochs < 1:
            raise UserError(f"epochs: expected at least 1, got {self.epochs}")
        if self.minival is not None and not 0 <= self.minival < float("inf"):
            raise UserError(f"minival: expected at least 0, or null, got {self.minival}")
        if self.minival is not None and self.minival > 1 and self.minival % 1:
            raise UserError(f"minival: expected a share or whole images, got {self.minival}")
        for name in ("crop_scale", "crop_pct"):
            if not 0 < getattr(self, name) <= 1:
                raise UserError(f"{name}: expected above 0, at most 1, got {getattr(self, name)}")
        check_one_of("policy", self.policy, POLICIES)
        check_within("magnitude", self.magnitude, 0, MOST)
        for name in ("colour_jitter", "erasing"):
            check_within(name, getattr(self, name), 0, 1)
        for name in ("mixup", "cutmix", "freeze_epochs"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise UserError(f"{name}: expected at least 0, got {getattr(self, name)}")
        for name in ("dropout", "drop_path"):
            given = getattr(self, name)
            if given is not None and not 0 <= given < 1:
                raise UserError(f"{name}: expected from 0 to below 1, or null, got {given}")
        if self.clip_grad is not None and not 0 < self.clip_grad < float("inf"):
            raise UserError(f"clip_grad: expected above 0, or null, got {self.clip_grad}")
        if self.layer_decay is not None and not 0 < self.layer_decay <= 1:
            raise UserError(
                f"layer_decay: expected above 0, at most 1, or null, got {self.layer_decay}"
            )


def of_member(recipe: TrainingRecipe, phi: float) -> TrainingRecipe:
    """Give the recipe of a network that is φ larger than the baseline.

    Dropout grows as published, 0.2 to 0.5 from φ = 0 to 7; RandAugment's magnitude in a straight
    line from the recipe's to 10, the strongest, at φ = 7. All else is every network's.
    """
    dropout = None if recipe.dropout is None else scaled_dropout(recipe.dropout, phi)
    grown = recipe.magnitude + (MOST - recipe.magnitude) * phi / _LARGEST
    magnitude = round(min(max(grown, 0.0), MOST), 6)
    return replace(recipe, dropout=dropout, magnitude=magnitude)


def as_trained(arch: Arch, recipe: TrainingRecipe) -> Arch:
    """Give the network with the dropout and drop path that the recipe trains it with."""
    dropout = arch.dropout if recipe.dropout is None else recipe.dropout
    drop_path = arch.drop_path if recipe.drop_path is None else recipe.drop_path
    return arch.replace(dropout=dropout, drop_path=drop_path)


def proxy_part(recipe: Recipe) -> Recipe:
    """Give what a proxy trains with: of a whole training's recipe the part that proxies have."""
    if not isinstance(recipe, TrainingRecipe):
        return recipe
    return Recipe(**{each.name: getattr(recipe, each.name) for each in fields(Recipe)})


def left_out(recipe: Recipe) -> tuple[str, ...]:
    """Name what of a recipe a proxy leaves out, each with its value; () where nothing is."""
    if not isinstance(recipe, TrainingRecipe):
        return ()
    given = asdict(recipe)
    on = [name for name, off in _OFF.items() if given[name] and given[name] != off]
    return tuple(f"{name}={given[name]}" for name in on)
