"""Lemmas: the quick ones hold, every mistake refutes, and the executor is honest."""

import json
import operator
import subprocess
import sys
from dataclasses import replace

import pytest

z3 = pytest.importorskip("z3", reason="z3-solver is not installed")

from mmoracle.checkers import (  # noqa: E402
    crosshair,
    goal,
    ledger,
    operators,
    proving,
    score,
)
from mmoracle.checkers.forks import processes  # noqa: E402
from mmoracle.checkers.lemma import (  # noqa: E402
    Lemma,
    Mistake,
    Sampled,
    Sweep,
    Symbolic,
    mistaken,
    refuter,
)
from mmoracle.checkers.operators import title  # noqa: E402
from mmoracle.checkers.prove import installed, prove  # noqa: E402
from mmoracle.checkers.shipped import functions  # noqa: E402
from mmoracle.checkers.symbolic import (  # noqa: E402
    Paths,
    Ruled,
    Undecided,
    Unsupported,
)
from mmoracle.checkers.verdict import Verdict  # noqa: E402
from mmoracle.checkers.word import (  # noqa: E402
    Bounded,
    Exact,
    Whole,
    Wrapping,
    fresh,
    value_of,
)
from mmoracle.impl.memblock.regions import MemblockType  # noqa: E402
from mmoracle.proofs.catalogue import EQUIVALENT, LEMMAS  # noqa: E402
from mmoracle.spec.memblock import (  # noqa: E402
    always,
    change,
    ops,
    regions,
    sets,
)

QUICK = (
    "capping_stops_at_the_top_and_cuts_nothing_that_fits",
    "ranges_overlap_exactly_where_they_share_an_address",
    "pages_of_a_range_are_those_that_lie_in_it_whole",
    "the_next_block_is_the_largest_aligned_one_that_fits",
    "a_block_is_allowed_exactly_where_it_is_free",
    "settling_keeps_order_colours_and_black_height",
    "replenishing_keeps_order_colours_and_black_height",
    "the_machine_takes_the_same_step_of_insertion",
    "the_machine_takes_the_same_step_of_erasure",
    "buddies_differ_in_one_bit_and_are_each_others",
    "joining_order_by_order_rounds_a_frame_down",
    "the_machine_merges_with_the_buddy_and_no_other",
    "a_merge_is_likely_exactly_if_the_parents_buddy_is_free",
    "halves_given_back_are_aligned_disjoint_and_all_but_what_is_kept",
    "the_batch_is_one_below_a_power_of_two_and_at_most_63",
    "a_larger_zone_has_no_smaller_batch",
)
BY_NAME = {lemma.name: lemma for lemma in LEMMAS}
MISTAKES = [
    (lemma, each) for lemma in LEMMAS if lemma.name in QUICK for each in lemma.mistakes
]
EXACT = [
    (lemma, mistake, prover)
    for lemma, mistake in MISTAKES
    for prover in lemma.provers
    if getattr(prover, "kind", None) in (Bounded, Exact)
]
TOP = (1 << 64) - 1
NUMBERS = (0, 1, 2, 3, 4095, 4096, 4097, 1 << 63, TOP - 1, TOP)


def told(value):
    if isinstance(value, Mistake):
        return value.broken.__name__
    return getattr(value, "name", str(value))


# ------------------------------------------------------------------ the lemmas


@pytest.mark.parametrize("name", QUICK)
def test_quick_lemmas_are_proved(name):
    proof = prove(BY_NAME[name])
    told = ledger.record(proof)
    assert proof.verdict is Verdict.COMPLETE, ledger.line_of(told)
    assert ledger.line_of(told).startswith("PROVED")
    assert all(each.values for each in proof.outcomes), "no witness is shown"


@pytest.mark.parametrize(("lemma", "mistake"), MISTAKES, ids=told)
def test_every_mistake_is_refuted(lemma, mistake):
    assert refuter(lemma, mistake)


@pytest.mark.parametrize(("lemma", "mistake", "prover"), EXACT, ids=told)
def test_what_z3_refutes_fails_on_plain_integers_too(lemma, mistake, prover):
    with mistaken(mistake):
        outcome = prover(lemma)
        assert outcome.verdict is Verdict.VIOLATED
        assert lemma.meets(*outcome.values)
        assert not lemma.holds(*outcome.values)
    assert lemma.holds(*outcome.values)


def test_names_are_unique_and_claims_are_sentences():
    assert len(BY_NAME) == len(LEMMAS)
    for lemma in LEMMAS:
        assert lemma.about.endswith("."), lemma.name
        assert lemma.mistakes, lemma.name
        assert all(each.broken.__doc__ for each in lemma.mistakes), lemma.name


def command(*words, where=None):
    return subprocess.run(
        [sys.executable, "-m", "mmoracle", "prove", *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=where,
    )


def test_the_command_tells_what_is_proved_and_what_it_rests_on(tmp_path):
    run = command("--ledger", "settling", "blocks_tile", "capping", where=tmp_path)
    assert (run.returncode, run.stderr) == (0, "")
    words = [line.split()[0] for line in run.stdout.splitlines()]
    assert (words.count("PROVED"), words.count("HOLDS")) == (2, 1)
    assert "3 theorems: 2 PROVED, 1 HOLDS" in run.stdout
    assert "met by top=0x" in run.stdout
    assert "kills (spec, " in run.stdout
    assert "assumptions:" in run.stdout


def test_what_was_proved_is_kept_and_a_kept_line_says_so(tmp_path):
    first, again, anew = (
        command("capping", *more, where=tmp_path) for more in ((), (), ("--no-cache",))
    )
    assert [run.stdout.count("[cached]") for run in (first, again, anew)] == [0, 1, 0]


def test_a_kept_result_is_of_this_source_and_these_solvers(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lemma = BY_NAME["capping_stops_at_the_top_and_cuts_nothing_that_fits"]
    (task,) = proving.tasks([lemma], True, False, None)
    (told,) = proving.records([lemma], workers=1)
    assert proving.kept(task) == told | {"cached": True}
    assert proving.kept(replace(task, key="another")) is None

    def key():
        (again,) = proving.tasks([lemma], True, False, None)
        return again.key

    assert key() == task.key
    with monkeypatch.context() as other:
        other.setattr(proving, "installed", lambda package: "0.0")
        assert key() != task.key
    module = "mmoracle.spec.memblock.regions"
    assert module in proving.closure(lemma.claim.__module__)
    right = proving.digest
    with monkeypatch.context() as other:
        other.setattr(
            proving, "digest", lambda each: b"" if each == module else right(each)
        )
        assert key() != task.key


def test_what_crosshair_says_is_one_record_of_the_ledger(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = [
        crosshair.Attack(
            "check", "a_contract", ("f",), "confirmed", 0.1, "over all paths"
        ),
        crosshair.Attack("diffbehavior", "a_pair", ("f", "g"), "open", 2.0, "no time"),
    ]
    monkeypatch.setattr(proving.crosshair, "attacks", lambda budget: said)
    (told,) = proving.records([], workers=1, attacks=True)
    assert "1 by check: 1 confirmed; 1 by diffbehavior: 1 open" in ledger.line_of(told)
    assert [line.split()[0] for line in ledger.details(told)] == ["CONFIRMED", "OPEN"]
    assert len(ledger.whole_json([told], {})["crosshair"]) == 2
    assert ledger.exit_of([told]) == 0
    said[1] = replace(said[1], answer="refuted", why="Given: (a=1)")
    (told,) = proving.records([], workers=1, attacks=True, use_kept=False)
    assert ledger.exit_of([told]) == 1


def test_json_is_one_object_with_every_field(tmp_path):
    run = command("--json", "capping", where=tmp_path)
    told = json.loads(run.stdout)
    assert told["verdict"] == "holds-complete"
    assert told["assumptions"]
    (line,) = told["theorems"]
    assert line.keys() >= {
        *("id", "subsystem", "scope", "paths", "solvers", "seconds", "witness"),
        "killed",
    }
    assert line["subsystem"] == "memblock"
    assert {each["of"] for each in line["killed"]} == {"spec", "machine", "statement"}


def test_goals_are_written_and_another_solver_reads_them(tmp_path):
    cvc5_says = goal.cvc5_says
    pytest.importorskip("cvc5", reason="cvc5 is not installed")
    run = command("--export", "goals", "capping", where=tmp_path)
    assert run.returncode == 0
    files = sorted((tmp_path / "goals").iterdir())
    assert [each.suffix for each in files] == [".smt2"] * 3
    for each in files:
        text = each.read_text()
        assert text.startswith("(set-logic QF_")
        assert cvc5_says(text, 10.0) == "unsat"


def test_an_unknown_theorem_gets_one_sentence(tmp_path):
    run = command("no_such_theorem", where=tmp_path)
    assert run.returncode == 2
    assert run.stdout == ""
    assert "there is no theorem no_such_theorem" in run.stderr
    assert len(run.stderr.splitlines()) == 1


# ------------------------------------------------------------------ verdicts


def nothing_is_larger(top, a):
    """No word is larger than the top."""
    return a <= top


def any_word_is_itself(top, a):
    """A claim without an operator that could be wrong."""
    return True


def words_are_small(top, a):
    """Every word is below 1,000."""
    return a < 1000


def contradiction(top, a):
    return (a < 3, a > 5)


def as_it_is(top, values):
    return values


def test_a_claim_that_fails_is_refuted_with_values():
    lemma = Lemma(claim=words_are_small, provers=(Symbolic(),), mistakes=())
    proof = prove(lemma)
    assert proof.verdict is Verdict.VIOLATED
    assert proof.outcomes[0].values[1] >= 1000
    told = ledger.record(proof)
    assert "REFUTED" in ledger.line_of(told)
    assert ledger.exit_of([told]) == 1


def test_a_lemma_without_mistakes_is_worthless():
    lemma = Lemma(claim=any_word_is_itself, provers=(Symbolic(),), mistakes=())
    proof = prove(lemma)
    assert proof.verdict is Verdict.NOTHING
    told = ledger.record(proof)
    assert "no mistake of specification or machine" in ledger.line_of(told)
    assert ledger.exit_of([told]) == 3


@pytest.mark.parametrize("prover", [Symbolic(), Sweep(2), Sampled(as_it_is)])
def test_a_lemma_that_nothing_meets_is_worthless(prover):
    lemma = Lemma(
        claim=words_are_small, given=contradiction, provers=(prover,), mistakes=()
    )
    proof = prove(lemma)
    assert proof.verdict is Verdict.NOTHING
    assert proof.worthless == "nothing meets its hypotheses"


def test_a_sweep_alone_holds_and_proves_nothing():
    broken = Mistake(sys.modules[__name__], "nothing_is_larger", words_are_small)
    lemma = Lemma(claim=nothing_is_larger, provers=(Sweep(2),), mistakes=(broken,))
    assert prove(lemma).outcomes[0].verdict is Verdict.BOUNDED


def test_what_words_cannot_do_is_unknown_not_refuted():
    def shifts_by_a_word(top, a):
        """A claim that the executor cannot follow."""
        return (1 << a) > 0

    lemma = Lemma(claim=shifts_by_a_word, provers=(Symbolic(),), mistakes=())
    proof = prove(lemma)
    assert proof.verdict is Verdict.INCONCLUSIVE
    assert ledger.exit_of([ledger.record(proof)]) == 3


def test_a_solver_out_of_budget_is_unknown():
    paths = Paths("QF_BV", rlimit=1)
    a, b = (fresh(Exact, paths, name, 64) for name in "ab")
    with pytest.raises(Undecided):
        list(paths.follow(lambda: bool((a & b) + (a | b) == a + b)))


# ------------------------------------------------------------------ other solvers


def doubled(top, a):
    """Twice a word is not that word plus four."""
    return a + a != a + 4


@pytest.mark.parametrize("kind", [Exact, Bounded, Wrapping])
def test_a_solver_that_is_wrong_is_met_by_the_others(kind, monkeypatch):
    pytest.importorskip("cvc5", reason="cvc5 is not installed")
    right = Paths.ask

    def blind(self, *terms):
        """Find no side possible but the one that is followed first."""
        return right(self) if not terms else None

    monkeypatch.setattr(Paths, "ask", blind)
    lemma = Lemma(claim=doubled, provers=(Symbolic(kind),), mistakes=())
    proof = prove(lemma, second=True)
    assert proof.outcomes[0].verdict is Verdict.COMPLETE
    assert {each.answer for _, each in proof.opinions} == {"sat"}
    assert proof.verdict is Verdict.VIOLATED
    assert "disagrees with z3" in ledger.line_of(ledger.record(proof))


def either_is_small(top, a, b):
    """Assume words by a question, and then what may be."""
    return (a < 7, b < 9) if a < 100 else (a > 200, b > 3)


def test_hypotheses_that_are_wrongly_found_impossible_are_met_by_the_others(
    monkeypatch,
):
    pytest.importorskip("cvc5", reason="cvc5 is not installed")
    right, asked = Paths.assume, []

    def blind(self, claim):
        """Find nothing within the hypotheses of any path but the first."""
        right(self, claim)
        asked.append(claim)
        if len(asked) > 1:
            self.model = None
            raise Ruled

    monkeypatch.setattr(Paths, "assume", blind)
    lemma = Lemma(
        claim=nothing_is_larger_of_two,
        given=either_is_small,
        provers=(Symbolic(Bounded),),
        mistakes=(),
    )
    proof = prove(lemma, second=True)
    assert proof.outcomes[0].verdict is Verdict.COMPLETE
    assert {each.answer for _, each in proof.opinions} == {"sat"}


def nothing_is_larger_of_two(top, a, b):
    """No word is larger than the top."""
    return a <= top


def test_the_parts_of_a_goal_are_the_goal():
    pytest.importorskip("cvc5", reason="cvc5 is not installed")
    for name, least in (("rounding_down", 2), ("capping", 1)):
        lemma = next(each for each in LEMMAS if each.name.startswith(name))
        made = lemma.provers[0](lemma).goal
        parts = list(made.parts())
        assert least <= len(parts) <= goal.MOST_PARTS
        assert {goal.cvc5_says(each, 10.0) for each in parts} == {"unsat"}


@pytest.mark.parametrize("answer", ["(error", "unknown (TIMEOUT)", "unknown", "sat"])
def test_what_a_solver_says_is_one_of_five_answers(answer):
    told = goal.answered(lambda text, seconds: answer, "", 10.0)
    assert told == {"sat": "sat", "unknown (TIMEOUT)": "time-out"}.get(
        answer, "unknown"
    )


# ------------------------------------------------------------------ the executor


def test_every_path_is_followed_once():
    paths = Paths("QF_LIA")
    a, b = (fresh(Whole, paths, name, 64) for name in "ab")

    def compare():
        return "below" if a < b else "same" if a == b else "above"

    assert sorted(paths.follow(compare)) == ["above", "below", "same"]


def test_impossible_sides_are_not_followed():
    paths = Paths("QF_LIA")
    a = fresh(Whole, paths, "a", 64)

    def nested():
        paths.assume(a > 5)
        return (bool(a > 3), bool(a < 9))

    assert sorted(paths.follow(nested)) == [(True, False), (True, True)]


def test_a_function_that_asks_less_when_it_runs_again_is_not_followed():
    paths = Paths("QF_LIA")
    a = fresh(Whole, paths, "a", 64)
    remembered = []

    def forgetful():
        if not remembered:
            remembered.append(bool(a < 5))
        return remembered[0]

    with pytest.raises(Unsupported, match="asks less"):
        list(paths.follow(forgetful))


def test_a_claim_is_true_or_false_and_nothing_else():
    def says_nothing(top, a):
        """A claim that forgets to answer."""

    lemma = Lemma(claim=says_nothing, provers=(Symbolic(),), mistakes=())
    assert prove(lemma).verdict is Verdict.INCONCLUSIVE


def test_truth_values_are_compared_with_truth_values_only():
    paths = Paths("QF_LIA")
    a = fresh(Whole, paths, "a", 64)
    compared = lambda: ((a < 5) == None, (a < 5) == (a < 5), (a < 5) == 7)  # noqa: E711
    assert set(paths.follow(compared)) == {(False, True, False)}


def test_words_that_are_shifted_far_keep_their_sign_only():
    assert computed(Exact, lambda a, b: (a - b) >> 200, 3, 5) == -1
    assert computed(Exact, lambda a, b: (a + b) >> 200, 3, 5) == 0


def test_a_function_that_asks_something_else_is_not_followed():
    paths = Paths("QF_LIA")
    a = fresh(Whole, paths, "a", 64)
    asked = iter(range(10, 100))
    with pytest.raises(Unsupported, match="something else"):
        list(paths.follow(lambda: bool(a < next(asked)) and bool(a > 50)))


OPERATIONS = {
    "add": operator.add,
    "sub": operator.sub,
    "min": min,
    "max": max,
    "sum": lambda a, b: sum([a, b, b]),
    "low bits": lambda a, b: (a + b) & 4095,
    "high bits": lambda a, b: (a - b) & -4096,
    "pages up": lambda a, b: -(-a // 4096) + b,
    "pages down": lambda a, b: (a - b) // 4096,
    "rest": lambda a, b: (a - b) % 4096,
    "times": lambda a, b: a * 3 - b * 5,
    "word": lambda a, b: (a + b + 1) & TOP,
}


def computed(kind, operation, one, two):
    """Return what words that can only be these numbers compute."""
    paths = Paths(kind.logic)
    a, b = (fresh(kind, paths, name, 64) for name in "ab")

    def run():
        paths.assume(a == one)
        paths.assume(b == two)
        result = operation(a, b)
        return value_of(paths.model, result), result.term

    (found,) = list(paths.follow(run))
    number, term = found
    if kind is Exact and number >> (term.size() - 1):
        number -= 1 << term.size()  # signed
    return number


@pytest.mark.parametrize("kind", [Exact, Bounded, Whole])
@pytest.mark.parametrize("name", OPERATIONS)
def test_words_compute_what_python_computes(name, kind):
    for one in NUMBERS:
        for two in NUMBERS[::3]:
            got = computed(kind, OPERATIONS[name], one, two)
            assert got == OPERATIONS[name](one, two)


@pytest.mark.parametrize("name", ["add", "sub", "min", "max", "low bits", "word"])
def test_wrapping_words_compute_what_c_computes(name):
    for one in NUMBERS:
        for two in NUMBERS[::3]:
            got = computed(Wrapping, OPERATIONS[name], one, two)
            assert got == OPERATIONS[name](one, two) & TOP


@pytest.mark.parametrize("operation", [operator.and_, operator.or_])
def test_exact_words_have_the_bits_of_python_integers(operation):
    for one in NUMBERS:
        for two in NUMBERS:
            got = computed(Exact, lambda a, b: operation(~a, b), one, two)
            assert got == operation(~one, two)


# ------------------------------------------------------------------ operator mutants


def mutants_of(function):
    return {each.change: each for each in operators.mutants(function)}


def test_operators_of_a_function_are_changed_one_at_a_time():
    found = mutants_of(regions.cap_size)
    assert "cfg.top - base -> cfg.top + base" in found
    assert "min -> max" in found
    assert all(each.code != regions.cap_size.__code__ for each in found.values())


def test_a_changed_operator_is_met_by_whoever_calls_the_function():
    right = regions.cap_size.__code__
    mutant = mutants_of(regions.cap_size)["min -> max"]
    cfg = regions.Config(width=8, page_size=1)
    assert regions.cap_size(cfg, 250, 9) == 5
    with installed(mutant):
        assert regions.cap_size(cfg, 250, 9) == 9
    assert regions.cap_size.__code__ is right


def test_the_score_tells_what_is_killed_what_lives_and_what_is_equivalent():
    name = "capping_stops_at_the_top_and_cuts_nothing_that_fits"
    lemmas = [BY_NAME[name]]
    wanted = score.wanted_by(["memblock.regions.cap_size"])
    fates = list(score.fates(lemmas, wanted, {}, 2))
    assert fates
    assert all(each.killer == name for each in fates)
    excuses = {fates[0].mutant.name: "for a test"}
    told = score.report(list(score.fates(lemmas, wanted, excuses, 2)))
    assert (told["equivalent"], told["killed"]) == (1, len(fates) - 1)
    assert told["verdict"] == "holds-to-bound"
    weak = replace(lemmas[0], given=lambda *values: (False,), provers=(Sweep(2),))
    told = score.report(list(score.fates([weak], wanted, {}, 2)))
    assert told["mutants"] == 0  # it runs nothing


def test_the_score_counts_what_makes_steps_and_no_judges():
    assert score.works(regions.cap_size)
    assert score.works(MemblockType.splice)
    assert not score.works(always.regions_do_not_overlap)
    assert not score.works(sets.joined)  # only rules use it
    assert not score.works(ops.Add.domain.__func__)
    assert not score.works(change.with_kmalloc)


def test_a_prover_that_killed_often_comes_before_a_quicker_one():
    slow, quick = (
        score.Use(at, 0, seconds, {}) for at, seconds in ((0, 1.0), (1, 0.1))
    )
    assert score.price(quick, {}) < score.price(slow, {})
    assert score.price(slow, {(0, 0): 1}) < score.price(quick, {})


def test_a_prover_that_does_not_end_kills_and_is_killed():
    def work(pipe):
        pipe.send("said")
        while True:
            pass

    (found,) = processes([(work, ())], 1, lambda job, n: 0.3)
    assert found == (0, ["said"], False)


def test_equivalent_mutants_exist_and_say_why():
    names = {
        each.name
        for function in functions()
        if any(name.startswith(title(function)) for name in EQUIVALENT)
        for each in operators.mutants(function)
    }
    assert EQUIVALENT.keys() <= names
    assert all(why.endswith(".") for why in EQUIVALENT.values())
