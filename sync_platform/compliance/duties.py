"""What is required, and by what: every duty that the report judges.

What belongs here: ids, requirements and their basis. Abbreviations: GDPR is Regulation (EU) 2016/679; PDPO is Hong
Kong's Personal Data (Privacy) Ordinance (Cap. 486), DPP a data protection principle of its Schedule 1. "Own policy"
is what this platform asks of itself.
"""

from __future__ import annotations

from sync_platform.compliance.obligation import Duty

QUARANTINE_DAYS = 30
"""How long a record may stay in quarantine before that counts as not reviewed; own policy."""
ACCESS_DAYS = 40
"""Days within which a data access or correction request is complied with: PDPO s.19(1) and s.23(1)."""

TERMS = Duty("terms-accepted", "The terms of every live source are accepted on the operator's word", "platform terms")
CACHE = Duty("cache-limits", "Content of a live source is kept no longer than its terms allow", "platform terms")
STORED = Duty("storage-permitted", "Of a live source only what its terms allow is stored", "platform terms")
DECLARED = Duty(
    "holdings-declared",
    "Every dataset that is held is declared, with its terms, fields and persons concerned",
    "GDPR Art. 30(1); PDPO Sch. 1 DPP 5",
)
SEALED = Duty(
    "personal-sealed",
    "Every declared personal field is sealed wherever it stands in the lake",
    "GDPR Art. 5(1)(f), Art. 32(1)(a); PDPO Sch. 1 DPP 4(1)",
)
LANDING = Duty(
    "landing-retention",
    "Landed pages are deleted when their days are over",
    "GDPR Art. 5(1)(e); PDPO s.26(1), Sch. 1 DPP 2(2)",
)
TIME_TRAVEL = Duty(
    "time-travel-window",
    "Former states of the lake are given up when the window of time travel is over",
    "GDPR Art. 5(1)(e); PDPO s.26(1), Sch. 1 DPP 2(2)",
)
LINEAGE = Duty(
    "lineage-retention",
    "Changes are folded into what they came to when their days are over",
    "GDPR Art. 5(1)(e); PDPO s.26(1), Sch. 1 DPP 2(2)",
)
SOURCED = Duty(
    "changes-sourced",
    "Every change has a source: its run, its batch of the chain and, unless it is a removal, its landed line",
    "GDPR Art. 5(2); own policy",
)
HISTORY = Duty(
    "history-holds",
    "The chained history is whole and unaltered, and every table is what its history says",
    "GDPR Art. 5(1)(f), Art. 5(2); PDPO Sch. 1 DPP 4(1)",
)
AUDIT_LOG = Duty(
    "audit-log-holds",
    "The chained audit log is whole and unaltered",
    "GDPR Art. 5(2), Art. 32(1)(b); PDPO Sch. 1 DPP 4(1)",
)
ANCHORED = Duty(
    "chains-anchored", "The chains are verified and anchored outside every month", "GDPR Art. 5(2); own policy"
)
ENDED = Duty("operations-ended", "Every operation that was begun has its end on record", "own policy")
ON_TIME = Duty(
    "synced-on-time",
    "Every platform in operation has a complete full sync for each of its periods",
    "GDPR Art. 5(1)(d); PDPO Sch. 1 DPP 2(1)",
)
QUALITY = Duty(
    "quality-thresholds",
    "The overall data quality of every dataset reaches its threshold",
    "GDPR Art. 5(1)(d); PDPO Sch. 1 DPP 2(1); own policy",
)
QUARANTINE = Duty(
    "quarantine-reviewed", f"No record stays in quarantine for more than {QUARANTINE_DAYS} days", "own policy"
)
PDPO_REQUESTS = Duty(
    "requests-pdpo",
    f"Requests for access and correction are answered within {ACCESS_DAYS} days",
    "PDPO s.19(1), s.23(1)",
)
GDPR_REQUESTS = Duty(
    "requests-gdpr",
    "Requests of data subjects are answered within one month",
    "GDPR Art. 12(3), with Art. 15 to 17",
)
BACKUPS = Duty("backups-made", "Backups of the span ended complete", "GDPR Art. 32(1)(c); PDPO Sch. 1 DPP 4(1)")
DRILLS = Duty("restore-drilled", "Restoring from backups was tried, and succeeded", "GDPR Art. 32(1)(c) and (d)")
