"""Which options fit together, and which values make sense: what does not is refused before anything is submitted."""

from outlast.core import kinds
from outlast.core.deadlines import PROBED, starts_at
from outlast.core.errors import UsageError
from outlast.core.options import BY_NAME, value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_SECOND = 1_000_000_000
_MS = 1_000_000
_LEAST = {
    "log.run.max-files": 2, "log.file.max-bytes": 1024, "wait.poll-interval": 100 * _MS, "wait.probe-timeout": 10 * _MS,
    "limit.memory": 1 << 20, "warn.interval": 100 * _MS, "unless-fresh": _MS, "retries.max-delay": _MS,
    **dict.fromkeys(("timeout.job", "timeout.heartbeat", "timeout.output"), _MS),
    **dict.fromkeys(("timeout.soft.job", "timeout.soft.heartbeat", "timeout.soft.output"), _MS),
}  # fmt: skip
_MOST = {"log.run.max-files": 1000, "leftovers.grace": 1_000_000 * _SECOND}  # what shims take (docs/shim-protocol.md)


def check(spec: "Mapping[str, Any]", now: int) -> None:
    """Raise UsageError if the options of a job, at `now` (ns), contradict each other or can never hold."""
    if "key" in spec and spec.get("unique"):
        raise UsageError("--key and --unique exclude each other", "--unique means that the name is the key")
    for name in ("key", "group", "name", "pending", "feedback", "feedpath"):
        if spec.get(name) == "":
            raise UsageError(f"--{name} is empty", "leave the option out")
    if "feedback" in spec and "feedpath" in spec:
        raise UsageError("--feedback and --feedpath exclude each other", "--feedpath DIR is short for `--feedback DIR/feedback_ID.log`")
    _check_bounds(spec)
    for prefix, look in _CHECKS:
        if any(name.startswith(prefix) for name in spec):
            look(spec, now)
    if any(not word for word in spec.get("mutex", ())):
        raise UsageError("--mutex is empty", "leave the option out")
    if "slots" in spec and "group" not in spec:
        raise UsageError("--slots counts slots of a group", "name one with `--group`")


def _check_bounds(spec: "Mapping[str, Any]") -> None:
    for name, given in spec.items():
        least, most = _LEAST.get(name), _MOST.get(name)
        if least is None and most is None:
            continue
        kind = BY_NAME[name].kind
        if least is not None and given is not None and given < least:
            none = "" if kind == kinds.GRACE else "; `none` is no limit"
            raise UsageError(f"--{name}: {kinds.spell(kind, given)} is too small", f"it is at least {kinds.spell(kind, least)}{none}")
        if most is not None and given is not None and given > most:
            raise UsageError(f"--{name}: {kinds.spell(kind, given)} is too large", f"it is at most {kinds.spell(kind, most)}")


def _check_retries(spec: "Mapping[str, Any]", now: int) -> None:
    successes, failures = value(spec, "retries.success-codes"), value(spec, "retries.failure-codes")
    if not successes:
        raise UsageError("--retries.success-codes: no code would mean success", "name at least one, as in `0,3`")
    both = set(successes).intersection(failures)
    if both:
        raise UsageError(f"exit code {min(both)} cannot mean both success and failure", "take it out of one of the two lists")
    runs, wanted = value(spec, "retries.num-runs"), value(spec, "retries.num-successes")
    if runs is not None and wanted is not None and wanted > runs:
        what = f"it cannot succeed {wanted} times in {runs} run{'' if runs == 1 else 's'}"
        raise UsageError(what, f"give --retries.num-runs {wanted} or more, or `none`")
    if value(spec, "retries.exponential-backoff-base") <= 0:
        raise UsageError("--retries.exponential-backoff-base: 0 would take every delay away", "1 keeps the delay, 2 doubles it each time")
    _check_to_come(spec, "retries.abort-datetime", now)


def _check_waiting(spec: "Mapping[str, Any]", now: int) -> None:
    if spec.get("wait.extra-delay") and not spec.keys() & {*PROBED, "wait.datetime", "wait.timedelta"}:
        raise UsageError("--wait.extra-delay comes after a condition, and there is none", "`--wait.timedelta` alone waits for so long")
    for name in PROBED:
        if any(not word for word in spec.get(name, ())):
            raise UsageError(f"--{name} is empty", "leave the option out")
    _check_to_come(spec, "wait.abort-datetime", now)
    abort = spec.get("wait.abort-datetime")
    if abort is None or (spec.get("wait.any") and spec.keys() & set(PROBED)):
        return
    starts = starts_at(spec, now)
    if starts is not None and starts > abort:
        raise UsageError("it could never start: wait.abort-datetime comes before its time", "let it be later, or leave it out")


def _check_to_come(spec: "Mapping[str, Any]", name: str, now: int) -> None:
    if spec.get(name) is not None and spec[name] <= now:
        from outlast.core.times import format_time_full

        raise UsageError(f"--{name}: {format_time_full(spec[name])} is past", "name a time that is to come")


def _check_timeouts(spec: "Mapping[str, Any]", _: int) -> None:
    for what in ("run", "job", "heartbeat", "output"):
        hard, soft = spec.get(f"timeout.{what}"), spec.get(f"timeout.soft.{what}")
        if isinstance(hard, str) and isinstance(soft, str):
            hard, soft = int(hard[:-1]), int(soft[:-1])  # of the usual duration both
        if isinstance(hard, int) and isinstance(soft, int) and soft >= hard:
            raise UsageError(f"--timeout.soft.{what} would come no sooner than --timeout.{what}", "let the soft one be less")
    if "timeout.warn-signal" in spec and spec.get("timeout.run") is None and spec.get("timeout.job") is None:
        raise UsageError("--timeout.warn-signal warns of a limit, and there is none", "give --timeout.run or --timeout.job as well")
    silent = not value(spec, "log.stdout") and not value(spec, "log.stderr")
    if silent and (spec.get("timeout.output") is not None or spec.get("timeout.soft.output") is not None):
        raise UsageError("--timeout.output looks at the log, and nothing of the output is kept", "keep stdout or stderr")


def _check_order(spec: "Mapping[str, Any]", _: int) -> None:
    from outlast.core.job import OUTCOMES

    for job, outcomes in spec.get("after.outcome", {}).items():
        words = [word.strip() for word in outcomes.split(",")] if isinstance(outcomes, str) else list(outcomes)
        for word in words:
            if word not in OUTCOMES:
                from outlast.core.nearest import hint

                raise UsageError(f"--after.outcome {job}: `{word[:40]}` is none of {', '.join(OUTCOMES)}", hint(word, OUTCOMES))


def _check_progress(spec: "Mapping[str, Any]", _: int) -> None:
    from outlast.core.progress import check as check_progress

    check_progress(spec)


def _check_warnings(spec: "Mapping[str, Any]", _: int) -> None:
    from outlast.core.warnings import check as check_warnings

    check_warnings(spec)


_CHECKS = (
    ("retries.", _check_retries), ("wait.", _check_waiting), ("timeout.", _check_timeouts), ("after.", _check_order),
    ("progress.", _check_progress),
    ("warn.", _check_warnings),
)  # fmt: skip
