"""What statistics are made of: the runs of jobs that have ended, oldest first; costs as many rows as there are of them."""

from outlast.core.stats import Ran
from outlast.core.value import made
from outlast.store.finding import where
from outlast.store.rows import as_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outlast.store.finding import Filter
    from outlast.store.reading import Reading

_RAN = """
SELECT ended.id, ended.name, ended.outcome, ended.reason, ended.warned, ended.began_at, ended.ended_at,
    r.outcome, r.started_at, r.ended_at, r.cpu, r.max_rss, r.memory
FROM (
    SELECT id, name, outcome, reason, warnings <> '[]' AS warned, coalesce(started_at, created_at) AS began_at, ended_at
    FROM jobs WHERE {} ORDER BY ended_at DESC LIMIT ?
) AS ended LEFT JOIN runs AS r ON r.job = ended.id
ORDER BY ended.ended_at, ended.id, r.run
"""


def ran(reading: "Reading", wanted: "Filter", at: int, at_most: int | None) -> "tuple[list[Ran], int | None]":
    """Return the runs of the jobs that a filter means at `at` (ns), and since when (ns) one must have ended to count; None: all do.

    `at_most`: so many jobs, those that ended last. The filter must mean ended jobs only.
    """
    condition, values = where(reading, wanted, at)
    rows = reading.database.rows(_RAN.format(condition), [*values, -1 if at_most is None else at_most + 1])
    found = [made(Ran, row[0], as_text(row[1]), row[2], as_text(row[3]), bool(row[4]), *row[5:]) for row in rows]
    if at_most is None or not found or len({run.job for run in found}) <= at_most:
        return found, None
    kept = [run for run in found if run.job != found[0].job]  # the oldest one only told that there are more
    return kept, kept[0].ended_at
