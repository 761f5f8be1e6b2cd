"""Several Python processes that start together, for tests of concurrency."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from threading import Barrier

from sync_platform_tests.limits import LONGEST_WAIT_S
from sync_platform_tests.warm import forking, started

ROOT = Path(__file__).parents[1]
GATE_S = 120.0


def outputs_of(count: int, imports: str, program: str, *arguments: str) -> list[str]:
    """The output of each process. The processes wait for each other between `imports` and `program`. All must succeed
    and print nothing on standard error. `sys.argv` has the arguments and, last, the process's number from 0.
    """
    gate = forking().Barrier(count)
    outputs = []
    for process in started(count, _run, (gate, imports, program, arguments)):
        done = process.wait(LONGEST_WAIT_S)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        outputs.append(done.stdout.strip())
    return outputs


def _run(gate: Barrier, imports: str, program: str, arguments: tuple[str, ...], number: int) -> None:
    os.chdir(ROOT)
    sys.argv = ["-c", *arguments, str(number)]
    names = {"__name__": "__main__", "sys": sys}
    exec(imports, names)
    gate.wait(GATE_S)
    exec(program, names)
