"""The platforms, one file each. A new file here (or in a folder of `PLATFORM_PATH`) is a new platform.

Nothing is registered: the subclass of Platform in each module is found, and assets, schedules, pools, tables and
documentation follow from its declaration.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import pkgutil
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

from sync_platform.errors import SettingsError, UsageError
from sync_platform.settings import Settings
from sync_platform.sources.declaration import Platform


def load_platforms(extra_path: str = "") -> dict[str, Platform]:
    """Every platform by name, in order of priority, then name.

    `extra_path`: folders of further platform files, separated like PATH. Raises SettingsError for a folder that does
    not exist and for two files that declare one name.
    """
    modules = [
        importlib.import_module(f"{__name__}.{module.name}")
        for module in pkgutil.iter_modules(__path__)
        if not module.name.startswith("_")
    ]
    for folder in filter(None, extra_path.split(os.pathsep)):
        if not Path(folder).is_dir():
            raise SettingsError(f"PLATFORM_PATH={extra_path!r}: {folder} is not a folder")
        modules += [_module_at(file) for file in sorted(Path(folder).glob("[!_]*.py"))]
    platforms: dict[str, Platform] = {}
    for module in modules:
        for declared in vars(module).values():
            if isinstance(declared, type) and issubclass(declared, Platform) and declared.__module__ == module.__name__:
                if declared.name in platforms:
                    raise SettingsError(f"two platform files declare the name {declared.name!r}: see {module.__file__}")
                platforms[declared.name] = declared()
    rank = {"high": 0, "medium": 1, "low": 2}
    return dict(sorted(platforms.items(), key=lambda item: (rank[item[1].priority], item[0])))


def platforms_in_use(platforms: Mapping[str, Platform], settings: Settings) -> dict[str, Platform]:
    """The platforms of PLATFORMS_IN_USE, or all if it is empty; SettingsError for a name that there is not."""
    names = [each.strip() for each in settings.platforms_in_use.split(",") if each.strip()]
    unknown = [name for name in names if name not in platforms]
    if unknown:
        raise SettingsError(
            f"PLATFORMS_IN_USE: unknown platform {', '.join(unknown)}; there are {', '.join(platforms)}"
        )
    return {name: platform for name, platform in platforms.items() if not names or name in names}


def choose(platforms: dict[str, Platform], names: list[str]) -> list[Platform]:
    """The named platforms (all when none is named); UsageError listing what exists for an unknown one."""
    unknown = [name for name in names if name not in platforms]
    if unknown:
        raise UsageError(f"unknown platform {', '.join(unknown)}; there are {', '.join(platforms)}")
    return [platforms[name] for name in dict.fromkeys(names)] if names else list(platforms.values())


def _module_at(file: Path) -> ModuleType:
    name = f"sync_platform_extra_{file.stem}"
    if name in sys.modules and sys.modules[name].__file__ == str(file):
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise SettingsError(f"PLATFORM_PATH: {file} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
