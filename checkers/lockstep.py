"""One Hypothesis state machine for every subsystem, drawing from the domains."""

from __future__ import annotations

from collections import Counter
from time import monotonic
from typing import TYPE_CHECKING, Any

from mmoracle.spec.core import C, Domain, Ints, S

from .draw import enabled, width
from .session import Divergence, Session
from .subsystem import Fidelity, M, Subsystem, bounds
from .verdict import Failure, Run
from .walk import missed, verdict_on

if TYPE_CHECKING:
    from hypothesis.strategies import DataObject, SearchStrategy


def lockstep(
    sub: Subsystem[C, S, M],
    cfg: C,
    *,
    config: str,
    examples: int,
    steps: int,
    seed: int,
    fidelity: Fidelity = Fidelity.EXACT,
    shorten: bool = False,
) -> Run:
    """Let Hypothesis drive both sides; with `shorten` it shrinks what it finds."""
    started = monotonic()
    counts, reached = Counter[str](), dict[str, None]()

    def factory() -> Session[C, S, M]:
        return Session(sub, cfg, fidelity)

    def finished(session: Session[C, S, M]) -> None:
        counts.update(session.counts)
        reached.update(dict.fromkeys(session.reached))

    found = drive(factory, finished, examples, steps, seed, shorten)
    failure = Failure(found.rule, found.why, found.trace) if found else None
    return Run(
        subsystem=sub.name,
        engine="lockstep",
        config=config,
        fidelity=fidelity.value,
        verdict=verdict_on(failure, counts.total()),
        scope=f"{examples} histories of {steps} steps: {bounds(cfg)}",
        steps=counts.total(),
        depth=steps,
        seconds=monotonic() - started,
        seed=seed,
        ops=dict(counts),
        witnesses=tuple(reached),
        witnesses_missed=missed(sub, reached),
        failure=failure,
    )


def drive(
    factory: Any, finished: Any, examples: int, steps: int, seed: int, shorten: bool
) -> Divergence | None:
    """Run the state machine; return the divergence that it ends in, if it does."""
    import hypothesis
    from hypothesis import stateful, strategies

    class Lockstep(stateful.RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.session = factory()

        @stateful.rule(data=strategies.data())
        def step(self, data: DataObject) -> None:
            one_step(self.session, data)

        def teardown(self) -> None:
            finished(self.session)

    phases = [hypothesis.Phase.generate]
    if shorten:
        phases.append(hypothesis.Phase.shrink)
    settings = hypothesis.settings(
        max_examples=examples,
        stateful_step_count=steps,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        suppress_health_check=list(hypothesis.HealthCheck),
        verbosity=hypothesis.Verbosity.quiet,
        phases=phases,
    )
    try:
        seeded = hypothesis.seed(seed)(Lockstep)
        stateful.run_state_machine_as_test(seeded, settings=settings)
    except Divergence as found:
        return found
    return None


def one_step(session: Session[C, S, M], data: DataObject) -> None:
    """Draw one enabled operation with its arguments and do it on both sides."""
    from hypothesis.strategies import sampled_from

    domains = {
        op: op.domain(session.cfg, session.state)
        for op in session.sub.offers(session.cfg)
    }
    names = [op for op, domain in domains.items() if enabled(domain)]
    if names:
        op = data.draw(sampled_from(names))
        arguments = [data.draw(values(each)) for each in domains[op].values()]
        session.do(op(*arguments))


def values(domain: Domain) -> SearchStrategy[Any]:
    """Return the strategy that draws from a domain, its first value the simplest."""
    from hypothesis.strategies import integers, sampled_from

    if isinstance(domain, Ints):
        last = width(domain) - 1
        return integers(0, last).map(lambda i: domain.lo + i * domain.step)
    return sampled_from(domain.options)
