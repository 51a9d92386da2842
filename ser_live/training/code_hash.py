"""The code that decides a result, and its hash: part of the key of every cache.

Every name that a function uses is followed, through the modules of ser-live, to its
definition, and from there on. So there is no list of modules to keep by hand, and a change of
code that the function cannot reach empties no cache.

Comments, documentation, layout, annotations, import statements and the place of a definition do
not count. So a module can be moved or renamed without computing anything again. Names
in strings and files, as of a plug-in, are not followed.
"""

from __future__ import annotations

import ast
import copy
import hashlib
import inspect
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import ser_live

_PACKAGE = Path(ser_live.__file__).parent


class Place(NamedTuple):
    """A module, or a name in it."""

    module: str
    name: str | None = None
    """None for the whole module."""


@cache
def code_hash(*entries: Callable[..., object], without: tuple[type, ...] = ()) -> str:
    """Hash of the code that functions or classes can reach.

    Parameters
    ----------
    *entries : functions or classes
        If one is not part of ser-live, its own source counts alone.
    without : tuple of classes
        Not followed, because another part of the key stands for them.
    """
    foreign = [inspect.getsource(entry) for entry in entries if not _is_ours(entry)]
    return hash_of([*_reached(entries, without).values(), foreign])


def modules_reached(
    *entries: Callable[..., object], without: tuple[type, ...] = ()
) -> frozenset[str]:
    """Names of the modules that hold code of ``code_hash``."""
    return frozenset(_reached(entries, without))


def reachable_code(
    entries: Iterable[Place], package: Path, without: Iterable[Place] = ()
) -> dict[str, list[str]]:
    """Normalised statements that can be reached from `entries`, by the name of their module.

    Parameters
    ----------
    entries : iterable of Place
    package : Path
        Folder of the package; modules outside it are not followed.
    without : iterable of Place
        Definitions that are not followed.
    """
    modules = _Modules(package)
    seen: set[Place | None] = {None, *without}
    found: dict[str, dict[ast.stmt, str]] = {}
    waiting = list(entries)
    while waiting:
        place = modules.origin(waiting.pop())
        if place is None or place in seen:
            continue
        seen.add(place)
        module = modules[place.module]
        of_module = found.setdefault(place.module, {})
        for statement in module.statements(place.name):
            if statement not in of_module:
                of_module[statement] = module.normalised(statement)
                waiting += module.uses(statement)
    return {name: list(statements.values()) for name, statements in found.items()}


def hash_of(code: Iterable[Iterable[str]]) -> str:
    """Hash of statements, independent of their modules and of their order."""
    digests = sorted(
        hashlib.sha256(statement.encode()).hexdigest() for part in code for statement in part
    )
    return hashlib.sha256(" ".join(digests).encode()).hexdigest()[:16]


def _reached(
    entries: Iterable[Callable[..., object]], without: Iterable[type]
) -> dict[str, list[str]]:
    return reachable_code(
        [_place(entry) for entry in entries if _is_ours(entry)],
        _PACKAGE,
        [_place(one) for one in without],
    )


def _is_ours(entry: Callable[..., object]) -> bool:
    return entry.__module__.split(".")[0] == _PACKAGE.name


def _place(entry: Callable[..., object]) -> Place:
    # Methods are part of their class, inner functions of the outer one.
    return Place(entry.__module__, entry.__qualname__.split(".")[0])


class _Modules:
    """The modules of a package, each read when it is first asked for."""

    def __init__(self, package: Path) -> None:
        self._package = package
        self._known: dict[str, _Module | None] = {}

    def get(self, name: str) -> _Module | None:
        """The module, None for one outside the package."""
        if name not in self._known:
            path = self._path(name)
            self._known[name] = None if path is None else _Module(name, path, self)
        return self._known[name]

    def __getitem__(self, name: str) -> _Module:
        module = self.get(name)
        if module is None:
            raise KeyError(name)
        return module

    def origin(self, place: Place) -> Place | None:
        """Place of a name's definition, past modules that only import it; None if outside."""
        module = self.get(place.module)
        if module is None or place.name is None or place.name in module.definitions:
            return None if module is None else place
        if place.name in module.imports:
            return self.origin(module.imports[place.name])
        submodule = f"{place.module}.{place.name}"
        return Place(submodule) if self.get(submodule) else place

    def _path(self, name: str) -> Path | None:
        first, *rest = name.split(".")
        entry = self._package.joinpath(*rest)
        paths = (entry / "__init__.py", entry.with_suffix(".py"))
        is_inside = first == self._package.name
        return next((path for path in paths if is_inside and path.is_file()), None)


class _Module:
    """One module: the statements that define a name, and where imported names come from."""

    def __init__(self, name: str, path: Path, modules: _Modules) -> None:
        self._name = name
        self._package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        self._modules = modules
        self.definitions: dict[str, list[ast.stmt]] = {}
        self.imports: dict[str, Place] = {}
        self._others: list[ast.stmt] = []
        tree = ast.parse(path.read_text(encoding="utf-8"))
        _WithoutTypeChecking().generic_visit(tree)
        for statement in tree.body:
            names = list(_bound_names(statement))
            for bound in names:
                self.definitions.setdefault(bound, []).append(statement)
            if not names:
                self.imports |= dict(self._imported(statement))
                if not _says_nothing(statement):
                    self._others.append(statement)

    def statements(self, name: str | None) -> list[ast.stmt]:
        """Statements that define a name, all for None; those that bind none run always."""
        if name is None:
            return [*(one for these in self.definitions.values() for one in these), *self._others]
        return [*self.definitions.get(name, ()), *self._others]

    def uses(self, statement: ast.stmt) -> list[Place]:
        """Places that a statement names or imports itself."""
        return [
            *(place for _, place in self._imported(statement)),
            *(place for node in ast.iter_child_nodes(statement) for place in self._named(node)),
        ]

    def normalised(self, statement: ast.stmt) -> str:
        """The statement without what does not count."""
        bare = copy.deepcopy(statement)
        _Normalised(self._as_module).visit(bare)
        return ast.dump(bare)

    def _named(self, node: ast.AST) -> Iterator[Place]:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            module = self._as_module(node.value.id)
            if module is not None:
                yield Place(module, node.attr)
                return
        if isinstance(node, ast.Name):
            if node.id in self.definitions:
                yield Place(self._name, node.id)
            elif node.id in self.imports:
                yield self.imports[node.id]
        for child in ast.iter_child_nodes(node):
            yield from self._named(child)

    def _as_module(self, name: str) -> str | None:
        """The module of the package that a name stands for, None where it is anything else."""
        place = self.imports.get(name)
        origin = self._modules.origin(place) if place is not None else None
        return origin.module if origin is not None and origin.name is None else None

    def _imported(self, statement: ast.stmt) -> Iterator[tuple[str, Place]]:
        for node in ast.walk(statement):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield alias.asname or alias.name.split(".")[0], Place(alias.name)
            elif isinstance(node, ast.ImportFrom):
                above = self._package.split(".")[: -(node.level - 1) or None] if node.level else []
                source = ".".join([*above, *filter(None, [node.module])])
                for alias in node.names:
                    yield alias.asname or alias.name, Place(source, alias.name)


def _bound_names(statement: ast.stmt) -> Iterator[str]:
    """Names that a definition or an assignment gives a value."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield statement.name
    elif isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        for target in targets:
            for node in ast.walk(target):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    yield node.id


def _says_nothing(node: ast.AST) -> bool:
    """An import, or a string that stands alone: documentation."""
    match node:
        case ast.Import() | ast.ImportFrom() | ast.Expr(value=ast.Constant(value=str())):
            return True
    return False


class _WithoutTypeChecking(ast.NodeTransformer):
    """Leaves out what is imported for type checkers alone."""

    def visit(self, node: ast.AST) -> ast.AST | list[ast.stmt]:
        match node:
            case ast.If(
                test=ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"),
                orelse=otherwise,
            ):
                return otherwise
        return self.generic_visit(node)


class _Normalised(ast.NodeTransformer):
    """Leaves out documentation, annotations and imports; modules have no names."""

    def __init__(self, as_module: Callable[[str], str | None]) -> None:
        self._as_module = as_module

    def visit(self, node: ast.AST) -> ast.AST | None:
        if _says_nothing(node):
            return None
        match node:
            case ast.arg():
                node.annotation = None
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                node.returns = None
            case ast.AnnAssign():
                # Still an assignment with an annotation: that makes a field of a data class.
                node.annotation = ast.Constant(None)
            case ast.Name(id=name) if self._as_module(name) is not None:
                return ast.Name("module", node.ctx)
        return self.generic_visit(node)
