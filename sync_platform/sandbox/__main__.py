"""`python -m sync_platform.sandbox`: reads the options and starts the sandbox."""

from __future__ import annotations

import argparse
import sys
from datetime import date
from pathlib import Path

from sync_platform.sandbox.city import City
from sync_platform.sandbox.ground_truth import write_ground_truth
from sync_platform.sandbox.listening import serve
from sync_platform.sandbox.sandbox_error import SandboxError


def main(arguments: list[str] | None = None) -> int:
    """Runs the sandbox; 0 when it ends, 1 with one line on standard error when it cannot start."""
    options = _options().parse_args(arguments)
    try:
        if options.ground_truth:
            write_ground_truth(City(options.places, options.seed, options.today), options.ground_truth)
        else:
            serve(
                options.host,
                options.port,
                options.places,
                options.seed,
                options.today,
                options.fault,
                options.lifeline,
            )
    except SandboxError as error:
        sys.stderr.write(f"sandbox: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sync_platform.sandbox", description="All platforms, played from one invented Hong Kong."
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, default=0, help="port to listen on; 0 takes a free one")
    parser.add_argument("--places", type=int, default=2000, help="places trading at one time (%(default)s)")
    parser.add_argument("--seed", type=int, default=852, help="seed of the invented city (%(default)s)")
    parser.add_argument("--today", type=date.fromisoformat, help="the sandbox's date; without it, the calendar's")
    parser.add_argument(
        "--fault", action="append", default=[], help="platform:fault[=value][@nth][*times][~match]; repeatable"
    )
    parser.add_argument("--lifeline", action="store_true", help="end when standard input closes")
    parser.add_argument(
        "--ground-truth", type=Path, metavar="FILE", help="write the ground truth to .csv or .parquet and end"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
