"""Dagster's view of the platform: assets, schedules, resources, IO managers. Thin: the work is done in the stages."""

import warnings

import dagster as dg

# partitioned checks are in preview, and typed frames in beta: Dagster is pinned, and both are tested
for category in (dg.PreviewWarning, dg.BetaWarning):
    warnings.filterwarnings("ignore", category=category)
