"""`outlast logs`: what a job has written; without a job the last lines of all running ones."""

import os
import sys

from outlast.cli.terminal import visible
from outlast.client.output import Output, numbered
from outlast.core.errors import UsageError
from outlast.core.job import ENDED
from outlast.logs.cri import Torn
from outlast.logs.gaps import Gap
from outlast.logs.view import View, notice

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Iterable, Iterator
    from typing import Any

    from outlast.cli.parse import Parsed
    from outlast.client.jobs import Jobs
    from outlast.core.job import Job, Run
    from outlast.logs.lines import Line

LINES_OF_ALL = 10  # of each running job, where no job was named
FOLLOW_MS = 100  # a log that grows tells nobody: look this often


def main(parsed: "Parsed", jobs: "Jobs") -> int:
    """Show the output."""
    if not parsed.operands:
        return _all_running(parsed, jobs)
    job = jobs.one(parsed.operands[0])
    follow = bool(parsed.options.get("follow"))
    if not job.runs and follow:
        job = _with_runs_after(jobs, job, 0)
    wanted = parsed["run"]
    runs = list(job.runs) if wanted == "all" else [numbered(job, wanted)] if job.runs else []
    if not runs:
        if not parsed.options.get("quiet"):
            print(f"outlast: job {job.id} has written nothing: it has no run yet; `outlast why {job.id}` says why", file=sys.stderr)
        return 0
    for run in runs:
        if run.kept == 0 and run.log and not parsed.options.get("quiet"):
            print(f"outlast: the output of run {run.run} was removed; `outlast events {job.id}` says when and why", file=sys.stderr)
        _show(jobs, Output(jobs.home, job, run), parsed, follow=follow and run is runs[-1])
    if follow and wanted in ("all", -1):
        _follow_runs_after(jobs, job, runs[-1].run, parsed)
    return 0


def _follow_runs_after(jobs: "Jobs", job: "Job", last: int, parsed: "Parsed") -> None:
    parsed.options.pop("lines", None)  # all that they write is new
    while (job := _with_runs_after(jobs, job, last)).run > last:
        for run in job.runs[last:]:
            _show(jobs, Output(jobs.home, job, run), parsed, follow=True)
        last = job.run


def _with_runs_after(jobs: "Jobs", job: "Job", last: int) -> "Job":
    """Return the job when a run after its run `last` has begun, or when it has ended."""
    from outlast.client.waiting import until

    sys.stdout.flush()
    until(jobs.home, [job.id], lambda: (found := jobs.one(job.id)).run > last or found.status == ENDED, None)
    return jobs.one(job.id)


def _show(jobs: "Jobs", output: Output, parsed: "Parsed", *, follow: bool) -> None:
    if parsed.options.get("header"):
        _header(output.job, output.run)
    streams = tuple(parsed["streams"])
    if parsed.options.get("json"):
        _json(_lines(jobs, output, parsed, streams, follow=follow), output)
    elif parsed.options.get("raw") and not _filters(parsed) and not follow:
        for part in output.log.raw(streams):
            if isinstance(part, bytes):
                _write(part)
            else:
                _missing(part)
    else:
        raw = bool(parsed.options.get("raw"))
        view = View(prefix=bool(parsed["log.prefix-timestamp"]) and not raw, safe=os.isatty(1))
        for item in _lines(jobs, output, parsed, streams, follow=follow):
            if raw:
                _missing(item) if isinstance(item, Gap | Torn) else _write(item.raw())
            else:
                _write(view.render(item))
        _write(b"" if raw else view.finish())
    _tail_that_is_gone(output, parsed)


def _filters(parsed: "Parsed") -> "dict[str, Any]":
    return {name: parsed.options[name] for name in ("since", "until", "grep", "lines") if parsed.options.get(name) is not None}


def _lines(jobs: "Jobs", output: Output, parsed: "Parsed", streams: "tuple[str, ...]", *, follow: bool) -> "Iterator[Line | Gap | Torn]":
    wanted: dict[str, Any] = {
        "streams": streams, "since": parsed.options.get("since"), "until": parsed.options.get("until"),
        "grep": _pattern(parsed.options.get("grep")), "last": parsed.options.get("lines"),
    }  # fmt: skip
    if not follow:
        return output.log.lines(**wanted, between=sys.stdout.flush)
    return output.log.follow_lines(lambda: output.lives(jobs), _pause, **wanted)


def _pause() -> None:
    import select

    sys.stdout.flush()
    select.select([], [], [], FOLLOW_MS / 1000)


def _pattern(text: str | None) -> "re.Pattern[bytes] | None":
    if text is None:
        return None
    import re

    try:
        return re.compile(os.fsencode(text))
    except re.error as error:
        raise UsageError(f"--grep: `{text[:60]}` is no regular expression", str(error)) from None


def _write(data: bytes) -> None:
    if data:
        sys.stdout.buffer.write(data)


def _missing(item: "Gap | Torn") -> None:
    sys.stdout.flush()
    sys.stderr.buffer.write(notice(item) + b"\n")
    sys.stderr.flush()


def _tail_that_is_gone(output: Output, parsed: "Parsed") -> None:
    """Say so if the machine went down before the end of the log reached the disk, or if the shim was killed before the command ended."""
    if output.run.kept == 0 and output.run.log:
        return  # it was removed, which is told already
    gap = output.missing_end()
    if gap is not None and not parsed.options.get("quiet"):
        sys.stdout.flush()
        _missing(gap)


def _json(items: "Iterable[Line | Gap | Torn]", output: Output) -> None:
    from outlast.core.jsontext import dumps
    from outlast.core.times import format_time_utc

    for item in items:
        shape: dict[str, object] = {"schema": 1, "job": output.job.id, "run": output.run.run}
        if isinstance(item, Gap):
            shape |= {"missing": item.bytes, "reason": item.reason}
        elif isinstance(item, Torn):
            shape |= {"missing": item.bytes, "reason": "cannot be read"}
        else:
            shape |= {
                "at": format_time_utc(item.at),
                "stream": item.stream,
                "text": item.text.decode("utf-8", "replace"),
                "whole": item.whole,
            }
        print(dumps(shape))


def _header(job: "Job", run: "Run") -> None:
    from outlast.core.command import command_line
    from outlast.core.durations import format_duration
    from outlast.core.times import format_time_local
    from outlast.seams import now

    at = now()
    took = format_duration(int(run.duration * 1e9)) if run.duration is not None else "running"
    facts = {
        "job": f"{job.id} {job.name}", "run": str(run.run), "command": command_line(job.command), "directory": job.cwd,
        "host": run.host, "user": job.user, "started": format_time_local(run.started_at, at), "time spent": took,
        "state": f"{run.outcome or run.status}{f' ({run.reason})' if run.reason else ''}",
    }  # fmt: skip
    for name, text in facts.items():
        _write(f"# {name:<11}{text}\n".encode("utf-8", "backslashreplace"))
    _write(b"#\n")


def _all_running(parsed: "Parsed", jobs: "Jobs") -> int:
    running, _ = jobs.listing(status=("running",))
    last = parsed.options.get("lines", LINES_OF_ALL)
    for job in running:
        found = jobs.one(job.id)
        if not found.runs:
            continue
        _write(f"==> job {job.id} {job.name} <==\n".encode("utf-8", "backslashreplace"))
        view = View(prefix=bool(parsed["log.prefix-timestamp"]), safe=os.isatty(1))
        for item in Output(jobs.home, found, found.runs[-1]).log.lines(streams=tuple(parsed["streams"]), last=last):
            _write(view.render(item))
        _write(view.finish())
    if not running and not parsed.options.get("quiet"):
        sys.stdout.flush()
        print(visible(f"outlast: nothing runs in {jobs.home.path}; name a job to see what it has written"), file=sys.stderr)
    return 0
