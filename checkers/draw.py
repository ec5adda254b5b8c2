"""Operations from integers: for random walks, and to ask whether one is legal."""

from __future__ import annotations

from collections import deque
from dataclasses import fields
from random import Random
from typing import Any

from mmoracle.spec.core import C, Domain, Domains, Ints, Op, S

from .subsystem import M, Subsystem

WORD = 64  # bits of a number that choose one argument
RECENT = 48  # argument values remembered, so that a walk comes back to them


def width(domain: Domain) -> int:
    """Return how many values a domain has; `len` stops at the machine word."""
    return domain.count if isinstance(domain, Ints) else len(domain.options)


def enabled(domain: Domains) -> bool:
    """Say whether there is a way to fill in the arguments."""
    return all(width(each) for each in domain.values())


def holds(domain: Domain, thing: Any) -> bool:
    """Say whether a domain has this value."""
    if not isinstance(domain, Ints):
        return thing in domain.options
    inside = isinstance(thing, int) and domain.lo <= thing < domain.hi
    return inside and (thing - domain.lo) % domain.step == 0


def outside(
    sub: Subsystem[C, S, M], cfg: C, state: S, op: Op[C, S]
) -> frozenset[str] | None:
    """Return the arguments that are in no domain here; None where it is not enabled."""
    domain = op.domain(cfg, state)
    names = {each.name for each in fields(op)}
    if type(op) not in sub.offers(cfg) or names != domain.keys():
        return None
    if not enabled(domain):
        return None
    return frozenset(n for n in names if not holds(domain[n], getattr(op, n)))


def draw(
    sub: Subsystem[C, S, M], cfg: C, state: S, code: int, recent: deque[int]
) -> Op[C, S] | None:
    """Return the operation that a code names here, or none if it is not enabled.

    The low bits choose the operation, then one word chooses each argument, modulo the
    size of its domain; an odd word asks for a recent value where that is legal.
    """
    offers = sub.offers(cfg)
    code, place = divmod(code, len(offers))
    domain = offers[place].domain(cfg, state)
    if not enabled(domain):
        return None
    arguments: list[Any] = []
    for each in domain.values():
        code, word = divmod(code, 1 << WORD)
        arguments.append(argument(each, word, recent))
    return offers[place](*arguments)


def argument(domain: Domain, word: int, recent: deque[int]) -> Any:
    """Return the value that a word names in a domain."""
    if isinstance(domain, Ints) and width(domain) > RECENT:
        word, again = divmod(word, 2)
        thing = recent[word % len(recent)] if again and recent else None
        if thing is None or not holds(domain, thing):
            thing = domain[word % width(domain)]
        recent.append(thing)
        return thing
    return domain[word % width(domain)]


def code(sub: Subsystem[C, S, M], cfg: C, dice: Random) -> int:
    """Return a random code that is long enough to name any operation."""
    widest = max(len(fields(op)) for op in sub.offers(cfg))
    return dice.getrandbits(WORD * (widest + 1))


def earlier(domain: Domain, thing: Any) -> list[Any]:
    """Return a few values that come before this one in its domain, simplest first."""
    if isinstance(domain, Ints):
        if not holds(domain, thing):
            return []
        place = (thing - domain.lo) // domain.step
        places = sorted({0, 1, 2, 3, place // 2, place - 1} & set(range(place)))
        return [domain[each] for each in places]
    options = domain.options
    return list(options[: options.index(thing)][:4]) if thing in options else []
