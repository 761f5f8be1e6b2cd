"""Channels: where messages about alerts go. The settings decide which ones there are; without any it is the log."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from sync_platform.logs.configuration import line_handler
from sync_platform.monitoring.alert_message import Message
from sync_platform.monitoring.alertmanager_channel import ALERTMANAGER, AlertmanagerChannel
from sync_platform.monitoring.problem import Severity
from sync_platform.monitoring.sns_channel import SnsChannel
from sync_platform.monitoring.webhook_channel import WebhookChannel
from sync_platform.settings import Settings

LOG = "log"
LEVELS: Mapping[Severity, int] = {
    "critical": logging.CRITICAL,
    "high": logging.ERROR,
    "medium": logging.WARNING,
    "low": logging.INFO,
}
"""The level of a message in the log, by the severity of its alert."""
logger = logging.getLogger(__name__)


class AlertChannel(Protocol):
    """A place where messages go. `name`: its name in the outbox."""

    @property
    def name(self) -> str: ...

    def send(self, message: Message, now: datetime) -> None:
        """Send one message within 15 seconds.

        Raises DeliveryFailed where the channel takes nothing now, MessageRefused where it refuses only this message.
        """


class LogChannel:
    """The log, where no other channel is set: one line for each message."""

    name = LOG

    def send(self, message: Message, now: datetime) -> None:
        logger.setLevel(logging.INFO)  # Python's default leaves out messages of low severity
        if not logger.handlers:
            logger.addHandler(_StandardError())
        lines = " | ".join(message.text.strip().splitlines())
        details = {"alert_id": message.content["alert_id"], "severity": message.content["severity"]}
        logger.log(LEVELS[message.content["severity"]], "%s", lines, extra=details)


class _StandardError(logging.Handler):
    """Writes messages to standard error where the process writes no log lines."""

    def emit(self, record: logging.LogRecord) -> None:
        if line_handler() is None:
            sys.stderr.write(f"{self.format(record)}\n")


def channels_of(settings: Settings) -> list[AlertChannel]:
    """The channels of the settings, or the log where there are none. Nothing is opened before the first message."""
    channels: list[AlertChannel] = []
    if settings.sns_topic_arn:
        endpoint = settings.sns_endpoint_url or settings.aws_endpoint_url
        channels.append(SnsChannel(settings.sns_topic_arn, settings.environment, endpoint))
    if settings.alert_webhook and settings.alert_webhook_form == ALERTMANAGER:
        channels.append(AlertmanagerChannel(settings.alert_webhook, settings.environment))
    elif settings.alert_webhook:
        channels.append(WebhookChannel(settings.alert_webhook, settings.environment))
    return channels or [LogChannel()]


def channel_names(settings: Settings) -> list[str]:
    """The names of the channels, as `AlertStore` takes them."""
    return [channel.name for channel in channels_of(settings)]
