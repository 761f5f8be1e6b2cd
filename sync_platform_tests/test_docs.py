"""The documents keep up with the program."""

from __future__ import annotations

import re
from pathlib import Path

from sync_platform.cli.app import app
from sync_platform.settings import PlatformSettings, Settings

ROOT = Path(__file__).parents[1]


def test_every_setting_stands_in_the_example_with_its_description() -> None:
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


def test_every_file_that_a_document_links_to_exists() -> None:
    for document in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\((?!http)([^)#]+)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name} links to {target}"


def test_dagsters_two_instance_files_differ_only_in_where_state_stands() -> None:
    import yaml

    from sync_platform.cli.dagster_home import INSTANCE_YAML

    at_root = yaml.safe_load((ROOT / "dagster.yaml").read_text())
    assert at_root.pop("storage") == {"sqlite": {"base_dir": ".sync/dagster"}}
    assert at_root == yaml.safe_load(INSTANCE_YAML)
