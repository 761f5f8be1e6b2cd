"""The documents agree with the program."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.main import get_command

from sync_platform.cli.app import app
from sync_platform.cli.operations.tables import columns_of_table, descriptions_of
from sync_platform.lake.corrected_times import CORRECTED_TIMES_DESCRIPTION
from sync_platform.lake.history_view import OF_CHANGE
from sync_platform.lake.late_records import LATE_RECORDS, LATE_RECORDS_DESCRIPTION
from sync_platform.lake.reference_tables import ensure_reference_tables
from sync_platform.lake.schema import ensure_other_tables, ensure_tables
from sync_platform.lake.sync_columns import CORRECTED_TIMES
from sync_platform.platforms import load_platforms
from sync_platform.settings import PlatformSettings, Settings, load_settings
from sync_platform.sources.columns import Column, columns_of
from sync_platform.sources.declaration import Dataset, Platform
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform.unified.related_records import ensure_views
from sync_platform.unified.tables import ensure_unified
from sync_platform.vault.personal_fields import Personal, Processing
from sync_platform_tests.tree import modules_of

ROOT = Path(__file__).parents[1]
DATASETS = ROOT / "docs" / "datasets.md"
PRIVACY = ROOT / "docs" / "privacy.md"
GLOSSARY = ROOT / "docs" / "glossary.md"
OWN_SCHEMAS = {
    "unified": "Unified restaurants",
    "reference": "Vocabularies",
    "lineage": "History",
    "sync": "Syncs",
    "quality": "Quality",
}
DOCUMENTS = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
CITED_FILE = re.compile(r"(?<![\w/.*{-])((?:[\w.-]+/)*[\w-]+\.(?:md|schema\.json|py))\b(?!\.?\w)")
CITED_MODULE = re.compile(r"(?<![\w/.])sync_platform(?:_tests)?(?:\.\w+)+")


def test_the_page_of_all_tables_is_the_one_that_the_program_declares(tmp_path: Path) -> None:
    """After an intended change, delete docs/datasets.md, run this test again, and read the difference."""
    with Lake(LakeAddress.of(load_settings(sync_home=tmp_path))) as lake, lake.session() as session:
        session.execute("BEGIN")  # one snapshot, not one for each comment
        page = "\n".join([*_datasets_page(load_platforms()), *_history_view(), *_own_tables(session)])
    if not DATASETS.exists():
        DATASETS.write_text(page)
        pytest.fail("docs/datasets.md was missing and has been written: look at it, and run again")
    assert DATASETS.read_text() == page, "docs/datasets.md is out of date: delete it, and run this test again"


def test_the_register_of_personal_data_is_the_one_that_the_platform_files_declare() -> None:
    """After an intended change, delete everything below the heading, run this test again, and read the difference."""
    head, heading, stated = PRIVACY.read_text().partition("## Register\n")
    register = "\n".join(["", *_register(load_platforms())])
    if not stated.strip():
        PRIVACY.write_text(head + heading + register)
        pytest.fail("the register in docs/privacy.md was missing and has been written: look at it, and run again")
    assert stated == register, "the register in docs/privacy.md is out of date: delete it, and run this test again"


def test_every_platform_of_the_project_states_what_its_personal_fields_are_and_why_they_are_kept() -> None:
    stated = [
        (dataset.personal.unstated, dataset.name)
        for platform in load_platforms().values()
        for dataset in platform.datasets
        if dataset.personal
    ]
    assert stated
    assert [each for each in stated if each[0]] == []


def _register(platforms: Mapping[str, Platform]) -> Iterator[str]:
    """The lines of the register: a table for each dataset with personal fields."""
    for platform in platforms.values():
        for dataset in platform.datasets:
            if dataset.personal is not None:
                yield from _registered(f"{platform.name}.{dataset.name}", dataset.personal)


def _registered(name: str, personal: Personal) -> Iterator[str]:
    processing = personal.processing or Processing(*["not stated"] * 4)
    named_by = " or ".join(f"`{path}`" for path in personal.subject)
    yield f"### {name}"
    yield ""
    yield "| | |"
    yield "|---|---|"
    yield f"| whose | {processing.whose}; a person is known by {named_by} |"
    yield f"| purpose | {processing.purpose} |"
    yield f"| basis | {processing.basis} |"
    yield f"| recipients | {processing.recipients} |"
    yield f"| fields | {', '.join(f'`{path}` ({personal.kind_of(path)})' for path in personal.fields)} |"
    yield ""


def test_every_setting_is_in_the_example_with_its_description() -> None:
    text = (ROOT / ".env.example").read_text()
    for name, field in Settings.model_fields.items():
        assert f"# {field.description}\n{name.upper()}=" in text
    for name, field in PlatformSettings.model_fields.items():
        assert f"# {field.description}\n# OPENRICE_{name.upper()}=" in text


def test_every_command_is_shown_in_the_readme() -> None:
    text = (ROOT / "README.md").read_text()
    commands = [command.callback.__name__ for command in app.registered_commands if command.callback]
    commands += [group.name for group in app.registered_groups if group.name]
    assert commands
    assert [name for name in commands if f"sync-platform {name}" not in text] == []


def test_every_command_subcommand_and_option_has_help() -> None:
    commands = dict(_commands(get_command(app), "sync-platform"))
    assert len(commands) > 20
    assert [name for name, command in commands.items() if not command.help] == []
    assert [f"{name} {each.name}" for name, command in commands.items() for each in _without_help(command)] == []


def _commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    """The command and all its subcommands, by their full names."""
    yield name, command
    for word, below in getattr(command, "commands", {}).items():
        yield from _commands(below, f"{name} {word}")


def _without_help(command: Any) -> list[Any]:
    return [each for each in command.params if not getattr(each, "help", None)]


def test_every_file_that_a_document_links_to_exists() -> None:
    for document in DOCUMENTS:
        for target in re.findall(r"\]\((?!http)([^)#]+)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name} links to {target}"


def test_every_file_and_module_that_a_document_a_docstring_or_a_comment_cites_exists() -> None:
    dead = {f"{document.name}: {cited}" for document in DOCUMENTS for cited in _dead(document.read_text(), ROOT)}
    for package in ("sync_platform", "sync_platform_tests", "benchmarks"):
        for module in modules_of(package):
            prose = "\n".join((*module.docstrings(), *module.comments()))
            dead |= {f"{module.path}: {cited}" for cited in _dead(prose, (ROOT / module.path).parent)}
    assert dead == set()


def _dead(prose: str, folder: Path) -> Iterator[str]:
    """The files and modules that a text cites and that exist neither in the root, a package, docs nor `folder`."""
    bases = (ROOT, ROOT / "sync_platform", ROOT / "sync_platform_tests", ROOT / "docs", folder)
    for cited in CITED_FILE.findall(prose):
        if not any((base / cited).exists() for base in bases):
            yield cited
    for cited in CITED_MODULE.findall(prose):
        if not {cited, cited.rpartition(".")[0]} & _module_names():
            yield cited


@cache
def _module_names() -> frozenset[str]:
    return frozenset(
        module.name for package in ("sync_platform", "sync_platform_tests") for module in modules_of(package)
    )


def test_every_noun_of_the_glossary_is_defined_once() -> None:
    """An entry is a row of a table, or a line that begins with the noun in bold; the meaning follows."""
    text = GLOSSARY.read_text()
    rows = re.findall(r"^\| *(?!-|:)([^|]+?) *\| *([^|]*?) *\|", text, re.MULTILINE)
    headers = re.findall(r"^\| *([^|]+?) *\|.*\n\|[-:| ]+\|$", text, re.MULTILINE)
    entries = [(noun, meaning) for noun, meaning in rows if noun not in headers]
    entries += re.findall(r"^(?:[-*] +)?\*\*(.+?)\*\*[\s:,—-]*(.*)$", text, re.MULTILINE)
    nouns = [noun.strip("`*").casefold() for noun, _ in entries]
    assert len(nouns) > 20
    assert sorted(nouns) == sorted(set(nouns)), "defined twice"
    assert [noun for noun, meaning in entries if not meaning.strip()] == []


def test_dagsters_two_instance_files_differ_only_in_where_state_is_stored() -> None:
    import yaml

    from sync_platform.cli.runner.home import INSTANCE_YAML

    at_root = yaml.safe_load((ROOT / "dagster.yaml").read_text())
    assert at_root.pop("storage") == {"sqlite": {"base_dir": ".sync/dagster"}}
    assert at_root == yaml.safe_load(INSTANCE_YAML)


def _own_tables(session: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """The lines on the tables and views that are not a platform's, with the comments that they have in the lake."""
    platform = load_platforms()["chope"]
    ensure_tables(session, "lineage.changes", platform.name, platform.datasets[0])
    ensure_other_tables(
        session,
        {
            ("sync", "corrected_times"): (CORRECTED_TIMES, CORRECTED_TIMES_DESCRIPTION),
            ("sync", "late_records"): (LATE_RECORDS, LATE_RECORDS_DESCRIPTION),
        },
    )
    ensure_unified(session)
    ensure_reference_tables(session)
    ensure_views(session, load_platforms())
    for schema, title in OWN_SCHEMAS.items():
        yield f"## {title}\n"
        for table, description in descriptions_of(session).items():
            if table.startswith(f"{schema}."):
                yield f"### {table}\n"
                yield f"{description}.\n"
                yield "| column | type | meaning |"
                yield "|---|---|---|"
                for column in columns_of_table(session, table):
                    assert column.description, f"{table}.{column.name} has no meaning"
                    meaning = re.sub(r"([|<])", r"\\\1", column.description)
                    yield f"| `{column.name}` | {column.type} | {meaning} |"
                yield ""


def _history_view() -> Iterator[str]:
    """The lines on the views of the history of each dataset."""
    yield "## History of a dataset\n"
    yield "For every table `PLATFORM.DATASET` there is a view `PLATFORM.DATASET_history` with one row per change. It"
    yield "has the columns below, then each column of the dataset after the change, and before it as `COLUMN_before`,"
    yield "in the column's own type. A column that a change does not name is empty on both sides: see `changed_fields`."
    yield "Columns that are kept current have no history.\n"
    yield "| column | type | meaning |"
    yield "|---|---|---|"
    for column in OF_CHANGE:
        name = "source_id" if column.name == "entity_id" else column.name
        meaning = re.sub(r"([|<])", r"\\\1", column.description)
        yield f"| `{name}` | {column.sql_type} | {meaning} |"
    yield ""


def _datasets_page(platforms: dict[str, Platform]) -> Iterator[str]:
    """The lines of docs/datasets.md."""
    yield "# Datasets\n"
    yield "Made from the declarations: `sync_platform_tests/test_docs.py` tells when it is out of date, and makes it"
    yield "anew once it is deleted. The same texts are the comments of the tables and columns in the lake:"
    yield "`sync-platform tables`. The program's own tables (unified restaurants, history, syncs, quality) follow those"
    yield "of the platforms. A hard rule sends a record that breaks it to quarantine, a soft one lowers the"
    yield "validation score, and completeness counts the columns that matter: [quality](quality.md). Beside these"
    yield "columns, every table says when a row was first seen, last changed and removed, since when it is stale, and"
    yield "where it is landed.\n"
    for platform in platforms.values():
        yield f"## {platform.title}\n"
        for dataset in platform.datasets:
            yield f"### {platform.name}.{dataset.name}\n"
            key = " / ".join(f"`{name}`" for name in dataset.key)
            yield f"{dataset.description} `source_id` is {key} as received.\n"
            yield "| column | type | meaning | rule | kind |"
            yield "|---|---|---|---|---|"
            yield from map(_line_of, columns_of(dataset.row))
            yield ""
            yield from _lists_of(dataset)


def _line_of(column: Column) -> str:
    held_to = "; ".join(f"{rule.words} ({'hard' if rule.hard else 'soft'})" for rule in column.rules)
    marks = (("matters", column.matters), ("sealed", column.sealed), ("set", column.is_set))
    notes = [name for name, is_so in marks if is_so]
    notes += [f"refers to {column.refers_to}"] if column.refers_to else []
    meaning = column.description.removesuffix(", sealed")
    cells = (f"`{column.name}`", column.sql_type, meaning, held_to, ", ".join(notes))
    return "| " + " | ".join(re.sub(r"([|<])", r"\\\1", cell) for cell in cells) + " |"


def _lists_of(dataset: Dataset) -> Iterator[str]:
    """The facts that concern several columns."""
    between = [f"{rule.words} ({'hard' if rule.hard else 'soft'})" for rule in dataset.rules]
    facts = {
        "Between columns": "; ".join(between),
        "In English and Chinese": "; ".join(f"{english} and {chinese}" for english, chinese in dataset.bilingual),
        "Agrees with what it refers to": "; ".join(each.words for each in dataset.agreements),
        "Kept current, without history": ", ".join(sorted(dataset.volatile)),
        "Past, once it is not listed": _past(dataset),
        "A reference for": "the accuracy of other platforms' records" if dataset.is_reference else "",
    }
    lines = [f"- {name}: {text}." for name, text in facts.items() if text]
    if lines:
        yield from lines
        yield ""


def _past(dataset: Dataset) -> str:
    if dataset.window is None:
        return ""
    days = dataset.window.days
    return f"a row whose {dataset.window.column} is " + (
        f"{days} days or more before the sync" if days else "not after the day of the sync"
    )
