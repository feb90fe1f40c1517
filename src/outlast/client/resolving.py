"""What a submission says of other things becomes what it means: jobs by their ids, paths from the directory that it runs in."""

import os

from outlast.core.conditions import OTHER
from outlast.core.deadlines import PROBED
from outlast.core.errors import NotFound, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from outlast.client.jobs import Jobs

_JOBS = ("after.succeeded", "after.failed", "after.ended", "while-running")


def resolved(jobs: "Jobs", options: "Mapping[str, Any]") -> "dict[str, Any]":
    """Return `options` with the jobs that they name as ids, absolute paths, and what a reserved job was given.

    Raises NotFound, Refused (a word means several active jobs), UsageError.
    """
    made = dict(options)
    for name in _JOBS:
        if name in made:
            made[name] = [number for word in made[name] for number in _meant(jobs, name, word)]
    if "after.outcome" in made:
        pairs = made["after.outcome"].items()
        made["after.outcome"] = {str(number): outcomes for word, outcomes in pairs for number in _meant(jobs, "after.outcome", word)}
    if not made.keys().isdisjoint(PROBED):
        _check_conditions(made, os.path.join(os.getcwd(), made.get("cwd") or ""))
    return _as_reserved(jobs, made) if "id" in made else made


def _meant(jobs: "Jobs", option: str, word: "int | str") -> "list[int]":
    found = jobs.find([word], to_end=True)
    if not found:
        raise NotFound(f"--{option}: no jobs match {word}", "`outlast list` shows what there is")
    return [job.id for job in found]


def _check_conditions(options: "dict[str, Any]", cwd: str) -> None:
    """Have every kind of condition look at its words, so that what can never be met is refused."""
    from outlast.conditions.kinds import find

    for option in PROBED:
        checked = []
        for word in options.get(option, ()):
            kind, about = option.removeprefix("wait."), word
            if option == OTHER:
                kind, colon, about = word.partition(":")
                if not colon:
                    raise UsageError(f"--{option}: `{word[:80]}` names no kind", "write `KIND:WORD`, as in `file:data/ready`")
            try:
                kept = find(kind).check(about, cwd)
            except UsageError as error:
                raise UsageError(f"--{option}: {error.what}", error.hint) from None
            checked.append(f"{kind}:{kept}" if option == OTHER else kept)
        if checked:
            options[option] = checked


def _as_reserved(jobs: "Jobs", options: "dict[str, Any]") -> "dict[str, Any]":
    """Return the options with the name, key and group that the reserved job has, where none are given."""
    found = jobs.reading.job(options["id"]) if jobs.reading is not None else None
    if found is None:
        raise NotFound(f"no job {options['id']}", "`outlast reserve` gives an id out")
    if options.get("overlap") == "join":
        raise UsageError("--id and --overlap join exclude each other", "a job that is joined has an id already")
    if found.key is not None and not options.get("unique") and "key" not in options:
        options["key"] = found.key
    for name, given in (("name", found.name), ("group", found.group), ("description", found.description)):
        if given and name not in options:
            options[name] = given
    return options
