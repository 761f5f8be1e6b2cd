"""The chapters of a story: what a compliance officer reads, made from the data of `restaurant` and `record`.

What belongs here: words. Everything said is in the story's data already.
"""

from __future__ import annotations

from collections.abc import Iterable

from sync_platform.lineage.membership import Said, Stay, Turning
from sync_platform.lineage.origin import Origin
from sync_platform.lineage.record import RecordStory, Step
from sync_platform.lineage.restaurant import RestaurantStory, Revision
from sync_platform.lineage.telling import Item, Notes, Section, Telling, plain, shown, when
from sync_platform.lineage.verdicts import Verdict, Voice

OPERATIONS = {
    "insert": "was first known",
    "update": "changed",
    "remove": "was gone",
    "restore": "came back",
}
FOLDED = "had come to this (older changes are past their retention)"
DECIDED = {
    "alone": "alone",
    "evidence": "by evidence",
    "source": "by the platform's own word",
    "person": "by a person's decision",
}
MOST_SURE = 0.9999
NOTES = "every change referred to, and where it is landed"


def telling_of(story: RestaurantStory | RecordStory) -> Telling:
    """The story in words."""
    return _restaurant(story) if isinstance(story, RestaurantStory) else _record(story)


def _restaurant(story: RestaurantStory) -> Telling:
    notes = Notes()
    names = " / ".join(plain(name) for key in ("name_en", "name_zh") if (name := story.values.get(key)))
    through = [f"{one} was merged; this is the restaurant that it is in." for one in story.merged_through]
    ended = ["It has ended: the lake holds no listing of it any more."] if story.has_ended else []
    about = f"Only of its field {story.field}." if story.field else ""
    sections = (
        Section("What its record says, and whose word that is", tuple(_verdict(each, notes) for each in story.fields)),
        Section("What happened to it", tuple(_turning(each, story.restaurant_id) for each in story.turnings)),
        Section("Its listings, as they came and went", tuple(map(_stay, story.stays))),
        Section("What people decided", tuple(map(_said, story.said))),
        Section("Every change of its record", tuple(_revision(each, story, notes) for each in story.revisions)),
    )
    lead = (*through, *ended, _as_known(story), *([about] if about else []))
    return Telling(f"Restaurant {story.restaurant_id}: {names}", lead, sections, tuple(map(_note, notes.steps)))


def _record(story: RecordStory) -> Telling:
    changes = tuple(
        Item(
            _change_words(step), items=(*(_field(step, name) for name in range(len(step.change.fields))), *_where(step))
        )
        for step in story.steps
    )
    about = (f"Only of its column {story.field}.",) if story.field else ()
    title = f"{story.platform}.{story.dataset} {plain(story.source_id)}"
    return Telling(title, (_as_known(story), *about), (Section("Every change", changes),), ())


def _as_known(story: RestaurantStory | RecordStory) -> str:
    return "As it is known now." if story.as_of is None else f"As it was known on {when(story.as_of)}."


def _verdict(verdict: Verdict, notes: Notes) -> Item:
    return Item(f"{verdict.field}: {shown(verdict.value)}", items=tuple(_voices(verdict, notes)))


def _voices(verdict: Verdict, notes: Notes) -> Iterable[Item]:
    if len(verdict.said_by) == 1 and verdict.rule not in ("standing", "together"):
        (winner,) = verdict.said_by
        yield Item(
            f"the word of {plain(winner.listing)}: {plain(verdict.words)} (rule: {verdict.rule})",
            notes.number(winner.step),
        )
    else:
        yield Item(
            f"worked out: {plain(verdict.words)} (rule: {verdict.rule})",
            items=tuple(Item(_heard(voice), notes.number(voice.step)) for voice in verdict.said_by),
        )
    for voice in verdict.others:
        does = "agrees" if voice.agrees else "says otherwise"
        yield Item(f"{plain(voice.listing)} {does}: {shown(voice.value)}", notes.number(voice.step))


def _heard(voice: Voice) -> str:
    said = "" if voice.value is None else f", which says {shown(voice.value)}"
    return f"from {plain(voice.listing)}{said}"


def _turning(turning: Turning, own: str) -> Item:
    is_own = turning.restaurant_id == own
    name, other = turning.restaurant_id, turning.other_id
    that = "it" if other == own else other
    words = {
        "founded": "was founded",
        "merged": f"was merged into {that}",
        "split": f"was split off {that}",
        "revived": f"came back, off {that}" if other else "came back",
        "moved": f"was given listings of {that}",
        "ended": "ended: the lake holds no listing of it any more",
    }[turning.kind]
    listings = f", with {', '.join(map(plain, turning.listings))}" if turning.listings else ""
    return Item(f"{when(turning.at)}: {'it' if is_own else name} {words}{listings} (run {turning.run_id})")


def _stay(stay: Stay) -> Item:
    came = f", from {stay.came_from}" if stay.came_from else ""
    items = [
        Item(f"since {when(stay.since)} (run {stay.came_by}){came}, {DECIDED.get(stay.decided_by, stay.decided_by)}")
    ]
    if stay.evidence:
        sure, to = _sure(stay.evidence.probability), plain(stay.evidence.linked_to)
        items.append(Item(f"{sure} likely one place with {to}; {plain(stay.evidence.words)}"))
    if stay.until:
        went = f", to {stay.went_to}" if stay.went_to else ", its record being gone"
        items.append(Item(f"until {when(stay.until)} (run {stay.went_by}){went}"))
    gone = "" if stay.is_live else ", which the platform lists no more"
    return Item(f"{plain(stay.listing)} ({stay.dataset}){gone}", items=tuple(items))


def _sure(probability: float) -> str:
    return "more than 99.99 %" if probability > MOST_SURE else f"{probability:.2%}".replace("%", " %")


def _said(said: Said) -> Item:
    pair = f"{plain(said.one)} and {plain(said.other)}"
    verdict = {"same": "are one place", "different": "are not one place"}.get(said.verdict)
    who, why = plain(said.decided_by) or "somebody", plain(said.reason)
    if verdict is None:
        return Item(f"{when(said.at)}: what was decided on {pair} was taken back (run {said.run_id})")
    return Item(f"{when(said.at)}: {who} decided that {pair} {verdict}: “{why}” (run {said.run_id})")


def _revision(revision: Revision, story: RestaurantStory, notes: Notes) -> Item:
    change = revision.change
    does = {"insert": "it was founded", "remove": "it ended", "restore": "it came back"}.get(
        change.operation, "its record changed"
    )
    items = [Item(f"{each.field}: {shown(each.before)} → {shown(each.after)}") for each in revision.identity]
    for turn in revision.turns:
        if turn.verdict is None:
            items.append(Item(f"{turn.field}: {shown(turn.before)} → nothing: nobody says anything any more"))
            continue
        same = turn.before == turn.verdict.value
        told = f"{shown(turn.before)}, as before" if same else f"{shown(turn.before)} → {shown(turn.verdict.value)}"
        if turn.verdict in story.fields:
            items.append(Item(f"{turn.field}: {told}, for the reason that holds still (above)"))
        else:
            items.append(Item(f"{turn.field}: {told}", items=tuple(_voices(turn.verdict, notes))))
    where = f"period {change.partition}, run {change.run_id}, sync {change.sync_id}"
    return Item(f"{when(change.committed_at)}: {does} ({where})", items=tuple(items))


def _note(step: Step) -> Item:
    return Item(f"{step.change.table} {plain(step.change.entity_id)} {_change_words(step)}", items=tuple(_where(step)))


def _change_words(step: Step) -> str:
    change = step.change
    does = FOLDED if change.is_sum else OPERATIONS[change.operation]
    told = f"{does} {when(change.observed_at)}"
    learned = f"learned {when(change.committed_at)}"
    return f"{told} ({learned}; period {change.partition}, run {change.run_id}, sync {change.sync_id})"


def _field(step: Step, number: int) -> Item:
    each = step.change.fields[number]
    if step.change.operation == "insert" or step.change.is_sum:
        return Item(f"{each.field}: {shown(each.after)}")
    return Item(f"{each.field}: {shown(each.before)} → {shown(each.after)}")


def _where(step: Step) -> Iterable[Item]:
    """Where the version is landed and what it came on."""
    origin = step.origin
    if origin is None:
        return
    yield Item(f"landed in {plain(origin.object)}, line {origin.line}")
    yield Item(_proof(origin))
    for body in origin.bodies:
        etag = f", ETag {plain(body.etag)}" if body.etag else ""
        yield Item(
            f"received {when(body.fetched_at)} from {plain(body.url)}: HTTP {body.status}{etag}, "
            f"{body.size_bytes:,} bytes, SHA-256 as received {body.sha256}"
        )


def _proof(origin: Origin) -> str:
    digest = f"SHA-256 {origin.sha256}: " if origin.sha256 else ""
    return f"{digest}{origin.words}"
