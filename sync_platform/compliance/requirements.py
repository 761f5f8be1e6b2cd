"""Every requirement that the report judges, with its basis.

GDPR is Regulation (EU) 2016/679. PDPO is Hong Kong's Personal Data (Privacy) Ordinance (Cap. 486), DPP a data
protection principle of its Schedule 1. "Own policy" is a rule that this platform sets for itself.
"""

from __future__ import annotations

from sync_platform.compliance.obligation import Requirement
from sync_platform.privacy.request_deadline import PDPO_DAYS

QUARANTINE_DAYS = 30
"""How long a record may stay in quarantine before that counts as not reviewed; own policy."""

TERMS = Requirement("terms-accepted", "The operator has accepted the terms of every live source", "platform terms")
CACHE = Requirement("cache-limits", "Content of a live source is kept no longer than its terms allow", "platform terms")
STORED = Requirement("storage-permitted", "Only what the terms of a live source allow is stored", "platform terms")
DECLARED = Requirement(
    "holdings-declared",
    "Every stored dataset is declared, with its terms, fields and the persons concerned",
    "GDPR Art. 30(1); PDPO Sch. 1 DPP 5",
)
REGISTERED = Requirement(
    "personal-registered",
    "The register states for every personal field what it is, and for its dataset whose it is, and why it is kept",
    "GDPR Art. 5(1)(b), Art. 30(1); PDPO Sch. 1 DPP 1, DPP 5",
)
SEALED = Requirement(
    "personal-sealed",
    "Every declared personal field is sealed everywhere in the lake",
    "GDPR Art. 5(1)(f), Art. 32(1)(a); PDPO Sch. 1 DPP 4(1)",
)
LANDING = Requirement(
    "landing-retention",
    "Landed pages are deleted after their retention period",
    "GDPR Art. 5(1)(e); PDPO s.26(1), Sch. 1 DPP 2(2)",
)
TIME_TRAVEL = Requirement(
    "time-travel-window",
    "Former states of the lake are deleted after the window of time travel",
    "GDPR Art. 5(1)(e); PDPO s.26(1), Sch. 1 DPP 2(2)",
)
LINEAGE = Requirement(
    "lineage-retention",
    "Changes are folded into their final state after their retention period",
    "GDPR Art. 5(1)(e); PDPO s.26(1), Sch. 1 DPP 2(2)",
)
SOURCED = Requirement(
    "changes-sourced",
    "Every change has a source: its run, its batch of the chain and, unless it ends a record, its landed line",
    "GDPR Art. 5(2); own policy",
)
HISTORY = Requirement(
    "history-holds",
    "The chained history is complete and unaltered, and every table equals its replayed history",
    "GDPR Art. 5(1)(f), Art. 5(2); PDPO Sch. 1 DPP 4(1)",
)
AUDIT_LOG = Requirement(
    "audit-log-holds",
    "The chained audit log is complete and unaltered",
    "GDPR Art. 5(2), Art. 32(1)(b); PDPO Sch. 1 DPP 4(1)",
)
ANCHORED = Requirement(
    "chains-anchored", "The chains are verified and anchored outside the lake every month", "GDPR Art. 5(2); own policy"
)
ENDED = Requirement("operations-ended", "Every operation that began has its end on record", "own policy")
ON_TIME = Requirement(
    "synced-on-time",
    "Every platform in operation has a complete full sync for each of its periods",
    "GDPR Art. 5(1)(d); PDPO Sch. 1 DPP 2(1)",
)
QUALITY = Requirement(
    "quality-thresholds",
    "The overall data quality of every dataset reaches its threshold",
    "GDPR Art. 5(1)(d); PDPO Sch. 1 DPP 2(1); own policy",
)
QUARANTINE = Requirement(
    "quarantine-reviewed", f"No record stays in quarantine for more than {QUARANTINE_DAYS} days", "own policy"
)
PDPO_REQUESTS = Requirement(
    "requests-pdpo",
    f"Requests for access and correction are answered within {PDPO_DAYS} days, or as extended with a reason",
    "PDPO s.19(1), s.23(1)",
)
GDPR_REQUESTS = Requirement(
    "requests-gdpr",
    "Requests of data subjects are answered within one month, or as extended with a reason",
    "GDPR Art. 12(3), with Art. 15 to 18",
)
BACKUPS = Requirement(
    "backups-made",
    "Backups of the span, and their verifications, ended complete",
    "GDPR Art. 32(1)(c); PDPO Sch. 1 DPP 4(1)",
)
DRILLS = Requirement("restore-drilled", "Restoring from backups was tried and succeeded", "GDPR Art. 32(1)(c) and (d)")
