-- Schema 1. Times: ns since the epoch, UTC. Text that is not UTF-8 is stored as a BLOB of its bytes. JSON is ASCII.

CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
INSERT INTO meta VALUES ('home_id', lower(hex(randomblob(8)))), ('ended', 0);

CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,  -- never given out twice
    version INTEGER NOT NULL,              -- = number of its events; the guard of every write
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    "group" TEXT,
    key TEXT,
    command TEXT NOT NULL,                 -- JSON list
    cwd TEXT NOT NULL,
    user TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('reserved', 'pending', 'queued', 'running', 'ended')),
    outcome TEXT,
    reason TEXT,
    exit_code INTEGER,
    signal INTEGER,
    run INTEGER NOT NULL,
    pid INTEGER,
    created_at INTEGER NOT NULL,
    queued_at INTEGER,
    started_at INTEGER,
    ended_at INTEGER,
    next_run_at INTEGER,
    priority INTEGER NOT NULL,
    mutex TEXT,                            -- JSON list; NULL = none
    waits INTEGER NOT NULL,                -- = number of its rows in `needs`
    deadline INTEGER,                      -- when its record must be looked at, whatever it waits for
    successes INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    uncharged INTEGER NOT NULL,
    paused INTEGER NOT NULL,
    paused_at INTEGER,
    paused_for INTEGER NOT NULL,
    held INTEGER NOT NULL,
    stop_requested TEXT,                   -- JSON object
    warnings TEXT NOT NULL,                -- JSON list of objects
    info TEXT NOT NULL,                    -- JSON list of three
    params TEXT NOT NULL,                  -- JSON object
    rerun_of INTEGER,
    schedule TEXT,
    "trigger" INTEGER,
    automatic INTEGER NOT NULL,
    environment TEXT,
    spec TEXT NOT NULL                     -- JSON object: options that differ from their default
);
CREATE INDEX jobs_active ON jobs (status, "group", paused, held, priority DESC, id) WHERE status <> 'ended';
CREATE INDEX jobs_due ON jobs (next_run_at) WHERE status = 'pending' AND waits = 0 AND next_run_at IS NOT NULL;
CREATE INDEX jobs_paused ON jobs (paused) WHERE paused = 1;  -- the end of a job takes it away
CREATE INDEX jobs_deadline ON jobs (deadline) WHERE deadline IS NOT NULL;  -- likewise
CREATE INDEX jobs_to_stop ON jobs (id) WHERE stop_requested IS NOT NULL AND status <> 'ended';
-- `ended_at` is NULL as long as a job is active, so that one index holds both: who is active, and who ended last. `outcome` is there to be
-- read without the row. Every index more costs every job a page in each of its commits.
CREATE INDEX jobs_ended ON jobs (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX jobs_outcome ON jobs (outcome, ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX jobs_name ON jobs (name, ended_at, id, outcome);
CREATE INDEX jobs_key ON jobs (key, ended_at) WHERE key IS NOT NULL;
CREATE INDEX jobs_group ON jobs ("group", ended_at, id, outcome) WHERE "group" IS NOT NULL;

CREATE TABLE runs (
    job INTEGER NOT NULL,
    run INTEGER NOT NULL,
    status TEXT NOT NULL,
    outcome TEXT,
    reason TEXT,
    exit_code INTEGER,
    signal INTEGER,
    pid INTEGER,
    pid_start INTEGER,
    host TEXT NOT NULL,
    boot TEXT NOT NULL,
    pidns INTEGER,
    state_file INTEGER NOT NULL,           -- number of the one lent to it, until its end is recorded
    claimed_at INTEGER NOT NULL,
    started_at INTEGER,
    ended_at INTEGER,
    cpu INTEGER,
    max_rss INTEGER,
    stdout INTEGER,
    stderr INTEGER,
    log INTEGER,
    missing INTEGER,
    leftovers INTEGER,
    limits TEXT,                           -- JSON object
    PRIMARY KEY (job, run)
) WITHOUT ROWID;

CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    job INTEGER NOT NULL,
    version INTEGER NOT NULL,
    kind TEXT NOT NULL,
    at INTEGER NOT NULL,
    data TEXT NOT NULL,                    -- JSON object
    UNIQUE (job, version)
);

CREATE TABLE environments (
    hash TEXT PRIMARY KEY,
    variables BLOB NOT NULL,               -- NAME=VALUE, each ended by NUL
    surroundings TEXT NOT NULL,            -- JSON object: umask, limits, nice, affinity
    created_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE groups (
    name TEXT PRIMARY KEY,
    slots INTEGER,                         -- NULL = no limit
    paused INTEGER NOT NULL,
    draining INTEGER NOT NULL,             -- no job may be submitted to it
    created_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE fronts (                      -- clients in front whose job has no run yet
    job INTEGER PRIMARY KEY,
    token TEXT NOT NULL,
    pid INTEGER NOT NULL,
    pid_start INTEGER NOT NULL,
    parent INTEGER                         -- the job that the client runs in, whose slot may be borrowed
);

CREATE TABLE needs (                       -- what must be met before a pending job may be queued; its names are in core/needs.py
    job INTEGER NOT NULL,
    need TEXT NOT NULL,
    other INTEGER,                         -- the job that it is about
    outcomes TEXT,                         -- JSON list: with which that must have ended
    due INTEGER NOT NULL,                  -- 1: what it is about has changed, and it has to be looked at
    PRIMARY KEY (job, need)
) WITHOUT ROWID;
CREATE INDEX needs_other ON needs (other) WHERE other IS NOT NULL;
CREATE INDEX needs_need ON needs (need, job) WHERE other IS NULL;
CREATE INDEX needs_due ON needs (job) WHERE due = 1;

CREATE TABLE seen (                        -- what was last seen of a condition, for whoever asks why a job waits
    condition TEXT PRIMARY KEY,
    met INTEGER NOT NULL,
    text TEXT NOT NULL,
    at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE disabled (                    -- jobs that shall not start, by name
    pattern TEXT NOT NULL,
    regex INTEGER NOT NULL,
    note TEXT NOT NULL,
    until INTEGER,
    by TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (pattern, regex)
) WITHOUT ROWID;
