"""Dagster's view of the platform: assets, schedules, resources, IO managers. Thin: the work is done in the stages."""
