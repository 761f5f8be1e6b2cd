"""The last day on which a privacy request must be answered, and how far it may be extended.

Days are days in Hong Kong. Under the GDPR a request is answered within one month of its receipt (Art. 12(3)): until the
end of the same day of the next month (Regulation 1182/71 Art. 3(2)(c)). Under the PDPO, access and correction are
answered within 40 days (s.19(1), s.23(1)); we take the same limit for what the PDPO gives no days for.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta
from enum import StrEnum

PDPO_DAYS = 40
"""Days within which a data access or correction request is complied with: PDPO s.19(1) and s.23(1)."""
MAX_MONTHS = 3
"""One month, and at most two further ones: GDPR Art. 12(3)."""


class Law(StrEnum):
    """The law under which a request is made; `both` where it is not known, or where both apply."""

    gdpr = "gdpr"
    pdpo = "pdpo"
    both = "both"

    def includes(self, other: Law) -> bool:
        return self in (other, Law.both)


def due_day(received_on: date, law: Law) -> date:
    """The last day for the answer. A calendar month is shorter than 40 days, so it decides where both laws apply."""
    return months_after(received_on, 1) if law.includes(Law.gdpr) else received_on + timedelta(days=PDPO_DAYS)


def last_extension(received_on: date, law: Law) -> date | None:
    """The last day that a request may be extended to; None: the law names none, the answer is due as soon as it can."""
    return months_after(received_on, MAX_MONTHS) if law.includes(Law.gdpr) else None


def months_after(day: date, months: int) -> date:
    """The same day some months later, or the last day of that month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return day.replace(year=year, month=month + 1, day=min(day.day, monthrange(year, month + 1)[1]))
