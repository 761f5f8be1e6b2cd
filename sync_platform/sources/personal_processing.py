"""The usual reasons for keeping personal data of platforms. A platform file names one, or states its own.

GDPR is Regulation (EU) 2016/679; PDPO is Hong Kong's Personal Data (Privacy) Ordinance (Cap. 486). An operator with
another basis changes it here: the register and the compliance report follow.
"""

from __future__ import annotations

from sync_platform.vault.personal_fields import Processing

_OWN_STAFF = "the operator's staff with the master key; everyone else sees it sealed"

PUBLISHED_REVIEWS = Processing(
    whose="writers of reviews",
    purpose="to tell reviews by one writer apart, and to notice when a review changes or is removed",
    basis="legitimate interests, in data that the person has published: GDPR Art. 6(1)(f); PDPO Sch. 1 DPP 3",
    recipients=_OWN_STAFF,
)
PUBLISHED_POSTS = Processing(
    whose="writers of posts",
    purpose="to tell posts by one writer apart, and to notice when a post changes or is removed",
    basis="legitimate interests, in data that the person has published: GDPR Art. 6(1)(f); PDPO Sch. 1 DPP 3",
    recipients=_OWN_STAFF,
)
BOOKED_TABLES = Processing(
    whose="guests who reserved a table",
    purpose="to keep the restaurant's reservations in step with the platform that took them",
    basis="performance of the contract with the guest: GDPR Art. 6(1)(b); PDPO Sch. 1 DPP 3",
    recipients=f"the restaurant that the guest reserved at; {_OWN_STAFF}",
)
