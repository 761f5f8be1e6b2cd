"""The ground truth: every place that has ever traded, its names and addresses, and their dates.

What belongs here: places as they really are. What doesn't: how a platform sees them (see `views`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import accumulate
from random import Random

from sync_platform.sandbox.chance import draws
from sync_platform.sandbox.evolution import (
    HISTORY_BEGINS,
    MOVES_PER_MONTH,
    RENAMES_PER_MONTH,
    RegisteredLicence,
    draw_closing,
    draw_event,
    draw_licences,
    draw_opening,
)
from sync_platform.sandbox.place_names import (
    CUISINE_WEIGHTS,
    CUISINES,
    BilingualName,
    CuisineProfile,
    RestaurantChain,
    invent_chains,
    invent_name,
)
from sync_platform.sandbox.premises import Mall, Premises, build_malls, find_premises, premises_in

TENANCIES_PER_SLOT = 4
_CHAIN_SHARE = 0.2
_SAME_PREMISES_SHARE = 0.6
_SLOTS_PER_SHARED_PHONE = 40
_LIGHT = {"Noodles & Congee", "Siu Mei", "Taiwanese", "Coffee Shop"}


@dataclass(frozen=True, slots=True)
class TruePlace:
    """One restaurant. `closed` may lie in the future; `second_*` hold from `renamed` or `moved` on.

    `key` is unique and even: the odd number after it is free for a second listing of the same place.
    """

    key: int
    opened: date
    closed: date
    first_name: BilingualName
    renamed: date | None
    second_name: BilingualName
    first_premises: Premises
    moved: date | None
    second_premises: Premises
    cuisines: tuple[CuisineProfile, ...]
    price: int
    phone: str
    opens: int
    closes: int
    rests_on: int
    quality: float
    popularity: float
    chain: RestaurantChain | None
    kind: str
    info: str
    licences: tuple[RegisteredLicence, ...]

    @property
    def place_id(self) -> str:
        return f"place-{self.key:07d}"

    def name(self, day: date) -> BilingualName:
        return self.second_name if self.renamed and day >= self.renamed else self.first_name

    def premises(self, day: date) -> Premises:
        return self.second_premises if self.moved and day >= self.moved else self.first_premises

    def last_change(self, day: date) -> date:
        """The latest of opening, renaming and moving that is not after the day."""
        return max(
            moment for moment in (self.opened, self.renamed, self.moved) if moment and moment <= max(day, self.opened)
        )


def build_places(seed: int, count: int, today: date) -> list[TruePlace]:
    """Every place that opened by `today`: about `count` trade at any one time, the rest have closed."""
    malls = build_malls(draws(seed, "malls"), count)
    chains = invent_chains(draws(seed, "chains"), max(24, min(1200, count // 60)))
    weights = list(accumulate(1 / (rank + 3) for rank in range(len(chains))))
    chosen = draws(seed, "homes")
    malls_of_chains = [[chosen.choice(mall) for mall in chosen.sample(malls, 8)] for _ in chains]
    places: list[TruePlace] = []
    for slot in range(count):
        stream = draws(seed, "slot", slot)
        places.extend(_tenancies(stream, slot, today, malls, chains, weights, malls_of_chains))
    return _with_shared_phones(places, count)


def _with_shared_phones(places: list[TruePlace], count: int) -> list[TruePlace]:
    """The places, some of them with the telephone number of another: two shops of one owner.

    Both are the first tenants of their slots, which exist on every day: so a later day never changes the past.
    """
    position = {place.key: number for number, place in enumerate(places)}
    for slot in range(0, count - 1, _SLOTS_PER_SHARED_PHONE):
        first, second = (position.get((slot + ahead) * 2 * TENANCIES_PER_SLOT) for ahead in (0, 1))
        if first is None or second is None or places[first].chain or places[second].chain or not places[first].phone:
            continue
        places[second] = replace(places[second], phone=places[first].phone)
    return places


def _tenancies(
    stream: Random,
    slot: int,
    today: date,
    malls: list[list[Mall]],
    chains: list[RestaurantChain],
    weights: list[float],
    malls_of_chains: list[list[Mall]],
) -> Iterator[TruePlace]:
    """The places that follow one another in a slot of the city, often at the same address."""
    opened = draw_opening(stream)
    previous: Premises | None = None
    for tenancy in range(TENANCIES_PER_SLOT):
        if opened > today:
            return
        closed = draw_closing(stream, max(opened, HISTORY_BEGINS))
        chain = stream.choices(chains, cum_weights=weights)[0] if stream.random() < _CHAIN_SHARE else None
        if previous is not None and stream.random() < _SAME_PREMISES_SHARE:
            premises = previous
        elif chain and stream.random() < 0.45:
            premises = premises_in(stream, stream.choice(malls_of_chains[chain.number]))
        else:
            premises = find_premises(stream, malls, mall_share=0.5 if chain else 0.22)
        place = _build_place(
            stream, slot * 2 * TENANCIES_PER_SLOT + tenancy * 2, opened, closed, premises, chain, malls
        )
        yield place
        previous = place.premises(closed)
        opened = closed + timedelta(days=stream.randint(15, 120))


def _build_place(
    stream: Random,
    key: int,
    opened: date,
    closed: date,
    premises: Premises,
    chain: RestaurantChain | None,
    malls: list[list[Mall]],
) -> TruePlace:
    cuisine = chain.cuisine if chain else stream.choices(CUISINES, cum_weights=CUISINE_WEIGHTS)[0]
    second = stream.choice(CUISINES)
    cuisines = (cuisine, second) if stream.random() < 0.3 and second is not cuisine else (cuisine,)
    name = chain.name if chain else invent_name(stream, cuisine)
    renamed = None if chain else draw_event(stream, opened, closed, RENAMES_PER_MONTH)
    moved = draw_event(stream, opened, closed, MOVES_PER_MONTH)
    second_premises = find_premises(stream, malls) if moved else premises
    area = premises.area
    tenancies = [(opened, moved or closed, area.fehd)]
    if moved:
        tenancies.append((moved, closed, second_premises.area.fehd))
    kind = "RR" if cuisine.english in _LIGHT and stream.random() < 0.6 else "RL"
    if stream.random() < 0.003:
        kind = "MR"
    opens = stream.choice((7, 8, 11, 11, 12, 12)) if cuisine.price < 4 else stream.choice((12, 12, 17, 18))
    late = cuisine.english in {"Bar", "Hot Pot"}
    return TruePlace(
        key=key,
        opened=opened,
        closed=closed,
        first_name=name,
        renamed=renamed,
        second_name=invent_name(stream, cuisine) if renamed else name,
        first_premises=premises,
        moved=moved,
        second_premises=second_premises,
        cuisines=cuisines,
        price=min(6, max(1, (chain.price if chain else cuisine.price) + stream.choice((-1, 0, 0, 0, 1, 1)))),
        phone=_phone(stream, chain),
        opens=opens,
        closes=stream.choice((23, 24)) if late else stream.choice((20, 21, 22, 22, 23)),
        rests_on=stream.choice((0, 0, 0, 0, 1, 2, 7)),
        quality=min(4.9, max(1.6, stream.gauss(3.7, 0.55))),
        popularity=min(60.0, stream.lognormvariate(0, 1.1)),
        chain=chain,
        kind=kind,
        info=_info(stream, cuisine),
        licences=draw_licences(stream, key, kind, opened, closed, tenancies) if stream.random() < 0.97 else (),
    )


def _phone(stream: Random, chain: RestaurantChain | None) -> str:
    """Eight digits, or none; a chain's hotline is shared."""
    drawn = f"{stream.choice('23235569')}{stream.randrange(10**7):07d}"
    if chain and chain.hotline:
        return chain.hotline
    return "" if stream.random() < 0.03 else drawn


def _info(stream: Random, cuisine: CuisineProfile) -> str:
    """Codes of the register's INFO field, such as `#F#G#H`."""
    codes = "FGH" if cuisine.english == "Japanese" and stream.random() < 0.8 else ""
    if stream.random() < 0.06:
        codes = stream.choice(("A", "A", "B", "D", "E", "F")) + codes
    return "".join(f"#{code}" for code in sorted(set(codes)))
