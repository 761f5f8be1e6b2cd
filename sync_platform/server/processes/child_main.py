"""`python -m sync_platform.server.processes.child_main MODULE ...`: runs a module that ends with its parent.

Standard input is a pipe of which only the parent has the other end. It ends when the parent ends, however that happens:
then this process is asked to stop, as by the parent itself.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
import time

ASK_AGAIN_AFTER_S = 30.0


def main() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a process inherits it, and the parent may ignore this signal
    threading.Thread(target=_stop_after_parent, daemon=True).start()
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def _stop_after_parent() -> None:
    while os.read(0, 1):
        pass
    while True:  # a signal can be lost: Python drops an exception of a handler that interrupts a finaliser
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(ASK_AGAIN_AFTER_S)


if __name__ == "__main__":
    main()
