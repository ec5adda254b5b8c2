"""What a project asks of every run: the command line, then MMORACLE_*, then a file.

The file is the nearest `mmoracle.toml`, or `pyproject.toml` with `[tool.mmoracle]`,
upward from where the command is run.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

KEYS = ("scope", "seed", "steps", "limit", "fidelity", "report", "disable")
FIDELITIES = ("exact", "allowed", "both")
PREFIX = "MMORACLE_"
SHOWN = 8  # names in a message that says what there is


class Unusable(Exception):  # noqa: N818  (a mistake of the user's, in one sentence)
    """A setting or an argument that names nothing; the exit code is 2."""


@dataclass(frozen=True)
class Disabled:
    """A rule that is not judged, and why not."""

    id: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How runs are made, unless the command line says otherwise."""

    scope: str | None = None  # none: tiny explored, small sampled
    seed: int = 0
    steps: int = 20_000  # random operations for each sampled run
    limit: int | None = None  # operations judged by one exploration
    fidelity: str = "exact"
    report: tuple[str, ...] = ()  # "junit=FILE"
    disable: tuple[Disabled, ...] = ()
    source: str = ""  # the file that was read, if there was one


def nearest(word: str, known: Iterable[str]) -> str:
    """Return ``, did you mean X?`` for a word that is not known, or the known ones."""
    names = list(known)
    close = get_close_matches(word, names, 1, 0.5)
    if not close:
        folded = {name.lower(): name for name in names}
        close = [folded[i] for i in get_close_matches(word.lower(), folded, 1, 0.5)]
    if close:
        return f"did you mean {close[0]}?"
    more = ", …" if len(names) > SHOWN else ""
    return f"there is {', '.join(names[:SHOWN])}{more}"


def settings(given: Mapping[str, Any], start: Path | None = None) -> Settings:
    """Return the settings; `given` holds what the command line said, none if nothing.

    Raises `Unusable` for a key or a value that means nothing.
    """
    place, table = read(start or Path.cwd())
    merged: dict[str, Any] = {"source": place}
    for key, value in table.items():
        merged[key] = checked(key, value, place)
    for key, text in environment(os.environ).items():
        merged[key] = checked(key, from_text(key, text), PREFIX + key.upper())
    for key, value in given.items():
        if value not in (None, ()):
            merged[key] = checked(key, value, f"--{key}")
    return Settings(**merged)


# ------------------------------------------------------------------ sources


def read(start: Path) -> tuple[str, dict[str, Any]]:
    """Return the nearest file with settings, upward, and its table."""
    for folder in (start, *start.parents):
        own, shared = folder / "mmoracle.toml", folder / "pyproject.toml"
        if own.is_file():
            return str(own), parsed(own)
        if shared.is_file():
            table = parsed(shared).get("tool", {}).get("mmoracle")
            if table is not None:
                if not isinstance(table, dict):
                    raise Unusable(f"{shared}: tool.mmoracle is not a table")
                return str(shared), table
    return "", {}


def parsed(path: Path) -> dict[str, Any]:
    """Return a TOML file as a dictionary."""
    import tomllib

    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as no:
        raise Unusable(f"{path}: not TOML: {no}") from no
    except UnicodeDecodeError as no:
        raise Unusable(f"{path}: byte {no.start} is not UTF-8 text") from no
    except OSError as no:
        raise Unusable(f"{path}: the file cannot be read: {no.strerror}") from no


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the settings among the environment's variables; unset ones are empty."""
    names = {key: variables.get(PREFIX + key.upper(), "") for key in KEYS}
    return {key: text for key, text in names.items() if text}


def from_text(key: str, text: str) -> Any:
    """Return what the text of an environment variable stands for."""
    if key in ("seed", "steps", "limit"):
        try:
            return int(text, 0)
        except ValueError as no:
            why = f"a whole number was expected, got {text!r}"
            raise Unusable(f"{PREFIX}{key.upper()}: {why}") from no
    if key == "report":
        return text.split(",")
    if key == "disable":  # ID=reason; ID=reason
        pairs = [each.partition("=") for each in text.split(";") if each.strip()]
        return [{"id": a.strip(), "reason": b.strip()} for a, _, b in pairs]
    return text


# ------------------------------------------------------------------ values


def checked(key: str, value: Any, place: str) -> Any:
    """Return the value of a key in its own type, or raise `Unusable`."""
    match key:
        case "scope" if isinstance(value, str) and value:
            return value
        case "seed" if type(value) is int and value >= 0:
            return value
        case "steps" | "limit" if type(value) is int and value > 0:
            return value
        case "fidelity" if value in FIDELITIES:
            return value
        case "report":
            return reports(value, place)
        case "disable" if isinstance(value, list | tuple):
            return tuple(disabled(each, place) for each in value)
    if key not in KEYS:
        raise Unusable(f"{place}: there is no setting {key}, {nearest(key, KEYS)}")
    raise Unusable(f"{place}: {key}: {WANTED[key]} was expected, got {value!r}")


WANTED = {
    "scope": "the name of a scope",
    "seed": "a whole number from 0",
    "steps": "a whole number from 1",
    "limit": "a whole number from 1",
    "fidelity": "exact, allowed or both",
    "disable": "a list of {id, reason}",
}


def reports(value: Any, place: str) -> tuple[str, ...]:
    """Return reports as ``kind=FILE``, from a table, a list or one text."""
    if isinstance(value, dict):
        value = [f"{kind}={path}" for kind, path in value.items()]
    elif isinstance(value, str):
        value = [value]
    for each in value if isinstance(value, list | tuple) else [None]:
        kind, _, path = each.partition("=") if isinstance(each, str) else ("", "", "")
        if not path:
            raise Unusable(f"{place}: report: junit=FILE was expected, got {each!r}")
        if kind != "junit":
            raise Unusable(f"{place}: no report is called {kind}, there is junit")
    return tuple(value)


def disabled(value: Any, place: str) -> Disabled:
    """Return a disabled rule; its reason is not optional."""
    if not isinstance(value, dict) or not isinstance(value.get("id"), str):
        raise Unusable(f"{place}: disable: {{id, reason}} was expected, got {value!r}")
    for name in value.keys() - {"id", "reason"}:
        hint = nearest(name, ("id", "reason"))
        raise Unusable(f"{place}: disable: there is no field {name}, {hint}")
    reason = value.get("reason")
    if not isinstance(reason, str) or not reason.strip():
        why = f"{value['id']} is disabled without a reason"
        raise Unusable(f"{place}: disable: {why}")
    return Disabled(value["id"], reason)
