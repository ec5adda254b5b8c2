"""CrossHair, a foreign program, attacks contracts, pairs of functions, and lemmas.

A contract is a function with a precondition and a postcondition in its docstring,
`crosshair check` looks for values that break it; `crosshair diffbehavior` looks for
values on which two functions differ; a lemma is attacked as a contract that is written
for it.  What it confirms, refutes or leaves open is told, and why.  It can be absent,
hang or end: then what it was asked is open.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib import util
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from .foreign import Said, conversation
from .goal import installed
from .lemma import TOP, Lemma
from .operators import title

Kind = Literal["check", "diffbehavior", "lemma"]
Answer = Literal["confirmed", "refuted", "open"]

NEEDED = "crosshair-tool==0.0.113"
ABSENT = f"not installed: pip install {NEEDED}"
PATIENCE = 2.0  # seconds of processor time for one question
WALL = 60.0  # seconds after which a question that has no answer is given up
MODULE = "attacked_lemmas"


@dataclass(frozen=True)
class Attack:
    """What CrossHair says to one question, and why it is not more."""

    kind: Kind
    name: str
    functions: tuple[str, ...]  # those that are attacked, as they are shipped
    answer: Answer
    seconds: float
    why: str


@dataclass(frozen=True)
class Contract:
    """A function whose docstring has a precondition and a postcondition."""

    statement: Callable[..., Any]
    about: tuple[Callable[..., Any], ...]  # the shipped functions that it calls


@dataclass(frozen=True)
class Pair:
    """Two functions that should do the same, and the shipped ones that they are."""

    one: Callable[..., Any]
    two: Callable[..., Any]
    about: tuple[Callable[..., Any], ...] = ()  # where the two only call them
    patience: float = 0.0  # more than others need


@dataclass(frozen=True)
class Question:
    """One command line, and what its answer will be about."""

    kind: Kind
    name: str
    functions: tuple[str, ...]
    words: tuple[str, ...]

    def told(self, answer: Answer, seconds: float, why: str) -> Attack:
        """Return the answer."""
        return Attack(self.kind, self.name, self.functions, answer, seconds, why)


# ------------------------------------------------------------------ questions


def path_of(thing: Any) -> str:
    """Return where a function or class is, in words that an import understands."""
    return f"{thing.__module__}.{thing.__qualname__}"


def owner(thing: Any) -> str:
    """Return where a class or module is, without the package."""
    where = path_of(thing) if isinstance(thing, type) else str(thing.__name__)
    return where.removeprefix("mmoracle.")


def options(patience: float) -> tuple[str, ...]:
    """Return how long one question may take, of the processor's time."""
    return ("--per_condition_timeout", f"{patience:g}")


def about_contract(contract: Contract, patience: float = PATIENCE) -> Question:
    """Ask whether anything breaks a contract."""
    functions = tuple(title(each) for each in contract.about)
    return checked("check", path_of(contract.statement), functions, patience)


def about_lemma(lemma: Lemma, patience: float = PATIENCE) -> Question:
    """Ask whether anything breaks a lemma, as `attack` writes it."""
    targets = [(each.target, each.name) for each in lemma.mistakes]
    functions = tuple(dict.fromkeys(f"{owner(on)}.{name}" for on, name in targets))
    return checked("lemma", f"{MODULE}.{lemma.name}", functions, patience)


def checked(
    kind: Kind, path: str, functions: tuple[str, ...], patience: float
) -> Question:
    """Return the question about the function at a path."""
    words = ("check", path, "--report_all", "--analysis_kind", "PEP316")
    name = path.rpartition(".")[2]
    return Question(kind, name, functions, (*words, *options(patience)))


def about_pair(pair: Pair, patience: float = PATIENCE) -> Question:
    """Ask whether two functions differ."""
    functions = tuple(title(each) for each in pair.about or (pair.one, pair.two))
    words = ("diffbehavior", path_of(pair.one), path_of(pair.two))
    name = pair.one.__name__
    longer = options(max(patience, pair.patience))
    return Question("diffbehavior", name, functions, (*words, *longer))


# ------------------------------------------------------------------ lemmas

HEADER = f'''"""Lemmas as contracts: the claim of each under its hypotheses."""

from mmoracle.proofs.catalogue import LEMMAS

BY_NAME = {{each.name: each for each in LEMMAS}}
TOP = {TOP:#x}
'''


def attack(lemma: Lemma) -> str:
    """Write a lemma as a contract: any words of 64 bits that meet its hypotheses."""
    words = lemma.words
    listed = ", ".join(["TOP", *words])
    return f'''

def {lemma.name}({", ".join(f"{word}: int" for word in words)}) -> bool:
    """
    pre: {" and ".join(f"0 <= {word} <= TOP" for word in words) or "True"}
    pre: BY_NAME[{lemma.name!r}].meets({listed})
    post: _
    """
    return BY_NAME[{lemma.name!r}].stands({listed})
'''


def written(lemmas: Iterable[Lemma], folder: Path) -> None:
    """Write the module in which all lemmas are contracts."""
    text = HEADER + "".join(attack(each) for each in lemmas)
    (folder / f"{MODULE}.py").write_text(text)


# ------------------------------------------------------------------ the program


COMMAND = (sys.executable, "-m", "mmoracle.checkers.attacker")


def asked(
    questions: Sequence[Question],
    budget: float,
    wall: float = WALL,
    path: str = "",
    command: Sequence[str] = COMMAND,
) -> list[Attack]:
    """Ask everything; a program that hangs is ended, and started anew for the rest.

    The budget is in seconds of processor time, so that a busy machine does not change
    the answers; how long nothing was answered counts as well.
    """
    found = list[Attack]()
    while len(found) < len(questions):
        rest = questions[len(found) :]
        left = budget - sum(each.seconds for each in found)
        if left <= 0:
            why = f"not asked: {budget:g} s were used up"
            found += [each.told("open", 0.0, why) for each in rest]
            break
        words = json.dumps([each.words for each in rest])
        talk = conversation(command, words, path, left, wall)
        found += [
            verdict(each, said)
            for each, said in zip(rest, talk.answers(), strict=False)
        ]
        if not talk.said:
            why = " ".join(talk.outside[-1:]) or "it said nothing"
            found += [
                each.told("open", 0.0, f"it did not start: {why}") for each in rest
            ]
    return found


# ------------------------------------------------------------------ verdicts


def verdict(question: Question, said: Said) -> Attack:
    """Return what an answer means."""
    lines = [line.strip() for line in said.lines if line.strip()]
    if said.code is None:
        why = f"no answer in {said.seconds:.0f} s"
        if said.cut:
            why = "it ended without an answer"
        told = f"; it had said: {' '.join(lines)}" if lines else ""
        return question.told("open", said.seconds, why + told)
    read = differences if question.kind == "diffbehavior" else breaches
    answer, why = read(lines)
    return question.told(answer, said.seconds, why)


def breaches(lines: Sequence[str]) -> tuple[Answer, str]:
    """Read what `check` said of one contract: the worst of its lines."""
    errors = [line.partition(": error: ")[2] for line in lines if ": error: " in line]
    for error in errors:
        if " when calling " in error:
            return "refuted", error
    told = [line.partition(": info: ")[2] for line in lines if ": info: " in line]
    if not errors and told and all(each.startswith("Confirmed") for each in told):
        return "confirmed", "over all paths"
    doubts = [each for each in told if not each.startswith("Confirmed")]
    said = [*errors, *doubts, *lines[-1:]] or ["it said nothing"]
    return "open", OPEN.get(said[0], said[0])


OPEN = {
    "Not confirmed.": "no counterexample, and not every path was followed",
    "Unable to meet precondition.": "no values were found that it is about",
}


def differences(lines: Sequence[str]) -> tuple[Answer, str]:
    """Read what `diffbehavior` said of two functions."""
    if any(line.startswith("Given: ") for line in lines):
        first = next(i for i, line in enumerate(lines) if line.startswith("Given: "))
        return "refuted", " ".join(lines[first : first + 3])
    if any(line.startswith("All paths exhausted") for line in lines):
        return "confirmed", "the same on all paths"
    if any(line.startswith("No differences found") for line in lines):
        return "open", "no difference, and not every path was followed"
    return "open", lines[-1] if lines else "it said nothing"


# ------------------------------------------------------------------ all of it


def attacks(budget_seconds: float = 60.0) -> list[Attack]:
    """Attack every contract, pair and lemma that the proofs list."""
    from mmoracle.proofs.attacked import CONTRACTS, PAIRS, lemmas

    chosen = lemmas()
    questions = [
        *(about_contract(each) for each in CONTRACTS),
        *(about_pair(each) for each in PAIRS),
        *(about_lemma(each) for each in chosen),
    ]
    if util.find_spec("crosshair") is None:
        return [each.told("open", 0.0, ABSENT) for each in questions]
    with TemporaryDirectory() as folder:
        written(chosen, Path(folder))
        return asked(questions, budget_seconds, path=folder)


def lines(attacks: Sequence[Attack]) -> list[str]:
    """Return one line for each attack: answer, kind, name, functions, and why."""
    names = max((len(each.name) for each in attacks), default=0)
    return [
        f"{each.answer.upper():<9} {each.kind:<12} {each.name:<{names}} "
        f"{each.seconds:5.1f} s  {each.why}; {', '.join(each.functions)}"
        for each in attacks
    ]


def summary(attacks: Sequence[Attack]) -> str:
    """Return how many of each kind were confirmed, refuted and left open."""
    told = []
    for kind in dict.fromkeys(each.kind for each in attacks):
        answers = [each.answer for each in attacks if each.kind == kind]
        counts = [(answers.count(word), word) for word in dict.fromkeys(answers)]
        found = ", ".join(f"{n} {word}" for n, word in sorted(counts, reverse=True))
        told.append(f"{len(answers)} by {kind}: {found}")
    seconds = sum(each.seconds for each in attacks)
    version = installed("crosshair-tool") or "absent"
    return f"CrossHair {version}: {'; '.join(told)}; {seconds:.1f} s"
