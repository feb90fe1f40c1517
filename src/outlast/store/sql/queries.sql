-- name: insert-event
INSERT INTO events (job, version, kind, at, data) VALUES (?, ?, ?, ?, ?)
-- name: insert-environment
INSERT INTO environments (hash, variables, surroundings, created_at, used_at) VALUES (?1, ?2, ?3, ?4, ?4)
ON CONFLICT (hash) DO UPDATE SET used_at = excluded.used_at WHERE used_at IS NULL OR used_at < excluded.used_at - 86400000000000
-- name: environment
SELECT variables, surroundings FROM environments WHERE hash = ?
-- name: insert-front
INSERT INTO fronts (job, token, pid, pid_start, parent) VALUES (?, ?, ?, ?, ?)
-- name: front
SELECT token, pid, pid_start, parent FROM fronts WHERE job = ?
-- name: delete-front
DELETE FROM fronts WHERE job = ?
-- name: borrowers
SELECT f.job FROM fronts AS f JOIN jobs AS j ON j.id = f.job JOIN jobs AS p ON p.id = f.parent
WHERE j.status = 'queued' AND j."group" = ? AND j.paused = 0 AND j.held = 0 AND p.status = 'running' AND p."group" = j."group"
-- name: front-token
SELECT 1 FROM fronts WHERE token = ?
-- name: any-front
SELECT 1 FROM fronts LIMIT 1
-- name: active-key
SELECT count(*), max(id) FROM jobs INDEXED BY jobs_key WHERE key = ? AND ended_at IS NULL AND id <> ?
-- name: active-name
SELECT count(*), max(id) FROM jobs INDEXED BY jobs_name WHERE name = ? AND ended_at IS NULL AND id <> ?
-- name: active-ids-key
SELECT id FROM jobs INDEXED BY jobs_key WHERE key = ? AND ended_at IS NULL AND id <> ? ORDER BY id
-- name: active-ids-name
SELECT id FROM jobs INDEXED BY jobs_name WHERE name = ? AND ended_at IS NULL AND id <> ? ORDER BY id
-- name: before-key
SELECT max(id) FROM jobs INDEXED BY jobs_key WHERE key = ? AND ended_at IS NULL AND id < ?
-- name: before-name
SELECT max(id) FROM jobs INDEXED BY jobs_name WHERE name = ? AND ended_at IS NULL AND id < ?
-- name: fresh-key
SELECT id, ended_at FROM jobs INDEXED BY jobs_key WHERE key = ? AND ended_at >= ? AND outcome = 'succeeded' ORDER BY ended_at DESC LIMIT 1
-- name: fresh-name
SELECT id, ended_at FROM jobs INDEXED BY jobs_name WHERE name = ? AND ended_at >= ? AND outcome = 'succeeded'
ORDER BY ended_at DESC LIMIT 1
-- name: any-need
SELECT 1 FROM needs LIMIT 1
-- name: insert-need
INSERT INTO needs (job, need, other, outcomes, due) VALUES (?, ?, ?, ?, ?)
-- name: delete-need
DELETE FROM needs WHERE job = ? AND need = ?
-- name: delete-needs
DELETE FROM needs WHERE job = ?
-- name: state
SELECT status, outcome FROM jobs WHERE id = ?
-- name: needs-of
SELECT need, other, outcomes FROM needs WHERE job = ? ORDER BY need
-- name: needs-due
SELECT job, need, other, outcomes FROM needs WHERE due = 1 ORDER BY job LIMIT ?
-- name: not-due
UPDATE needs SET due = 0 WHERE job = ? AND need = ?
-- name: due-by-other
UPDATE needs SET due = 1 WHERE other = ?
-- name: due-by-turn
UPDATE needs SET due = 1 WHERE need = ?1 AND job = (SELECT min(job) FROM needs WHERE need = ?1 AND other IS NULL)
-- name: waiting-for
SELECT job FROM needs WHERE need = ? AND other IS NULL ORDER BY job
-- name: count-waiting
SELECT count(*) FROM needs WHERE need = ? AND other IS NULL
-- name: put-seen
INSERT INTO seen (condition, met, text, at) VALUES (?, ?, ?, ?)
ON CONFLICT (condition) DO UPDATE SET met = excluded.met, text = excluded.text, at = excluded.at
-- name: seen
SELECT met, text, at FROM seen WHERE condition = ?
-- name: any-seen
SELECT 1 FROM seen LIMIT 1
-- name: forget-seen
DELETE FROM seen WHERE condition = ?1 OR ?1 IS NULL
-- name: any-disabled
SELECT 1 FROM disabled LIMIT 1
-- name: disabled
SELECT pattern, regex, note, until, by, at FROM disabled ORDER BY pattern
-- name: disable
INSERT INTO disabled (pattern, regex, note, until, by, at) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (pattern, regex) DO UPDATE SET note = excluded.note, until = excluded.until, by = excluded.by, at = excluded.at
-- name: enable
DELETE FROM disabled WHERE pattern = ?
-- name: count-ended
UPDATE meta SET value = value + ? WHERE name = 'ended'
-- name: add-kept
INSERT INTO meta VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value
-- name: set-meta
INSERT INTO meta VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value
-- name: kept-of-groups
SELECT name, value FROM meta WHERE name LIKE 'kept:%'
-- name: settings
SELECT scope, name, value FROM settings
-- name: put-setting
INSERT INTO settings (scope, name, value) VALUES (?, ?, ?) ON CONFLICT (scope, name) DO UPDATE SET value = excluded.value
-- name: delete-setting
DELETE FROM settings WHERE scope = ?1 AND (name = ?2 OR ?2 IS NULL)
-- name: kept-runs
SELECT run, kept FROM runs WHERE job = ? AND kept > 0 ORDER BY run DESC
-- name: oldest-kept
SELECT r.job, r.run, r.ended_at, r.kept, j."group", j.status, j.name FROM runs AS r INDEXED BY runs_kept CROSS JOIN jobs AS j ON j.id = r.job
WHERE r.kept > 0 AND (r.ended_at, r.job, r.run) > (?, ?, ?) ORDER BY r.ended_at, r.job, r.run LIMIT ?
-- name: oldest-ended
SELECT id, 0, ended_at, 1, "group", status, name FROM jobs INDEXED BY jobs_ended WHERE ended_at IS NOT NULL AND (ended_at, id) > (?, ?)
ORDER BY ended_at, id LIMIT ?
-- name: oldest-ended-of
SELECT id, 0, ended_at, 1, "group", status, name FROM jobs INDEXED BY jobs_group WHERE "group" = ? AND ended_at IS NOT NULL
    AND (ended_at, id) > (?, ?) ORDER BY ended_at, id LIMIT ?
-- name: count-ended-of
SELECT count(*) FROM jobs INDEXED BY jobs_group WHERE "group" = ? AND ended_at IS NOT NULL
-- name: kept-of
SELECT coalesce(sum(kept), 0) FROM runs WHERE job = ? AND kept > 0
-- name: kept-of-several-runs
SELECT r.job FROM runs AS r INDEXED BY runs_kept WHERE r.kept > 0 GROUP BY r.job HAVING count(*) > 1 ORDER BY r.job
-- name: unkeep
UPDATE runs SET kept = 0 WHERE job = ? AND run = ? AND kept > 0
-- name: put-leaving
INSERT OR IGNORE INTO leaving (job, run) VALUES (?, ?)
-- name: put-leaving-all
INSERT OR IGNORE INTO leaving (job, run) SELECT job, run FROM runs WHERE job = ?
-- name: leaving
SELECT job, run FROM leaving WHERE (job, run) > (?, ?) ORDER BY job, run LIMIT ?
-- name: left
DELETE FROM leaving WHERE job = ? AND run = ?
-- name: referred
SELECT 1 FROM needs WHERE other = ? LIMIT 1
-- name: active-references
SELECT rerun_of, spec FROM jobs WHERE status IN ('reserved', 'pending', 'queued', 'running') AND status <> 'ended'
    AND (rerun_of IS NOT NULL OR instr(spec, '"after.') OR instr(spec, '"while-running'))
-- name: delete-events
DELETE FROM events WHERE job = ?
-- name: put-event
INSERT INTO events (id, job, version, kind, at, data) VALUES (?, ?, ?, ?, ?, ?)
-- name: delete-runs
DELETE FROM runs WHERE job = ?
-- name: delete-job
DELETE FROM jobs WHERE id = ? AND ended_at IS NOT NULL
-- name: removed-before
SELECT first, last, reason, at FROM removed WHERE first <= ? ORDER BY first DESC LIMIT 1
-- name: put-removed
INSERT OR REPLACE INTO removed (first, last, reason, at) VALUES (?, ?, ?, ?)
-- name: uncounted
SELECT r.job, r.run, j."group" FROM runs AS r INDEXED BY runs_uncounted LEFT JOIN jobs AS j ON j.id = r.job
WHERE r.kept IS NULL AND r.ended_at IS NOT NULL LIMIT ?
-- name: known-run
SELECT 1 FROM runs WHERE job = ?1 AND run = ?2 UNION SELECT 1 FROM leaving WHERE job = ?1 AND run = ?2
-- name: count-run
UPDATE runs SET kept = ? WHERE job = ? AND run = ?
-- name: stale-environments
SELECT hash FROM environments WHERE used_at < ? LIMIT 1000
-- name: environments-of-kept
SELECT r.ended_at, r.job, r.run, j.environment FROM runs AS r INDEXED BY runs_kept CROSS JOIN jobs AS j ON j.id = r.job
WHERE r.kept > 0 AND (r.ended_at, r.job, r.run) > (?, ?, ?) ORDER BY r.ended_at, r.job, r.run LIMIT ?
-- name: environment-active
SELECT 1 FROM jobs WHERE status IN ('reserved', 'pending', 'queued', 'running') AND status <> 'ended' AND environment = ? LIMIT 1
-- name: environment-stale
SELECT variables, surroundings FROM environments WHERE hash = ? AND used_at < ?
-- name: mask-environment
INSERT OR REPLACE INTO masked_environments (hash, names, surroundings, masked_at) VALUES (?, ?, ?, ?)
-- name: delete-environment
DELETE FROM environments WHERE hash = ?
-- name: meta
SELECT value FROM meta WHERE name = ?
-- name: queued-groups
WITH RECURSIVE queued (name) AS (  -- costs the number of groups, not of jobs
    SELECT min("group") FROM jobs WHERE status = 'queued' AND status <> 'ended' AND "group" > ''
    UNION ALL
    SELECT (SELECT min("group") FROM jobs WHERE status = 'queued' AND status <> 'ended' AND "group" > q.name)
    FROM queued AS q WHERE q.name IS NOT NULL
)
SELECT q.name, g.slots, coalesce(g.paused, 0) FROM queued AS q LEFT JOIN groups AS g ON g.name = q.name WHERE q.name IS NOT NULL
-- name: outlook
SELECT
    EXISTS (SELECT 1 FROM jobs WHERE stop_requested IS NOT NULL AND status <> 'ended'),
    (SELECT min(next_run_at) FROM jobs WHERE status = 'pending' AND waits = 0 AND next_run_at IS NOT NULL AND paused = 0 AND held = 0),
    EXISTS (SELECT 1 FROM jobs WHERE status = 'queued' AND status <> 'ended' AND "group" IS NULL AND paused = 0 AND held = 0),
    EXISTS (SELECT 1 FROM fronts),
    EXISTS (SELECT 1 FROM needs),
    EXISTS (SELECT 1 FROM needs WHERE due = 1),
    EXISTS (SELECT 1 FROM disabled),
    (SELECT min(deadline) FROM jobs WHERE deadline IS NOT NULL),
    EXISTS (SELECT 1 FROM jobs INDEXED BY jobs_paused WHERE paused = 1 AND status = 'running')
-- name: running
SELECT id FROM jobs WHERE status = 'running' AND status <> 'ended' ORDER BY id
-- name: active-ids
SELECT id FROM jobs WHERE status IN ('reserved', 'pending', 'queued', 'running') AND status <> 'ended'
-- name: queued-before
SELECT count(*) FROM jobs WHERE status = 'queued' AND status <> 'ended' AND "group" = ?1 AND paused = 0 AND held = 0
    AND (priority > ?3 OR (priority = ?3 AND id < ?2))
-- name: due
SELECT id FROM jobs WHERE status = 'pending' AND waits = 0 AND next_run_at IS NOT NULL AND next_run_at <= ? AND paused = 0 AND held = 0
ORDER BY next_run_at LIMIT 1000
-- name: next-due
SELECT min(next_run_at) FROM jobs WHERE status = 'pending' AND waits = 0 AND next_run_at IS NOT NULL AND paused = 0 AND held = 0
-- name: past-deadline
SELECT id FROM jobs WHERE deadline IS NOT NULL AND deadline <= ? ORDER BY deadline LIMIT 1000
-- name: lapsed
SELECT id FROM jobs WHERE status = 'reserved' AND status <> 'ended' AND deadline IS NOT NULL AND deadline <= ?
-- name: next-deadline
SELECT min(deadline) FROM jobs WHERE deadline IS NOT NULL
-- name: to-stop
SELECT id FROM jobs WHERE stop_requested IS NOT NULL AND status <> 'ended' ORDER BY id
-- name: any-active
SELECT 1 FROM jobs WHERE status IN ('pending', 'queued', 'running') AND status <> 'ended' LIMIT 1
-- name: count-active
SELECT status, count(*) FROM jobs WHERE status <> 'ended' GROUP BY status
-- name: group
SELECT name, slots, paused, draining FROM groups WHERE name = ?
-- name: groups
SELECT g.name, g.slots, g.paused, g.draining,
    (SELECT count(*) FROM jobs WHERE status = 'running' AND status <> 'ended' AND "group" = g.name),
    (SELECT count(*) FROM jobs WHERE status = 'queued' AND status <> 'ended' AND "group" = g.name),
    (SELECT count(*) FROM jobs WHERE status = 'pending' AND status <> 'ended' AND "group" = g.name)
FROM (SELECT name, slots, paused, draining FROM groups
      UNION SELECT DISTINCT "group", NULL, 0, 0 FROM jobs WHERE status <> 'ended' AND "group" IS NOT NULL
                                                       AND "group" NOT IN (SELECT name FROM groups)) AS g
ORDER BY g.name
-- name: set-group
INSERT INTO groups (name, slots, paused, draining, created_at) VALUES (?, ?, 0, 0, ?)
ON CONFLICT (name) DO UPDATE SET slots = excluded.slots
-- name: pause-group
INSERT INTO groups (name, slots, paused, draining, created_at) VALUES (?1, NULL, coalesce(?2, 0), coalesce(?3, 0), ?4)
ON CONFLICT (name) DO UPDATE SET paused = coalesce(?2, paused), draining = coalesce(?3, draining)
-- name: remove-group
DELETE FROM groups WHERE name = ?
-- name: group-active
SELECT count(*) FROM jobs WHERE status <> 'ended' AND "group" = ?
-- name: events-of
SELECT id, job, version, kind, at, data FROM events WHERE job = ? ORDER BY version
-- name: events-after
SELECT id, job, version, kind, at, data FROM events WHERE id > ? ORDER BY id LIMIT ?
-- name: events-last
SELECT id, job, version, kind, at, data FROM events ORDER BY id DESC LIMIT ?
-- name: last-event
SELECT max(id) FROM events
-- name: integrity
PRAGMA integrity_check
-- name: miscounted
SELECT id, version, (SELECT count(*) FROM events WHERE job = jobs.id) AS n FROM jobs WHERE version <> n LIMIT 20
-- name: durations
SELECT r.ended_at - r.started_at FROM jobs AS j INDEXED BY jobs_name CROSS JOIN runs AS r ON r.job = j.id
WHERE j.name = ?1 AND j.ended_at >= coalesce((  -- a name that always fails costs no more: 500 of its jobs are gone through
        SELECT ended_at FROM jobs INDEXED BY jobs_name WHERE name = ?1 AND ended_at IS NOT NULL ORDER BY ended_at DESC LIMIT 1 OFFSET 499
    ), 0)
    AND j.outcome = 'succeeded' AND r.outcome = 'succeeded' AND r.started_at IS NOT NULL
ORDER BY j.ended_at DESC LIMIT 21
-- name: paused
SELECT id FROM jobs INDEXED BY jobs_paused WHERE paused = 1 AND status = 'running'
-- name: insert-fingerprint
INSERT OR IGNORE INTO fingerprints (hash, facts, created_at) VALUES (?, ?, ?)
-- name: fingerprint
SELECT facts FROM fingerprints WHERE hash = ?
-- name: masked-environment
SELECT names, surroundings FROM masked_environments WHERE hash = ?
-- name: good-name
SELECT j.id, r.run FROM jobs AS j INDEXED BY jobs_name CROSS JOIN runs AS r ON r.job = j.id
WHERE j.name = ?1 AND j.ended_at IS NOT NULL AND j.outcome = 'succeeded' AND r.outcome = 'succeeded' AND r.claimed_at < ?2
ORDER BY j.ended_at DESC, r.run DESC LIMIT 1
-- name: good-key
SELECT j.id, r.run FROM jobs AS j INDEXED BY jobs_key CROSS JOIN runs AS r ON r.job = j.id
WHERE j.key = ?1 AND j.ended_at IS NOT NULL AND j.outcome = 'succeeded' AND r.outcome = 'succeeded' AND r.claimed_at < ?2
ORDER BY j.ended_at DESC, r.run DESC LIMIT 1
-- name: spend-file
INSERT OR REPLACE INTO spent_files (path, job, run, identity) VALUES (?, ?, ?, ?)
-- name: spent-files
SELECT path, job, run, identity FROM spent_files
-- name: forget-spent-file
DELETE FROM spent_files WHERE path = ?
-- name: texts-backlog
SELECT (SELECT max(id) FROM jobs), (SELECT value FROM meta WHERE name = 'texts_to'), EXISTS (SELECT 1 FROM texts_again)
-- name: texts-again
SELECT job FROM texts_again
-- name: texts-of
SELECT id, name, description, command, info, params FROM jobs WHERE id = ?
-- name: texts-to-index
SELECT id, name, description, command, info, params FROM jobs WHERE id > (SELECT value FROM meta WHERE name = 'texts_to') ORDER BY id LIMIT ?
-- name: text-changed
INSERT OR IGNORE INTO texts_again (job) SELECT ?1 WHERE ?1 <= (SELECT value FROM meta WHERE name = 'texts_to')
