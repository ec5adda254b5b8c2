"""Somebody else's answer to a request, judged before anything changes.

Mirrors `spec/freelist/others.py`.
"""

from __future__ import annotations

from .alloc import FreeLists, Settled

Complaint = tuple[str, str]  # rule, reason


def why_not(
    m: FreeLists,
    settled: Settled,
    got: object,
) -> Complaint | None:
    """Return what is wrong with the answer of another policy. O(zones * orders)."""
    if not isinstance(settled, tuple):
        return None if got == settled else ("RET-CODE", f"{settled} is due, got {got}")
    ac, flags, failed = settled
    places = m.usable(ac, flags)
    if not isinstance(got, tuple) or len(got) != 4:
        if places:
            return "COMPLETE", "a request fails, a zone may serve it"
        return None if got == failed else ("RET-CODE", f"{failed} is due, got {got}")
    for zone in places:
        if zone.at == got[0]:
            due = m.prep_new_page(ac, zone, flags)
            return None if got == due else ("PREP", f"{due} is due, got {got}")
    return "ZL-RANGE", f"zone {got[0]} may not serve the request"
