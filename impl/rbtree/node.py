"""One node of a red-black tree, with what its owner keeps in it."""

from __future__ import annotations


class RbNode:
    """struct rb_node with its owner's key and numbers; prev and next are the list."""

    __slots__ = (
        "key",
        "left",
        "next",
        "parent",
        "prev",
        "red",
        "right",
        "summary",
        "value",
    )

    def __init__(self, key: int, value: int = 0) -> None:
        self.key = key
        self.value = value
        self.summary = 0
        self.red = True
        self.parent: RbNode | None = None
        self.left: RbNode | None = None
        self.right: RbNode | None = None
        self.prev: RbNode | None = None
        self.next: RbNode | None = None
