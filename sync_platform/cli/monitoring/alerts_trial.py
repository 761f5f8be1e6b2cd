"""`sync-platform alerts test`: a test message to each channel."""

from __future__ import annotations

import time
from dataclasses import asdict

from sync_platform.cli.exit_codes import FAILED, OK
from sync_platform.cli.output import console, line, styled, write_json
from sync_platform.documents.typed_command import typed
from sync_platform.monitoring.alert_channels import channel_names
from sync_platform.monitoring.alert_outbox import StoredMessage, deliver, messages_about, outbox_states
from sync_platform.monitoring.alert_store import AlertStore
from sync_platform.monitoring.problem import Severity
from sync_platform.settings import Settings, load_settings

LONGEST_WAIT_S, POLL_S = 15.0, 0.5


def send_test(severity: Severity, *, as_json: bool) -> int:
    """Send the test; 0 if every channel took it, else 1."""
    settings = load_settings()
    store = AlertStore(settings.ledger_url, channel_names(settings))
    alert_id = store.write_test(severity).alert_id
    messages = _delivered(settings, store, alert_id)
    if as_json:
        write_json({"alert_id": alert_id, "messages": [asdict(each) for each in messages]})
    else:
        waiting = {each.channel: each for each in outbox_states(store) if not each.is_refused}
        for message in messages:
            state = styled("sent", "green") if message.sent_at else styled("not sent", "red")
            first = waiting.get(message.channel)
            reason = message.error or (first and first.error) or "another process is sending"
            console().print(
                line(f"{message.channel}: ", state, "" if message.sent_at else f": {reason}"), soft_wrap=True
            )
        if any(each.sent_at is None for each in messages):
            console().print(f"what is not sent is kept and sent again: {typed('alerts', 'list')}", soft_wrap=True)
    return OK if all(each.sent_at for each in messages) else FAILED


def _delivered(settings: Settings, store: AlertStore, alert_id: str) -> list[StoredMessage]:
    """The messages of the test after their delivery; waits a little where another process delivers at the same time."""
    until = time.monotonic() + LONGEST_WAIT_S
    while True:
        delivery = deliver(settings, store)
        messages = messages_about(store, alert_id)
        has_failed = any(channel.error for channel in delivery.channels)
        if has_failed or all(message.sent_at for message in messages) or time.monotonic() > until:
            return messages
        time.sleep(POLL_S)
