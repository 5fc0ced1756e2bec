"""An interruption that code swallows comes again; code that cleans up because of it is left be."""

import os
import signal
import time
from collections.abc import Callable, Iterator

import pytest

from nas.cli.interrupts import Terminated, interruptible


@pytest.fixture(autouse=True)
def _ctrl_c_is_pythons() -> Iterator[None]:
    ours = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    before = {each: signal.signal(each, by) for each, by in ours.items()}
    yield
    for each, by in before.items():
        signal.signal(each, by)


def press() -> None:
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.01)


def swallow() -> None:
    try:
        press()
    except BaseException:
        return


def swallow_in_a_finaliser() -> None:
    class Left:
        def __del__(self) -> None:
            press()

    Left()


def swallow_in_a_callback() -> None:
    import ctypes

    ctypes.CFUNCTYPE(None)(press)()


def turn_into_another() -> None:
    try:
        try:
            press()
        except BaseException as error:
            raise RuntimeError from error
    except RuntimeError:
        return


def interrupted(work: Callable[[], object]) -> None:
    with pytest.raises(KeyboardInterrupt), interruptible("To go on: …"):
        work()


@pytest.mark.parametrize(
    "lose", [swallow, swallow_in_a_finaliser, swallow_in_a_callback, turn_into_another]
)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_interruption_that_is_swallowed_comes_again(lose: Callable[[], None]) -> None:
    worked = []

    def work() -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})  # it comes again after this
        try:
            lose()
            worked.append("on")
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})
        for _ in range(1000):
            worked.append("on")
            time.sleep(0.01)

    interrupted(work)
    assert 0 < len(worked) < 1000


def test_a_wait_for_workers_is_interrupted_too() -> None:
    from multiprocessing import Pipe
    from multiprocessing.connection import wait

    ours, _theirs = Pipe()

    def work() -> None:
        swallow()
        wait([ours], timeout=120)
        pytest.fail("nothing interrupted it")

    interrupted(work)


def test_what_cleans_up_is_left_to_end() -> None:
    cleaned = []

    class Workers:
        def __enter__(self) -> None: ...

        def __exit__(self, *error: object) -> None:
            time.sleep(0.7)
            cleaned.append("workers")

    def work() -> None:
        try:
            with Workers():
                press()
        finally:
            time.sleep(0.7)
            cleaned.append("records")

    interrupted(work)
    assert cleaned == ["workers", "records"]


def test_what_sigterm_ends_is_cleaned_up_behind_too() -> None:
    cleaned = []

    def work() -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(60)
        except KeyboardInterrupt:
            cleaned.append("workers")
            raise

    with pytest.raises(Terminated), interruptible("To go on: …"):
        work()
    assert cleaned == ["workers"]


def test_torchrun_ends_its_processes_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "1")
    with interruptible("To go on: …"):
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_nothing_is_left_of_it_afterwards() -> None:
    interrupted(press)
    assert signal.getsignal(signal.SIGALRM) is signal.SIG_DFL
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with interruptible("To go on: …"):
        pass
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
