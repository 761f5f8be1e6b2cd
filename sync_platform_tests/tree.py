"""The source files of the package, parsed once: the imports, definitions and private uses of each module.

What belongs here: reading the code. What doesn't: the rules for it (test_architecture.py).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Module:
    """A source file: its path below the repository, such as `sync_platform/lake/difference.py`."""

    path: str

    @property
    def name(self) -> str:
        """The name that an import uses: `sync_platform.lake.difference`."""
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @property
    def stem(self) -> str:
        return Path(self.path).stem

    @property
    def folder(self) -> str:
        """The folder within the package: `lake`; empty for a module at the top."""
        return Path(self.path).parent.as_posix().partition("/")[2]

    @property
    def stage(self) -> str:
        return self.name.split(".")[1] if "." in self.name else ""

    @cached_property
    def text(self) -> str:
        return (ROOT / self.path).read_text()

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """Every node of the syntax tree."""
        return tuple(ast.walk(ast.parse(self.text)))

    def imports(self, *, for_types: bool = False) -> set[str]:
        """Every name that an import mentions anywhere in the file: `a.b` and `a.b.c` of `from a.b import c`.

        `for_types`: also the imports that only a type checker follows.
        """
        skipped = set() if for_types else {node for block in self._typing_blocks() for node in ast.walk(block)}
        return {name for node in self.nodes if node not in skipped for name in self._named_by(node)}

    def classes(self) -> Iterator[str]:
        return (node.name for node in self.nodes if isinstance(node, ast.ClassDef))

    def docstrings(self) -> Iterator[str]:
        """The docstrings of the module, its classes and functions, and the texts below constants."""
        for node in self.nodes:
            if (
                isinstance(node, ast.Expr)
                and isinstance(node.value, ast.Constant)
                and isinstance(node.value.value, str)
            ):
                yield node.value.value

    def comments(self) -> list[str]:
        """The comments, and whatever follows a `# ` within a text: a tokenizer takes ten times as long."""
        return re.findall(r"(?:^|\s)# .*", self.text, re.MULTILINE)

    def private_uses(self, of: str) -> Iterator[str]:
        """Where the file uses a private name of an object or of the package `of`: `line: expression`.

        An attribute of `self` or `cls` belongs to the class and does not count. Public names with an underscore, such
        as `_replace` and `_fields` of a named tuple, do not count either.
        """
        for node in self.nodes:
            match node:
                case ast.Attribute(ast.Name("self" | "cls")):
                    continue
                case ast.Attribute(attr=name) if _is_private(name):
                    yield f"{node.lineno}: {ast.unparse(node)}"
                case ast.ImportFrom(module=str(source), names=aliases) if source.split(".")[0] == of:
                    private = [alias.name for alias in aliases if _is_private(alias.name)]
                    yield from (f"{node.lineno}: {source}.{name}" for name in private)
                case ast.Call(ast.Attribute(attr="setattr" | "delattr" | "object"), [_, ast.Constant(str(name)), *_]):
                    if _is_private(name):
                        yield f"{node.lineno}: {ast.unparse(node.args[0])}.{name}"

    def _typing_blocks(self) -> Iterator[ast.stmt]:
        for node in self.nodes:
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
                yield from node.body

    def _named_by(self, node: ast.AST) -> Iterator[str]:
        match node:
            case ast.Import(names=aliases):
                yield from (alias.name for alias in aliases)
            case ast.ImportFrom(module=source, names=aliases, level=level):
                above = self.name.split(".") if self.stem == "__init__" else self.name.split(".")[:-1]
                parts = [*above[: len(above) - level + 1], source] if level else [source]
                whole = ".".join(part for part in parts if part)
                yield whole
                yield from (f"{whole}.{alias.name}" for alias in aliases)


@cache
def modules_of(package: str) -> tuple[Module, ...]:
    """Every module of a top-level package of the repository, in the order of their paths."""
    files = sorted((ROOT / package).rglob("*.py"))
    return tuple(Module(file.relative_to(ROOT).as_posix()) for file in files)


def import_cycles(modules: tuple[Module, ...]) -> set[frozenset[str]]:
    """The groups of modules that import each other in a circle, imports for types included."""
    names = {module.name for module in modules}
    imported = {module.name: module.imports(for_types=True) & (names - {module.name}) for module in modules}
    reached = {name: _reachable(name, imported) for name in names}
    return {
        frozenset(other for other in reached[name] if name in reached[other]) for name in names if name in reached[name]
    }


def _reachable(start: str, imported: dict[str, set[str]]) -> set[str]:
    """Everything that `start` imports, directly or through others."""
    reachable: set[str] = set()
    ahead = [start]
    while ahead:
        new = imported[ahead.pop()] - reachable
        reachable |= new
        ahead += new
    return reachable


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name not in ("_replace", "_fields", "_asdict")
