"""What this machine has, how fast it explores, and which scope suits it."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from importlib import metadata, util
from pathlib import Path
from typing import Any

import mmoracle

from .explore import explore
from .registry import SUBSYSTEMS

NEEDED = ("click", "hypothesis", "rich", "sortedcontainers")
OPTIONAL = ("z3", "crosshair", "drgn")
COMPILERS = ("cc", "gcc", "clang", "rustc", "go")
TRIAL = 4_000  # operations judged to measure the speed
DEEP = 8_000  # steps a second from which the deep scope ends within minutes


def doctor() -> dict[str, Any]:
    """Return what was found, as plain data; `problems` is empty where all is well."""
    packages = {name: version(name) for name in NEEDED}
    problems = [f"{name} is not installed" for name, v in packages.items() if v is None]
    speed = {name: measure(name) for name in SUBSYSTEMS}
    slowest = min((each["steps_per_second"] for each in speed.values()), default=0)
    return {
        "tool": "mmoracle",
        "version": mmoracle.__version__,
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": platform.platform(),
        "installed": layout(),
        "packages": packages,
        "optional": {name: util.find_spec(name) is not None for name in OPTIONAL},
        "compilers": [name for name in COMPILERS if shutil.which(name)],
        "terminal": {
            "stdout": sys.stdout.isatty(),
            "stderr": sys.stderr.isatty(),
            "colour": "NO_COLOR" not in os.environ,
        },
        "speed": speed,
        "scope": "deep" if slowest >= DEEP else "tiny",
        "problems": problems,
    }


def version(name: str) -> str | None:
    """Return the version of an installed package."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def layout() -> str:
    """Say whether a source tree runs, through its links, or an installed wheel."""
    spec = Path(mmoracle.__file__).parent / "spec"
    return f"source tree at {spec.resolve().parent}" if spec.is_symlink() else "wheel"


def measure(name: str) -> dict[str, float]:
    """Return how fast the first tiny configuration of a subsystem is explored."""
    sub = SUBSYSTEMS[name]
    config = next((each for each in sub.configs if each.startswith("tiny")), "")
    if not config:
        return {"states_per_second": 0, "steps_per_second": 0}
    run = explore(sub, sub.configs[config], config=config, limit=TRIAL)
    seconds = max(run.seconds, 1e-6)
    return {
        "states_per_second": round(run.states / seconds),
        "steps_per_second": round(run.steps / seconds),
    }


def lines_of(found: dict[str, Any]) -> list[str]:
    """Return what the doctor found as text."""
    packages = ", ".join(f"{k} {v or 'missing'}" for k, v in found["packages"].items())
    optional = [f"{k} {'yes' if v else 'no'}" for k, v in found["optional"].items()]
    terminal = [f"{k} {'yes' if v else 'no'}" for k, v in found["terminal"].items()]
    lines = [
        f"mmoracle {found['version']}, {found['installed']}",
        f"python    {found['python']} on {found['platform']}",
        f"packages  {packages}",
        f"optional  {', '.join(optional)}",
        f"compilers {', '.join(found['compilers']) or 'none'}",
        f"terminal  {', '.join(terminal)}",
    ]
    for name, each in found["speed"].items():
        states, steps = each["states_per_second"], each["steps_per_second"]
        lines.append(f"speed     {name}: {states:,} states/s, {steps:,} steps/s")
    lines.append(f"scope     --scope {found['scope']} suits this machine")
    return lines + [f"problem   {each}" for each in found["problems"]]
