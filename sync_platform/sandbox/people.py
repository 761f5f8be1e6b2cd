"""Invented people: reviewers and guests, none of them real; addresses are at example.com.

What belongs here: names, handles and numbers of persons. What doesn't: what they write or book.
"""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from sync_platform.sandbox.place_names import SURNAMES

_GIVEN = """
Ada Bryan Carmen Derek Elsa Felix Gigi Hugo Ivy Jasper Kitty Leo Mandy Nelson Olive Percy Queenie Ricky Stella Tommy
Una Vincent Winnie Xavier Yoyo Zoe Ka-yan Chi-ho Wing-sze Man-kit Hoi-ting Siu-ming Lok-yi Tsz-kin
"""
_MOODS = "hungry happy sleepy curious tiny mighty quiet rainy sunny spicy sweet late early brave"
_ANIMALS = "panda dimsum tram kite noodle otter turtle lychee mango teapot ferry sparrow bun koi"
_WORDS = tuple(tuple(words.split()) for words in (_GIVEN, _MOODS, _ANIMALS))
POPULATION = 20_000


class Person(NamedTuple):
    """One invented person."""

    number: int
    forename: str
    surname: str
    handle: str

    @property
    def email(self) -> str:
        return f"{self.forename.lower()}.{self.surname.lower()}{self.number}@example.com"

    @property
    def mobile(self) -> str:
        return f"+8525{self.number * 7919 % 10**7:07d}"


def draw_person(stream: Random) -> Person:
    """A random person of the population; the same number is always the same person."""
    number = int(POPULATION * stream.random() ** 1.6)
    own = Random(number)
    given, moods, animals = _WORDS
    mood, animal = own.choice(moods), own.choice(animals)
    return Person(number, own.choice(given), own.choice(SURNAMES).english, f"{mood}_{animal}_{number}")
