"""The stages as Dagster assets, checks, schedules, sensors, resources and IO managers.

What belongs here: what Dagster needs to know. The work itself is done by the other packages.

Some features of Dagster in use are beta or preview. The version of Dagster is pinned, so their warnings are not shown.
"""

import warnings

from dagster import BetaWarning, PreviewWarning

for _kind in (BetaWarning, PreviewWarning):
    warnings.filterwarnings("ignore", category=_kind)
