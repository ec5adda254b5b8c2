"""Who may import whom, and who may print: the rules of the house."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mmoracle.checkers.registry import SUBSYSTEMS

HOUSE = Path(__file__).parents[2]
ROOMS = ("spec", "impl", "checkers", "proofs")


def modules(room: str) -> list[Path]:
    return sorted((HOUSE / room).rglob("*.py"))


def dotted(path: Path) -> str:
    parts = path.relative_to(HOUSE).with_suffix("").parts
    return ".".join(("mmoracle", *parts)).removesuffix(".__init__")


def imports(path: Path) -> Iterator[str]:
    """Yield every module that a file imports, relative ones made absolute."""
    package = dotted(path) if path.name == "__init__.py" else dotted(path.parent)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *([base] if base else [])])
            yield base
            yield from (f"{base}.{each.name}" for each in node.names)


def belongs(name: str, *roots: str) -> bool:
    return any(name == root or name.startswith(root + ".") for root in roots)


def is_stdlib(name: str) -> bool:
    return name.partition(".")[0] in sys.stdlib_module_names


@pytest.mark.parametrize("path", modules("spec"), ids=dotted)
def test_spec_imports_only_the_standard_library_and_itself(path):
    outside = [x for x in imports(path) if not belongs(x, "mmoracle.spec")]
    assert [x for x in outside if not is_stdlib(x)] == []


@pytest.mark.parametrize("path", modules("impl"), ids=dotted)
def test_impl_imports_no_specification_but_the_vocabulary(path):
    allowed = ("mmoracle.impl", "mmoracle.spec.linux", "sortedcontainers")
    odd = [x for x in imports(path) if not belongs(x, *allowed) and not is_stdlib(x)]
    assert [x for x in odd if x != "mmoracle.spec"] == []


@pytest.mark.parametrize("path", modules("checkers"), ids=dotted)
def test_only_bindings_know_both_sides(path):
    if path.parent.name in ("bind", "mutants"):  # a mutant replaces machine code
        return
    assert [x for x in imports(path) if belongs(x, "mmoracle.impl")] == []


ENGINES = [
    path
    for path in modules("checkers")
    if path.parent.name == "checkers" and path.name != "registry.py"
]


@pytest.mark.parametrize("path", ENGINES, ids=dotted)
def test_no_engine_names_a_subsystem(path):
    if path.name == "cli.py":  # `trace` is a command for one subsystem's logs
        return
    tree = ast.parse(path.read_text())
    strings = [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant)]
    for name in SUBSYSTEMS:
        assert [x for x in imports(path) if f".{name}" in x] == []
        assert name not in strings


@pytest.mark.parametrize("room", ROOMS)
def test_only_reports_and_the_command_line_print(room):
    for path in modules(room):
        if path.name in ("report.py", "cli.py"):
            continue
        calls = [
            n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Call)
        ]
        printed = [c for c in calls if getattr(c.func, "id", "") == "print"]
        assert printed == [], path


def exists(room: str, name: str) -> bool:
    return (HOUSE / room / f"{name}.py").exists() or (HOUSE / room / name).is_dir()


@pytest.mark.parametrize("name", SUBSYSTEMS)
def test_a_subsystem_has_its_five_files(name):
    assert exists("spec", name)
    assert exists("impl", name)
    assert exists("checkers/bind", name)
    assert exists("proofs", name)
    assert (HOUSE / "tests" / "linux_cases" / f"test_{name}.py").exists()
    assert (HOUSE / "checkers" / "mutants" / f"{name}.py").exists()


PUBLIC = [path for room in ROOMS for path in modules(room) if path.stat().st_size]


@pytest.mark.parametrize("path", PUBLIC, ids=dotted)
def test_public_names_are_documented(path):
    tree = ast.parse(path.read_text())
    kinds = (ast.FunctionDef, ast.ClassDef)
    public = [n for n in tree.body if isinstance(n, kinds) and n.name[0] != "_"]
    assert ast.get_docstring(tree), "the module says nothing of itself"
    assert [n.name for n in public if not ast.get_docstring(n)] == []


def test_the_specification_runs_without_site_packages():
    """A debugger's interpreter has the standard library alone."""
    named = [dotted(path) for path in modules("spec")]
    code = f"import {', '.join(named)}"
    run = subprocess.run(
        [
            sys.executable,
            "-I",
            "-S",
            "-c",
            f"import sys; sys.path[:0] = ['src']; {code}",
        ],
        cwd=HOUSE,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, "")


def test_the_type_checker_sees_a_planted_error(tmp_path):
    """A type checker that skips linked directories would report no errors at all."""
    planted = tmp_path / "planted.py"
    planted.write_text(
        "from mmoracle.spec.linux import Bug\n\nBug(why=3)\n", encoding="utf-8"
    )
    run = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", str(planted)],
        cwd=HOUSE,
        capture_output=True,
        text=True,
        check=False,
    )
    assert 'Argument "why" to "Bug" has incompatible type "int"' in run.stdout
