"""Judging boot logs: real ones hold, changed digits are found, torn logs not blamed.

The synthetic kernel at the end prints random histories of the specification as 5.10
prints them (mm/memblock.c); the judge must follow every one of them.
"""

import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random

import pytest

from mmoracle.checkers.kernel.judge import judge_log
from mmoracle.checkers.kernel.text import read_lines
from mmoracle.checkers.verdict import Verdict
from mmoracle.spec.linux import MAX_NUMNODES
from mmoracle.spec.memblock import arrays
from mmoracle.spec.memblock.ops import (
    Add,
    AllocTryNid,
    Free,
    PhysAlloc,
    Remove,
    Reserve,
    SetNode,
    TrimMemory,
)
from mmoracle.spec.memblock.regions import V5_10, Config, initial
from mmoracle.spec.memblock.search import Linux

TRACES = Path(__file__).parent / "data" / "traces"
LOGS = {  # how many addresses are predicted, and how many tables and dumps compared
    "arm64-5.10-512M": (24, 2),
    "riscv64-6.12-512M": (25, 2),
    "x86_64-5.10-256M": (49, 2),
    "x86_64-5.10-256M-pressure": (49, 2),
    "x86_64-5.10-256M-smp2": (49, 1),
}


@cache
def log(name):
    """Return the lines of a real log."""
    return tuple(
        text.rstrip("\n") for text in read_lines(TRACES / name / "dmesg.txt.xz")
    )


@pytest.fixture
def judge(tmp_path):
    """Return a function that judges lines, with the dumps of a real log if named."""

    def judged(lines, name=""):
        path = tmp_path / "dmesg.txt"
        path.write_text("".join(f"{line}\n" for line in lines))
        home = TRACES / name
        debugfs, state = home / "memblock", home / "state-te.json.xz"
        return judge_log(
            path,
            debugfs=debugfs if name and debugfs.exists() else None,
            state=state if name and state.exists() else None,
        )

    return judged


def counts(run):
    """Return (equal, seen) tables and (exact, asked) predictions."""
    tables, predicted = run.extra["tables"], run.extra["predicted"]
    return (
        (tables["equal"], tables["seen"]),
        (predicted["exact"], predicted["asked"]),
    )


def lines_of(lines, pattern):
    """Return the index of each line that matches, with the match."""
    found = ((at, re.search(pattern, text)) for at, text in enumerate(lines))
    return [(at, match) for at, match in found if match]


def with_digit(lines, at, place, digit):
    """Return the lines with one character of one line replaced."""
    text = lines[at]
    text = text[:place] + digit + text[place + 1 :]
    return [*lines[:at], text, *lines[at + 1 :]]


def another(dice, digit):
    """Return another hexadecimal digit."""
    return dice.choice([each for each in "0123456789abcdef" if each != digit])


def blames(run, at):
    """Say whether a verdict names the line at an index, as bad or as suspect."""
    bad = run.extra["first_bad"]
    return bad is not None and at + 1 in (bad["line"], *bad.get("suspects", ()))


ADDRESS = r"0x([0-9a-f]{16})"
SPAN = rf"\[{ADDRESS}-{ADDRESS}\]"
ANSWER = rf"memblock_reserve: {SPAN} memblock_alloc_range_nid"
REQUEST = r"memblock_alloc\w*: [0-9]+ bytes align=0x([0-9a-f]+)"
ROW = rf" (?:memory|reserved)\[0x[0-9a-f]+\]\s{SPAN}, {ADDRESS} bytes"
FREE = rf"memblock_(?:phys_)?free: {SPAN}"
SIZES = rf"memory size = {ADDRESS} reserved size = {ADDRESS}"


# ------------------------------------------------------------------ real logs


@pytest.mark.parametrize("name", LOGS)
def test_a_real_log_holds_and_every_address_is_predicted(name, judge):
    run = judge(log(name), name)
    asked, tables = LOGS[name]
    assert run.verdict is Verdict.BOUNDED
    assert counts(run) == ((tables, tables), (asked, asked))
    assert (run.extra["first_bad"], run.failure, run.cut) == (None, None, "")


@pytest.mark.parametrize("name", LOGS)
def test_a_log_that_was_filtered_for_memblock_holds(name, judge):
    table = r"\] (?: ?(?:memory|reserved)(?:\[| size|\.cnt))|MEMBLOCK"
    kept = [text for text in log(name) if "memblock_" in text or re.search(table, text)]
    run = judge(kept, name)
    assert run.verdict is Verdict.BOUNDED
    assert counts(run) == counts(judge(log(name), name))
    assert len(kept) < len(log(name))


def answers_of(lines):
    """Return each reservation that answers a request, from the first table on."""
    first, _ = lines_of(lines, "MEMBLOCK conf")[0]
    return [
        (at, match)
        for at, match in lines_of(lines, ANSWER)
        if at > first and re.search(REQUEST, lines[at - 1])
    ]


@pytest.mark.parametrize("what", ["answer", "row", "sizes"])
@pytest.mark.parametrize("name", LOGS)
def test_a_changed_digit_is_found_where_it_is(name, what, judge):
    lines, dice = log(name), Random(f"{name} {what}")
    wanted = (
        answers_of(lines)
        if what == "answer"
        else lines_of(lines, ROW if what == "row" else SIZES)
    )
    assert wanted
    for at, match in wanted:
        high = 12 if what == "sizes" else 16  # a trim of pages may be counted or not
        place = match.start(dice.randint(1, match.re.groups)) + dice.randrange(high)
        digit = another(dice, lines[at][place])
        run = judge(with_digit(lines, at, place, digit), name)
        where = f"line {at + 1}: {lines[at]!r}, {digit} at {place}"
        assert run.verdict is Verdict.VIOLATED, where
        assert blames(run, at), (where, run.extra["first_bad"])


@pytest.mark.parametrize("name", LOGS)
def test_a_changed_alignment_is_found_at_the_request_or_its_answer(name, judge):
    """A request that is answered as before with its new alignment says the truth."""
    lines, dice = log(name), Random(name)
    for at, match in answers_of(lines):
        align = re.search(REQUEST, lines[at - 1])
        place = dice.randrange(align.start(1), align.end(1))
        digit = another(dice, lines[at - 1][place])
        changed = with_digit(lines, at - 1, place, digit)
        unit = int(re.search(REQUEST, changed[at - 1])[1], 16) or 64
        run = judge(changed, name)
        if unit & (unit - 1):
            assert run.verdict is Verdict.VIOLATED
            assert run.extra["first_bad"]["line"] == at
        elif int(match[1], 16) % unit:
            assert run.verdict is Verdict.VIOLATED
            assert blames(run, at - 1) or blames(run, at)


@pytest.mark.parametrize("place", [13, 14, 15])
@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("arm64-5.10-512M", 368),
        ("arm64-5.10-512M", 482),
        ("riscv64-6.12-512M", 126),
        ("riscv64-6.12-512M", 250),
        ("x86_64-5.10-256M", 186),
        ("x86_64-5.10-256M", 216),
        ("x86_64-5.10-256M-pressure", 217),
    ],
)
def test_a_changed_free_is_found_where_it_is(name, line, place, judge):
    lines, dice = log(name), Random(place)
    match = re.search(FREE, lines[line - 1])
    where = match.start(1) + place
    digit = another(dice, lines[line - 1][where])
    run = judge(with_digit(lines, line - 1, where, digit), name)
    assert run.verdict is Verdict.VIOLATED
    assert blames(run, line - 1), run.extra["first_bad"]


# ------------------------------------------------------------------ what was lost


def cut_answer(lines, dice):
    """Cut one answer short, in the middle of its line."""
    at, match = dice.choice(answers_of(lines))
    end = dice.randrange(match.start(), match.end(2))
    return [*lines[:at], lines[at][:end], *lines[at + 1 :]]


def cut_there(lines, dice):
    """End the log in the middle of an answer."""
    at, match = dice.choice(answers_of(lines))
    return [*lines[:at], lines[at][: dice.randrange(match.start(1), match.end(2))]]


def lost_messages(lines, dice):
    """Let printk lose a few messages, as it says itself."""
    at, _ = dice.choice(answers_of(lines))
    count = dice.randint(1, 9)
    lost = f"[    0.000000] ** {count} printk messages dropped **"
    return [*lines[:at], lost, *lines[at + count :]]


def cut_table(lines, dice):
    """Lose one line of a table."""
    at, _ = dice.choice([*lines_of(lines, ROW), *lines_of(lines, SIZES)])
    return [*lines[:at], *lines[at + 1 :]]


def missing_answer(lines, dice):
    """Lose one whole answer."""
    at, _ = dice.choice(answers_of(lines))
    return [*lines[:at], *lines[at + 1 :]]


LOSSES = (cut_answer, cut_there, lost_messages, cut_table, missing_answer)


@pytest.mark.parametrize("lose", LOSSES, ids=lambda lose: lose.__name__)
@pytest.mark.parametrize("name", LOGS)
def test_a_log_that_lost_text_is_inconclusive_and_never_violated(name, lose, judge):
    for seed in range(8):
        run = judge(lose(log(name), Random(seed)), name)
        assert run.verdict is Verdict.INCONCLUSIVE, (seed, run.failure)
        assert run.failure is None
        assert run.cut


@pytest.mark.parametrize("name", LOGS)
def test_a_log_without_memblock_lines_says_nothing(name, judge):
    kept = [text for text in log(name) if "mem" not in text.lower()]
    kept = [text for text in kept if "reserved" not in text]
    run = judge(kept)
    assert run.verdict is Verdict.NOTHING
    assert "memblock=debug" in run.cut


def test_a_log_without_a_table_has_no_start(judge):
    assert judge(log("arm64-5.10-512M")[:100]).verdict is Verdict.INCONCLUSIVE


# ------------------------------------------------------------------ a synthetic kernel

MIB = 1 << 20
REAL = Config(quirks=V5_10, init_regions=8, can_resize=True)


class Kernel(Linux):
    """Boots on the specification and prints what 5.10 prints with memblock=debug."""

    def __init__(self, seed, monkeypatch, sly=False):
        super().__init__(True)
        self.sly = sly  # whether silent changes may show in the least convenient place
        self.dice = Random(seed)
        self.lines = ["[    0.000000] Linux version 5.10.0 (gcc)"]
        self.s = initial(REAL)
        self.live = []
        self.answers = []  # indices of the lines that answer a request
        self.plain = [], 0  # those before a switch, and how many come up to its end
        for name, what, at in (("free", "free", 2), ("add_range", "reserve", 3)):
            self.tell_of_doubling(monkeypatch, name, what, at)

    def tell_of_doubling(self, monkeypatch, name, what, at):
        """Print the calls that memblock_double_array() makes itself."""
        real = getattr(arrays, name)

        def telling(*args, **more):
            self.say_range(what, *args[at], "memblock_double_array+0x1c5/0x2a1")
            return real(*args, **more)

        monkeypatch.setattr(arrays, name, telling)

    def say(self, text):
        self.lines.append(f"[    0.000000] {text}")

    def say_range(self, what, base, size, caller):
        span = f"[{base:#018x}-{(base + size - 1) % 2**64:#018x}]"
        self.say(f"memblock_{what}: {span} {caller}")

    def array(self, cfg, s, kind, hands, nr_bytes):
        found = super().array(cfg, s, kind, hands, nr_bytes)
        addr, count = found[0], 2 * arrays.of(s, kind).max
        end = addr + count * cfg.region_bytes - 1
        span = f"[{addr:#018x}-{end:#018x}]"
        self.say(f"memblock: {kind} is doubled to {count} at {span}")
        return found

    def block(self, cfg, s, request):
        addr = super().block(cfg, s, request)
        if addr:
            caller = "memblock_alloc_range_nid+0xb4/0x126"
            self.say_range("reserve", addr, request.size, caller)
        return addr

    def do(self, op):
        """Do one operation: its own line first, then what it makes happen."""
        name = type(op).__name__.lower()
        if isinstance(op, AllocTryNid):
            kind = "exact_nid_raw" if op.exact else "try_nid" + "_raw" * op.raw
            self.say(
                f"memblock_alloc_{kind}: {op.size} bytes align={op.align:#x}"
                f" nid={op.nid} from={op.min_addr:#018x}"
                f" max_addr={op.max_addr:#018x} setup_arch+0x665/0xc55"
            )
            self.answers.append(len(self.lines))
        elif isinstance(op, Add | Reserve | Free | Remove):
            self.say_range(name, op.base, op.size, "setup_arch+0x665/0xc55")
        self.s, value, _ = op.run(REAL, self.s, self)
        if isinstance(op, AllocTryNid) and not value:
            self.answers.pop()
        elif isinstance(op, AllocTryNid | PhysAlloc) and value:
            self.live.append((value, op.size))
        return value

    def table(self):
        """Print both lists whole, as memblock_dump_all() does."""
        self.say("MEMBLOCK configuration:")
        lists = (("memory", self.s.memory), ("reserved", self.s.reserved))
        sizes = " ".join(f"{name} size = {t.total_size:#018x}" for name, t in lists)
        self.say(f" {sizes}")
        for name, t in lists:
            self.say(f" {name}.cnt  = {t.cnt:#x}")
            for i, r in enumerate(t.regions):
                nid = "" if r.nid == MAX_NUMNODES else f" on node {r.nid}"
                self.say(
                    f" {name}[{i:#x}]\t[{r.base:#018x}-{r.end - 1:#018x}],"
                    f" {r.size:#018x} bytes{nid} flags: {int(r.flags):#x}"
                )

    # -------------------------------------------------------------- a history

    def boot(self, steps=60):
        """Print a whole boot."""
        for op in self.firmware():
            self.do(op)
        self.table()
        for step in range(steps):
            dice = self.dice.random()
            if dice < 0.75:
                self.ask()
            elif dice < 0.85 and self.live:
                self.do(self.release())
            elif dice < 0.93:
                self.do(self.odd())
            elif self.sly or self.spare() > 12:
                self.settle_nodes()
                self.table()
            if step == steps // 2:
                self.switch()
        self.table()
        return self.lines

    def spare(self):
        """Return how many slots the array of reservations has left."""
        return self.s.reserved.max - self.s.reserved.cnt

    def ask(self):
        """Allocate; a request that fails is followed by another request's line."""
        op = self.request()
        while not self.do(op) and not self.sly:
            op = self.request()
            while isinstance(op, PhysAlloc):
                op = self.request()

    def sure(self):
        """Return the answers that do not show a switch."""
        before, after = self.plain
        return [*before, *self.answers[after:]]

    def firmware(self):
        """Yield what a loader's memory map makes of the first lists."""
        for i in range(self.dice.randint(1, 3)):
            yield Add(i * 512 * MIB, 128 * MIB * self.dice.randint(1, 3))
        yield Add(0x100000, 0x3F000)  # inside: the lists do not change
        yield Reserve(MIB, 32 * MIB)
        yield Reserve(0, 0x1000)
        yield TrimMemory(4096)

    def request(self):
        """Return a random allocation."""
        size = self.dice.choice((8, 48, 112, 4096, 73, 65536, 3 * MIB))
        align = self.dice.choice((8, 64, 4096, 1 << 21))
        low = self.dice.choice((0, 0, 0, 16 * MIB, 640 * MIB))
        high = self.dice.choice((0, 0, 0, 64 * MIB, 700 * MIB))
        if self.dice.random() < 0.1:
            return PhysAlloc(size, align, low if not high else 0, high)
        nid = self.dice.choice((-1, -1, 0, 1))
        exact = nid >= 0 and self.dice.random() < 0.1
        raw = exact or self.dice.random() < 0.2
        return AllocTryNid(size, align, low, high, nid, exact, raw)

    def release(self):
        """Return the freeing of a block, or of a part of one."""
        base, size = self.live.pop(self.dice.randrange(len(self.live)))
        part = self.dice.choice((size, size, size // 2))
        return Free(base + size - part, part)

    def odd(self):
        """Return a change of the map as drivers make it."""
        base = self.dice.randrange(40, 120) * MIB + 4096 * self.dice.randrange(3)
        choices = (
            Reserve(base, 4096 * self.dice.randint(1, 9)),
            Reserve(base + 0x40, 0x40),
            Remove(base, 0),
            Add((1600 + self.dice.randrange(64)) * MIB, MIB),
            Remove((1600 + self.dice.randrange(64)) * MIB, MIB),
        )
        return self.dice.choice(choices)

    def settle_nodes(self):
        """Give memory and its reservations their nodes, without a line."""
        for r in self.s.memory.regions:
            nid = int(r.base >= 512 * MIB)
            for kind in ("memory", "reserved"):
                self.do(SetNode(r.base, r.size, kind, nid))

    def switch(self):
        """Throw a switch that prints nothing; several allocations show it."""
        begun = len(self.answers)
        if self.dice.random() < 0.5 and (self.sly or self.spare() > 8):
            self.s = replace(self.s, bottom_up=True)
        elif self.sly:
            top = max(r.end for r in self.s.memory.regions)
            limit = top // 2 // 4096 * 4096
            self.s = replace(self.s, current_limit=limit)
        elif self.spare() > 8:
            page = AllocTryNid(4096, 4096)
            limit = self.do(page)
            if page.choose(REAL, self.s).value == limit - 4096:
                self.do(Free(*self.live.pop()))  # there is room above the limit
                self.s = replace(self.s, current_limit=limit)
        for _ in range(6):
            self.do(AllocTryNid(4096, 4096))
        self.plain = self.answers[: begun - 3], len(self.answers)


# A request that fails and a block of the same size that has no request look alike.
SAME = (87, 99, 129, 199)


@pytest.mark.parametrize(
    ("seed", "sly"),
    [
        *((n, False) for n in range(60)),
        *((n, True) for n in range(200) if n not in SAME),
    ],
)
def test_what_a_synthetic_kernel_prints_holds(seed, sly, judge, monkeypatch):
    kernel = Kernel(seed, monkeypatch, sly)
    run = judge(kernel.boot())
    assert run.verdict is Verdict.BOUNDED, (run.cut, run.failure)
    (equal, seen), (exact, asked) = counts(run)
    assert equal == seen >= 1
    assert exact == asked > 15


@pytest.mark.parametrize("seed", range(0, 60, 2))
def test_a_changed_digit_in_a_synthetic_answer_is_found(seed, judge, monkeypatch):
    kernel = Kernel(seed, monkeypatch)
    lines, dice = kernel.boot(), Random(seed)
    for at in dice.sample(kernel.sure(), 2):
        match = re.search(ANSWER, lines[at])
        place = match.start(dice.randint(1, 2)) + dice.randrange(16)
        digit = another(dice, lines[at][place])
        run = judge(with_digit(lines, at, place, digit))
        assert run.verdict is Verdict.VIOLATED, (lines[at], place, digit)
        assert blames(run, at), (lines[at], place, digit, run.extra["first_bad"])


@pytest.mark.parametrize("seed", range(1, 60, 2))
def test_a_block_that_was_shifted_in_a_synthetic_log_is_found(seed, judge, monkeypatch):
    """Both ends of one answer move by the same power of two."""
    kernel = Kernel(seed, monkeypatch)
    lines, dice = kernel.boot(), Random(seed)
    for at in dice.sample(kernel.sure(), 2):
        match = re.search(ANSWER, lines[at])
        bit = 1 << dice.randrange(3, 30)
        base, end = (int(word, 16) ^ bit for word in match.groups())
        span = f"[{base:#018x}-{end:#018x}]"
        shifted = re.sub(r"\[0x.*\]", span, lines[at])
        run = judge([*lines[:at], shifted, *lines[at + 1 :]])
        assert run.verdict is Verdict.VIOLATED, (lines[at], shifted)


def test_synthetic_kernels_double_their_arrays_and_fail_requests(monkeypatch):
    text = "\n".join(line for s in range(9) for line in Kernel(s, monkeypatch).boot())
    assert "reserved is doubled to 16 at" in text
    assert "memblock_double_array" in text
    assert re.search(rf"{REQUEST}.*\n.*{REQUEST}", text)


# ------------------------------------------------------------------ short logs

ALLOC = "memblock_alloc_range_nid+0xb4/0x126"
DRIVER = "setup_arch+0x665/0xc55"
DOUBLE = "memblock_double_array+0x1c5/0x2a1"


def call(what, base, end, caller=DRIVER):
    """Return the line of a call; the end is not included."""
    return f"memblock_{what}: [{base:#018x}-{(end - 1) % 2**64:#018x}] {caller}"


def ask(size, align):
    """Return the line of a request that any address satisfies."""
    none = "0x0000000000000000"
    bounds = f"nid=-1 from={none} max_addr={none}"
    return f"memblock_alloc_try_nid: {size} bytes align={align:#x} {bounds} {DRIVER}"


def page(base):
    """Return a request for a page and its answer."""
    return ask(4096, 4096), call("reserve", base, base + 4096, ALLOC)


def doubled(count, base):
    """Return the line of a doubled array of reservations."""
    span = f"[{base:#018x}-{base + count * 24 - 1:#018x}]"
    return f"memblock: reserved is doubled to {count} at {span}"


def table(*reserved, memory=((0x100000, 0x10000000),)):
    """Return the lines of a table."""
    lists = (("memory", memory), ("reserved", reserved))
    sizes = [f"{name} size = {sum(b - a for a, b in t):#018x}" for name, t in lists]
    lines = ["MEMBLOCK configuration:", f" {' '.join(sizes)}"]
    for name, t in lists:
        lines.append(f" {name}.cnt  = {len(t):#x}")
        for i, (a, b) in enumerate(t):
            span = f"[{a:#018x}-{b - 1:#018x}], {b - a:#018x} bytes"
            lines.append(f" {name}[{i:#x}]\t{span} flags: 0x0")
    return lines


KERNEL = (0x100000, 0x200000)
LOW, HIGH = (0x100000, 0x10000000), (0x20000000, 0x30000000)
TRUE = {
    "a request that fails, then a driver's reservation": [
        *table(KERNEL),
        ask(1 << 30, 64),
        call("reserve", 0x200000, 0x201000),
    ],
    "a request that fails, then a physical allocation without a line": [
        *table(KERNEL),
        ask(1 << 30, 64),
        call("reserve", 0xFFFF000, 0x10000000, ALLOC),
    ],
    "a limit set silently above a hole that is smaller than a page": [
        *table(KERNEL, (0x7FFF000, 0x7FFF800)),
        *(line for base in (0x7FFE000, 0x7FFD000, 0x7FFC000) for line in page(base)),
        ask(64, 64),
        call("reserve", 0x7FFFFC0, 0x8000000, ALLOC),
    ],
    "a limit set silently, first seen where an array doubles": [
        *table(KERNEL),
        *page(0x7FFF000),
        doubled(256, 0x7FFD000),
        call("reserve", 0x7FFD000, 0x7FFF000, DOUBLE),
        *(line for base in (0x7FFC000, 0x7FFB000, 0x7FFA000) for line in page(base)),
    ],
    "an array that doubles for a silent memblock_set_node() after a free": [
        *table(KERNEL, (0xFFFE000, 0x10000000)),
        call("free", 0xFFFE000, 0x10000000),
        doubled(256, 0xFFFE000),
        call("reserve", 0xFFFE000, 0x10000000, DOUBLE),
    ],
    # what the judge still blames although a kernel does it
    "a request that fails, then an array that doubles silently": [
        *table(KERNEL),
        ask(1 << 30, 64),
        doubled(256, 0xFFFE000),
        call("reserve", 0xFFFE000, 0x10000000, DOUBLE),
        *table(KERNEL, (0xFFFE000, 0x10000000)),
    ],
    "an array that doubles away from the region that silently gets a node": [
        *table(KERNEL, memory=(LOW, HIGH)),
        call("reserve", 0x20000000, 0x20001000),
        doubled(256, 0xFFFE000),
        call("reserve", 0xFFFE000, 0x10000000, DOUBLE),
        *table(
            KERNEL,
            (0xFFFE000, 0x10000000),
            (0x20000000, 0x20001000),
            memory=(LOW, HIGH),
        ),
    ],
}
FALSE = {
    "an answer before the first table that is not aligned": [
        ask(64, 4096),
        call("reserve", 0xFFFFF40, 0xFFFFF80, ALLOC),
        *table(KERNEL, (0xFFFFF40, 0xFFFFF80)),
    ],
    "a block before the first table that lies in an earlier one": [
        call("reserve", 0xFFFF000, 0x10000000, ALLOC),
        call("reserve", 0xFFFF000, 0x10000000, ALLOC),
        *table(KERNEL, (0xFFFF000, 0x10000000)),
    ],
    "a free that ends before it begins": [
        *table(KERNEL, (0xFFFF000, 0x10000000)),
        call("free", 0x50000000, 0x10000000),
    ],
}
LINUX = "[    0.000000] Linux version 5.10.0 (gcc)"


@pytest.mark.parametrize("name", TRUE)
def test_what_a_kernel_does_is_not_blamed(name, judge):
    run = judge([LINUX, *TRUE[name]])
    assert run.verdict is Verdict.BOUNDED, run.failure


@pytest.mark.parametrize("name", FALSE)
def test_what_no_kernel_does_is_blamed(name, judge):
    run = judge([LINUX, *FALSE[name]])
    assert run.verdict is Verdict.VIOLATED
