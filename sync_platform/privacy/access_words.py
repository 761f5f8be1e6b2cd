"""The words of the answer to an access request, in English and traditional Chinese."""

from __future__ import annotations

from sync_platform.vault.personal_fields import PersonalKind

KINDS_ZH = {
    PersonalKind.name: "姓名",
    PersonalKind.handle: "帳戶",
    PersonalKind.email: "電郵地址",
    PersonalKind.phone: "電話號碼",
    PersonalKind.home: "居住地",
    PersonalKind.picture: "圖片",
    PersonalKind.text: "自由文字",
    PersonalKind.unstated: "未說明",
}
TABLES_ZH = {"reviews": "食評", "reservations": "訂座", "posts": "帖文", "offers": "優惠"}
STATES = {
    "live": "shown by the platform / 平台仍然顯示",
    "removed": "removed by the platform / 平台已移除",
    "past": "past / 已過去",
}
OPERATIONS = {
    "insert": "first seen / 首次出現",
    "update": "changed / 更改",
    "remove": "removed / 移除",
    "expire": "past / 已過去",
    "restore": "shown again / 再次出現",
}
KEPT_COLUMNS = {
    "first_seen_at": "First seen / 首次見於",
    "last_changed_at": "Last changed / 最後更改",
    "removed_at": "Gone since / 自此不再顯示",
}
NOT_STATED, NOT_STATED_ZH = "not stated", "未說明"
NOT_YET, LIFTED = "not yet / 尚未", "the correction was ended / 更正已撤回"
LEAD = [
    (
        "This page has everything that we keep about you under the names listed below. What is kept encrypted is shown "
        "in clear, for this answer only. What is about other persons in the same records is left out."
    ),
    "本頁列出我們以下列名稱保存的、關於您的全部資料。加密保存的內容只為此答覆而解密顯示。",
    "同一記錄中關於其他人的資料不予顯示。",
]
RIGHTS = [
    (
        "You may ask us to correct your data, to erase it, or to restrict its use, and you may object to it: GDPR Art. "
        "16 to 18 and 21; PDPO s.22 and s.26."
    ),
    "您可要求我們更正、刪除或限制使用您的資料，亦可反對使用。",
    "（GDPR 第 16 至 18 條及第 21 條；《個人資料(私隱)條例》第 22 條及第 26 條）",
    (
        "You may complain to the Office of the Privacy Commissioner for Personal Data, Hong Kong (www.pcpd.org.hk), or "
        "to the data protection authority of your country in the European Union."
    ),
    "您可向香港個人資料私隱專員公署（www.pcpd.org.hk）或您所在歐盟國家的資料保護機構投訴。",
    "This system makes no decision about you. 本系統不會對您作出任何決定。",
]
NOTHING = "Nothing is stored any more. 現時已沒有保存任何資料。"
