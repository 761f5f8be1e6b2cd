"""Definitions for runs in pods: one asset of a platform, which waits until the test lets it end."""

import os
import time
from pathlib import Path

import dagster as dg

FOLDER = "FOLDER_OF_THE_TEST"
"""The variable with the folder in which a file LET_END lets every run end."""
LET_END = "let-end"
BEGUN = "begun-"


@dg.asset(key_prefix="openrice")
def restaurants(context: dg.AssetExecutionContext) -> None:
    folder = Path(os.environ[FOLDER])
    (folder / f"{BEGUN}{context.run_id}").touch()
    while not (folder / LET_END).exists():
        time.sleep(0.1)


sync = dg.define_asset_job("sync", selection=[restaurants], executor_def=dg.in_process_executor)
defs = dg.Definitions(assets=[restaurants], jobs=[sync])
