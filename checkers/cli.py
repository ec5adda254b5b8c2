"""The `mmoracle` command: parse, run one function, print, exit.

Nothing heavy is imported before a command needs it.  Exit codes: 0 holds, 1 violated,
2 usage, 3 inconclusive, 4 bad input, 5 nothing checked, 70 internal error, 130
interrupted.  With `--json` the standard output is one JSON object, also on failure.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from mmoracle import __version__

F = TypeVar("F", bound=Callable[..., Any])

USAGE, BAD_INPUT, INTERNAL, INTERRUPTED = 2, 4, 70, 130
ISSUES = "please report it with the command and MMORACLE_DEBUG=1"


class Commands(click.Group):
    """A group that suggests the nearest command for an unknown one."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command, or say which one may be meant."""
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            from .settings import nearest

            hint = nearest(args[0], self.commands)
            raise click.UsageError(f"there is no command {args[0]}, {hint}", ctx)
        return super().resolve_command(ctx, args)


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, message="mmoracle %(version)s")
def cli() -> None:
    """An executable, machine-checked reference of Linux 5.10 memory management."""


def as_json(command: F) -> F:
    """Add --json."""
    text = "Print one JSON object and nothing else."
    return click.option("--json", "json_", is_flag=True, help=text)(command)


def faith(*names: str) -> Callable[[F], F]:
    """Add --fidelity."""
    text = "exact: Linux 5.10 to the bit; allowed: what any correct one may do."
    return click.option("--fidelity", type=click.Choice(names), help=text)


@cli.command()
@click.argument("subsystem", nargs=-1)
@click.option("--scope", help="Configurations of this name, or starting with it.")
@click.option("--config", help="One configuration.")
@click.option("--engine", type=click.Choice(["explore", "walk", "lockstep", "all"]))
@faith("exact", "allowed", "both")
@click.option("--seed", type=click.IntRange(0), help="Of the random runs.")
@click.option("--steps", type=click.IntRange(1), help="Of each random run.")
@click.option("--limit", type=click.IntRange(1), help="Steps of each exploration.")
@click.option("--invariant", multiple=True, metavar="ID", help="Judge only these.")
@click.option("-x", "--exitfirst", is_flag=True, help="Stop at the first violation.")
@click.option("--keep-going", is_flag=True, help="Make every run, whatever fails.")
@click.option("-n", "--workers", type=click.IntRange(1), help="Runs made at once.")
@click.option("--report", multiple=True, metavar="junit=FILE", help="Write a report.")
@as_json
def check(
    subsystem: tuple[str, ...],
    config: str | None,
    engine: str | None,
    invariant: tuple[str, ...],
    exitfirst: bool,
    keep_going: bool,
    workers: int | None,
    json_: bool,
    **given: Any,
) -> int:
    """Compare specification and machine.

    Without options the tiny configurations are explored completely, which judges every
    history of any length at that size, then the small ones are sampled at random.  A
    subsystem's first violation ends its part.
    """
    from . import plan, report
    from .pool import cores
    from .settings import settings

    asked = settings(given)
    subs = plan.chosen(subsystem)
    plan.known_rules(subs, invariant, asked.disable)
    subs = [plan.judging(sub, invariant, asked.disable) for sub in subs]
    todo = plan.jobs(subs, asked, engine, config, bool(subsystem))
    teller = report.Teller(json_)
    done = plan.check(
        todo,
        asked,
        whole=config is None and plan.owes_witnesses(asked.scope),
        keep_going=keep_going,
        exit_first=exitfirst,
        workers=workers or cores(),
        started=teller.started,
        told=teller.told,
    )
    teller.quiet()
    write_reports(asked.report, done)
    if json_:
        report.emit(report.report_json(done))
    else:
        report.say(*report.summary(done))
    return INTERRUPTED if done.interrupted else exit_code(done.verdict)


def write_reports(reports: Sequence[str], done: Any) -> None:
    """Write the reports asked for; the settings know the kinds there are."""
    from .junit import write_junit
    from .settings import Unusable

    for each in reports:
        path = each.partition("=")[2]
        try:
            write_junit(done, path)
        except OSError as no:
            raise Unusable(f"--report: {path} cannot be written: {no.strerror}") from no


def exit_code(verdict: Any) -> int:
    """Return the exit code of a verdict."""
    from .verdict import EXIT

    return EXIT[verdict]


@cli.command()
@click.argument("log")
@click.option("--from", "start", metavar="STATE", help="The image before the trace.")
@click.option("--to", "--state", "end", metavar="STATE", help="The image after it.")
@click.option("--proc", metavar="DIR", help="Snapshots of /proc made meanwhile.")
@click.option("--alone", is_flag=True, help="Read no file that is not named.")
@click.option("--memblock", metavar="DIR", help="The final debugfs memblock files.")
@as_json
def trace(
    log: str,
    start: str | None,
    end: str | None,
    proc: str | None,
    alone: bool,
    memblock: str | None,
    json_: bool,
) -> int:
    """Judge what a kernel recorded of itself.

    LOG is a trace of kmem events (the text of tracefs) or a kernel log made with
    memblock=debug; it may be packed with gzip or xz.

    A trace is judged as any correct page allocator's.  With --from, a state image,
    every frame, refill, drain and steal of Linux 5.10 is predicted; a later image and
    a folder "proc" that lie beside the files are compared too.
    """
    from . import report
    from .kernel.record import judge_record

    ticker = report.Ticker("trace")
    given = {"from": start, "to": end, "proc": proc, "memblock": memblock}
    named = {name: each for name, each in given.items() if each is not None}
    try:
        run = judge_record(log, named, alone=alone, progress=ticker)
    finally:
        ticker.stop()
    if json_:
        report.emit(report.log_json(run))
    else:
        again = ["trace", log]
        again += [word for n, each in named.items() for word in (f"--{n}", each)]
        report.say(*report.log_lines(run, [*again, *(["--alone"] * alone)]))
    return exit_code(run.verdict)


@cli.command()
@click.argument("file")
@as_json
def state(file: str, json_: bool) -> int:
    """Check a memory image: every invariant of the page allocator.

    FILE is a state image (JSON, which may be packed with gzip or xz).
    """
    from pathlib import Path

    from . import report
    from .kernel.image_judge import judge_image

    run = judge_image(Path(file))
    if json_:
        report.emit(report.log_json(run))
    else:
        report.say(*report.log_lines(run, ["state", file]))
    return exit_code(run.verdict)


@cli.command()
@click.argument("folder", metavar="DIR")
@click.option("--rows", is_flag=True, help="Show every number, not only what differs.")
@as_json
def proc(folder: str, rows: bool, json_: bool) -> int:
    """Compute every zone number of /proc/zoneinfo from the boot log.

    DIR is the record of one machine: a kernel log dmesg* (of a boot with
    memblock=debug) and zoneinfo files anywhere below it, for example

    \b
      DIR/dmesg.txt  DIR/proc/s0/zoneinfo  DIR/proc/s1/zoneinfo
      mmoracle proc DIR

    Spans, present and managed pages, marks, reserves and pagesets are computed from the
    log's memory ranges and compared with each snapshot.
    """  # noqa: D301
    from pathlib import Path

    from . import report
    from .kernel.proc_judge import judge_proc

    ticker = report.Ticker("proc")
    try:
        run = judge_proc(Path(folder), ticker)
    finally:
        ticker.stop()
    if json_:
        report.emit(report.proc_json(run))
    else:
        again = ["proc", folder, *(["--rows"] * rows)]
        report.say(*report.proc_lines(run, again, rows))
    return exit_code(run.verdict)


@cli.command()
@click.argument("file")
@faith("exact", "allowed")
@as_json
def replay(file: str, fidelity: str | None, json_: bool) -> int:
    """Judge a recorded history, and do it again."""
    from . import report
    from .rerun import judge_file

    _, run = judge_file(file, fidelity)
    if json_:
        first_bad = run.extra.get("first_bad")
        answer = {"verdict": run.verdict.value, "first_bad": first_bad}
        report.emit({**answer, "run": report.run_json(run, file)})
    else:
        report.say(*report.replay_lines(run, file))
    return exit_code(run.verdict)


@cli.command()
@click.argument("file")
@click.option("-o", "--output", metavar="OUT", help="Where to write the result.")
@faith("exact", "allowed")
@as_json
def shrink(file: str, output: str | None, fidelity: str | None, json_: bool) -> int:
    """Find a shorter history that fails alike."""
    from . import report
    from .rerun import shrink_file, write_failure

    _, run, before = shrink_file(file, fidelity)
    saved = write_failure(run, output)
    after = report.length(run)
    if json_:
        answer = {"verdict": run.verdict.value, "before": before, "after": after}
        report.emit({**answer, "failure": report.failure_json(run, saved)})
    elif run.failure is None:
        report.say(f"{report.verdict_word(run.verdict)}: the machine does {file} right")
    else:
        operations = report.count(before, "operation")
        report.say(f"from {operations} to {after}", *report.failure_lines(run, saved))
    return exit_code(run.verdict)


@cli.command()
@click.argument("file")
@faith("exact", "allowed")
@as_json
def explain(file: str, fidelity: str | None, json_: bool) -> int:
    """Tell a failing history in prose."""
    from . import explain, report

    account = explain.explain(file, fidelity)
    if json_:
        report.emit(explain.as_json(account))
    else:
        report.say(*explain.prose(account))
    return exit_code(account.run.verdict)


@cli.command()
@click.argument("subsystem", nargs=-1)
@click.option("--id", "ids", multiple=True, metavar="ID", help="Only these mutants.")
@as_json
def mutants(subsystem: tuple[str, ...], ids: tuple[str, ...], json_: bool) -> int:
    """See whether known mistakes are found."""
    from . import plan, report, zoo

    names = [sub.name for sub in plan.chosen(subsystem)]
    trials = []
    for each in zoo.picked(names, ids):
        trials.append(zoo.trial(each, plan.chosen([each.subsystem])[0]))
        if not json_:
            report.say(zoo.line_of(trials[-1]))
    found = zoo.trials_json(trials)
    if json_:
        report.emit(found)
    else:
        report.say(f"{found['killed']} of {found['total']} mutants killed")
    if not trials:
        return 5
    return int(found["killed"] != found["total"])


@cli.command()
@click.argument("theorem", nargs=-1)
@click.option("--ledger", "whole", is_flag=True, help="Tell all that is known of each.")
@click.option("--fast", is_flag=True, help="Leave out what takes more than some 2 s.")
@click.option("--alone", is_flag=True, help="Ask nobody but Z3.")
@click.option("--no-cache", is_flag=True, help="Prove again what was proved before.")
@click.option("--export", metavar="DIR", help="Write every goal there as SMT-LIB 2.")
@click.option("-n", "--workers", type=click.IntRange(1), help="Proofs made at once.")
@as_json
def prove(
    theorem: tuple[str, ...],
    whole: bool,
    fast: bool,
    alone: bool,
    no_cache: bool,
    export: str | None,
    workers: int | None,
    json_: bool,
) -> int:
    """Prove every theorem, or those whose name, subsystem or bug is given.

    PROVED: for all words or all sizes that are said; HOLDS: for those that were tried.
    Each theorem must refute everything wrong that is tried on it.
    """
    from . import ledger, proving, report
    from .pool import cores

    found = []
    for told in proving.records(
        proving.chosen(theorem, fast),
        workers=workers or cores(),
        second=not alone,
        attacks=not (theorem or fast or alone),
        use_kept=not no_cache,
        export=proving.directory(export) if export else None,
    ):
        found.append(told)
        if not json_:
            more = ledger.details(told) if whole else []
            report.say(ledger.line_of(told), *more)
    if json_:
        report.emit(ledger.whole_json(found, proving.reasons(theorem)))
    else:
        if whole:
            report.say(*ledger.equivalents(proving.reasons(theorem)))
        report.say(*ledger.summary(found), *proving.left_out(theorem, fast))
    return ledger.exit_of(found)


@cli.command()
@click.argument("prefix", nargs=-1)
@click.option("--within", type=click.FloatRange(0), help="Leave out slower provers.")
@click.option("--unproved", is_flag=True, help="List functions that no theorem runs.")
@click.option("-n", "--workers", type=click.IntRange(1), help="Mutants tried at once.")
@as_json
def score(
    prefix: tuple[str, ...],
    within: float | None,
    unproved: bool,
    workers: int | None,
    json_: bool,
) -> int:
    """Change one operator at a time in what theorems run, and see which turn red.

    A prefix is a subsystem or more of a name: memblock, memblock.regions.cap_size.
    Every part is to kill 95 of 100 of its mutants that are not equivalent.
    """
    from mmoracle.proofs.catalogue import EQUIVALENT, LEMMAS

    from . import report, score
    from .pool import cores

    wanted, lemmas = score.wanted_by(prefix), score.near(LEMMAS, prefix)
    at_once = workers or cores()
    if unproved:
        rest = score.untouched(lemmas, wanted, at_once)
        report.say(*(f"{n:4} {name}" for name, n in rest))
        return 0
    found: list[score.Fate] = []
    slowest = score.SLOWEST if within is None else within
    ticker = report.Ticker("score")
    try:
        for each in score.fates(lemmas, wanted, EQUIVALENT, at_once, slowest):
            found.append(each)
            if each.survives and not json_:
                ticker.stop()
                report.say(f"SURVIVES line {each.mutant.line}: {each.mutant.name}")
            ticker({"mutants": len(found)})
    finally:
        ticker.stop()
    told = score.report(found)
    if json_:
        report.emit(told)
    else:
        report.say(*score.lines_of(told))
    return {"violated": 1, "nothing-checked": 5}.get(told["verdict"], 0)


@cli.command(name="list")
@as_json
def list_(json_: bool) -> int:
    """Name everything that there is to check."""
    from . import catalogue, report

    found = catalogue.catalogue()
    if json_:
        report.emit(found)
    else:
        report.say(*catalogue.lines_of(found))
    return 0


@cli.command()
@as_json
def doctor(json_: bool) -> int:
    """Look at this machine, and propose a scope."""
    from . import doctor, report

    found = doctor.doctor()
    if json_:
        report.emit(found)
    else:
        report.say(*doctor.lines_of(found))
    return 3 if found["problems"] else 0


# ------------------------------------------------------------------ failing


def run(args: Sequence[str]) -> int:
    """Run one command line and return its exit code, whatever happens."""
    try:
        code = cli.main(
            list(args) or ["--help"], prog_name="mmoracle", standalone_mode=False
        )
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except (KeyboardInterrupt, click.Abort):
        return failed(args, INTERRUPTED, "inconclusive", "interrupted")
    except click.ClickException as no:
        return failed(args, USAGE, "nothing-checked", in_one_line(no))
    except Exception as no:
        if os.environ.get("MMORACLE_DEBUG"):
            raise
        return failed(args, *diagnosis(no))


def in_one_line(no: click.ClickException) -> str:
    """Return a usage error as one sentence, with the way to the help."""
    text = " ".join(no.format_message().split())
    ctx = getattr(no, "ctx", None)
    where = ctx.command_path if ctx is not None else "mmoracle"
    return f"{text} (see {where} --help)"


def diagnosis(no: Exception) -> tuple[int, str, str]:
    """Return the exit code, the verdict and the sentence for an exception."""
    from .codec import BadInput
    from .kernel.text import BadText
    from .settings import Unusable
    from .zoo import Obsolete

    if isinstance(no, Unusable):
        return USAGE, "nothing-checked", str(no)
    if isinstance(no, BadInput | BadText):
        return BAD_INPUT, "nothing-checked", str(no)
    if isinstance(no, Obsolete):
        return INTERNAL, "inconclusive", str(no)
    what = " ".join(f"{type(no).__name__}: {no}".split())
    return INTERNAL, "inconclusive", f"internal error: {what}; {ISSUES}"


def failed(args: Sequence[str], code: int, verdict: str, why: str) -> int:
    """Say why a command failed: as JSON where that was asked for."""
    if "--json" in args:
        from .report import emit

        emit({"verdict": verdict, "error": why, "exit": code})
    else:
        click.echo(f"mmoracle: {why}", err=True)
    return code


def main() -> None:
    """Run the command line of this process; a reader that goes away ends it."""
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    sys.exit(run(sys.argv[1:]))
