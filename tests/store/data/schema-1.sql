PRAGMA user_version=1;
BEGIN TRANSACTION;
CREATE TABLE disabled (                    
    pattern TEXT NOT NULL,
    regex INTEGER NOT NULL,
    note TEXT NOT NULL,
    until INTEGER,
    by TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (pattern, regex)
) WITHOUT ROWID;
INSERT INTO "disabled" VALUES('off',0,'not now',NULL,'root',1795752671990262999);
CREATE TABLE environments (
    hash TEXT PRIMARY KEY,
    variables BLOB NOT NULL,               
    surroundings TEXT NOT NULL,            
    created_at INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO "environments" VALUES('5c15576d4064a307f442a831691296cf',X'484F4D453D2F004C414E473D432E5554462D38004F55544C4153545F484F4D453D2F746D702F6F75746C6173742D736368656D612D3100504154483D2F7573722F62696E3A2F62696E00','{"umask": 18, "nice": 0, "affinity": [0, 1], "rlimits": {"0": [-1, -1], "1": [-1, -1], "2": [-1, -1], "3": [8388608, -1], "4": [0, -1], "5": [-1, -1], "6": [96365, 96365], "7": [20000, 20000], "8": [8388608, 8388608], "9": [-1, -1], "11": [96365, 96365], "12": [819200, 819200], "13": [0, 0], "14": [0, 0], "15": [-1, -1]}, "pidns": 4026531836}',1795752671094339378);
INSERT INTO "environments" VALUES('9f1d92eeb9053ea0aef428b0901ec1ea',X'484F4D453D2F004C414E473D432E5554462D38004F55544C4153545F484F4D453D2F746D702F6F75746C6173742D736368656D612D3100504154483D2F7573722F62696E3A2F62696E005345435245543D67656865696D00','{"umask": 18, "nice": 0, "affinity": [0, 1], "rlimits": {"0": [-1, -1], "1": [-1, -1], "2": [-1, -1], "3": [8388608, -1], "4": [0, -1], "5": [-1, -1], "6": [96365, 96365], "7": [20000, 20000], "8": [8388608, 8388608], "9": [-1, -1], "11": [96365, 96365], "12": [819200, 819200], "13": [0, 0], "14": [0, 0], "15": [-1, -1]}, "pidns": 4026531836}',1795752671256529904);
CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    job INTEGER NOT NULL,
    version INTEGER NOT NULL,
    kind TEXT NOT NULL,
    at INTEGER NOT NULL,
    data TEXT NOT NULL,                    
    UNIQUE (job, version)
);
INSERT INTO "events" VALUES(1,1,1,'submitted',1795752671094339378,'{"waits": 0, "until": null}');
INSERT INTO "events" VALUES(2,1,2,'claimed',1795752671139411684,'{"run": 1, "host": "vm", "boot": "00000000-0000-0000-0000-000000000001", "state_file": 1, "limits": null}');
INSERT INTO "events" VALUES(3,2,1,'submitted',1795752671201109255,'{"waits": 0, "until": null}');
INSERT INTO "events" VALUES(4,2,2,'claimed',1795752671215844623,'{"run": 1, "host": "vm", "boot": "00000000-0000-0000-0000-000000000001", "state_file": 2, "limits": null}');
INSERT INTO "events" VALUES(5,3,1,'submitted',1795752671256529904,'{"waits": 0, "until": null}');
INSERT INTO "events" VALUES(6,3,2,'claimed',1795752671270584015,'{"run": 1, "host": "vm", "boot": "00000000-0000-0000-0000-000000000001", "state_file": 3, "limits": null}');
INSERT INTO "events" VALUES(7,1,3,'started',1795752671274645553,'{"run": 1, "pid": 18629, "pid_start": 276818, "pidns": 4026531836, "started_at": 1795752671267185086}');
INSERT INTO "events" VALUES(8,1,4,'ended',1795752671274645553,'{"outcome": "succeeded", "reason": "exit code 0", "run": 1, "ending": {"outcome": "succeeded", "reason": "exit code 0", "exit_code": 0, "signal": null, "ended_at": 1795752671270080325, "cpu": 1821000, "max_rss": 9998336, "stdout": 3893, "stderr": 0, "log": 43893, "missing": 0, "leftovers": 0}, "stopped": null, "left": null}');
INSERT INTO "events" VALUES(9,2,3,'started',1795752671290245180,'{"run": 1, "pid": 18632, "pid_start": 276820, "pidns": 4026531836, "started_at": 1795752671280078646}');
INSERT INTO "events" VALUES(10,2,4,'retried',1795752671290245180,'{"run": 1, "ending": {"outcome": "failed", "reason": "exit code 3", "exit_code": 3, "signal": null, "ended_at": 1795752671289467400, "cpu": 2493000, "max_rss": 10018816, "stdout": 292, "stderr": 0, "log": 4292, "missing": 0, "leftovers": 0}, "next_run_at": 1795752671290245180}');
INSERT INTO "events" VALUES(11,2,5,'queued',1795752671290245180,'{"because": "its time has come"}');
INSERT INTO "events" VALUES(12,2,6,'claimed',1795752671290245180,'{"run": 2, "host": "vm", "boot": "00000000-0000-0000-0000-000000000001", "state_file": 1, "limits": null}');
INSERT INTO "events" VALUES(13,3,3,'started',1795752671295703762,'{"run": 1, "pid": 18634, "pid_start": 276821, "pidns": 4026531836, "started_at": 1795752671293541597}');
INSERT INTO "events" VALUES(14,3,4,'ended',1795752671295703762,'{"outcome": "succeeded", "reason": "exit code 0", "run": 1, "ending": {"outcome": "succeeded", "reason": "exit code 0", "exit_code": 0, "signal": null, "ended_at": 1795752671295111188, "cpu": 1541000, "max_rss": 10059776, "stdout": 0, "stderr": 0, "log": 0, "missing": 0, "leftovers": 0}, "stopped": null, "left": null}');
INSERT INTO "events" VALUES(15,2,7,'started',1795752671328156885,'{"run": 2, "pid": 18637, "pid_start": 276822, "pidns": 4026531836, "started_at": 1795752671310127173}');
INSERT INTO "events" VALUES(16,2,8,'retried',1795752671328156885,'{"run": 2, "ending": {"outcome": "failed", "reason": "exit code 3", "exit_code": 3, "signal": null, "ended_at": 1795752671326749366, "cpu": 2566000, "max_rss": 10047488, "stdout": 292, "stderr": 0, "log": 4292, "missing": 0, "leftovers": 0}, "next_run_at": 1795752671328156885}');
INSERT INTO "events" VALUES(17,2,9,'queued',1795752671328156885,'{"because": "its time has come"}');
INSERT INTO "events" VALUES(18,2,10,'claimed',1795752671328156885,'{"run": 3, "host": "vm", "boot": "00000000-0000-0000-0000-000000000001", "state_file": 2, "limits": null}');
INSERT INTO "events" VALUES(19,2,11,'started',1795752671368128201,'{"run": 3, "pid": 18640, "pid_start": 276827, "pidns": 4026531836, "started_at": 1795752671363725445}');
INSERT INTO "events" VALUES(20,2,12,'ended',1795752671368128201,'{"outcome": "failed", "reason": "exit code 3 (run 3 of 3)", "run": 3, "ending": {"outcome": "failed", "reason": "exit code 3", "exit_code": 3, "signal": null, "ended_at": 1795752671367449479, "cpu": 2575000, "max_rss": 10047488, "stdout": 292, "stderr": 0, "log": 4292, "missing": 0, "leftovers": 0}, "stopped": null, "left": null}');
INSERT INTO "events" VALUES(21,4,1,'submitted',1795752671431059964,'{"waits": 0, "until": null}');
INSERT INTO "events" VALUES(22,4,2,'claimed',1795752671436578744,'{"run": 1, "host": "vm", "boot": "00000000-0000-0000-0000-000000000001", "state_file": 1, "limits": null}');
INSERT INTO "events" VALUES(23,4,3,'started',1795752671489758161,'{"run": 1, "pid": 18658, "pid_start": 276837, "pidns": 4026531836, "started_at": 1795752671464691856}');
INSERT INTO "events" VALUES(24,5,1,'submitted',1795752671497235404,'{"waits": 1, "until": null}');
INSERT INTO "events" VALUES(25,6,1,'submitted',1795752671545402684,'{"waits": 0, "until": 1821672671545402684}');
INSERT INTO "events" VALUES(26,7,1,'submitted',1795752671646724004,'{"waits": 0, "until": null}');
INSERT INTO "events" VALUES(27,7,2,'claimed',1795752671652454801,'{"run": 1, "host": "vm", "boot": "00000000-0000-0000-0000-000000000001", "state_file": 2, "limits": null}');
INSERT INTO "events" VALUES(28,8,1,'submitted',1795752671693530435,'{"waits": 0, "until": null}');
INSERT INTO "events" VALUES(29,7,3,'started',1795752671712044699,'{"run": 1, "pid": 18694, "pid_start": 276857, "pidns": 4026531836, "started_at": 1795752671670790839}');
INSERT INTO "events" VALUES(30,9,1,'submitted',1795752671735755603,'{"waits": 0, "until": null}');
INSERT INTO "events" VALUES(31,9,2,'held',1795752671735755603,'{"by": "root"}');
INSERT INTO "events" VALUES(32,10,1,'submitted',1795752671780856080,'{"waits": 0, "until": null}');
INSERT INTO "events" VALUES(33,10,2,'held',1795752671780856080,'{"by": "root"}');
INSERT INTO "events" VALUES(34,11,1,'reserved',1795752671826253731,'{"until": 1873512671826253731}');
INSERT INTO "events" VALUES(35,12,1,'submitted',1795752671886333259,'{"waits": 1, "until": null}');
INSERT INTO "events" VALUES(36,13,1,'submitted',1795752671924384712,'{"waits": 1, "until": null}');
INSERT INTO "events" VALUES(37,14,1,'submitted',1795752671967353630,'{"waits": 0, "until": null}');
INSERT INTO "events" VALUES(38,14,2,'ended',1795752671967353630,'{"outcome": "aborted", "reason": "job 2 ended as `failed`, and it was to start after that had succeeded", "run": null, "ending": null, "stopped": null, "left": null}');
INSERT INTO "events" VALUES(39,15,1,'submitted',1795752672031610969,'{"waits": 0, "until": null}');
INSERT INTO "events" VALUES(40,15,2,'ended',1795752672031610969,'{"outcome": "disabled", "reason": "jobs called `off` are disabled by root: not now", "run": null, "ending": null, "stopped": null, "left": null}');
INSERT INTO "events" VALUES(41,16,1,'submitted',1795752672070632118,'{"waits": 0, "until": null}');
INSERT INTO "events" VALUES(42,16,2,'held',1795752672070632118,'{"by": "root"}');
INSERT INTO "events" VALUES(43,16,3,'paused',1795752672103669053,'{"by": "root"}');
INSERT INTO "events" VALUES(44,17,1,'submitted',1795752672178690226,'{"waits": 1, "until": null}');
CREATE TABLE fronts (                      
    job INTEGER PRIMARY KEY,
    token TEXT NOT NULL,
    pid INTEGER NOT NULL,
    pid_start INTEGER NOT NULL,
    parent INTEGER                         
);
CREATE TABLE groups (
    name TEXT PRIMARY KEY,
    slots INTEGER,                         
    paused INTEGER NOT NULL,
    draining INTEGER NOT NULL,             
    created_at INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO "groups" VALUES('nightly',1,0,0,1795752671598399689);
INSERT INTO "groups" VALUES('stopped',NULL,1,0,1795752672136686107);
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,  
    version INTEGER NOT NULL,              
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    "group" TEXT,
    key TEXT,
    command TEXT NOT NULL,                 
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
    mutex TEXT,                            
    waits INTEGER NOT NULL,                
    deadline INTEGER,                      
    successes INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    uncharged INTEGER NOT NULL,
    paused INTEGER NOT NULL,
    paused_at INTEGER,
    paused_for INTEGER NOT NULL,
    held INTEGER NOT NULL,
    stop_requested TEXT,                   
    warnings TEXT NOT NULL,                
    info TEXT NOT NULL,                    
    params TEXT NOT NULL,                  
    rerun_of INTEGER,
    schedule TEXT,
    "trigger" INTEGER,
    automatic INTEGER NOT NULL,
    environment TEXT,
    spec TEXT NOT NULL                     
);
INSERT INTO "jobs" VALUES(1,4,'first','',NULL,NULL,'["seq", "1", "1000"]','/','root','ended','succeeded','exit code 0',0,NULL,1,NULL,1795752671094339378,1795752671094339378,1795752671267185086,1795752671270080325,NULL,0,NULL,0,NULL,1,0,0,0,NULL,0,0,NULL,'[]','["ticket", "", ""]','{"region": "eu"}',NULL,NULL,NULL,0,'5c15576d4064a307f442a831691296cf','{}');
INSERT INTO "jobs" VALUES(2,12,'again','',NULL,NULL,'["sh", "-c", "seq 1 100; exit 3"]','/','root','ended','failed','exit code 3 (run 3 of 3)',3,NULL,3,NULL,1795752671201109255,1795752671328156885,1795752671280078646,1795752671367449479,NULL,0,NULL,0,NULL,0,3,0,0,NULL,0,0,NULL,'[]','["", "", ""]','{}',NULL,NULL,NULL,0,'5c15576d4064a307f442a831691296cf','{"retries.num-runs": 3}');
INSERT INTO "jobs" VALUES(3,4,'n
ame','','gr\"oup',NULL,'["true"]','/','root','ended','succeeded','exit code 0',0,NULL,1,NULL,1795752671256529904,1795752671256529904,1795752671293541597,1795752671295111188,NULL,0,NULL,0,NULL,1,0,0,0,NULL,0,0,NULL,'[]','["", "", ""]','{}',NULL,NULL,NULL,0,'9f1d92eeb9053ea0aef428b0901ec1ea','{"env": ["SECRET"]}');
INSERT INTO "jobs" VALUES(4,3,'killed','',NULL,NULL,'["sleep", "1000"]','/','root','running',NULL,NULL,NULL,NULL,1,18658,1795752671431059964,1795752671431059964,1795752671464691856,NULL,NULL,0,NULL,0,NULL,0,0,0,0,NULL,0,0,NULL,'[]','["", "", ""]','{}',NULL,NULL,NULL,0,'5c15576d4064a307f442a831691296cf','{}');
INSERT INTO "jobs" VALUES(5,1,'after-killed','',NULL,NULL,'["true"]','/','root','pending',NULL,NULL,NULL,NULL,0,NULL,1795752671497235404,NULL,NULL,NULL,NULL,0,NULL,1,NULL,0,0,0,0,NULL,0,0,NULL,'[]','["", "", ""]','{}',NULL,NULL,NULL,0,'5c15576d4064a307f442a831691296cf','{"after.ended": [4]}');
INSERT INTO "jobs" VALUES(6,1,'later','',NULL,NULL,'["true"]','/','root','pending',NULL,NULL,NULL,NULL,0,NULL,1795752671545402684,NULL,NULL,NULL,1821672671545402684,0,NULL,0,NULL,0,0,0,0,NULL,0,0,NULL,'[]','["", "", ""]','{}',NULL,NULL,NULL,0,'5c15576d4064a307f442a831691296cf','{"wait.timedelta": 25920000000000000}');
INSERT INTO "jobs" VALUES(7,3,'holds-the-slot','','nightly',NULL,'["sleep", "1000"]','/','root','running',NULL,NULL,NULL,NULL,1,18694,1795752671646724004,1795752671646724004,1795752671670790839,NULL,NULL,0,NULL,0,NULL,0,0,0,0,NULL,0,0,NULL,'[]','["", "", ""]','{}',NULL,NULL,NULL,0,'5c15576d4064a307f442a831691296cf','{}');
INSERT INTO "jobs" VALUES(8,1,'queued','','nightly',NULL,'["true"]','/','root','queued',NULL,NULL,NULL,NULL,0,NULL,1795752671693530435,1795752671693530435,NULL,NULL,NULL,0,NULL,0,NULL,0,0,0,0,NULL,0,0,NULL,'[]','["", "", ""]','{}',NULL,NULL,NULL,0,'5c15576d4064a307f442a831691296cf','{}');
INSERT INTO "jobs" VALUES(9,2,'held','',NULL,NULL,'["true"]','/','root','queued',NULL,NULL,NULL,NULL,0,NULL,1795752671735755603,1795752671735755603,NULL,NULL,NULL,0,NULL,0,NULL,0,0,0,0,NULL,0,1,NULL,'[]','["", "", ""]','{}',NULL,NULL,NULL,0,'5c15576d4064a307f442a831691296cf','{}');
INSERT INTO "jobs" VALUES(10,2,'pending','',NULL,NULL,'["true"]','/','root','queued',NULL,NULL,NULL,NULL,0,NULL,1795752671780856080,1795752671780856080,NULL,NULL,NULL,0,NULL,0,NULL,0,0,0,0,NULL,0,1,NULL,'[]','["", "", ""]','{}',NULL,NULL,NULL,0,'5c15576d4064a307f442a831691296cf','{"pending": "deploy-7"}');
INSERT INTO "jobs" VALUES(11,1,'reserved','',NULL,'reserved','[]','','root','reserved',NULL,NULL,NULL,NULL,0,NULL,1795752671826253731,NULL,NULL,NULL,NULL,0,NULL,0,1873512671826253731,0,0,0,0,NULL,0,0,NULL,'[]','["", "", ""]','{}',NULL,NULL,NULL,0,NULL,'{}');
INSERT INTO "jobs" VALUES(12,1,'approved','',NULL,NULL,'["true"]','/','root','pending',NULL,NULL,NULL,NULL,0,NULL,1795752671886333259,NULL,NULL,NULL,NULL,0,NULL,1,NULL,0,0,0,0,NULL,0,0,NULL,'[]','["", "", ""]','{}',NULL,NULL,NULL,0,'5c15576d4064a307f442a831691296cf','{"approval": true}');
INSERT INTO "jobs" VALUES(13,1,'killed','',NULL,NULL,'["true"]','/','root','pending',NULL,NULL,NULL,NULL,0,NULL,1795752671924384712,NULL,NULL,NULL,NULL,0,NULL,1,NULL,0,0,0,0,NULL,0,0,NULL,'[]','["", "", ""]','{}',NULL,NULL,NULL,0,'5c15576d4064a307f442a831691296cf','{"overlap": "queue"}');
INSERT INTO "jobs" VALUES(14,2,'impossible','',NULL,NULL,'["true"]','/','root','ended','aborted','job 2 ended as `failed`, and it was to start after that had succeeded',NULL,NULL,0,NULL,1795752671967353630,1795752671967353630,NULL,1795752671967353630,NULL,0,NULL,0,NULL,0,0,0,0,NULL,0,0,NULL,'[]','["", "", ""]','{}',NULL,NULL,NULL,0,'5c15576d4064a307f442a831691296cf','{"after.succeeded": [2]}');
INSERT INTO "jobs" VALUES(15,2,'off','',NULL,NULL,'["true"]','/','root','ended','disabled','jobs called `off` are disabled by root: not now',NULL,NULL,0,NULL,1795752672031610969,1795752672031610969,NULL,1795752672031610969,NULL,0,NULL,0,NULL,0,0,0,0,NULL,0,0,NULL,'[]','["", "", ""]','{}',NULL,NULL,NULL,0,'5c15576d4064a307f442a831691296cf','{}');
INSERT INTO "jobs" VALUES(16,3,'paused','','stopped',NULL,'["true"]','/','root','queued',NULL,NULL,NULL,NULL,0,NULL,1795752672070632118,1795752672070632118,NULL,NULL,NULL,0,NULL,0,NULL,0,0,0,1,1795752672103669053,0,1,NULL,'[]','["", "", ""]','{}',NULL,NULL,NULL,0,'5c15576d4064a307f442a831691296cf','{}');
INSERT INTO "jobs" VALUES(17,1,'file','',NULL,NULL,'["true"]','/','root','pending',NULL,NULL,NULL,NULL,0,NULL,1795752672178690226,NULL,NULL,NULL,NULL,0,NULL,1,NULL,0,0,0,0,NULL,0,0,NULL,'[]','["", "", ""]','{}',NULL,NULL,NULL,0,'5c15576d4064a307f442a831691296cf','{"wait.file": ["/nonexistent/ready"]}');
CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
INSERT INTO "meta" VALUES('ended',5);
INSERT INTO "meta" VALUES('home_id','584275c22e227830');
CREATE TABLE needs (                       
    job INTEGER NOT NULL,
    need TEXT NOT NULL,
    other INTEGER,                         
    outcomes TEXT,                         
    due INTEGER NOT NULL,                  
    PRIMARY KEY (job, need)
) WITHOUT ROWID;
INSERT INTO "needs" VALUES(5,'job:4',4,'["succeeded", "failed", "neutral", "stopped", "interrupted", "timed_out", "aborted", "disabled", "skipped", "not_started", "lost"]',0);
INSERT INTO "needs" VALUES(12,'approval',NULL,NULL,0);
INSERT INTO "needs" VALUES(13,'turn:n:killed',NULL,NULL,0);
INSERT INTO "needs" VALUES(17,'conditions',NULL,NULL,0);
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
    state_file INTEGER NOT NULL,           
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
    limits TEXT,                           
    PRIMARY KEY (job, run)
) WITHOUT ROWID;
INSERT INTO "runs" VALUES(1,1,'ended','succeeded','exit code 0',0,NULL,18629,276818,'vm','00000000-0000-0000-0000-000000000001',4026531836,1,1795752671139411684,1795752671267185086,1795752671270080325,1821000,9998336,3893,0,43893,0,0,NULL);
INSERT INTO "runs" VALUES(2,1,'ended','failed','exit code 3',3,NULL,18632,276820,'vm','00000000-0000-0000-0000-000000000001',4026531836,2,1795752671215844623,1795752671280078646,1795752671289467400,2493000,10018816,292,0,4292,0,0,NULL);
INSERT INTO "runs" VALUES(2,2,'ended','failed','exit code 3',3,NULL,18637,276822,'vm','00000000-0000-0000-0000-000000000001',4026531836,1,1795752671290245180,1795752671310127173,1795752671326749366,2566000,10047488,292,0,4292,0,0,NULL);
INSERT INTO "runs" VALUES(2,3,'ended','failed','exit code 3',3,NULL,18640,276827,'vm','00000000-0000-0000-0000-000000000001',4026531836,2,1795752671328156885,1795752671363725445,1795752671367449479,2575000,10047488,292,0,4292,0,0,NULL);
INSERT INTO "runs" VALUES(3,1,'ended','succeeded','exit code 0',0,NULL,18634,276821,'vm','00000000-0000-0000-0000-000000000001',4026531836,3,1795752671270584015,1795752671293541597,1795752671295111188,1541000,10059776,0,0,0,0,0,NULL);
INSERT INTO "runs" VALUES(4,1,'running',NULL,NULL,NULL,NULL,18658,276837,'vm','00000000-0000-0000-0000-000000000001',4026531836,1,1795752671436578744,1795752671464691856,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "runs" VALUES(7,1,'running',NULL,NULL,NULL,NULL,18694,276857,'vm','00000000-0000-0000-0000-000000000001',4026531836,2,1795752671652454801,1795752671670790839,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE seen (                        
    condition TEXT PRIMARY KEY,
    met INTEGER NOT NULL,
    text TEXT NOT NULL,
    at INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO "seen" VALUES('file /nonexistent/ready',0,'`/nonexistent/ready` is not there',1795752672194406856);
CREATE INDEX jobs_active ON jobs (status, "group", paused, held, priority DESC, id) WHERE status <> 'ended';
CREATE INDEX jobs_due ON jobs (next_run_at) WHERE status = 'pending' AND waits = 0 AND next_run_at IS NOT NULL;
CREATE INDEX jobs_paused ON jobs (paused) WHERE paused = 1;
CREATE INDEX jobs_deadline ON jobs (deadline) WHERE deadline IS NOT NULL;
CREATE INDEX jobs_to_stop ON jobs (id) WHERE stop_requested IS NOT NULL AND status <> 'ended';
CREATE INDEX jobs_ended ON jobs (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX jobs_outcome ON jobs (outcome, ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX jobs_name ON jobs (name, ended_at, id, outcome);
CREATE INDEX jobs_key ON jobs (key, ended_at) WHERE key IS NOT NULL;
CREATE INDEX jobs_group ON jobs ("group", ended_at, id, outcome) WHERE "group" IS NOT NULL;
CREATE INDEX needs_other ON needs (other) WHERE other IS NOT NULL;
CREATE INDEX needs_need ON needs (need, job) WHERE other IS NULL;
CREATE INDEX needs_due ON needs (job) WHERE due = 1;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('jobs',17);
COMMIT;
