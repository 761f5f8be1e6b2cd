"""Several Python processes that start together: for what must hold between them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
GATE = "import sys; print('ready', flush=True); sys.stdin.readline()\n"


def outputs_of(count: int, imports: str, program: str, *arguments: str) -> list[str]:
    """What each process printed; they wait for each other between `imports` and `program`. All must succeed, and
    none may complain. `sys.argv` holds the arguments and, last, the process's number from 0.
    """
    command = [sys.executable, "-c", f"{imports}\n{GATE}{program}", *arguments]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    processes = [subprocess.Popen([*command, str(n)], cwd=ROOT, text=True, **pipes) for n in range(count)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    outputs = []
    for process in processes:
        output, errors = process.communicate(timeout=180)
        assert (process.returncode, errors) == (0, ""), errors
        outputs.append(output.strip())
    return outputs
