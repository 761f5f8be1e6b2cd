"""`python -m sync_platform_tests.planted FOLDER TEXT...`: lists where the texts are; exit code 1 if they are."""

from __future__ import annotations

import sys
from pathlib import Path

from sync_platform_tests.planted.byte_scan import ByteScan


def main(folder: str, *texts: str) -> int:
    scan = ByteScan(texts)
    hits = [f"{hit.where}: {hit.text} as {hit.form}" for hit in scan.in_folder(Path(folder))]
    unopened = [f"searched only as it is: {each}" for each in scan.unopened]
    counts = f"{len(hits):,} hits in {scan.files:,} files, {scan.bytes:,} bytes with what is packed in them"
    sys.stdout.write("\n".join([*hits, *unopened, counts]) + "\n")
    return 1 if hits else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
