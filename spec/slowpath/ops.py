"""The operations: a request begins, and each question that it asks is answered.

Source: mm/page_alloc.c:__alloc_pages_slowpath, gfp_pfmemalloc_allowed (v5.10).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import replace

from ..core import Disallowed, Domains, OneOf, Op, Step, nothing, require, value
from ..linux import Gfp
from . import path
from .flags import reserve_flags
from .path import Turn
from .replies import follow, may_say
from .request import (
    At,
    Config,
    Context,
    Left,
    Next,
    Reply,
    Request,
    State,
    Zone,
)

CONTEXTS = (
    Context.NONE,
    Context.MEMALLOC,
    Context.MEMALLOC | Context.HARDIRQ,
    Context.MEMALLOC | Context.SOFTIRQ,
    Context.MEMALLOC | Context.SOFTIRQ | Context.HARDIRQ,
    Context.SOFTIRQ,
    Context.VICTIM,
    Context.VICTIM | Context.SOFTIRQ,
    Context.VICTIM | Context.MEMALLOC,
)


class Answered(ABC):
    """What every answer has in common: one turn of Linux, and those permitted."""

    __slots__ = ()

    @abstractmethod
    def turn(self, cfg: Config, s: State) -> Turn:
        """Return where Linux goes on."""

    def choose(self, cfg: Config, s: State) -> Next:
        """Ask what Linux asks next."""
        return self.turn(cfg, s).next

    def after(self, cfg: Config, s: State, result: Next) -> State:
        """Follow Linux, or an implementation that gives up sooner."""
        for each in permitted(cfg, s, self):
            if each.next == result:
                return each.state
        due = self.choose(cfg, s)
        raise Disallowed("RET-CODE", f"({due}) is due, not ({result})")


def permitted(cfg: Config, s: State, op: Answered) -> tuple[Turn, ...]:
    """Return the turns that may be taken, that of Linux first."""
    if cfg.patience == "linux":
        return (op.turn(cfg, s),)
    return op.turn(cfg, s), op.turn(replace(cfg, patience="none"), s)


def used(cfg: Config, step: Step[Config, State]) -> Iterator[str]:
    """Yield `patience` where a step gives up sooner than Linux does."""
    if cfg.patience == "less" and step.result != step.op.choose(cfg, step.before):
        yield "patience"


@value
class Begin(Answered):
    """A request enters the slow path, in a zone as it then is."""

    request: Request
    zone: Zone

    @classmethod
    def domain(cls, cfg: Config, s: State) -> Domains:
        """Offer the requests and zones of the configuration, one at a time."""
        if s.at is not At.IDLE:
            return nothing()
        return {"request": OneOf(cfg.requests), "zone": OneOf(cfg.zones)}

    def turn(self, cfg: Config, s: State) -> Turn:
        """Look at the free lists with the flags of the slow path."""
        asked = self.request
        zone = self.zone if asked.order else replace(self.zone, block=False)
        left = Left(cfg.changes, cfg.kills, cfg.signals)
        s = State(
            order=asked.order,
            gfp=asked.gfp,
            context=asked.context,
            nodemask=asked.nodemask,
            zone=zone,
            left=left,
        )
        return path.begin(cfg, s)


@value
class Answer(Answered):
    """Whoever was asked replies."""

    reply: Reply

    @classmethod
    def domain(cls, cfg: Config, s: State) -> Domains:
        """Offer what the one who is asked may say, by what the zone has."""
        return {"reply": OneOf(may_say(cfg, s))}

    def turn(self, cfg: Config, s: State) -> Turn:
        """Go on to the next question, or to the end."""
        return follow(cfg, s, self.reply)


@value
class PfmemallocAllowed:
    """gfp_pfmemalloc_allowed(): may a request use the reserves?  Anybody may ask."""

    gfp: Gfp
    context: Context

    @classmethod
    def domain(cls, cfg: Config, s: State) -> Domains:
        """Offer the request that is under way, else many."""
        if s.at is not At.IDLE:
            return {"gfp": OneOf((s.gfp,)), "context": OneOf((s.context,))}
        kinds = tuple(dict.fromkeys(each.gfp for each in cfg.requests))
        return {"gfp": OneOf(kinds), "context": OneOf(CONTEXTS)}

    def choose(self, cfg: Config, s: State) -> bool:
        """Say whether there is any reserve that it may use."""
        return reserve_flags(int(self.gfp), int(self.context)) != 0

    def after(self, cfg: Config, s: State, result: bool) -> State:
        """Change nothing."""
        due = self.choose(cfg, s)
        require(result is due, "RET-CODE", f"{due} is due, not {result}")
        return s


OPS: tuple[type[Op[Config, State]], ...] = (Begin, Answer, PfmemallocAllowed)


def initial(cfg: Config) -> State:
    """Return the slow path while nobody is on it."""
    return State()


def canonical(cfg: Config, s: State) -> State:
    """Count no further than where a counter ceases to matter."""
    loops = min(s.loops, cfg.reclaim_retries + 1)
    return replace(s, loops=loops, retries=min(s.retries, cfg.compact_retries + 1))
