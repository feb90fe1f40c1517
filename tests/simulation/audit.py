"""Statements that find what is wrong with the whole record. Each finds nothing."""

EVERYTHING = {
    "version is not the number of events": (
        "SELECT id, version FROM jobs WHERE version <> (SELECT count(*) FROM events WHERE job = jobs.id)"
    ),
    "waits is not the number of needs": "SELECT id, waits FROM jobs WHERE waits <> (SELECT count(*) FROM needs WHERE job = jobs.id)",
    "needs of nobody": "SELECT job, need FROM needs WHERE job NOT IN (SELECT id FROM jobs WHERE status <> 'ended')",
    "run numbers have holes": "SELECT job FROM runs GROUP BY job HAVING count(*) <> max(run) OR min(run) <> 1",
    "a job's run is not its last one": "SELECT id FROM jobs WHERE run <> (SELECT count(*) FROM runs WHERE job = jobs.id)",
    "counters are wrong": (
        "SELECT j.id FROM jobs AS j JOIN (SELECT job, sum(outcome = 'succeeded') AS s, sum(outcome IN ('interrupted', 'lost')) AS u, "
        "sum(outcome IN ('failed', 'timed_out', 'aborted', 'not_started')) AS f FROM runs WHERE outcome IS NOT NULL GROUP BY job) AS r "
        "ON r.job = j.id WHERE j.successes <> r.s OR j.uncharged <> r.u OR j.failures <> r.f"
    ),
    "running, and its run is not": (
        "SELECT j.id, r.status FROM jobs AS j LEFT JOIN runs AS r ON r.job = j.id AND r.run = j.run "
        "WHERE (j.status = 'running') <> (coalesce(r.status, '') = 'running')"
    ),
    "a run that ended without outcome or reason": (
        "SELECT job FROM runs WHERE status = 'ended' AND (outcome IS NULL OR coalesce(reason, '') = '')"
    ),
    "an ended job changed": (
        # from each end on: a job may have tens of thousands of events, and to ask for its end at each of them would take minutes
        "SELECT e.job, e.kind FROM events AS x CROSS JOIN events AS e ON e.job = x.job AND e.version > x.version "
        "WHERE x.kind = 'ended' AND e.kind <> 'noted'"
    ),
    "the count of ended jobs is wrong": (
        "SELECT value FROM meta WHERE name = 'ended' AND value <> (SELECT count(*) FROM jobs WHERE status = 'ended')"
    ),
    "two runs have the same state file": "SELECT state_file FROM runs WHERE status = 'running' GROUP BY state_file HAVING count(*) > 1",
}
STUCK = (
    "SELECT n.job, n.need, n.other FROM needs AS n LEFT JOIN jobs AS o ON o.id = n.other WHERE n.other IS NOT NULL "
    "AND (o.status = 'ended' OR (o.status = 'running' AND n.need LIKE 'running:%')) "
    "UNION ALL SELECT n.job, n.need, NULL FROM needs AS n JOIN jobs AS j ON j.id = n.job WHERE n.need LIKE 'turn:%' AND NOT EXISTS "
    "(SELECT 1 FROM jobs AS b WHERE b.ended_at IS NULL AND b.id < j.id "
    "AND CASE WHEN j.key IS NULL THEN b.name = j.name ELSE b.key = j.key END)"
)
