"""From a command and its options to a submission: what is taken of the submitter's surroundings, and how it is stored."""

import os

from outlast.core.command import as_argv, default_name
from outlast.core.errors import Refused, SystemFault, UsageError
from outlast.core.job import Job
from outlast.core.jsontext import dumps
from outlast.core.options import stored
from outlast.processes.starter import told
from outlast.processes.surroundings import surroundings
from outlast.store.store import Environment, Front, Submission

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from outlast.home import Home

# Options that speak of other jobs, of files, or of a reservation (`client.resolving`).
TO_RESOLVE = frozenset({
    "after.succeeded", "after.failed", "after.ended", "after.outcome", "while-running", "id", "wait.file", "wait.nonopen-file",
    "wait.script", "wait.http", "wait.s3", "wait.condition",
})  # fmt: skip
PATH_BYTES = 4000  # a path that shims take is shorter (docs/shim-protocol.md)


def environment(set_: "Mapping[str, str | None]", unset: "Sequence[str]") -> Environment:
    """Return our environment and surroundings with what was asked for set and left out."""
    variables = dict(os.environb)
    if b"LC_CTYPE" in variables:
        _undo_coercion(variables)
    for name in unset:
        variables.pop(os.fsencode(name), None)
    for name, given in set_.items():
        if given is not None:  # else as it is here
            variables[os.fsencode(name)] = os.fsencode(given)
    return stored_environment(b"".join(b"%s=%s\0" % item for item in sorted(variables.items())), surroundings())


def _undo_coercion(variables: "dict[bytes, bytes]") -> None:
    """Take away what the interpreter put there itself: under the C locale it sets LC_CTYPE in its own environment (PEP 538)."""
    try:
        with open("/proc/self/environ", "rb", buffering=0) as file:
            given = file.read().split(b"\0")
    except OSError:
        return
    if not any(entry.startswith(b"LC_CTYPE=") for entry in given) and variables[b"LC_CTYPE"] in (b"C.UTF-8", b"C.utf8", b"UTF-8"):
        del variables[b"LC_CTYPE"]


def stored_environment(variables: bytes, around: "Mapping[str, Any]") -> Environment:
    """Return the environment with its content's hash."""
    text = dumps(around)
    return Environment(hash=_digest(variables + b"\0" + text.encode()), variables=variables, surroundings=text)


def _digest(data: bytes) -> str:
    try:
        from _blake2 import blake2b  # `hashlib` costs 4 ms  # type: ignore[import-not-found]
    except ImportError:
        from hashlib import blake2b
    digest: str = blake2b(data, digest_size=16).hexdigest()
    return digest


def submission(
    command: "Sequence[str]", options: "Mapping[str, Any]", *, shell: bool | None = None, around: Environment | None = None,
    front: Front | None = None, rerun_of: int | None = None, cwd: str | None = None,
) -> Submission:  # fmt: skip
    """Return the submission of a command with options as `core.options.flatten` returns them. Raises UsageError, SystemFault.

    `around`: the environment, if it was taken before (many jobs at once).
    """
    where = _directory(options.get("cwd"), cwd)
    argv = as_argv(command, shell, lambda word: os.path.isfile(os.path.join(where, word)))
    if around is None:
        around = environment(options.get("env") or {}, options.get("unset-env") or ())
    name = options.get("name")
    if options.get("unique") and not name:
        raise UsageError("--unique takes the name as the key", "give it one with `--name NAME`")
    spec = stored(options)
    _check_paths(where, spec.get("stdin"))
    if "feedback" in spec or "feedpath" in spec:
        _check_feedback(where, spec)
    info = list(options.get("info") or ())
    job = Job(
        id=options.get("id") or 0, name=name or default_name(argv), description=options.get("description") or "",
        group=options.get("group"),
        key=options.get("key") or (name if options.get("unique") else None), command=argv, cwd=where, user=_user(), created_at=0,
        info=info + [""] * (3 - len(info)), params=dict(options.get("param") or {}), rerun_of=rerun_of, spec=spec,
        environment=around.hash, priority=options.get("priority") or 0, mutex=options.get("mutex"),
    )  # fmt: skip
    if spec.keys().isdisjoint(_WAITING):
        return Submission(job=job, environment=around, front=front, held=bool(options.get("hold")))
    from outlast.core.needs import needs_of

    held = bool(options.get("hold") or options.get("pending"))
    return Submission(job=job, environment=around, front=front, needs=tuple(needs_of(spec)), held=held)


_WAITING = TO_RESOLVE | {"approval", "pending"}


def reservation(options: "Mapping[str, Any]") -> Job:
    """Return the job that is reserved with these options. Raises UsageError."""
    wrong = options.keys() - {"name", "description", "group", "key", "unique", "info", "param"}
    if wrong:
        raise UsageError(f"--{min(wrong)} belongs to the command, which is still to come", "give it to `outlast run --id`")
    name = options.get("name") or ""
    if options.get("unique") and not name:
        raise UsageError("--unique takes the name as the key", "give it one with `--name NAME`")
    info = list(options.get("info") or ())
    return Job(
        id=0, name=name, description=options.get("description") or "",
        group=options.get("group"),
        key=options.get("key") or (name if options.get("unique") else None), command=[], cwd="", user=_user(), created_at=0,
        info=info + [""] * (3 - len(info)), params=dict(options.get("param") or {}),
    )  # fmt: skip


def another(model: Submission, command: "Sequence[str]", *, named: bool, shell: bool | None) -> Submission:
    """Return the submission of another command that has all else of `model`, its name too if `named`: costs a third of a new one."""
    job = model.job
    argv = as_argv(command, shell, lambda word: os.path.isfile(os.path.join(job.cwd, word)))
    return model.replace(job=job.replace(command=argv, name=job.name if named else default_name(argv)), model=job)


def _directory(wanted: str | None, otherwise: str | None) -> str:
    if otherwise is not None and wanted is None:
        return otherwise
    try:
        here = os.getcwd()
    except OSError:
        if wanted is None or not os.path.isabs(wanted):
            raise SystemFault("the current directory is gone", "change to one that exists, or give one with `--cwd`") from None
        here = "/"
    path = os.path.normpath(os.path.join(here, wanted)) if wanted else here
    if wanted and not os.path.isdir(path):
        raise UsageError(f"--cwd: there is no directory {path}", "make it first, or name another")
    return path


def _check_paths(where: str, stdin: str | None) -> None:
    for option, path in (("cwd", where), ("stdin", os.path.join(where, stdin or ""))):
        size = len(os.fsencode(path))
        if size >= PATH_BYTES:
            raise UsageError(f"--{option}: the path has {size} bytes", f"it must have less than {PATH_BYTES}; take a shorter way to it")


def _check_feedback(where: str, spec: "Mapping[str, Any]") -> None:
    for name, is_wrong, hint in (
        ("feedback", os.path.isdir, "name a file, or `--feedpath DIR` for one in it"),
        ("feedpath", os.path.isfile, "name a directory, or `--feedback PATH` for a file"),
    ):
        path = os.path.join(where, spec.get(name) or "")
        if name in spec and is_wrong(path):
            raise UsageError(f"--{name}: {path} is a {'directory' if name == 'feedback' else 'file'}", hint)
        if len(os.fsencode(path)) >= PATH_BYTES:
            raise UsageError(f"--{name}: the path has {len(os.fsencode(path))} bytes", f"it must have less than {PATH_BYTES}")


def _user() -> str:
    number = os.getuid()
    if number not in _users:
        import pwd

        try:
            _users[number] = pwd.getpwuid(number).pw_name
        except KeyError:
            _users[number] = str(number)
    return _users[number]


_users: "dict[int, str]" = {}  # who asks for many jobs shall not read the list of users for each


def check_same_machine(home: "Home") -> None:
    """Refuse to submit to a supervisor in another pid namespace: it could neither start nor see our processes."""
    if not home.is_supervised():
        return  # or the lock cannot be read: what is wrong with the home is told when it is opened
    words = told(home)
    if not words or words[3] == "None":
        return
    try:
        own = os.readlink("/proc/self/ns/pid")
    except OSError:
        return
    if own[5:-1] != words[3]:
        raise Refused(
            f"the supervisor of {home.path} runs in another pid namespace (a container?)",
            "set OUTLAST_HOME to a directory of its own for this one",
        )
