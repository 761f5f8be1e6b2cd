"""Reviews: what invented guests wrote about an entry, day by day.

What belongs here: a review's day, rating and text. What doesn't: a platform's shape of a review.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from random import Random

from sync_platform.sandbox.chance import arrivals
from sync_platform.sandbox.evolution import HISTORY_BEGINS
from sync_platform.sandbox.people import Person, draw_person
from sync_platform.sandbox.platform_view import PlatformEntry

MAX_PER_LISTING = 1000
_OPENINGS = {
    "en": (
        "Came here for {dish}.",
        "Second visit, ordered the {dish}.",
        "A friend told me about the {dish}.",
        "Quick lunch:",
    ),
    "zh": ("專程來試{dish}。", "第二次來，點了{dish}。", "朋友推介{dish}。", "快速午餐，", "放工後同家人食飯，"),
}
_VERDICTS = {
    "en": (
        ("Not coming back.", "Cold and slow.", "Far too salty for me."),
        ("It was fine.", "Average, but filling.", "Decent for the price."),
        ("Really good!", "Best in the neighbourhood.", "Staff were lovely, will return."),
    ),
    "zh": (
        ("不會再來。", "等了很久，食物也涼了。", "太鹹了。"),
        ("味道一般。", "中規中矩，份量夠。", "價錢合理。"),
        ("非常好味！", "附近最好的一間。", "店員有禮，會再來。"),
    ),
}
_TITLES = {"en": ("Disappointing", "Okay", "Recommended"), "zh": ("失望", "普通", "值得一試")}


@dataclass(frozen=True, slots=True)
class GuestReview:
    """One review, published before `day` began; `rating` is 1 to 5, `number` unique on the platform."""

    number: int
    day: date
    rating: int
    language: str
    title: str
    text: str
    author: Person
    stream: Random
    """For the other fields of a platform's review."""


def review_days(entry: PlatformEntry, today: date, per_month: float) -> list[date]:
    """The days of the entry's reviews; their number grows with the place's popularity."""
    since, until = max(entry.since, HISTORY_BEGINS), min(entry.until, today)
    days = arrivals(Random(entry.noise + 1), since, until, per_month * entry.place.popularity)
    return days[:MAX_PER_LISTING]


def write_review(entry: PlatformEntry, index: int, day: date) -> GuestReview:
    """The entry's review with this index."""
    stream = Random(entry.noise * 1009 + index)
    rating = min(5, max(1, round(stream.gauss(entry.place.quality, 0.9))))
    mood = 0 if rating < 3 else 1 if rating == 3 else 2
    language = "zh" if stream.random() < 0.6 else "en"
    dish = stream.choice(entry.place.cuisines[0].dishes)
    opening = stream.choice(_OPENINGS[language]).format(dish=dish.chinese if language == "zh" else dish.english)
    verdicts = " ".join(stream.sample(_VERDICTS[language][mood], 1 + (stream.random() < 0.4)))
    text = f"{opening} {verdicts}" if language == "en" else opening + verdicts.replace(" ", "")
    number = entry.number * MAX_PER_LISTING + index
    return GuestReview(number, day, rating, language, _TITLES[language][mood], text, draw_person(stream), stream)


def reviews_of(entry: PlatformEntry, today: date, per_month: float) -> list[GuestReview]:
    """The entry's reviews up to the day, newest first."""
    days = review_days(entry, today, per_month)
    return [write_review(entry, index, day) for index, day in reversed(list(enumerate(days)))]
