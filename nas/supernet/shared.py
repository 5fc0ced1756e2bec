"""A trained supernet as arrays, for workers that do not see its file."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from nas.supernet.slices import Sharing
from nas.supernet.store import Store


@dataclass(frozen=True, slots=True, eq=False)
class SharedStore:
    """The weights of a store, which processes can map without a copy."""

    weights: Mapping[str, NDArray[np.float32]]
    sharing: Sharing

    @classmethod
    def of(cls, store: Store) -> "SharedStore":
        """The weights of a store, which lie in the memory of this machine."""
        arrays = {name: tensor.detach().numpy() for name, tensor in store.tensors.items()}
        return cls(arrays, store.sharing)

    def store(self) -> Store:
        """Give the store, on the same memory."""
        with warnings.catch_warnings():
            # Shared memory is read-only, and evaluations write to no weights.
            warnings.filterwarnings("ignore", message=".*not writable")
            tensors = {name: torch.from_numpy(array) for name, array in self.weights.items()}
        return Store(tensors, self.sharing)
