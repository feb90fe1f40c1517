"""One word for one thing: what is defined, and what people read in help texts, uses the words of the field and of this product."""

import ast
import re
from collections.abc import Iterator

from house.modules import modules, name_of, none, place, tree, within

INSTEAD = {
    "daemon": "supervisor",
    "worker": "shim, or executor",
    "task": "job",
    "tasks": "jobs",
    "attempt": "run",
    "attempts": "runs",
    "sensor": "condition",
    "taskwatcher": "outlast",
    "jobman": "outlast",
    "taro": "outlast",
    "cronjob": "schedule",
    "relaunch": "rerun",
    "resubmit": "rerun",
    "cancelled": "stopped",
    "canceled": "stopped",
    "cancel": "stop",
    "terminated": "stopped",
    "queues": "groups",
    "workdir": "cwd",
    "envvar": "env",
    "envvars": "env",
    "cmdline": "command",
    "datadir": "home",
    "callback": "a notifier, an event, or what the function does",
    "exitcode": "exit_code",
    "returncode": "exit_code",
    "stale_job": "silent, stalled or lost",
    "killed": "stopped, or what ended it",
    "hung": "stalled",
    "success": "succeeded",
    "failure": "failed",
}
# (module, word): reason
MAY_SAY = {
    ("outlast.processes", "cmdline"): "the name of the file in /proc",
    ("outlast.processes", "daemon"): "of a command that makes itself one",
}
# These are options by their own right, or words of the systems we speak with.
IDIOMS = re.compile(
    r"(?:num|on|no|retries\.num)[-_.]success(?:es)?|success[-_]codes?|failure[-_]codes?|(?:repeat|by|of|own|only our) failures?|SIG\w+",
    re.IGNORECASE,
)
# Where the strings are what people read.
SPOKEN = ("outlast.cli", "outlast.core.options", "outlast.core.verbs")


def defined(node: ast.AST) -> Iterator[str]:
    """Yield the names that a syntax node gives to something that others use: not local variables."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
        yield node.name
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        args = node.args
        yield from (arg.arg for arg in (*args.posonlyargs, *args.args, *args.kwonlyargs))
    if isinstance(node, ast.Module | ast.ClassDef):
        for statement in node.body:
            if isinstance(statement, ast.Assign | ast.AnnAssign):
                targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
                yield from (target.id for target in targets if isinstance(target, ast.Name))


def words(name: str) -> list[str]:
    """Split `snakeCase_name` into its lower-case words."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]


def offends(module: str, word: str) -> bool:
    return word in INSTEAD and not any(within(module, place) and word == said for place, said in MAY_SAY)


def test_names() -> None:
    found = []
    for path in modules():
        module = name_of(path)
        if within(module, "outlast.compat"):
            continue
        found += [f"{path.name}: {word}: say {INSTEAD[word]}" for word in words(path.stem) if offends(module, word)]
        for node in ast.walk(tree(path)):
            for name in defined(node):
                if IDIOMS.search(name):
                    continue
                line = getattr(node, "lineno", 1)
                found += [f"{place(path, line)}: {name}: say {INSTEAD[word]}" for word in words(name) if offends(module, word)]
    none(found, "one word for one thing")


def test_what_people_read() -> None:
    found = []
    for path in modules():
        module = name_of(path)
        if not within(module, *SPOKEN):
            continue
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                said = re.findall(r"[a-z]+", IDIOMS.sub(" ", node.value).lower())
                bad = {word for word in said if offends(module, word)} - {
                    "success",
                    "failure",
                    "killed",
                    "terminated",
                }  # plain English in a sentence
                found += [f"{place(path, node.lineno)}: {node.value!r}: say {INSTEAD[word]} instead of {word}" for word in sorted(bad)]
    none(found, "one word for one thing")


def test_a_wrong_word_is_seen() -> None:
    assert ["my", "daemon", "class"] == words("MyDaemonClass")
    assert ["max", "attempts"] == words("max_attempts")
    assert offends("outlast.client", "daemon")
    assert not offends("outlast.processes.tree", "cmdline")
