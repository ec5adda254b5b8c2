"""Reclaim: how a task, or a node's kswapd, has pages freed until there are enough.

Read `state` first, then `shrink` (one scan of one node, and whether another follows),
`direct` (the rounds of a task that finds no memory, and who must wait), `kswapd` (when
it is woken, what it balances, when it sleeps), `local` (reclaim on one's own node) and
`counts` (how much of each list a scan looks at).  `ops` gathers the operations; what
must hold is in `always`, what must happen in `sometimes`.
"""
