"""Requests that name no node: the task's memory policy chooses it, or a nodemask.

An interrupt has no policy, and a request for one node alone heeds none.

Source: mm/mempolicy.c:alloc_pages_current, policy_node, policy_nodemask (v5.10).
"""

from __future__ import annotations

from enum import IntEnum

from ..core import Domains, OneOf, nothing, value
from ..linux import Bug, Gfp, ZoneType
from .alloc import (
    AllocInterleaved,
    Request,
    Settled,
    answered,
    around,
    common,
    is_full,
    judged,
    settle,
)
from .answers import Outcome
from .request import Nodemask, gfp_zone, next_node_in
from .zones import Config, Lower, Memory, Task


class Mode(IntEnum):
    """MPOL_*: include/uapi/linux/mempolicy.h (v5.10)."""

    DEFAULT = 0  # the node on which the task runs
    PREFERRED = 1  # the first of the nodes, then others by distance
    BIND = 2  # the nodes alone, for the zones that policies are about
    INTERLEAVE = 3  # the nodes in turn


def policy_node(mode: Mode, nodes: int, here: int, most: int) -> int:
    """Return the node that is asked first; a preferred one may be left open."""
    preferred = mode is Mode.PREFERRED and nodes
    return next_node_in(most, nodes, most) if preferred else here


def policy_zone(cfg: Config, nodes: int) -> int:
    """Return the lowest zone index that a policy is about: apply_policy_zone().

    The highest zone with memory that is not ZONE_MOVABLE; that one, where the nodes of
    the policy have no other memory.
    """
    movable = cfg.kinds.index(ZoneType.MOVABLE)
    plain = [place for place in cfg.zones if place.index < movable]
    if not any(nodes >> place.nid & 1 for place in plain):
        return movable
    return max(place.index for place in plain)


def policy_nodemask(
    cfg: Config, gfp: Gfp, mode: Mode, nodes: int, mems: int
) -> Nodemask:
    """Return the nodes that a request is bound to, none where it is to none."""
    highest = gfp_zone(gfp, cfg.kinds)
    if mode is not Mode.BIND or isinstance(highest, Bug):
        return None
    if highest < policy_zone(cfg, nodes):
        return None
    return nodes if not cfg.cpusets or nodes & mems else None


@value
class AllocCurrent:
    """alloc_pages_current(): alloc_pages() with NUMA, by the policy of the task."""

    gfp: Gfp
    order: int
    mode: Mode
    nodes: int  # of the policy, as bits
    task: Task = Task()
    lower: Lower = Lower()

    @classmethod
    def domain(cls, cfg: Config, s: Memory) -> Domains:
        if is_full(cfg, s):
            return nothing()
        policy = {"mode": OneOf(tuple(Mode)), "nodes": OneOf(cfg.policies)}
        return {**common(cfg), **policy, **around(cfg)}

    @property
    def heeded(self) -> Mode:
        """Return the mode of the policy that counts."""
        if self.task.interrupt or self.gfp & Gfp.THISNODE:
            return Mode.DEFAULT
        return self.mode

    @property
    def turn(self) -> AllocInterleaved | None:
        """Return the request to the node whose turn it is, if nodes take turns."""
        if self.heeded is not Mode.INTERLEAVE:
            return None
        return AllocInterleaved(
            self.gfp, self.order, self.nodes, None, self.task, self.lower
        )

    def settled(self, cfg: Config, s: Memory) -> Outcome | Settled:
        """Return what is walked with, or the answer."""
        if self.turn is not None:
            return self.turn.settled(cfg, s)
        mode, nodes, task = self.heeded, self.nodes, self.task
        nid = policy_node(mode, nodes, task.node, len(cfg.fallback))
        mask = policy_nodemask(cfg, self.gfp, mode, nodes, task.mems)
        r = Request(self.gfp, self.order, nid, mask, task, self.lower)
        return settle(cfg, r)

    def choose(self, cfg: Config, s: Memory) -> Outcome:
        return answered(cfg, s, self.settled(cfg, s))

    def after(self, cfg: Config, s: Memory, result: Outcome) -> Memory:
        if self.turn is not None:
            return self.turn.after(cfg, s, result)
        return judged(cfg, s, self.settled(cfg, s), result)
