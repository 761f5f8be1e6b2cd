"""The settings of tolerances, thresholds and scores."""

from __future__ import annotations

from pydantic import Field

from sync_platform.setting_groups.settings_group import SettingsGroup


class QualitySettings(SettingsGroup):
    """What a sync may lack, and how data are scored."""

    quarantine_tolerance: float = Field(
        0.02,
        ge=0,
        le=1,
        description="Largest tolerated share of a sync's records in quarantine; above it downstream assets don't run.",
    )
    gap_tolerance: float = Field(
        0.01,
        ge=0,
        le=1,
        description="Largest tolerated share of a list's pages, parts or records that is missing; above it the sync is "
        "degraded.",
    )
    quality_threshold_validation: float = Field(
        0.98, ge=0, le=1, description="Share of records that should keep the contract; below it the check warns."
    )
    quality_threshold_completeness: float = Field(
        0.8, ge=0, le=1, description="Share of important cells that should be filled; below it the check warns."
    )
    quality_threshold_accuracy: float = Field(
        0.95, ge=0, le=1, description="Share of records that should agree with a reference; below it the check warns."
    )
    quality_threshold_consistency: float = Field(
        0.95, ge=0, le=1, description="Share of records that should be free of contradiction; below it the check warns."
    )
    quality_weight_validation: float = Field(0.35, ge=0, description="Weight of validation in the overall score.")
    quality_weight_completeness: float = Field(0.25, ge=0, description="Weight of completeness in the overall score.")
    quality_weight_accuracy: float = Field(0.2, ge=0, description="Weight of accuracy in the overall score.")
    quality_weight_consistency: float = Field(0.2, ge=0, description="Weight of consistency in the overall score.")
