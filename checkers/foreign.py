"""A foreign program that answers questions one by one: heard, timed, and ended.

It may hang, end too early or say what nobody asked; what it had said before is kept.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from .attacker import MARK

START = 60.0  # seconds in which a program must have come to the first question


@dataclass
class Said:
    """What the program said to one question."""

    lines: list[str] = field(default_factory=list)
    code: int | None = None  # None while it has not answered
    cut: bool = False  # the program ended without an answer
    seconds: float = 0.0
    began: float = 0.0


@dataclass
class Talk:
    """What the program said to all questions until it ended or was ended."""

    said: list[Said] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)  # of any question
    heard_all: bool = False  # it ended by itself

    def hear(self, line: str) -> None:
        """Note one line."""
        if line.startswith(MARK):
            _, *result = line[len(MARK) :].split()
            if not result:
                self.said.append(Said(began=monotonic()))
            else:
                self.said[-1].code = int(result[0])
                self.said[-1].seconds = float(result[1])
        elif self.said and self.said[-1].code is None:
            self.said[-1].lines.append(line)
        else:
            self.outside.append(line)

    def until(self, began: float, wall: float) -> float:
        """Return when the program is given up, unless it says something before."""
        if not self.said:
            return began + max(wall, START)
        return self.said[-1].began + wall

    def used(self) -> float:
        """Return the processor time of all answers."""
        return sum(each.seconds for each in self.said)

    def answers(self) -> list[Said]:
        """Return the answers; how long one took that did not come, and why."""
        last = self.said[-1] if self.said else Said(code=0)
        if last.code is None:
            last.seconds, last.cut = monotonic() - last.began, self.heard_all
        return self.said


def started(command: Sequence[str], questions: str, path: str) -> subprocess.Popen[str]:
    """Start a program in a group of its own, and hand it the questions."""
    env = dict(os.environ)
    env["PYTHONPATH"] = os.pathsep.join(
        part for part in (path, env.get("PYTHONPATH", "")) if part
    )
    program = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=env,
        start_new_session=True,
    )
    assert program.stdin is not None
    with suppress(BrokenPipeError):
        program.stdin.write(questions)
        program.stdin.close()
    return program


def chunks(pipe: Any, until: Callable[[], float]) -> Iterator[str]:
    """Yield what comes out of a pipe until the time is over, "" once it is closed."""
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while (left := until() - monotonic()) > 0:
            if selector.select(left):
                data = os.read(pipe.fileno(), 1 << 16)
                yield data.decode(errors="replace")
                if not data:
                    return


def ended(program: subprocess.Popen[str]) -> None:
    """End a program and all that it started, if it has not ended by itself."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(program.pid, signal.SIGKILL)
    program.wait()
    if program.stdout is not None:
        program.stdout.close()


def conversation(
    command: Sequence[str], questions: str, path: str, budget: float, wall: float
) -> Talk:
    """Let the program answer until it ends, hangs, or has used up the budget."""
    talk, began, rest = Talk(), monotonic(), ""
    program = started(command, questions, path)
    try:
        for piece in chunks(program.stdout, lambda: talk.until(began, wall)):
            *whole, rest = (rest + piece).split("\n")
            for line in whole:
                talk.hear(line)
            talk.heard_all = not piece
            if talk.used() >= budget:
                talk.said = [each for each in talk.said if each.code is not None]
                break
        if rest:
            talk.hear(rest)
    finally:
        ended(program)
    return talk
