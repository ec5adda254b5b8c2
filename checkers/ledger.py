"""What was proved, on one line a lemma, and what all of it rests on."""

from __future__ import annotations

from collections.abc import Sequence

from mmoracle.spec.core import sentence

from .lemma import Lemma, Proof, Values
from .verdict import EXIT, Verdict, overall

WORDS = {
    Verdict.COMPLETE: "PROVED",
    Verdict.BOUNDED: "HOLDS",
    Verdict.VIOLATED: "REFUTED",
    Verdict.INCONCLUSIVE: "UNKNOWN",
    Verdict.NOTHING: "WORTHLESS",
}
TRUSTED = (
    "Z3 answers rightly: no second solver and no checked certificate confirms it",
    "the executor follows every path, and its words mean what Python's integers mean",
)


def scope_of(proof: Proof) -> str:
    """Return what was proved: for which words, and for which sizes."""
    found = Verdict.COMPLETE
    if proof.verdict is not Verdict.COMPLETE:
        found = Verdict.BOUNDED
    scopes = [each.scope for each in proof.outcomes if each.verdict is found]
    told = " | ".join(dict.fromkeys(scopes))
    return f"{told}, {proof.lemma.size}" if proof.lemma.size else told


def line_of(proof: Proof) -> str:
    """Return one lemma on one line; what is wrong with it comes last."""
    verdict, total = proof.verdict, len(proof.lemma.mistakes)
    ways = ", ".join(
        f"{each.prover} {each.cases:,} {each.kind}" for each in proof.outcomes
    )
    facts = f"{ways}; {len(proof.refuted)} of {total} mutants refuted"
    line = f"{WORDS[verdict]:<9} {proof.lemma.name} ({scope_of(proof)}): {facts}"
    return f"{line}; {proof.seconds:.1f} s{trouble(proof)}"


def trouble(proof: Proof) -> str:
    """Return what stands against the lemma, empty where nothing does."""
    for each in proof.outcomes:
        if each.verdict is Verdict.VIOLATED:
            return f"; {each.prover}: {shown(proof.lemma, each.values)}"
        if each.verdict is Verdict.INCONCLUSIVE:
            return f"; {each.prover}: {each.why}"
    return f"; {proof.worthless}" if proof.worthless else ""


def shown(lemma: Lemma, values: Values | None) -> str:
    """Return values by their names."""
    names = ("top", *lemma.words) if lemma.words else ("shape",)
    told = zip(names, values or (), strict=True)
    return ", ".join(
        f"{name}={value:#x}" if isinstance(value, int) else f"{name}={value}"
        for name, value in told
    )


def details(proof: Proof) -> list[str]:
    """Return the claim in words, values that meet its hypotheses, what refutes it."""
    lemma = proof.lemma
    lines = [lemma.about]
    witness = next((each.values for each in proof.outcomes if each.values), None)
    if witness is not None:
        lines.append(f"for example {shown(lemma, witness)}")
    for mistake, prover in proof.refuted:
        lines.append(f"refuted by {prover} if: {sentence(mistake.broken)}")
    return [f"          {line}" for line in lines]


def assumptions(lemmas: Sequence[Lemma]) -> list[str]:
    """Return everything that the lemmas take for granted, each once."""
    told = [each for lemma in lemmas for each in lemma.assumes]
    return list(dict.fromkeys((*TRUSTED, *told)))


def summary(proofs: Sequence[Proof]) -> list[str]:
    """Return what was found in all, and what it rests on."""
    counts = {
        word: sum(proof.verdict is verdict for proof in proofs)
        for verdict, word in WORDS.items()
    }
    told = ", ".join(f"{n} {word}" for word, n in counts.items() if n)
    seconds = sum(proof.seconds for proof in proofs)
    rests = assumptions([proof.lemma for proof in proofs])
    kinds = f"{len(proofs)} lemmas: {told}; {seconds:.1f} s; {len(rests)} assumptions:"
    return [kinds, *(f"  - {each}" for each in rests)]


def exit_of(proofs: Sequence[Proof]) -> int:
    """Return the exit code: 0 all hold, 1 one is refuted, 3 one is not decided."""
    worst = overall([proof.verdict for proof in proofs])
    return EXIT[Verdict.INCONCLUSIVE if worst is Verdict.NOTHING else worst]
