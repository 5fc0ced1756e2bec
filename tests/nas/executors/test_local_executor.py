"""Worker processes of this machine that die, and what becomes of their jobs."""

import os
import signal
from dataclasses import dataclass, replace
from pathlib import Path

from nas.evaluators.base import Measurement, Report
from nas.executors.base import Job
from nas.executors.local import Processes
from search_spaces.arch import Arch
from search_spaces.zoo import zoo
from toy import Toy


@dataclass(frozen=True, kw_only=True)
class Mortal(Toy):
    """Kills its process `deaths` times, or every time with too few memory reductions."""

    diary: str
    deaths: int = 0
    needs: int = 0
    reductions: int = 0

    def reduced_memory(self, times: int) -> "Mortal":
        return replace(self, reductions=times)

    def evaluate(self, arch: Arch, seed: int, report: Report) -> Measurement:
        with Path(self.diary).open("a") as file:
            file.write(f"{self.reductions}\n")
        begun = len(Path(self.diary).read_text().splitlines())
        if begun <= self.deaths or self.reductions < self.needs:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().evaluate(arch, seed, report)


def outcome_of(evaluator: Mortal) -> tuple[list[int], str]:
    with Processes(evaluator, 1) as processes:
        processes.submit(Job(5, zoo("efficientnet_b0"), (0,)))
        outcome = processes.next()
    assert outcome.number == 5
    assert outcome.lost is bool(outcome.reason), "the machine's failure, not the network's"
    assert bool(outcome.measurements) is not bool(outcome.reason)
    return [int(line) for line in Path(evaluator.diary).read_text().splitlines()], outcome.reason


def test_a_job_whose_process_is_killed_is_begun_anew_as_it_was(tmp_path: Path) -> None:
    assert outcome_of(Mortal(diary=str(tmp_path / "diary"), deaths=1)) == ([0, 0], "")


def test_a_job_killed_twice_is_to_do_with_half_the_memory(tmp_path: Path) -> None:
    assert outcome_of(Mortal(diary=str(tmp_path / "diary"), needs=1)) == ([0, 0, 1], "")


def test_a_job_that_kills_its_processes_is_lost_with_its_reason(tmp_path: Path) -> None:
    reductions, reason = outcome_of(Mortal(diary=str(tmp_path / "diary"), needs=2))
    assert reductions == [0, 0, 1]
    assert reason == (
        "its process died 3 times, the last with exit code -9 (killed, as for want of memory)"
    )
