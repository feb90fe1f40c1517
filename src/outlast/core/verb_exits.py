"""Exit statuses of each verb: for help and manual alone, so that nobody else pays for it. What they mean is in `core.errors`."""

_OK = (0, "done as asked")
_USAGE = (2, "wrong use or configuration; nothing was changed")
_NO_JOB = (3, "no such job or run")
_REFUSED = (4, "refused in this state, or more than one job is meant")
_WORLD = (5, "the world failed us: disk, lock, permission")
_BUG = (70, "a bug of outlast")
_MANY = (1, "at least one job could not be dealt with as asked")
_USUAL = (_OK, _USAGE, _WORLD, _BUG)
_ONE = (_OK, _USAGE, _NO_JOB, _REFUSED, _WORLD, _BUG)
_SOME = (_OK, _MANY, _USAGE, _NO_JOB, _REFUSED, _WORLD, _BUG)
_LISTING = (_OK, _USAGE, _NO_JOB, _WORLD, _BUG)
_FRONT = (
    ("CODE", "with --wait: the command's own exit status; 0 if it succeeded"),
    (75, "with --wait and --fail-if-not-run: skipped or disabled (else 0)"),
    (124, "with --wait: timed out"),
    (125, "with --wait: every failure of outlast itself, wrong use too; lost or aborted"),
    (126, "with --wait: the command cannot be executed"),
    (127, "with --wait: there is no such command"),
    ("128+N", "with --wait: ended by signal N"),
)

# verb -> (exit status, what it means)
EXITS: "dict[str, tuple[tuple[int | str, str], ...]]" = {
    "run": (_OK, _USAGE, (4, "refused: a job with the same key has not ended"), _WORLD, _BUG, *_FRONT),
    "list": _LISTING,
    "ps": _LISTING,
    "history": _LISTING,
    "top": (_OK, _USAGE, _NO_JOB, (4, "refused: there is no terminal"), (5, "textual is not installed; or disk, lock, permission"), _BUG),
    "show": _ONE,
    "stats": _LISTING,
    "why": _ONE,
    "logs": _ONE,
    "feedback": _ONE,
    "report": (_OK, _USAGE, (4, "refused: this is no job"), _WORLD, _BUG),
    "wait": (_OK, (1, "at least one did not succeed"), _USAGE, _NO_JOB, _REFUSED, _WORLD, _BUG, (124, "--timeout was reached")),
    "stop": _SOME,
    "interrupt": _SOME,
    "kill": _SOME,
    "signal": _SOME,
    "send": (_OK, _USAGE, _NO_JOB, (4, "refused: it has no live input, is not running, or reads no more"), _WORLD, _BUG),
    "pause": _SOME,
    "resume": _SOME,
    "hold": _SOME,
    "release": _SOME,
    "approve": _SOME,
    "reserve": (_OK, _USAGE, (4, "refused: the key is in use"), _WORLD, _BUG),
    "disable": _USUAL,
    "enable": (_OK, _USAGE, (3, "nothing of that name is disabled"), _WORLD, _BUG),
    "list-disabled": _USUAL,
    "rerun": (_OK, _USAGE, _NO_JOB, (4, "refused: a job with the same key has not ended"), _WORLD, _BUG, *_FRONT),
    "events": _ONE,
    "diff": (
        (0, "nothing that outlast knows of differs"),
        (1, "something differs"),
        _USAGE,
        (3, "no such job or run, or none has succeeded"),
        _REFUSED,
        _WORLD,
        _BUG,
    ),
    "bundle": (_OK, _USAGE, _NO_JOB, (4, "refused: there is a file of that name, or more than one job is meant"), _WORLD, _BUG),
    "hostinfo": _USUAL,
    "listen": (_OK, _USAGE, _NO_JOB, _WORLD, _BUG),
    "group": (_OK, _USAGE, (3, "no such group"), (4, "refused: it has jobs that have not ended"), _WORLD, _BUG),
    "clean": (_OK, (1, "something could not be removed; it is named"), _USAGE, _NO_JOB, (4, "refused: jobs have not ended"), _WORLD, _BUG),
    "doctor": (
        _OK,
        (1, "something is wrong; what and what to do is said"),
        _USAGE,
        (4, "refused: the file is there already"),
        _WORLD,
        _BUG,
    ),
    "supervisor": (_OK, _USAGE, (4, "refused: another one lives"), _WORLD, _BUG),
    "service": (
        _OK,
        _USAGE,
        (4, "refused: a file there was not written by outlast"),
        (5, "it does not come up at boot; what is missing and what to type is said"),
        _BUG,
    ),
    "completion": _USUAL,
    "help": _USUAL,
    "version": _USUAL,
    "__complete": _USUAL,
}
