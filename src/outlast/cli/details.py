"""One thing in full, for people: a job, a run, its events; groups too. Rare enough to be apart from the tables of `render`."""

from outlast.cli.render import against, colour, run_count, runs_table, state, table
from outlast.cli.terminal import cut, paint, visible
from outlast.core.command import command_line
from outlast.core.durations import format_duration
from outlast.core.job import RUNNING
from outlast.core.options import spelled, value
from outlast.core.shape import lasted
from outlast.core.signals import signal_name
from outlast.core.sizes import format_size
from outlast.core.times import format_time_full, format_time_local

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from outlast.core.job import Job, Run
    from outlast.core.observed import Observed

_STATE = "state"
_TIMES = (("run", "timeout.run"), ("soft_run", "timeout.soft.run"), ("usual", "usual"))  # of what limits a run, in ns
_INSIDE = frozenset({"boot", "pid_start", "pidns", "state_file", "fingerprint"})  # of an event: for machines, `--json` has them
_CPU_BY = {"": "its command, and the children that were waited for", "cgroup": "all of its processes: its cgroup"}
_LABEL = 14  # columns of the labels, if none is longer


def fact_lines(pairs: "Iterable[tuple[str, str]]", width: int | None) -> str:
    """Return label and text, one per line, without those that say nothing."""
    told = [(label, text) for label, text in pairs if text]
    margin = max([_LABEL, *(len(label) + 2 for label, _ in told)])
    lines = []
    for label, text in told:
        shown = text if label == _STATE else visible(text)  # the state may be painted
        if width is not None and label != _STATE:
            shown = cut(shown, max(10, width - margin))
        lines.append(f"{label:<{margin}}{shown}\n")
    return "".join(lines)


def job_detail(job: "Job", runs: "Sequence[Run]", now: int, *, width: int | None = None, colours: bool = False, why: str = "",
               notes: "Sequence[str]" = (), observed: "Observed | None" = None) -> str:  # fmt: skip
    """Return everything known about a job, its runs as a table at the end. `why`: the sentence that explains how it stands.

    `notes`: what its events say for people; `observed`: what is seen of it beside its record.
    """
    word = state(job, observed)
    code = "" if job.exit_code is None else str(job.exit_code)
    ns = lasted(job, now)
    facts = [
        ("job", str(job.id)),
        ("name", job.name),
        ("description", job.description),
        (_STATE, paint(word, colour(word)) if colours else word),
        ("reason", job.reason or ""),
        ("why", why),
        ("group", job.group or ""),
        ("priority", str(job.priority) if job.priority else ""),
        ("mutex", ", ".join(job.mutex or ())),
        ("key", job.key or ""),
        ("command", command_line(job.command)),
        ("directory", job.cwd),
        ("user", job.user),
        ("run", run_count(job) if value(job.spec, "retries.num-runs") != 1 or job.run > 1 else ""),
        ("pid", "" if job.pid is None else str(job.pid)),
        ("exit code", code),
        ("signal", "" if job.signal is None else signal_name(job.signal)),
        ("created", format_time_full(job.created_at)),
        ("started", format_time_full(job.started_at)),
        ("ended", format_time_full(job.ended_at)),
        ("duration", "" if ns is None else against(format_duration(ns), observed.usual if observed else None)),
        *(_progress(observed) if observed else ()),
        *(_usage(observed) if observed and job.status == RUNNING else ()),
        ("next run", format_time_full(job.next_run_at)),
        *(_reported(observed) if observed else ()),
        ("stop wanted", _wish(job)),
        *(("note", note) for note in notes),
        ("info", ", ".join(filter(None, job.info))),
        ("params", " ".join(f"{name}={text}" for name, text in job.params.items())),
        ("rerun of", "" if job.rerun_of is None else str(job.rerun_of)),
        ("schedule", job.schedule or ""),
        ("limited by", ", ".join(f"{name}: {by}" for name, by in ((runs[-1].limits if runs else None) or {}).get("by", {}).items())),
        *(("warning", _warning(job, warning)) for warning in job.warnings),
        *spelled(job.spec).items(),
    ]
    text = fact_lines(facts, width)
    if runs:
        text += "\n" + runs_table(runs, now, width=width, colours=colours)
    return text


def _usage(seen: "Observed") -> "list[tuple[str, str]]":
    """Return what a running job uses now."""
    return [
        ("cpu time", "" if seen.cpu is None else f"{format_duration(seen.cpu)} so far"),
        ("memory", "" if seen.rss is None else f"{format_size(seen.rss)} now"),
        ("processes", "" if seen.processes is None else str(seen.processes)),
        ("log", "" if seen.output is None else f"{format_size(seen.output)} so far"),
    ]


def _progress(seen: "Observed") -> "list[tuple[str, str]]":
    """Return how far it is and what it wrote last."""
    told = [("last line", seen.last_line or "")]
    if seen.progress is not None:
        from outlast.core.progress import spelled as progress_spelled

        left = seen.progress.get("eta")
        told = [("progress", progress_spelled(seen.progress, long=True)), ("eta", "" if left is None else format_duration(left)), *told]
    return told


def _reported(seen: "Observed") -> "list[tuple[str, str]]":
    """Return what the job tells of itself."""
    told = [("activity", seen.activity or ""), ("heartbeat", format_time_full(seen.heartbeat_at))]
    return [*told, *(("reported", f"{key}={text}") for key, text in seen.feedback.items())]


def _warning(job: "Job", told: "Mapping[str, Any]") -> str:
    """Return what was warned of: how often, of which run, since when it is over. What still is counted is told only now and then."""
    counting = job.status == RUNNING and told["run"] == job.run and told["warning"].startswith(("warn.output", "warn.file"))
    often = f" ({'at least ' if counting else ''}{told['count']} times)" if told["count"] > 1 else ""
    run = f", run {told['run']}" if told["run"] else ""
    over = "" if told.get("over_at") is None else f"; over since {format_time_full(told['over_at'])}"
    return f"{told['text']}{often}{run}, {format_time_full(told['at'])}{over}"


def _wish(job: "Job") -> str:
    wish = job.stop_requested
    return "" if wish is None else f"{wish.get('verb')} ({wish.get('scope', 'job')}) at {format_time_full(wish.get('at'))}"


def run_detail(job: "Job", run: "Run", now: int, *, width: int | None = None, colours: bool = False) -> str:
    """Return everything known about one run."""
    word = run.outcome or run.status
    ns = lasted(run, now)
    return fact_lines((
        ("job", f"{job.id} {job.name}"),
        ("run", str(run.run)),
        (_STATE, paint(word, colour(word)) if colours else word),
        ("reason", run.reason or ""),
        ("pid", "" if run.pid is None else str(run.pid)),
        ("host", run.host),
        ("exit code", "" if run.exit_code is None else str(run.exit_code)),
        ("signal", "" if run.signal is None else signal_name(run.signal)),
        ("claimed", format_time_full(run.claimed_at)),
        ("started", format_time_full(run.started_at)),
        ("ended", format_time_full(run.ended_at)),
        ("duration", "" if ns is None else format_duration(ns)),
        ("cpu time", "" if run.cpu is None else f"{format_duration(run.cpu)} ({_CPU_BY.get(run.cpu_by or '')})"),
        ("peak memory", "" if run.max_rss is None else f"{format_size(run.max_rss)} (its largest process)"),
        ("of the run", "" if run.memory is None else f"{format_size(run.memory)} (all processes and cached files: its cgroup)"),
        ("processes", "" if run.processes is None else f"{run.processes} at most (threads too: its cgroup)"),
        ("stdout", "" if run.stdout is None else format_size(run.stdout)),
        ("stderr", "" if run.stderr is None else format_size(run.stderr)),
        ("limited by", ", ".join(f"{name}: {by}" for name, by in (run.limits or {}).get("by", {}).items())),
        ("time limit", format_duration(run.limits["run"]) if run.limits and "run" in run.limits else ""),
        ("log misses", format_size(run.missing) if run.missing else ""),
        *(("warning", _warning(job, warning)) for warning in job.warnings if warning["run"] == run.run),
        ("left behind", f"{run.leftovers} processes" if run.leftovers else ""),
    ), width)  # fmt: skip


def events_table(events: "Iterable[Mapping[str, Any]]", now: int, *, width: int | None = None, colours: bool = False) -> str:
    """Return events as a table. Each is a mapping with `at` (ns), `job`, `kind` and `data` (a mapping). Empty if there are none."""
    rows = [
        [str(event["job"]), format_time_local(event["at"], now), event["kind"].replace("_", " "), _data(event.get("data") or {})]
        for event in events
    ]  # fmt: skip
    return table(("JOB", "TIME", "EVENT", "WHAT"), rows, width=width, right=(0,), whole=(1, 2), bold=colours) if rows else ""


def event_line(event: "Mapping[str, Any]") -> str:
    """Return an event in one line: its id, time, job and what happened."""
    what = visible(_data(event.get("data") or {}))
    return f"{event['id']}  {format_time_full(event['at'])}  job {event['job']} {event['kind'].replace('_', ' ')}  {what}".rstrip()


def _data(data: "Mapping[str, Any]") -> str:
    """Return the fields of an event that say something, as `name=text`."""
    parts = []
    for name, held in data.items():
        if name in _INSIDE or held is None or held is False or held in ("", {}, []):
            continue
        if name == "limits":
            parts += [f"{limit}={format_duration(held[key])}" for key, limit in _TIMES if held.get(key) is not None]
            parts.append(_data(held.get("by", {})))
        elif isinstance(held, dict):  # the ending of a run; its outcome and reason stand beside it
            parts.append(_data({inner: told for inner, told in held.items() if inner not in data}))
        elif name in {"grace", "cpu"}:
            parts.append(f"{name}={format_duration(held)}")
        elif name in {"until", "next_run_at", "started_at", "ended_at", "at"} and isinstance(held, int):
            parts.append(f"{name}={format_time_full(held)}")
        else:
            parts.append(f"{name}={held}")
    return " ".join(filter(None, parts))


def groups_table(groups: "Iterable[Mapping[str, Any]]", *, width: int | None = None, colours: bool = False) -> str:
    """Return groups as a table. Each is a mapping with `name`, `slots` (None: no limit), `running`, `queued`, `pending`. Empty if none."""
    rows = [
        [
            str(group["name"]),
            "none" if group["slots"] is None else str(group["slots"]),
            *(str(group.get(count, 0)) for count in ("running", "queued", "pending")),
            ", ".join(word for word in ("paused", "draining") if group.get(word)),
            ", ".join(f"{limit} {text}" for limit, text in group.get("limits", {}).items()),
        ]
        for group in groups
    ]
    limited = any(row[-1] for row in rows)
    headings = ("GROUP", "SLOTS", "RUNNING", "QUEUED", "PENDING", "STATE", *(("KEEPS",) if limited else ()))
    rows = [row[: len(headings)] for row in rows]
    return table(headings, rows, width=width, right=(1, 2, 3, 4), bold=colours) if rows else ""


def services_table(kinds: "Mapping[str, Mapping[str, Any]]", *, width: int | None = None, colours: bool = False) -> str:
    """Return kinds of services as a table: `installed`, `enabled`, `active`, `linger` (None: unknown) and `where` of each."""
    words = {True: "yes", False: "no", None: "-"}
    rows = [
        [kind, *(words[told[fact]] for fact in ("installed", "enabled", "active", "linger")), str(told["where"])]
        for kind, told in kinds.items()
    ]
    return table(("KIND", "INSTALLED", "ENABLED", "ACTIVE", "LINGER", "WHERE"), rows, width=width, bold=colours)


def facts_detail(facts: "Mapping[str, Any]", *, width: int | None = None) -> str:
    """Return what a run ran with: its files, git revision, versions."""
    from outlast.core.fingerprint import FILES, revision

    files = [(what, facts[what]["path"]) for what in FILES if what in facts]
    git = facts.get("git")
    return fact_lines(
        [
            *files,
            ("git", f"{revision(git)} in {git['top']}" if git else ""),
            *((name, facts.get(name, "")) for name in ("kernel", "outlast")),
        ],
        width,
    )


def host_detail(told: "Mapping[str, Any]", *, width: int | None = None) -> str:
    """Return the facts of a host, as `client.hostinfo` has them, and its constants under them."""
    from outlast.core.hostinfo import FACTS, SIZES

    def text(name: str) -> str:
        held = told.get(name)
        if held is None:
            return "not known" if name != "container" else "none that shows"
        if name in SIZES:
            return format_size(held)
        if name == "booted_at":
            return format_time_full(held)
        if name == "uptime":
            return format_duration(held)
        return " ".join(map(str, held)) if name == "load" else str(held)

    return fact_lines([*((label, text(name)) for name, label in FACTS.items()), *told["constants"].items()], width)
