"""Where workers on a Ray cluster leave what the driver is to know.

It is an actor, with a process of its own, which imports this file alone: neither torch nor a class
of what is said, which stays packed.
"""

from typing import Any


class Mailbox:
    """Letters until the driver takes them; of passing ones in a row, only the last."""

    def __init__(self) -> None:
        self._letters: list[bytes] = []
        self._last_passes = False

    def put(self, letter: bytes, passing: bool = False) -> None:
        """Keep a letter; a passing one is worth nothing once there is another."""
        if self._letters and self._last_passes:
            self._letters.pop()
        self._letters.append(letter)
        self._last_passes = passing

    def take(self) -> list[bytes]:
        """Those that nobody has taken."""
        letters, self._letters = self._letters, []
        return letters


def open_mailbox() -> Any:
    """An empty one, on the cluster that is connected."""
    import ray

    return ray.remote(Mailbox).options(num_cpus=0).remote()
