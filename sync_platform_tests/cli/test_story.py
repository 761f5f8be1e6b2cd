"""`lineage show` and `lineage export` over a whole sandbox: every golden value leads to a landed line that still has
it, and a changed landing object is reported."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zstandard
from jsonschema import Draft202012Validator

from sync_platform.lake.chain import chained_digest
from sync_platform.landing.manifest import find_manifest
from sync_platform.lineage.change_export import schema
from sync_platform.lineage.origin import OriginFinder
from sync_platform.lineage.provenance import PARTS, Claim, columns_read
from sync_platform.lineage.record_story import StorySources, TracedChange
from sync_platform.lineage.restaurant_story import RestaurantStory, read_restaurant_story
from sync_platform.platforms import load_platforms
from sync_platform.settings import load_settings
from sync_platform.sources.declaration import Dataset, Platform
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform.storage.object_store import ObjectStore
from sync_platform.storage.objects import open_store
from sync_platform.unified.survivorship_rules import RULES
from sync_platform.unified.tables import RESTAURANTS
from sync_platform_tests.cli.conftest import Shell
from sync_platform_tests.extent import is_full

HISTORY = "lineage.changes"
NO_FIELDS = {"name_key_en", "name_key_zh", "chains", "restaurant_id", "why", "founded_by", "founded_at", "merged_into"}
PLAIN = (str, int, float, bool, type(None))


@pytest.fixture(scope="module")
def stories(synced: Shell) -> list[tuple[dict[str, Any], RestaurantStory]]:
    """Every third restaurant (every one with --full): its row, and its story."""
    settings, platforms = load_settings(sync_home=synced.home), load_platforms()
    names = ", ".join(f'"{column.name}"' for column in RESTAURANTS.columns)
    with Lake(LakeAddress.of(settings), read_only=True) as lake, lake.session() as session, lake.session() as other:
        history = StorySources(
            session, HISTORY, OriginFinder(open_store(settings.landing_url), platforms, partial(chained_digest, other))
        )
        cursor = session.execute(f"SELECT {names} FROM unified.restaurants WHERE removed_at IS NULL ORDER BY 1")
        columns = [column.name for column in RESTAURANTS.columns]
        rows = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()[:: 1 if is_full() else 3]]
        return [(row, read_restaurant_story(history, platforms, row["restaurant_id"])) for row in rows]


class Prover:
    """Proves a change without the product's reader: hashes the object, parses its line, and compares."""

    def __init__(self, store: ObjectStore, platforms: dict[str, Platform]) -> None:
        self.store, self.platforms = store, platforms
        self.proven: dict[tuple[str, int], dict[str, Any]] = {}

    def prove(self, traced: TracedChange) -> dict[str, Any]:
        """The row that the landed line gives today; an assertion fails where it differs from the change."""
        change, origin = traced.change, traced.origin
        assert origin is not None
        assert origin.state == "intact", origin
        key = (origin.object, origin.line)
        if key not in self.proven:
            manifest = find_manifest(self.store, origin.manifest)
            assert manifest is not None
            body = self.store.get(origin.object)
            assert hashlib.sha256(body).hexdigest() == manifest.objects[origin.object] == origin.sha256
            received = {each.sha256 for each in manifest.bodies}
            assert origin.bodies
            assert received.issuperset(each.sha256 for each in origin.bodies)
            line = zstandard.ZstdDecompressor().decompress(body).splitlines()[origin.line - 1]
            self.proven[key] = self._row(self.dataset(change.platform, change.dataset), line)
        row = self.proven[key]
        assert row["source_id"] == change.entity_id
        for name, value in change.after.items():
            if isinstance(row[name], PLAIN) and value != "sealed":
                assert row[name] == value, (change.table, change.entity_id, name)
        return row

    def dataset(self, platform: str, dataset: str) -> Dataset:
        return self.platforms[platform].dataset(dataset)

    def _row(self, dataset: Dataset, line: bytes) -> dict[str, Any]:
        row = dataset.to_row(msgspec.json.decode(line, type=dataset.wire))
        assert row is not None
        return msgspec.structs.asdict(row)


def _values(claim: Claim) -> set[str]:
    """The forms that the value of a listing may have in a row."""
    parts = claim.value.values() if isinstance(claim.value, dict) else [claim.value]
    return {str(part) for part in parts}


def test_every_golden_value_leads_to_a_landed_line_that_still_has_it(
    synced: Shell, stories: list[tuple[dict[str, Any], RestaurantStory]]
) -> None:
    prover = Prover(open_store(load_settings(sync_home=synced.home).landing_url), load_platforms())
    read = {rule.name: rule.columns for rule in RULES if not rule.vocabularies} | {
        "location": ("latitude", "longitude")
    }
    fields = literal = 0
    for row, story in stories:
        provenances = {provenance.field: provenance for provenance in story.fields}
        filled = {PARTS.get(name, name) for name, value in row.items() if value not in (None, [])} - NO_FIELDS
        assert filled == set(provenances), row["restaurant_id"]
        for provenance in story.fields:
            fields += 1
            assert provenance.sources, (row["restaurant_id"], provenance.field)
            for claim in provenance.claims:
                assert claim.source is not None, (row["restaurant_id"], provenance.field, claim.listing)
                landed = prover.prove(claim.source)
                change = claim.source.change
                assert claim.listing == f"{change.platform}/{change.entity_id}"
                if provenance.field in read and claim in provenance.sources:
                    dataset = prover.dataset(change.platform, change.dataset)
                    names = list(columns_read(dataset, read[provenance.field]))
                    assert names, (change.table, provenance.field)
                    if len(names) == len(read[provenance.field]) and not set(read[provenance.field]) & set(
                        dataset.listing
                    ):
                        literal += 1
                        assert _values(claim) <= {_text(landed[name]) for name in names}
    assert len(stories) > (40 if is_full() else 14)
    assert fields > 10 * len(stories)
    assert literal > fields / 4, "most values stand in the line as they are"


def test_every_earlier_value_leads_to_a_landed_line_too(stories: list[tuple[dict[str, Any], RestaurantStory]]) -> None:
    for _, story in stories:
        for revision in story.revisions:
            for revised in revision.fields:
                assert revised.provenance is not None
                assert all(
                    claim.source and claim.source.origin and claim.source.origin.state == "intact"
                    for claim in revised.provenance.claims
                )


def _text(value: Any) -> str:
    return (
        value.isoformat() if isinstance(value, date) else str(value).strip() if isinstance(value, str) else str(value)
    )


@pytest.fixture
def golden(stories: list[tuple[dict[str, Any], RestaurantStory]]) -> RestaurantStory:
    """The story of a restaurant with several listings."""
    return max((story for _, story in stories), key=lambda story: len(story.memberships))


def test_the_story_is_written_in_every_format(synced: Shell, golden: RestaurantStory) -> None:
    words = ["lineage", "show", "restaurant", golden.restaurant_id]
    text = synced.run(*words)
    assert text.returncode == 0, text.stderr
    for said in (
        "Its record, and the source of each field",
        "source: openrice/",
        "SHA-256 as received",
        "it hashes to what its manifest says",
    ):
        assert said in text.stdout
    document = json.loads(synced.run(*words, "--format", "json").stdout)
    assert {field["field"] for field in document["fields"]} == {provenance.field for provenance in golden.fields}
    assert all(change["origin"]["state"] == "intact" for change in document["changes"])
    rows = list(csv.DictReader(io.StringIO(synced.run(*words, "--format", "csv").stdout)))
    assert {row["role"] for row in rows} >= {"winner", "agrees", "heard"}
    assert synced.run(*words, "--format", "html").stdout.startswith("<!doctype html>")
    only = json.loads(synced.run(*words, "--format", "json", "--field", "phone").stdout)
    assert [field["field"] for field in only["fields"]] == ["phone"]


def test_the_story_of_a_record_keeps_sealed_values_sealed(synced: Shell) -> None:
    review = synced.query("SELECT source_id FROM openrice.reviews ORDER BY 1 LIMIT 1")[0]["source_id"]
    done = synced.run("lineage", "show", "openrice", "reviews", review)
    assert done.returncode == 0, done.stderr
    assert "author_name: “sealed”" in done.stdout
    assert "sealed:v1" not in done.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["restaurant", "rest-nowhere"], "there is no restaurant rest-nowhere"),
        (["restaurant", "123"], "'123' is no restaurant's id"),
        (["openrice", "restaurants", "nowhere"], "has no record openrice.restaurants nowhere"),
        (["openrice", "menus", "1"], "openrice has no dataset 'menus'; it has restaurants, reviews"),
        (["nowhere", "restaurants", "1"], "nowhere"),
        (["openrice"], "nothing that has a story"),
        (["rest-x", "--as-of", "noon"], "--as-of 'noon' is neither a day"),
    ],
)
def test_an_unknown_restaurant_record_or_moment_is_bad_usage(synced: Shell, words: list[str], message: str) -> None:
    done = synced.run_in_process("lineage", "show", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr


def test_the_export_of_a_sandbox_is_complete_and_valid(synced: Shell, tmp_path: Path) -> None:
    out = tmp_path / "export.json"
    done = synced.run("lineage", "export", "--format", "json", "--out", str(out))
    assert done.returncode == 0, done.stderr
    document = json.loads(out.read_text())
    Draft202012Validator(schema()).validate(document)
    assert document["count"] == synced.query("SELECT count(*) AS n FROM lineage.changes")[0]["n"]
    landed = [
        change["origin"]["state"]
        for change in document["changes"]
        if change["platform"] not in ("unified", "reference")
    ]
    assert set(landed) == {"intact"}
    assert "sealed:v1" not in out.read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["export.json"]


def test_invalid_export_options_are_refused(synced: Shell, tmp_path: Path) -> None:
    for words, message in (
        (["--from", "2026-11-24", "--to", "2026-11-23"], "lies after"),
        (["--platform", "nowhere"], "nowhere"),
        (["--out", str(tmp_path / "no" / "file.csv")], "its folder does not exist"),
        (["--to", "2026-11-24T18:00"], "--to '2026-11-24T18:00' names no time zone"),
    ):
        done = synced.run_in_process("lineage", "export", *words)
        assert (done.returncode, done.stdout) == (2, "")
        assert message in done.stderr


@pytest.fixture
def changed_object(synced: Shell, golden: RestaurantStory) -> Iterator[str]:
    """The key of the landing object of its name, with one byte changed; restored after the test."""
    name = next(provenance for provenance in golden.fields if provenance.field == "name_en")
    step = name.sources[0].source
    assert step is not None
    assert step.origin is not None
    store = open_store(load_settings(sync_home=synced.home).landing_url)
    body = store.get(step.origin.object)
    store.put(step.origin.object, body[:-1] + bytes([body[-1] ^ 1]))
    yield step.origin.object
    store.put(step.origin.object, body)


def test_a_changed_landing_object_is_reported(synced: Shell, golden: RestaurantStory, changed_object: str) -> None:
    done = synced.run("lineage", "show", golden.restaurant_id, "--field", "name_en")
    assert done.returncode == 0
    assert changed_object in done.stdout
    assert "ALTERED: it does not hash to what its manifest says" in done.stdout
    rows = csv.DictReader(io.StringIO(synced.run("lineage", "export").stdout))
    assert {row["landing_object"] for row in rows if row["object_state"] == "altered"} == {changed_object}


def test_the_report_of_a_restaurant_has_everything_in_one_file(synced: Shell, tmp_path: Path) -> None:
    ((name, reviews),) = [
        (row["restaurant_id"], row["n"])
        for row in synced.query(
            "SELECT restaurant_id, count(*) AS n FROM unified.reviews "
            "WHERE removed_at IS NULL AND restaurant_id IS NOT NULL GROUP BY ALL ORDER BY n DESC, restaurant_id LIMIT 1"
        )
    ]
    done = synced.run_in_process("report", "restaurant", name, "--json", "--out", str(tmp_path / "report.json"))
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["is_proven"] and report["verification"]["holds"]
    assert sum(each["live"] for each in report["related"] if each["kind"] == "reviews") == reviews > 0
    assert report["story"]["restaurant_id"] == name
    page = synced.run_in_process("report", "restaurant", name, "--html").stdout
    assert page.index("Proven: ") < page.index("Each field and its source")
    (entry,) = json.loads(synced.run_in_process("audit", "--operation", "report", "--json").stdout)["entries"][-1:]
    assert entry["subject"]["restaurant"] == name
    assert synced.run_in_process("report", "restaurant", "rest-nobody").returncode == 2
