-- name: insert-event
INSERT INTO events (job, version, kind, at, data) VALUES (?, ?, ?, ?, ?)
-- name: insert-environment
INSERT OR IGNORE INTO environments (hash, variables, surroundings, created_at) VALUES (?, ?, ?, ?)
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
SELECT max(id) FROM jobs INDEXED BY jobs_key WHERE key = ? AND ended_at IS NULL
-- name: active-name
SELECT max(id) FROM jobs INDEXED BY jobs_name WHERE name = ? AND ended_at IS NULL
-- name: count-ended
UPDATE meta SET value = value + ? WHERE name = 'ended'
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
    (SELECT min(next_run_at) FROM jobs WHERE status = 'pending' AND next_run_at IS NOT NULL AND paused = 0 AND held = 0),
    EXISTS (SELECT 1 FROM jobs WHERE status = 'queued' AND status <> 'ended' AND "group" IS NULL AND paused = 0 AND held = 0),
    EXISTS (SELECT 1 FROM fronts)
-- name: running
SELECT id FROM jobs WHERE status = 'running' AND status <> 'ended' ORDER BY id
-- name: queued-before
SELECT count(*) FROM jobs WHERE status = 'queued' AND status <> 'ended' AND "group" = ? AND paused = 0 AND held = 0 AND id < ?
-- name: due
SELECT id FROM jobs WHERE status = 'pending' AND next_run_at IS NOT NULL AND next_run_at <= ? AND paused = 0 AND held = 0
ORDER BY next_run_at LIMIT 1000
-- name: next-due
SELECT min(next_run_at) FROM jobs WHERE status = 'pending' AND next_run_at IS NOT NULL AND paused = 0 AND held = 0
-- name: to-stop
SELECT id FROM jobs WHERE stop_requested IS NOT NULL AND status <> 'ended' ORDER BY id
-- name: any-active
SELECT 1 FROM jobs WHERE status IN ('pending', 'queued', 'running') AND status <> 'ended' LIMIT 1
-- name: count-active
SELECT status, count(*) FROM jobs WHERE status <> 'ended' GROUP BY status
-- name: group
SELECT name, slots, paused FROM groups WHERE name = ?
-- name: groups
SELECT g.name, g.slots, g.paused,
    (SELECT count(*) FROM jobs WHERE status = 'running' AND status <> 'ended' AND "group" = g.name),
    (SELECT count(*) FROM jobs WHERE status = 'queued' AND status <> 'ended' AND "group" = g.name),
    (SELECT count(*) FROM jobs WHERE status = 'pending' AND status <> 'ended' AND "group" = g.name)
FROM (SELECT name, slots, paused FROM groups
      UNION SELECT DISTINCT "group", NULL, 0 FROM jobs WHERE status <> 'ended' AND "group" IS NOT NULL
                                                       AND "group" NOT IN (SELECT name FROM groups)) AS g
ORDER BY g.name
-- name: set-group
INSERT INTO groups (name, slots, paused, created_at) VALUES (?, ?, 0, ?) ON CONFLICT (name) DO UPDATE SET slots = excluded.slots
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
