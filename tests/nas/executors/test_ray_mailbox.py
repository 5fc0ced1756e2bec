"""What workers on a Ray cluster say, until the driver takes it."""

import subprocess
import sys

from nas.executors.ray_mailbox import Mailbox


def test_letters_are_taken_once_in_their_order_and_passing_ones_give_way() -> None:
    mailbox = Mailbox()
    mailbox.put(b"begun")
    for step in (b"step 1", b"step 2", b"step 3"):
        mailbox.put(step, passing=True)
    mailbox.put(b"epoch 1")
    mailbox.put(b"epoch 2")
    mailbox.put(b"step 4", passing=True)
    assert mailbox.take() == [b"begun", b"epoch 1", b"epoch 2", b"step 4"]
    assert mailbox.take() == []
    mailbox.put(b"step 5", passing=True)
    assert mailbox.take() == [b"step 5"]


def test_its_process_loads_no_framework() -> None:
    code = "import sys, nas.executors.ray_mailbox; print({'torch', 'ray'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
