"""One number of a record beside the one it must be."""

from __future__ import annotations

from dataclasses import dataclass, replace

from .proc_course import Bounds

EQUAL, EXPLAINED, WRONG, UNKNOWN = "equal", "explained", "wrong", "unknown"


@dataclass(frozen=True)
class Row:
    """One number: where it stands, what it must be and how that is known."""

    file: str
    line: int
    snapshot: str
    node: int
    zone: str
    fact: str
    seen: int
    due: int | Bounds | None
    status: str
    how: str
    why: str = ""

    @property
    def place(self) -> str:
        """Return file and line."""
        return f"{self.file}:{self.line}"


def with_reason(row: Row, why: str) -> Row:
    """Return a good row as one that is explained."""
    return replace(row, status=EXPLAINED, why=why) if row.status == EQUAL else row


def shown(due: int | Bounds | None) -> str:
    """Write what is due."""
    if isinstance(due, tuple):
        return f"{due[0]}..{due[1]}"
    return "not known" if due is None else str(due)
