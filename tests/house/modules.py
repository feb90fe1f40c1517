"""The package's source as the house tests see it: modules, what they import, and the dotted names they use."""

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from support import CHECKOUT, SOURCE

SHIM = "outlast.shim"


def modules() -> list[Path]:
    """Return every Python file of the package."""
    return sorted(SOURCE.rglob("*.py"))


def name_of(path: Path) -> str:
    """Return the dotted name of a module of the package."""
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def within(module: str, *packages: str) -> bool:
    """Tell whether `module` is one of `packages` or inside of one."""
    return any(module == package or module.startswith(f"{package}.") for package in packages)


@cache
def tree(path: Path) -> ast.Module:
    """Return the syntax tree of a file."""
    return ast.parse(path.read_bytes(), str(path))


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Yield (dotted name, line) of everything that is imported anywhere in the file; relative imports as `.name`."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield f"{'.' * node.level}{node.module or ''}.{alias.name}", node.lineno


def names_used(path: Path) -> Iterator[tuple[str, int]]:
    """Yield (dotted name, line) of every imported name that is used, by its full name whatever it was imported as.

    `import os as o; o.kill` and `from os import kill as k; k` are both `os.kill`.
    """
    known: dict[str, str] = {}
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                known[alias.asname or alias.name.partition(".")[0]] = alias.name if alias.asname else alias.name.partition(".")[0]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            for alias in node.names:
                known[alias.asname or alias.name] = f"{node.module}.{alias.name}"
                yield f"{node.module}.{alias.name}", node.lineno
    for node in ast.walk(tree(path)):
        dotted = _dotted(node)
        if dotted:
            first, _, rest = dotted.partition(".")
            if first in known:
                yield known[first] + (f".{rest}" if rest else ""), node.lineno


def _dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        inner = _dotted(node.value)
        return f"{inner}.{node.attr}" if inner else ""
    return ""


def place(path: Path, line: int) -> str:
    """Return where something is, as an editor takes it."""
    return f"{path.relative_to(CHECKOUT)}:{line}"


def none(found: Iterable[str], rule: str) -> None:
    """Fail with every line of `found`, if there is one, under the `rule` that it offends."""
    lines = list(found)
    assert not lines, "\n".join([f"{rule}:", *lines])
