"""A second machine in the state of a first, sharing nothing with it that changes."""

from __future__ import annotations

from copy import copy

from .manage import PageAllocator


def fork(m: PageAllocator) -> PageAllocator:
    """Return a copy of a machine, to go on from both. O(blocks)."""
    frames, types = copy(m.frames), list(m.zones[0].types)
    frames.state, frames.held = m.frames.state.copy(), m.frames.held.copy()
    frames.prepared, frames.taken = m.frames.prepared.copy(), m.frames.taken.copy()
    frames.private = m.frames.private.copy()
    other = copy(m)
    other.frames, other.held, other.events = frames, frames.held, list(m.events)
    other.zones = frames.zones = [copy(zone) for zone in m.zones]
    for zone in other.zones:
        zone.types, zone.private, zone.zones = types, frames.private, other.zones
        zone.place, zone.guards = zone.place.copy(), zone.guards.copy()
        zone.index, zone.nr_free = zone.index.copy(), list(zone.nr_free)
        zone.lists = [line.copy() for line in zone.lists]
        zone.pagesets = [copy(ps) for ps in zone.pagesets]
        for ps in zone.pagesets:
            ps.lists = tuple(line.copy() for line in ps.lists)
    other.mobility = [copy(each) for each in m.mobility]
    for mobility, zone in zip(other.mobility, other.zones, strict=True):
        mobility.zone, mobility.events = zone, other.events
        mobility.movable_in = frames.movable_in
    return other
