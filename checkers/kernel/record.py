"""What a file recorded by a kernel is, and who judges it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path

from ..settings import Unusable
from ..verdict import Run
from .ftrace_plain import is_trace
from .judge import judge_log
from .kmem_judge import judge_trace
from .text import read_lines

LOOKED_AT = 64  # lines


def judge_record(
    log: str,
    named: Mapping[str, str],
    *,
    alone: bool,
    progress: Callable[[dict[str, int]], None],
) -> Run:
    """Judge a kernel's record; `named` are the files given with it, by their option."""
    path, files = Path(log), {name: Path(each) for name, each in named.items()}
    if is_trace(islice(read_lines(path), LOOKED_AT)):
        refuse(files, ("memblock",), "a trace of page events")
        for name in ("to",):
            if name in files and "from" not in files:
                raise Unusable(f"--{name} needs --from, an image to begin with")
        return judge_trace(
            path,
            start=files.get("from"),
            end=files.get("to"),
            proc=files.get("proc"),
            alone=alone,
            progress=progress,
        )
    refuse(files, ("from", "proc"), "a kernel log")
    return judge_log(
        path, debugfs=files.get("memblock"), state=files.get("to"), progress=progress
    )


def refuse(files: Mapping[str, Path], names: tuple[str, ...], what: str) -> None:
    """Raise `Unusable` for an option that means nothing for this kind of record."""
    for name in names:
        if name in files:
            raise Unusable(f"--{name} means nothing for {what}")
