"""The ledger: for each theorem what was proved, by whom, and how it could have failed.

A record is plain JSON, so that it can be kept, sent between processes and printed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from platform import python_version
from typing import Any

from mmoracle.spec.core import sentence

from . import crosshair
from .crosshair import Attack
from .goal import UNSAT, installed
from .lemma import Lemma, Outcome, Values
from .prove import Kill, Proof
from .report import count
from .verdict import EXIT, Verdict, overall

Record = dict[str, Any]
WORDS = {
    Verdict.COMPLETE: "PROVED",
    Verdict.BOUNDED: "HOLDS",
    Verdict.VIOLATED: "REFUTED",
    Verdict.INCONCLUSIVE: "UNKNOWN",
    Verdict.NOTHING: "WORTHLESS",
}
OPEN = "OPEN"  # of CrossHair, where it confirms nothing: no ground of any claim
TRUSTED = (
    "the executor follows every path; its words mean what Python's integers mean, those"
    " that wrap what C's mean, and those of single subsystems what they say",
    "Python runs the shipped functions on words as it runs them on integers",
)
COVERED = "every path"  # Z3's answers to the executor add up to the goal
UNCONFIRMED = "Z3 answers rightly where no other solver could decide the goal"


# ------------------------------------------------------------------ records


def subsystem_of(lemma: Lemma) -> str:
    """Return the subsystem that a lemma is about."""
    return lemma.claim.__module__.removeprefix("mmoracle.proofs.").split(".")[0]


def named(lemma: Lemma, values: Values | None) -> dict[str, Any]:
    """Return values by their names, as JSON; numbers of words in hexadecimal."""
    names = ("top", *lemma.words) if lemma.words else ("shape",)
    told = zip(names, values or (), strict=False)
    return {
        name: hex(value) if type(value) is int else str(value) for name, value in told
    }


def outcome_json(each: Outcome) -> Record:
    """Return what one prover found."""
    return {
        "prover": each.prover,
        "scope": each.scope,
        "verdict": each.verdict.value,
        each.kind: each.cases,
        "seconds": round(each.seconds, 2),
        **({"why": each.why} if each.why else {}),
    }


def solvers_json(proof: Proof) -> list[Record]:
    """Return what each solver says of each goal."""
    told = [
        {
            "solver": "z3",
            "version": installed("z3-solver"),
            "goal": each.prover,
            "answer": COVERED if each.goal is not None else each.verdict.value,
            "seconds": round(each.seconds, 2),
        }
        for each in proof.outcomes
        if each.kind == "paths"
    ]
    for each, by in proof.opinions:
        parts = {"parts": by.parts} if by.parts > 1 else {}
        told.append(
            {
                "solver": by.solver,
                "version": by.version,
                "goal": each.prover,
                "answer": by.answer,
                "seconds": round(by.seconds, 2),
                **parts,
            }
        )
    return told


def kill_json(lemma: Lemma, each: Kill) -> Record:
    """Return what was refuted."""
    told: Record = {"mutant": each.mutant, "of": each.of, "by": each.prover}
    told |= {"bug": each.bug} if each.bug else {}
    told |= {"values": named(lemma, each.values)} if each.values is not None else {}
    return told | ({"replay": each.replay} if each.replay else {})


def scope_of(proof: Proof) -> str:
    """Return what was proved: for which words, and for which sizes."""
    found = Verdict.COMPLETE
    if proof.verdict is not Verdict.COMPLETE:
        found = Verdict.BOUNDED
    scopes = [each.scope for each in proof.outcomes if each.verdict is found]
    told = " | ".join(dict.fromkeys(scopes))
    return f"{told}, {proof.lemma.size}" if proof.lemma.size else told


def trouble(proof: Proof) -> str:
    """Return what stands against the lemma, empty where nothing does."""
    for each in proof.outcomes:
        if each.verdict is Verdict.VIOLATED:
            return f"{each.prover}: {shown(named(proof.lemma, each.values))}"
    for each in proof.outcomes:
        if each.verdict is Verdict.INCONCLUSIVE:
            return f"{each.prover}: {each.why}"
    return proof.disputed or proof.worthless


def record(proof: Proof) -> Record:
    """Return a proof as a line of the ledger."""
    lemma, outcomes = proof.lemma, proof.outcomes
    witness = next((each.values for each in outcomes if each.values), None)
    return {
        "id": lemma.name,
        "subsystem": subsystem_of(lemma),
        "statement": lemma.about,
        "verdict": WORDS[proof.verdict],
        "scope": scope_of(proof),
        "paths": sum(each.cases for each in outcomes if each.kind == "paths"),
        "provers": [outcome_json(each) for each in outcomes],
        "solvers": solvers_json(proof),
        "seconds": round(proof.seconds, 2),
        "witness": named(lemma, witness) if witness is not None else None,
        "killed": [kill_json(lemma, each) for each in proof.kills],
        "survived": [sentence(each.broken) for each in proof.survivors],
        "functions": list(proof.functions),
        "assumes": list(lemma.assumes),
        "why": trouble(proof),
        "cached": False,
    }


def undecided(lemma: Lemma, why: str, seconds: float = 0.0) -> Record:
    """Return the record of a lemma whose proof did not end."""
    nothing = Proof(lemma=lemma, outcomes=(), kills=(), survivors=(), seconds=seconds)
    return record(nothing) | {"verdict": WORDS[Verdict.INCONCLUSIVE], "why": why}


def attacked(found: Sequence[Attack], why: str = "") -> Record:
    """Return what CrossHair says as one record; what it leaves open decides nothing."""
    refuted = any(each.answer == "refuted" for each in found)
    confirmed = any(each.answer == "confirmed" for each in found)
    word = WORDS[Verdict.VIOLATED] if refuted else "HOLDS" if confirmed else OPEN
    return {
        "id": "crosshair",
        "version": installed("crosshair-tool"),
        "verdict": word,
        "attacks": [asdict(each) for each in found],
        "why": why,
        "cached": False,
    }


# ------------------------------------------------------------------ text


def agreement(told: Record) -> str:
    """Return which solvers agree that nothing escapes, and which do not say so."""
    by: dict[str, list[Record]] = {}
    for each in told["solvers"]:
        by.setdefault(each["solver"], []).append(each)
    said = []
    for solver, answers in by.items():
        right = sum(each["answer"] in (COVERED, UNSAT) for each in answers)
        others = sorted({each["answer"] for each in answers} - {COVERED, UNSAT})
        few = "" if right == len(answers) else f" {right} of {len(answers)}"
        said.append(f"{solver}{few}{' (' + ', '.join(others) + ')' if others else ''}")
    return " + ".join(said)


def counts(told: Record) -> str:
    """Return how many paths and cases there were."""
    cases = {
        "shapes": sum(
            each.get("cases", 0)
            for each in told["provers"]
            if each["prover"] == "shapes"
        ),
        "swept": sum(
            each.get("cases", 0)
            for each in told["provers"]
            if each["prover"] == "sweep"
        ),
    }
    told_ = [count(told["paths"], "path")] if told["paths"] else []
    return ", ".join([*told_, *(f"{n:,} {name}" for name, n in cases.items() if n)])


def line_of_attacks(told: Record) -> str:
    """Return what CrossHair says of all that it was asked."""
    found = [Attack(**each) for each in told["attacks"]]
    line = f"{told['verdict']:<9} {crosshair.summary(found)}"
    line += " [cached]" if told["cached"] else ""
    return f"{line}; {told['why']}" if told["why"] else line


def line_of(told: Record) -> str:
    """Return one theorem on one line; what is wrong with it comes last."""
    if "attacks" in told:
        return line_of_attacks(told)
    killed = f"{len(told['killed'])} killed"
    facts = [counts(told), agreement(told), killed, f"{told['seconds']:.1f} s"]
    line = f"{told['verdict']:<9} {told['subsystem']:<10} {told['id']}"
    line += f" ({told['scope']})" if told["scope"] else ""
    line += ": " + "; ".join(filter(None, facts))
    line += " [cached]" if told["cached"] else ""
    return f"{line}; {told['why']}" if told["why"] else line


def shown(values: Record) -> str:
    """Return values by their names."""
    return ", ".join(f"{name}={value}" for name, value in values.items())


def details(told: Record) -> list[str]:
    """Return the sentence, who proved it, what meets its hypotheses, what it kills."""
    if "attacks" in told:
        found = [Attack(**each) for each in told["attacks"]]
        return [f"          {line}" for line in crosshair.lines(found)]
    lines = [told["statement"]]
    for each in told["provers"]:
        n = next(
            f"{each[kind]:,} {kind}" for kind in ("paths", "cases") if kind in each
        )
        lines.append(f"{each['prover']}, {each['scope']}: {n}, {each['verdict']}")
    for each in told["solvers"]:
        parts = f" in {each['parts']} parts" if "parts" in each else ""
        name = f"{each['solver']} {each['version']}".strip()
        spent = f"{each['seconds']:.2f} s"
        lines.append(f"{name} on {each['goal']}: {each['answer']}{parts}, {spent}")
    if told["functions"]:
        lines.append(f"about {', '.join(told['functions'])}")
    if told["witness"]:
        lines.append(f"met by {shown(told['witness'])}")
    for each in told["killed"]:
        bug = f"{each['bug']}, " if "bug" in each else ""
        lines.append(f"kills ({bug}{each['of']}, {each['by']}): {each['mutant']}")
        if "bug" in each and "values" in each:
            lines.append(f"  with {shown(each['values'])}")
        if "replay" in each:
            lines.append(f"  replayed: {each['replay']}")
    return [f"          {line}" for line in lines]


# ------------------------------------------------------------------ the whole


def assumptions(records: Iterable[Record]) -> list[str]:
    """Return everything that the theorems take for granted, each once."""
    records = theorems(records)
    told = [each for one in records for each in one["assumes"]]
    goals = {(one["id"], each["goal"]) for one in records for each in one["solvers"]}
    sure = {
        (one["id"], each["goal"])
        for one in records
        for each in one["solvers"]
        if each["solver"] != "z3" and each["answer"] == UNSAT
    }
    alone = [f"{UNCONFIRMED} ({len(goals - sure)} of {len(goals)} goals)"]
    return list(dict.fromkeys((*TRUSTED, *(alone if goals - sure else []), *told)))


def verdict_of(records: Sequence[Record]) -> Verdict:
    """Return the verdict on all of them; a worthless theorem leaves it open."""
    by_word = {word: verdict for verdict, word in WORDS.items()}
    decided = [each["verdict"] for each in records if each["verdict"] != OPEN]
    worst = overall([by_word[each] for each in decided])
    if worst is Verdict.NOTHING and records:
        return Verdict.INCONCLUSIVE
    return worst


def exit_of(records: Sequence[Record]) -> int:
    """Return the exit code: 0 all hold, 1 one is refuted, 3 one is not decided."""
    return EXIT[verdict_of(records)]


def summary(records: Sequence[Record]) -> list[str]:
    """Return what was found in all, and what it rests on."""
    worst, records = verdict_of(records), theorems(records)
    found = {
        word: sum(each["verdict"] == word for each in records)
        for word in WORDS.values()
    }
    told = ", ".join(f"{n} {word}" for word, n in found.items() if n)
    solvers = Counter(
        (each["solver"], each["version"], each["answer"])
        for one in records
        for each in one["solvers"]
    )
    said = ", ".join(
        f"{name} {version} {answer} {n}".replace("  ", " ")
        for (name, version, answer), n in sorted(solvers.items())
    )
    rests = assumptions(records)
    killed = sum(len(each["killed"]) for each in records)
    lines = [
        f"{worst.value}: {count(len(records), 'theorem')}: {told}; {killed:,} killed",
        f"goals by solver: {said or 'none'}; Python {python_version()}",
        f"{count(len(rests), 'assumption')}:",
    ]
    return [*lines, *(f"  - {each}" for each in rests)]


def equivalents(reasons: Mapping[str, str]) -> list[str]:
    """Return one line on each operator mutant that changes nothing, and why."""
    what = count(len(reasons), "operator mutant")
    lines = [f"  - {name}; {why}" for name, why in sorted(reasons.items())]
    return [f"{what} of shipped functions that change nothing, and why:", *lines]


def whole_json(records: Sequence[Record], reasons: Mapping[str, str]) -> Record:
    """Return the ledger as one JSON object."""
    return {
        "verdict": verdict_of(records).value,
        "theorems": theorems(records),
        "crosshair": [each for one in records for each in one.get("attacks", ())],
        "assumptions": assumptions(records),
        "equivalent": dict(sorted(reasons.items())),
    }


def theorems(records: Iterable[Record]) -> list[Record]:
    """Return the records of theorems, without that of the attacks."""
    return [each for each in records if "attacks" not in each]
