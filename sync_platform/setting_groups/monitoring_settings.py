"""The settings of alerts and metrics."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from sync_platform.setting_groups.address_types import HttpAddress, SecretAddress
from sync_platform.setting_groups.settings_group import SettingsGroup


class MonitoringSettings(SettingsGroup):
    """Where alerts and metrics are sent."""

    sns_topic_arn: str = Field("", description="SNS topic for alerts. Empty: none are sent over SNS.")
    sns_endpoint_url: HttpAddress = Field(
        "", description="Address of a server to use for SNS instead of AWS. Empty: AWS_ENDPOINT_URL."
    )
    alert_webhook: SecretAddress = Field(
        "",
        description="URL that alerts are posted to, or the address of an Alertmanager. Empty: none. Without a webhook "
        "and an SNS topic, alerts go to the log.",
        repr=False,
    )
    alert_webhook_form: Literal["json", "alertmanager"] = Field(
        "json", description="Form of posted alerts: `json`, or `alertmanager` for its API v2."
    )
    cloudwatch_metrics: bool = Field(False, description="Whether metrics are sent to CloudWatch (namespace DataSync).")
    cloudwatch_endpoint_url: HttpAddress = Field(
        "", description="Address of CloudWatch, if not that of AWS_REGION. Empty: AWS_ENDPOINT_URL, or else AWS."
    )
    prometheus_file: Path | None = Field(
        None,
        description="File of metrics for Prometheus, in the folder of node_exporter's textfile collector; its name "
        "ends in `.prom`. Empty: none is written.",
    )

    @field_validator("sns_topic_arn")
    @classmethod
    def _is_topic(cls, value: str) -> str:
        if value and not re.fullmatch(r"arn:[\w-]+:sns:[\w-]+:\d*:[\w-]+(\.fifo)?", value):
            raise ValueError("must be the ARN of a topic, such as arn:aws:sns:ap-southeast-1:123456789012:alerts")
        return value

    @field_validator("prometheus_file")
    @classmethod
    def _is_read_by_node_exporter(cls, value: Path | None) -> Path | None:
        if value is not None and value.suffix != ".prom":
            raise ValueError("must end in .prom: node_exporter reads no other file")
        return value.expanduser() if value else None
