"""Operator mutants of a shipped function: its own code with one operator changed.

The source of the module is parsed, one node of the function is changed and the result
compiled; the new code goes into the function object itself, so that every caller sees
it whatever name it uses.
"""

from __future__ import annotations

import ast
import inspect
from collections import Counter
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

Node = Any

COMPARED: dict[type, tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.GtE),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
COMPUTED: dict[type, type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitOr,
}
SWAPPED = {"min": "max", "max": "min", "any": "all", "all": "any"}


@dataclass(frozen=True)
class Mutant:
    """One function with one operator changed."""

    function: FunctionType
    line: int
    change: str  # "a < b -> a <= b", with a number where the function has several
    code: CodeType

    @property
    def name(self) -> str:
        """Return the function and what is changed; lines move, names stay."""
        return f"{title(self.function)}: {self.change}"

    def install(self) -> None:
        """Put the changed code into the function; for a process that then ends."""
        self.function.__code__ = self.code


def title(function: Callable[..., Any]) -> str:
    """Return a function's full name without the name of the project."""
    module = function.__module__.removeprefix("mmoracle.")
    return f"{module}.{function.__qualname__}"


def variants(node: Node) -> Iterator[Node]:
    """Yield the node with one operator of its own changed."""
    new: Any
    if isinstance(node, ast.Compare):
        for at, op in enumerate(node.ops):
            for other in COMPARED[type(op)]:
                new = deepcopy(node)
                new.ops[at] = other()
                yield new
    elif isinstance(node, (ast.BinOp, ast.AugAssign)) and type(node.op) in COMPUTED:
        new = deepcopy(node)
        new.op = COMPUTED[type(node.op)]()
        yield new
    elif isinstance(node, ast.BoolOp):
        new = deepcopy(node)
        new.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield new
    elif isinstance(node, ast.UnaryOp):
        if not isinstance(node.operand, ast.Constant):
            yield deepcopy(node.operand)
    elif isinstance(node, ast.Constant) and type(node.value) is int:
        for number in (node.value + 1, node.value - 1):
            yield ast.Constant(number)
    elif isinstance(node, ast.Name) and node.id in SWAPPED:
        yield ast.Name(SWAPPED[node.id], node.ctx)


def places(node: Node) -> Iterator[tuple[Node, str, int | None, Node]]:
    """Yield (parent, field, index, child) of everything that a function computes."""
    for field, child in ast.iter_fields(node):
        if field in ("annotation", "returns", "decorator_list", "type_comment"):
            continue
        for at, each in (
            enumerate(child) if isinstance(child, list) else [(None, child)]
        ):
            if isinstance(each, ast.AST):
                yield node, field, at, each
                yield from places(each)


def changed(parent: Node, field: str, at: int | None, new: Node) -> None:
    """Put a node into its place."""
    if at is None:
        setattr(parent, field, new)
    else:
        getattr(parent, field)[at] = new


@cache
def parsed(path: str) -> ast.Module:
    """Return the syntax of a source file."""
    return ast.parse(Path(path).read_text(encoding="utf-8"))


def defined(tree: ast.Module, line: int, name: str) -> Node | None:
    """Return the definition that starts on this line, decorators and all."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == name:
            first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            if line in (first, node.lineno):
                return node
    return None


def code_of(compiled: CodeType, like: CodeType) -> CodeType | None:
    """Return the code of the same function in a compiled module."""
    for each in compiled.co_consts:
        if isinstance(each, CodeType):
            if (each.co_qualname, each.co_firstlineno) == (
                like.co_qualname,
                like.co_firstlineno,
            ):
                return each
            found = code_of(each, like)
            if found is not None:
                return found
    return None


def mutants(function: FunctionType) -> Iterator[Mutant]:
    """Yield every mutant of a function that has its source in a file."""
    code = function.__code__
    path = inspect.getsourcefile(function)
    if not path or not Path(path).is_file():  # made by a decorator
        return
    tree = parsed(path)
    node = defined(tree, code.co_firstlineno, function.__name__)
    if node is None:
        return
    met: Counter[str] = Counter()
    for parent, field, at, old in list(places(node)):
        for new in variants(old):
            ast.copy_location(new, old)
            ast.fix_missing_locations(new)
            changed(parent, field, at, new)
            compiled = compile(tree, path, "exec", dont_inherit=True)
            changed(parent, field, at, old)
            mutated = code_of(compiled, code)
            if mutated is None or len(mutated.co_freevars) != len(code.co_freevars):
                continue
            if mutated == code:  # a default value is no code of the function
                continue
            told = f"{ast.unparse(old)} -> {ast.unparse(new)}"
            met[told] += 1
            told += f" (#{met[told]})" if met[told] > 1 else ""
            yield Mutant(function, old.lineno, told, mutated)
