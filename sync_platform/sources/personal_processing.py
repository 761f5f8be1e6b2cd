"""The usual reasons for keeping personal data of platforms. A platform file names one, or states its own.

GDPR is Regulation (EU) 2016/679; PDPO is Hong Kong's Personal Data (Privacy) Ordinance (Cap. 486). An operator with
another basis changes it here: the register and the compliance report follow.
"""

from __future__ import annotations

from sync_platform.vault.personal_fields import Processing

_OWN_STAFF = "the operator's staff with the master key; everyone else sees it sealed"
_OWN_STAFF_ZH = "持有主密鑰的營運人員；其他人只會看到已加密的內容"
_PDPO_ZH = "《個人資料(私隱)條例》附表 1 保障資料第 3 原則"
_PUBLISHED_ZH = f"資料由當事人自行公開，基於合法權益處理：GDPR 第 6(1)(f) 條；{_PDPO_ZH}"

PUBLISHED_REVIEWS = Processing(
    whose="writers of reviews",
    purpose="to tell reviews by one writer apart, and to notice when a review changes or is removed",
    basis="legitimate interests, in data that the person has published: GDPR Art. 6(1)(f); PDPO Sch. 1 DPP 3",
    recipients=_OWN_STAFF,
    in_chinese=Processing(
        whose="食評作者",
        purpose="分辨同一作者的食評，並得知食評何時更改或移除",
        basis=_PUBLISHED_ZH,
        recipients=_OWN_STAFF_ZH,
    ),
)
PUBLISHED_POSTS = Processing(
    whose="writers of posts",
    purpose="to tell posts by one writer apart, and to notice when a post changes or is removed",
    basis="legitimate interests, in data that the person has published: GDPR Art. 6(1)(f); PDPO Sch. 1 DPP 3",
    recipients=_OWN_STAFF,
    in_chinese=Processing(
        whose="帖文作者",
        purpose="分辨同一作者的帖文，並得知帖文何時更改或移除",
        basis=_PUBLISHED_ZH,
        recipients=_OWN_STAFF_ZH,
    ),
)
BOOKED_TABLES = Processing(
    whose="guests who reserved a table",
    purpose="to keep the restaurant's reservations in step with the platform that took them",
    basis="performance of the contract with the guest: GDPR Art. 6(1)(b); PDPO Sch. 1 DPP 3",
    recipients=f"the restaurant that the guest reserved at; {_OWN_STAFF}",
    in_chinese=Processing(
        whose="訂座的客人",
        purpose="使餐廳的訂座記錄與接受訂座的平台保持一致",
        basis=f"履行與客人的合約：GDPR 第 6(1)(b) 條；{_PDPO_ZH}",
        recipients=f"客人訂座的餐廳；{_OWN_STAFF_ZH}",
    ),
)
