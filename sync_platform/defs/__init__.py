"""Dagster's view of the platform: assets, schedules, resources, IO managers. Thin: the work is done in the stages.

What of Dagster is beta or preview here is so knowingly, under a pinned version: nobody who syncs needs to read it.
"""

import warnings

from dagster import BetaWarning, PreviewWarning

for _kind in (BetaWarning, PreviewWarning):
    warnings.filterwarnings("ignore", category=_kind)
