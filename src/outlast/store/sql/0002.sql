-- Schema 2: what jobs tell of themselves, what runs ran with, what is kept how long. A supervisor of schema 1 that still lives goes on
-- writing: every new column may be left out.

ALTER TABLE jobs ADD COLUMN feedback TEXT;   -- JSON object: the last run's at its end
ALTER TABLE jobs ADD COLUMN progress TEXT;   -- JSON object: likewise
ALTER TABLE runs ADD COLUMN processes INTEGER;
ALTER TABLE runs ADD COLUMN fingerprint TEXT;
ALTER TABLE runs ADD COLUMN kept INTEGER;    -- bytes of its output on the disk, about; 0 once they are pruned; NULL: they have to be measured
ALTER TABLE runs ADD COLUMN memory INTEGER;  -- as its cgroup told: the most of all its processes together
ALTER TABLE runs ADD COLUMN cpu_by TEXT;     -- cgroup: by which `cpu` was told; NULL: wait4
UPDATE runs SET kept = min(log, 268435456) WHERE status = 'ended';
CREATE INDEX runs_kept ON runs (ended_at, job, run, kept) WHERE kept > 0;

CREATE TABLE spent_files (                   -- feedback files of runs whose end is recorded, until they are removed
    path PRIMARY KEY,
    job INTEGER NOT NULL,
    run INTEGER NOT NULL,
    identity TEXT NOT NULL                   -- DEVICE:INODE:SIZE:CHANGED, as it was when it was read last
) WITHOUT ROWID;
CREATE INDEX jobs_warned ON jobs (ended_at, id) WHERE warnings <> '[]';

CREATE TABLE fingerprints (                  -- what runs ran with; many share one
    hash TEXT PRIMARY KEY,
    facts TEXT NOT NULL,                     -- JSON object
    created_at INTEGER NOT NULL
) WITHOUT ROWID;

ALTER TABLE environments ADD COLUMN used_at INTEGER;  -- about when a job was last submitted with it
UPDATE environments SET used_at = created_at;
CREATE INDEX environments_used ON environments (used_at);
CREATE TABLE masked_environments (           -- what is left of an environment when its jobs' output is gone
    hash TEXT PRIMARY KEY,
    names TEXT NOT NULL,                     -- JSON object: name -> keyed hash of the value
    surroundings TEXT NOT NULL,
    masked_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE settings (                      -- what was set for the home (scope '') or a group (scope 'group:NAME')
    scope TEXT NOT NULL,
    name TEXT NOT NULL,                      -- of an option
    value TEXT NOT NULL,                     -- JSON
    PRIMARY KEY (scope, name)
) WITHOUT ROWID;

CREATE TABLE removed (                       -- jobs whose records were removed, as ranges of ids
    first INTEGER PRIMARY KEY,
    last INTEGER NOT NULL,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL
);

-- Output whose removal is recorded and whose files are still to be removed: whoever dies in between is followed by somebody who reads this.
CREATE TABLE leaving (
    job INTEGER NOT NULL,
    run INTEGER NOT NULL,
    PRIMARY KEY (job, run)
) WITHOUT ROWID;
CREATE INDEX runs_uncounted ON runs (job) WHERE kept IS NULL AND ended_at IS NOT NULL;  -- its files have to be measured
-- How many bytes of output are kept, of all and of each group, so that nobody has to add them up.
INSERT INTO meta SELECT 'kept', coalesce(sum(kept), 0) FROM runs;
INSERT INTO meta SELECT CASE typeof(j."group") WHEN 'blob' THEN CAST('kept:' || j."group" AS BLOB) ELSE 'kept:' || j."group" END, sum(r.kept)
FROM runs AS r JOIN jobs AS j ON j.id = r.job WHERE r.kept > 0 AND j."group" IS NOT NULL GROUP BY j."group";
INSERT INTO meta VALUES ('pruned_at', 0);
INSERT INTO meta VALUES ('mask_key', lower(hex(randomblob(32)))), ('texts_to', 0);
CREATE TABLE texts_again (job INTEGER PRIMARY KEY);  -- jobs whose texts have changed since they were put into the index `texts`
