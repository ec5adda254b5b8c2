"""Exploration: complete at small size, exact about what it cut, and never blind."""

from dataclasses import replace

import pytest

from mmoracle.checkers.draw import enabled
from mmoracle.checkers.explore import begin, explore, search, visit
from mmoracle.checkers.judge import Judge
from mmoracle.checkers.plan import jobs
from mmoracle.checkers.registry import SUBSYSTEMS
from mmoracle.checkers.settings import Settings
from mmoracle.checkers.subsystem import Fidelity
from mmoracle.checkers.trial import attempt
from mmoracle.checkers.verdict import MINIMAL, Verdict
from mmoracle.impl.buddy import PageAllocator
from mmoracle.impl.rbtree import RbRoot
from mmoracle.spec.buddy import alloc
from mmoracle.spec.buddy.alloc import AllocPages
from mmoracle.spec.buddy.zones import Outcome, Span
from mmoracle.spec.core import Disallowed
from mmoracle.spec.linux import MIGRATE_MOVABLE

LIMIT = 4_000  # operations: well under two seconds


def due(sub, name, cfg, fidelity):
    """Exactly as Linux; as any correct one where it is none, and once a subsystem."""
    if fidelity is Fidelity.EXACT:
        return sub.faithful(cfg)
    return not sub.faithful(cfg) or name == next(iter(sub.configs))


TINY = [
    (sub, name, fidelity)
    for sub in SUBSYSTEMS.values()
    for name, cfg in sub.configs.items()
    for fidelity in Fidelity
    if name.startswith("tiny") and due(sub, name, cfg, fidelity)
]


def like(sub, word):
    """Return the first configuration whose name starts so."""
    return next(cfg for name, cfg in sub.configs.items() if name.startswith(word))


@pytest.mark.parametrize(
    ("sub", "name", "fidelity"), TINY, ids=lambda x: getattr(x, "name", x)
)
def test_every_tiny_configuration_holds(sub, name, fidelity):
    run = explore(sub, sub.configs[name], config=name, fidelity=fidelity, limit=LIMIT)
    assert run.failure is None
    assert run.verdict is (Verdict.BOUNDED if run.cut else Verdict.COMPLETE)
    assert run.steps == sum(run.ops.values()) <= LIMIT
    assert run.steps == LIMIT or not run.cut
    assert run.refusals > 0
    assert not run.second.get("differs")


def test_an_exploration_that_ends_is_reproduced_exactly():
    sub = SUBSYSTEMS["rbtree"]
    first, again = (
        explore(sub, sub.configs["tiny-cached"], config="tiny-cached") for _ in range(2)
    )
    assert first.verdict is Verdict.COMPLETE
    assert (first.states, first.steps, first.refusals, first.depth) == (
        again.states,
        again.steps,
        again.refusals,
        again.depth,
    )
    assert first.states == 16  # red-black trees of at most 5 nodes, up to names
    assert first.depth == 5


@pytest.mark.parametrize(("nodes", "states"), [(5, 16), (7, 65)])
def test_the_number_of_states_is_known_from_elsewhere(nodes, states):
    """A plain breadth-first search over the specification alone counts as many.

    With room for 11 nodes it meets every red-black tree of up to 10, which a recurrence
    counts: 1, 1, 2, 2, 4, 8, 16, 33, 56, 90, 164.
    """
    sub = SUBSYSTEMS["rbtree"]
    cfg = replace(
        sub.configs["tiny"],
        keys=2 * nodes + 1,
        nodes=nodes,
        ops=("Insert", "Erase"),
    )
    run = explore(sub, cfg, config="")
    assert run.verdict is Verdict.COMPLETE
    assert run.states == states
    assert run.ops.keys() == {"Insert", "Erase"}


def test_a_cut_says_where():
    sub = SUBSYSTEMS["rbtree"]
    run = explore(sub, sub.configs["tiny"], config="tiny", limit=100)
    assert run.verdict is Verdict.BOUNDED
    assert run.cut.startswith("after 100 steps: ")
    run = explore(sub, sub.configs["tiny"], config="tiny", deepest=2)
    assert run.cut.startswith("at depth 2: ")
    assert run.depth == 2


def test_progress_is_told(monkeypatch):
    sub = SUBSYSTEMS["rbtree"]
    monkeypatch.setattr("mmoracle.checkers.explore.BETWEEN_REPORTS", 0.0)
    told = []
    explore(sub, sub.configs["tiny-cached"], config="tiny-cached", progress=told.append)
    assert told
    assert told[-1].keys() == {"states", "steps", "queue", "depth"}


def explored(name="tiny", **kw):
    sub = SUBSYSTEMS["rbtree"]
    run = explore(sub, sub.configs[name], config=name, limit=30_000, **kw)
    assert run.verdict is Verdict.VIOLATED
    failure = run.failure
    again = attempt(Judge(sub, sub.configs[name], Fidelity.EXACT), failure.trace)
    assert (again.rule, again.why) == (failure.rule, failure.why)
    return failure


def ops_of(failure):
    return [(type(each.op).__name__, each.op) for each in failure.trace]


def test_a_wrong_erase_fixup_gives_a_short_concrete_history(monkeypatch):
    step = RbRoot._erase_step

    def forgets_the_inner_nephew(self, node, parent):
        on_left = parent.right is not node
        sibling = parent.right if on_left else parent.left
        outer = sibling.right if on_left else sibling.left
        inner = sibling.left if on_left else sibling.right
        if not sibling.red and (outer is None or not outer.red) and inner:
            sibling.red, parent.red, was = True, False, parent.red
            return not was
        return step(self, node, parent)

    monkeypatch.setattr(RbRoot, "_erase_step", forgets_the_inner_nephew)
    failure = explored()
    assert failure.rule == "RB-RED"
    assert failure.why == "red 0 has red child 1"
    assert failure.minimal == MINIMAL
    assert [name for name, _ in ops_of(failure)] == ["Insert"] * 4 + ["Erase"]


def test_a_name_that_needs_room_is_found_by_going_back(monkeypatch):
    def forgets_the_right_child(self, victim, new):
        new.parent, new.red = victim.parent, victim.red
        new.left, new.right = victim.left, victim.right
        if new.left is not None:
            new.left.parent = new
        self._change_child(victim, new, victim.parent)

    monkeypatch.setattr(RbRoot, "rb_replace_node", forgets_the_right_child)
    failure = explored()
    assert failure.rule == "RB-PARENT"
    assert len(failure.trace) == 3
    assert failure.minimal == MINIMAL


def swapped(sub, **parts):
    return type(sub)(**{**vars(sub), **parts})


@pytest.mark.parametrize("sub", SUBSYSTEMS.values(), ids=lambda x: x.name)
def test_a_machine_that_takes_every_answer_is_found(sub):
    def takes_all(machine, op, result):
        try:
            sub.accept(machine, op, result)
        except Disallowed:
            return

    run = explore(
        swapped(sub, accept=takes_all), like(sub, "tiny"), config="tiny", limit=LIMIT
    )
    assert run.failure.rule == "REFUSAL"
    assert "which is refused" in run.failure.why


@pytest.mark.parametrize("sub", SUBSYSTEMS.values(), ids=lambda x: x.name)
def test_a_machine_that_refuses_right_answers_is_found(sub):
    def takes_none(machine, op, result):
        raise Disallowed("NEVER", "not today")

    run = explore(
        swapped(sub, accept=takes_none), like(sub, "tiny"), config="tiny", limit=LIMIT
    )
    assert run.failure.rule == "REFUSAL"
    assert "which is right" in run.failure.why
    assert len(run.failure.trace) == 1


@pytest.mark.parametrize("sub", SUBSYSTEMS.values(), ids=lambda x: x.name)
def test_a_load_that_forgets_is_found(sub):
    forgets = swapped(sub, load=lambda cfg, s: sub.load(cfg, sub.initial(cfg)))
    run = explore(forgets, like(sub, "tiny"), config="tiny", limit=LIMIT)
    assert run.failure.rule in ("INVERSE", "EXACT-STATE", "EXACT-ANSWER")
    assert len(run.failure.trace) <= 2


@pytest.mark.parametrize("sub", SUBSYSTEMS.values(), ids=lambda x: x.name)
def test_a_crash_is_a_verdict(sub):
    def crashes(machine, op):
        raise KeyError("gone")

    run = explore(
        swapped(sub, apply=crashes), like(sub, "tiny"), config="tiny", limit=LIMIT
    )
    assert run.failure.rule == "NO-CRASH"
    assert "KeyError" in run.failure.why


@pytest.mark.parametrize("sub", SUBSYSTEMS.values(), ids=lambda x: x.name)
def test_a_fault_that_needs_one_lasting_machine_is_found(sub):
    asked = {}

    def tires(machine, op):
        asked[id(machine)] = (machine, asked.get(id(machine), (0, 0))[1] + 1)
        if asked[id(machine)][1] == 9:
            raise OSError("tired")
        return sub.apply(machine, op)

    run = explore(
        swapped(sub, apply=tires), like(sub, "tiny"), config="tiny", limit=LIMIT
    )
    assert run.verdict is Verdict.VIOLATED
    assert run.failure.rule in ("NO-CRASH", "EXACT-STATE")


def test_nothing_on_offer_is_nothing_checked():
    sub = SUBSYSTEMS["rbtree"]
    run = explore(swapped(sub, ops=()), sub.configs["tiny"], config="tiny")
    assert run.verdict is Verdict.NOTHING


@pytest.mark.parametrize("sub", SUBSYSTEMS.values(), ids=lambda x: x.name)
def test_a_second_reading_that_differs_is_counted_and_shown(sub):
    cfg = like(sub, "tiny")
    first = sub.initial(cfg)
    differs = swapped(sub, second=lambda cfg, s, op: first)
    run = explore(differs, cfg, config="tiny", limit=LIMIT)
    assert run.second["differs"] + run.second["same"] == run.steps
    assert 1 <= len(run.extra["differs"]) <= 3
    assert run.extra["differs"][0].keys() == {"before", "op", "difference"}


@pytest.mark.parametrize("sub", SUBSYSTEMS.values(), ids=lambda x: x.name)
def test_the_first_state_offers_something(sub):
    cfg = like(sub, "tiny")
    first = sub.initial(cfg)
    assert any(enabled(op.domain(cfg, first)) for op in sub.offers(cfg))


# ------------------------------------------------------------------ every answer


def anyone(pages, **fields):
    """Return one zone of so many pages, in which any free block may be handed out."""
    order = (pages - 1).bit_length()
    return replace(
        SUBSYSTEMS["buddy"].configs["tiny-any"],
        zones=(Span(0, pages),),
        orders=order + 1,
        pageblock_order=order,
        **fields,
    )


def in_zone(cfg, **parts):
    sub = swapped(SUBSYSTEMS["buddy"], configs={"tiny": cfg}, **parts)
    return explore(sub, cfg, config="tiny", fidelity=Fidelity.ALLOWED)


@pytest.mark.parametrize(
    ("pages", "states", "mirrored"), [(1, 2, 2), (2, 5, 4), (4, 26, 11), (8, 677, 67)]
)
def test_every_policy_meets_as_many_states_as_the_recurrence_counts(
    pages, states, mirrored
):
    """S(2n) = S(n)^2 + 1; up to mirror images T(2n) = T(n)(T(n) + 1) / 2 + 1."""
    for cfg, due in (
        (anyone(pages), states),
        (anyone(pages, symmetric=True), mirrored),
    ):
        run = in_zone(cfg)
        assert (run.verdict, run.states) == (Verdict.COMPLETE, due)
        assert run.failure is None


def test_every_answer_that_may_be_given_is_followed():
    cfg = anyone(4)
    run = in_zone(cfg)
    lowest = in_zone(cfg, permitted=None)
    assert run.steps > lowest.steps
    x = Judge(SUBSYSTEMS["buddy"], cfg, Fidelity.ALLOWED)
    first = list(visit(x, x.sub.initial(cfg)))
    assert len(first) == 4 + 2 + 1  # any page, any pair, the whole


def test_the_answers_that_may_be_given_are_all_that_are_accepted():
    sub, cfg = SUBSYSTEMS["buddy"], anyone(8, symmetric=True)
    x = Judge(sub, cfg, Fidelity.ALLOWED)
    found = begin(x)
    search(x, found)
    for state in found.links:
        for order in range(cfg.orders):
            op = AllocPages(0, 0, order, MIGRATE_MOVABLE)
            may = {each.value for each in sub.permitted(cfg, state, op)}
            for value in (None, *range(-1, 10)):
                assert (value in may) is accepts(op, cfg, state, Outcome(value))


def accepts(op, cfg, state, answer):
    try:
        op.after(cfg, state, answer)
    except Disallowed:
        return False
    return True


def test_a_machine_that_loses_half_of_a_block_is_found(monkeypatch):
    carve = PageAllocator.carve

    def loses_the_upper_half(self, at, pfn, order):
        carve(self, at, pfn, order)
        buddy = pfn + (1 << order)
        if self.held and pfn >= 4 and buddy in self.zones[at].place:
            self.zones[at].pull(buddy)

    monkeypatch.setattr(PageAllocator, "carve", loses_the_upper_half)
    for cfg in (anyone(8), anyone(8, symmetric=True)):
        failure = in_zone(cfg).failure
        assert failure.rule == "BUD-CONSERVE"
        assert [type(each.op).__name__ for each in failure.trace] == ["AllocPages"] * 2
        assert failure.trace[1].result.value >= 4
        assert failure.minimal == MINIMAL
        assert_replays(cfg, failure)


def assert_replays(cfg, failure):
    """The same history breaks the same rule, and is as long."""
    x = Judge(SUBSYSTEMS["buddy"], cfg, Fidelity.ALLOWED)
    again = attempt(x, failure.trace, failure.rule)
    assert (again.rule, again.why) == (failure.rule, failure.why)
    assert again.trace == failure.trace


def test_a_machine_that_refuses_another_policy_is_found():
    sub = SUBSYSTEMS["buddy"]

    def only_the_first(machine, op, answer):
        if isinstance(op, AllocPages) and answer.value == 3:
            raise Disallowed("NEVER", "not today")
        sub.accept(machine, op, answer)

    failure = in_zone(anyone(4), accept=only_the_first).failure
    assert failure.rule == "REFUSAL"
    assert len(failure.trace) == 1
    assert failure.trace[0].result == Outcome(3)


def test_a_specification_that_hands_out_what_is_held_is_found(monkeypatch):
    judge = alloc.judge_block

    def forgets_who_holds_what(cfg, s, at, order, pfn):
        try:
            judge(cfg, s, at, order, pfn)
        except Disallowed as no:
            if no.rule != "BUD-DISJOINT":
                raise

    monkeypatch.setattr(alloc, "judge_block", forgets_who_holds_what)
    failure = in_zone(anyone(8)).failure
    assert failure.rule == "REFUSAL"
    assert "BUD-DISJOINT" in failure.why
    assert len(failure.trace) == 2


def test_a_configuration_that_is_not_linux_is_judged_as_allowed():
    sub = SUBSYSTEMS["buddy"]
    for asked, due in (("exact", 1), ("allowed", 1), ("both", 2)):
        settings = Settings(fidelity=asked)
        found = jobs([sub], settings, None, "tiny-any", each_must=True)
        assert [job.fidelity for job in found] == [Fidelity.ALLOWED]
        assert len(jobs([sub], settings, None, "tiny", each_must=True)) == due
