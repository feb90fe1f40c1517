"""What is said about each verb: for help and manual alone, so that nobody else pays for it."""

# how selectors are written; said wherever one is taken
SELECTORS = (
    "A SELECTOR is an id (`42`), a range or list of ids (`1-5`, `42,43`), `last` or `last~1`, the name or key of one job, or a set: "
    "`name:GLOB`, `name:/RE/`, `group:GROUP`, `status:STATUS`, `outcome:OUTCOME`, `where:FILTER`."
)

JOBS = "A JOB is an id (`42`), `last` or `last~1`, or the name or key of a job: of several the one that started last."

# likewise, for a verb that changes what happens to one job
ACTIVE_JOBS = "A JOB is an id (`42`), `last` or `last~1`, or the name or key of a job: the only such one that has not ended."

# likewise, for a FILTER
FILTERS = (
    "A FILTER compares fields with `=`, `!=`, `<`, `<=`, `>`, `>=`, `~` (a pattern like `back*`), `=~` (a regular expression) and "
    "`in (A, B)`, joined by `and`, `or`, `not` and parentheses: "
    "`status = running and (name ~ 'back*' or group in (a, b)) and duration > 10m`. Fields: id, name, description, group, key, command, "
    "cwd, user, status, outcome, reason, exit_code, signal, run, created, queued, started, ended, duration, priority, paused, held, "
    "warnings, warning, info, rerun_of, schedule, param.NAME, feedback.NAME. What is unknown fits nothing but `= none`. A word alone is "
    "looked for as with --text."
)

# verb -> what it does, in paragraphs
DESCRIPTIONS: dict[str, str] = {
    "run": (
        "Submit COMMAND as a job and print its id. The job is durable before the id is printed; it runs in the background with "
        "your directory and environment, and goes on when the terminal closes.\n\n"
        "Several words are executed as they are, without a shell. One word with white space or shell characters is a line for "
        "`/bin/sh -c`, unless a file of exactly that name exists. Options stand before the command; everything from its first "
        "word on is the command's own.\n\n"
        "With --wait the job runs in front: input and output pass through, the exit status is the command's. `outlast exec` is "
        "`outlast run --wait`.\n\n"
        "Every option can come from the environment: --retries.delay is `OUTLAST_SET_RETRIES_DELAY`. The command line wins."
    ),
    "list": (
        "List the jobs that have not ended and the last 20 that have, or those that are selected. How many more there are is "
        "said on stderr. `outlast` alone does the same.\n\n" + FILTERS
    ),
    "ps": "List the jobs that have not ended.\n\n" + FILTERS,
    "history": "List the jobs that have ended, newest first. `outlast hist` is the same.\n\n" + FILTERS,
    "top": (
        "Show jobs, the output of the chosen one and the groups on a screen that goes on by itself, until `q`. At first the jobs that have "
        "not ended, the running ones first, then the last 50 that have. Keys do what the verbs do: `s` stop, `K` kill, `i` interrupt, `p` "
        "pause and resume, `h` hold and release, `a` approve, `r` rerun, `S` signal; what cannot be undone is asked first.\n\n"
        "`/` filters, `o` sorts, `t` hides those that have ended, `g` shows the groups, Enter the output alone, `?` all keys. The mouse "
        "works, too.\n\n"
        "It starts no supervisor, and costs a slow connection next to nothing while nothing changes. It needs the extra `outlast[top]`."
    ),
    "show": (
        "Show everything known about a job with all its runs, or about one run: run N, counted from the end if negative, else the last one."
    ),
    "stats": (
        "Say of the jobs of each name that have ended how many there were, how they ended, when the first one began and the last one "
        "ended, how long it takes (the fastest, the median, within which 95 % stay, the slowest), what they used, how many were warned "
        "of. On a terminal bars show how long each of the last ones took: its share of the slowest, and a cross where it failed.\n\n"
        "How long it takes is told of runs that succeeded. A failure is every outcome that counts as one for whoever waits for the "
        "job; `stopped`, `skipped`, `disabled` and `neutral` do not.\n\n"
        "A bare name or key means all jobs of that name. Without --since the last 10,000 jobs that are meant are looked at; it is "
        "said on stderr when there are more."
    ),
    "why": "Say in one paragraph why a job waits, was skipped, is retried or has ended, and what happens next.",
    "logs": (
        "Show what a job has written, stdout and stderr in the order in which they came, each line with its time and stream. It "
        "can be read while it grows. Without a job: the last lines of all running ones. Where output is missing it says how much "
        "and why.\n\n"
        "`outlast tail` is `outlast logs -n 10`."
    ),
    "wait": (
        "Wait until all selected jobs have ended, or one of them with --any. Jobs that have ended already count. The exit status "
        "says whether they succeeded."
    ),
    "stop": (
        "End jobs with their whole process tree: the stop signal, then SIGKILL for what is left after the grace time. Waits for "
        "the end and says how many processes were ended and what is left. The outcome is `stopped`, which is no failure. A job "
        "that waits ends without a run. `stop run` ends the run that is under way; the job's retries go on."
    ),
    "interrupt": (
        "End jobs as `outlast stop` does, with the outcome `interrupted`: a failure that is not charged to the retry limits. "
        "`interrupt run` ends the run that is under way; the job's retries go on."
    ),
    "kill": (
        "End jobs with their whole process tree at once by SIGKILL. The outcome is `stopped`. `kill run` ends the run that is "
        "under way alone."
    ),
    "signal": "Send a signal to all processes of running jobs. What they make of it is theirs; nothing else changes.",
    "send": (
        "Write TEXT, its words with blanks between them and a newline after them, to the standard input of a running job that was "
        "submitted with `--stdin live`. Without TEXT all that comes on our own standard input is sent as it is and as it comes.\n\n"
        "The job's input does not end with the sender: others can go on, one after the other. `--end` ends it once what was sent is "
        "read. A job that is about to start is waited for, up to 5 seconds."
    ),
    "feedback": (
        "Show what a job reports while it runs, and afterwards what it had reported last, as one JSON object of texts. A command reports "
        "by writing lines `[key]value` to the file that $OUTLAST_FEEDBACK names, or by `outlast report`: the last value of a key counts, "
        "`[key]` alone clears it, `[]` clears all, lines that begin with `#` are comments. A key has no spaces and begins with no digit; "
        "what is wrong with a key is said on stderr. `[progress]12` or `[progress]3/10 files` is how far the job is. That the file changes "
        "is the heartbeat that `--timeout.heartbeat` waits for."
    ),
    "report": (
        "Add facts to the feedback of the job that calls it: `NAME=VALUE` reports, `NAME=` clears. Without words it is a heartbeat. It "
        "writes to the file that $OUTLAST_FEEDBACK names and needs nobody else, so a job may call it as often as it likes."
    ),
    "rerun": ("Submit the same command with the same options, directory and environment as a new job that says what it is a rerun of."),
    "events": "Show what happened to a job, or to all jobs, oldest first: submissions, runs, retries, wishes, warnings, ends. "
    "With --follow it goes on, as `outlast listen` does.",
    "listen": (
        "Tell the events of all jobs, or of those that are selected, as they happen, one line each: its id, time, job and what happened. "
        "With --json each line is an object. Whoever begins again behind the id of the last event that was seen (--after) misses none and "
        "sees none twice, whatever ended meanwhile. It goes on until it is ended or nobody reads it any more."
    ),
    "diff": (
        "Say what differs between the last run of JOB and GOOD: command, directory, program, script, input, git revision, environment "
        "(names, never values), options, limits, user, host, versions. GOOD is a job, of which the last run that succeeded counts, or a "
        "run like `42.1`; without it, or as `good`, the last run that succeeded before, of the jobs with the same key, else name.\n\n"
        "Each run's files are looked at when it starts: their content up to 1 MiB, else size and time; not on network file systems. "
        "What could not be compared is said."
    ),
    "bundle": (
        "Write one archive (tar.gz, readable by you alone) that shows somebody else what happened to JOB: its record, environment, "
        "events, the beginning and the end of what its runs wrote, usage, facts of the host, versions, `why`, `diff`, `doctor`.\n\n"
        "Of the environment only names and harmless values are in it. What looks like a secret (the value of a variable called "
        "TOKEN, `--password x`, a password in a URL) is replaced by stars, also in the output; outlast cannot know all secrets, so look "
        "before you send it. What cannot be read is told in the archive."
    ),
    "hostinfo": (
        "Show what is known of this host: names, system, CPUs, memory, load, time zone, versions; `--json` has null for what is not "
        "known. Constants of your own, lines `name = value`, are read from `hostinfo` in the home, then from /etc/outlast/hostinfo."
    ),
    "group": (
        "List groups, set how many of a group's jobs run at once, show a group with its jobs, or remove a group without jobs "
        "that have not ended. Without slots every job of a group starts at once.\n\n"
        "`pause` lets no job of the group start; those that run go on. `drain` lets the group take no more jobs; those that it has run to "
        "their ends. `resume` takes both back."
    ),
    "clean": (
        "Tell how long output and records are kept, where each limit comes from, and what is over its limit. `--force` takes that away. "
        "The supervisor does the same in the background, about once an hour while it lives.\n\n"
        "Output is kept for 30 days and up to 10 GiB, records for ever; only what has ended goes, the oldest first. Limits on the command "
        "line are for this time; `--set` lets them hold for the home, and `outlast group set GROUP` for a group, whose own limit takes the "
        "place of the home's: what it keeps is then counted apart. `log.job.max-runs` and `log.job.max-bytes` act as a run of a job ends, "
        "and with `clean`; a job may have its own.\n\n"
        "With selectors the records of those jobs go, output and all; with `--logs` only their output. Whoever asks for a job that was "
        "removed is told when, and why. Ids are never given out twice. `--everything` is about the whole home."
    ),
    "doctor": (
        "Check the home, its database and file system, the machine and the installation, and say what is wrong and what to do about it. "
        "`--check` looks at every row and every file of a run as well; nobody has to wait meanwhile.\n\n"
        "`--backup FILE` writes a consistent copy of the database: records, not output. To go back to it, put it in the place of "
        "`outlast.db` while no supervisor lives, and remove `outlast.db-wal`.\n\n"
        "`--repair` asks the supervisor to leave (jobs go on) and keeps a copy of everything that it changes in `before-repair-TIME` in "
        "the home. A database that SQLite calls damaged is read as far as it goes into a new one; values that cannot be read are emptied, "
        "what belongs to nobody is moved out, counts are made anew. A job that waits and has lost a part of what it was to do ends as "
        "`aborted`; ids that were given out are not given out again."
    ),
    "supervisor": (
        "The supervisor starts jobs and records how they end. It starts by itself when there is work and leaves when there is "
        "none; running jobs do not depend on it. `status` says whether it lives, `start` starts one if none lives "
        "(but makes no home: one that is not there may lie on a disk that is not mounted), `stop` ends it and leaves all jobs alone, "
        "`run` runs one in front, for service managers."
    ),
    "service": (
        "Jobs that wait, for a retry or a slot, survive a reboot in any case; a service has them start without anybody calling "
        "outlast. At boot it does `outlast supervisor start` for this home, and nothing else: a supervisor that finds nothing to do "
        "leaves. Every home needs a service of its own.\n\n"
        "`install` uses systemd (a user unit, with lingering, without which it would start when you log in), else crontab (a line that "
        "cron does when it starts), on macOS launchd (an agent, which starts when you log in: what starts before is for root). What "
        "cannot be done is said with the command to type, and the exit status is 5 unless it comes up at boot. Again is no harm.\n\n"
        "`remove` undoes it and leaves the supervisor, all jobs and lingering alone. `status` says of each kind whether it is "
        "installed, is done at boot (enabled) and works now (active: the unit was started, cron runs)."
    ),
    "pause": (
        "Let jobs stand still until `outlast resume`. The processes of a running job get SIGSTOP, all of its tree; a waiting or queued one "
        "does not start, whatever is met meanwhile. Its clocks (time limits, delays) stand still, too; a time of the day stays what it is. "
        "`stop` and `kill` end a paused job as any other."
    ),
    "resume": "Let paused jobs go on: their processes get SIGCONT, their waits and clocks run again.",
    "hold": "Keep jobs that have not started from starting until `outlast release`. What they wait for is looked at meanwhile.",
    "release": (
        "Let held jobs start as far as holding goes: those that are selected, or with --pending all that were submitted with that value."
    ),
    "approve": "Let jobs start that were submitted with --approval. Who approved them, and the note, is kept with their events.",
    "reserve": (
        "Give out an id, durably, for a command that is still to come: `outlast run --id N -- COMMAND`. A key, or a name with --unique, is "
        "taken from now on. Without a command the reservation lapses, and the job is `aborted`."
    ),
    "disable": (
        "Keep jobs called NAME from starting. Whoever submits one gets a record of it, with the outcome `disabled`; one that waits becomes "
        "that when its turn comes. What runs, goes on."
    ),
    "enable": "Take back what `outlast disable` did for a NAME or a regular expression, as it is listed.",
    "list-disabled": "List what is disabled, by whom, since when, until when and why.",
    "completion": "Write a script that teaches SHELL (bash, zsh or fish) to complete verbs, options, ids and groups.",
    "help": "Show the help of a verb, or an overview of all.",
    "version": "Show the version of outlast, of Python and of SQLite.",
    "__complete": "Write words for completion.",
}

# verb -> (line, what it does); every line can be run as it is where the jobs it names exist
EXAMPLES: dict[str, tuple[tuple[str, str], ...]] = {
    "run": (
        ("outlast run -- rsync -a x y", "in the background"),
        ("outlast run 'make && make install'", "one word with spaces is a line for the shell"),
        ("outlast run --name backup --retries 3 --retries.delay 30s -- rsync -a x y", "try up to four times"),
        ("cat words | outlast run --wait -- sort", "in front"),
        ("outlast run --from commands.txt -j 4", "one job per line, four at once"),
    ),
    "list": (("outlast list", ""), ("outlast list --group nightly --columns id,name,reason", ""), ("outlast list --json", "")),
    "ps": (("outlast ps", ""), ("outlast ps --sort -duration", ""), ("outlast ps --follow", "shown anew as it changes")),
    "history": (
        ("outlast history --outcome failed --since yesterday", ""),
        ("outlast history --last", "how each one ended last"),
        ("outlast history --slowest -n 10", ""),
        ("outlast history --during 'last week' --where 'duration > 10m or held'", ""),
    ),
    "top": (("outlast top", ""), ("outlast top group:nightly --sort -duration", "")),
    "show": (("outlast show 42", ""), ("outlast show backup --json", ""), ("outlast show run 42 1", "its first run")),
    "stats": (
        ("outlast stats", ""),
        ("outlast stats backup", "all that is known of one name"),
        ("outlast stats --since week --sort -failures,name", ""),
        ("outlast stats group:nightly --json", ""),
    ),
    "why": (("outlast why 42", ""), ("outlast why backup", "")),
    "logs": (
        ("outlast logs 42", ""),
        ("outlast logs backup -f", "follow"),
        ("outlast logs 42 --run all --streams stderr --grep error", ""),
        ("outlast logs last --raw", "the bytes as they were written"),
    ),
    "wait": (
        ("outlast wait 42 43", ""),
        ("outlast wait group:nightly --timeout 1h", ""),
        ("outlast wait --any 'name:build*'", ""),
        ("outlast wait 42 --status running", "until it has started"),
    ),
    "stop": (
        ("outlast stop 42", ""),
        ("outlast stop backup --grace 1m", ""),
        ("outlast stop run 42", "the retries go on"),
        ("outlast stop group:nightly", ""),
    ),
    "interrupt": (("outlast interrupt 42", ""), ("outlast interrupt run 42", "")),
    "kill": (("outlast kill 42", ""), ("outlast kill --all", "")),
    "signal": (("outlast signal HUP 42", ""), ("outlast signal USR1 group:nightly", "")),
    "send": (
        ("outlast send 42 reload all", "one line"),
        ("outlast send 42 < data", "bytes as they are"),
        ("outlast send 42 bye --end", "one line, then the end of file"),
    ),
    "feedback": (("outlast feedback 42", ""), ("outlast feedback --file feedback.log", "any such file")),
    "report": (
        ("outlast report progress=12 phase=copy", ""),
        ("outlast report progress=3/10 phase=", "`phase` is cleared"),
        ("outlast report", "a heartbeat"),
    ),
    "rerun": (("outlast rerun 42", ""), ("outlast rerun backup --wait", "")),
    "events": (("outlast events 42", ""), ("outlast events -n 100 --json", "")),
    "diff": (
        ("outlast diff backup", "against the last run that succeeded"),
        ("outlast diff 42 40", ""),
        ("outlast diff 42.2 42.1 --json", "two runs of one job"),
    ),
    "bundle": (
        ("outlast bundle 42", "outlast-42.tar.gz"),
        ("outlast bundle backup --output ticket.tar.gz --full-logs", ""),
        ("outlast bundle last --output - > ticket.tar.gz", ""),
    ),
    "hostinfo": (("outlast hostinfo", ""), ("outlast hostinfo --json", "")),
    "listen": (
        ("outlast listen --kinds ended --json", "every end, for a program"),
        ("outlast listen --after 1234", "what happened since then, and what will"),
        ("outlast listen group:nightly --until-ended", ""),
    ),
    "group": (
        ("outlast group set nightly --slots 2", ""),
        ("outlast group list", ""),
        ("outlast group show nightly", ""),
        ("outlast group pause nightly", "none of it starts"),
        ("outlast group drain nightly", "it takes no more jobs"),
        ("outlast group resume nightly", ""),
        ("outlast group remove nightly", ""),
    ),
    "pause": (("outlast pause 42", ""), ("outlast pause group:nightly", "")),
    "resume": (("outlast resume 42", ""), ("outlast resume --all", "")),
    "hold": (("outlast hold 42", ""),),
    "release": (("outlast release 42", ""), ("outlast release --pending deploy-7", "")),
    "approve": (("outlast approve 42 --note 'seen by ops'", ""),),
    "reserve": (("outlast reserve --unique --name import", "an id; nobody else gets the name"), ("outlast run --id 7 -- ./import", "")),
    "disable": (
        ("outlast disable backup --note 'disk is being changed' --until 'tomorrow 08:00'", ""),
        ("outlast disable --regex 'import-.*'", ""),
    ),
    "enable": (("outlast enable backup", ""),),
    "list-disabled": (("outlast list-disabled", ""),),
    "clean": (
        ("outlast clean", "the limits, and what is over them"),
        ("outlast clean --force", ""),
        ("outlast clean --retention.log-age 7d", "what would go if only a week's output was kept"),
        ("outlast clean --set --retention.log-age 90d --retention.log-bytes 50GiB", ""),
        ("outlast group set nightly --retention.log-age 365d", "a group that keeps its output longer"),
        ("outlast clean outcome:succeeded --logs --force", "the output of what went well"),
        ("outlast clean --everything", "what the whole home has"),
    ),
    "doctor": (
        ("outlast doctor", ""),
        ("outlast doctor --check", "to the last row and file"),
        ("outlast doctor --backup outlast-backup.db", ""),
        ("outlast doctor --repair", ""),
    ),
    "supervisor": (("outlast supervisor status", ""), ("outlast supervisor start", ""), ("outlast supervisor stop", "")),
    "service": (
        ("outlast service install", ""),
        ("outlast service install --kind crontab", ""),
        ("outlast service status --json", ""),
        ("outlast service remove", ""),
    ),
    "completion": (
        ("outlast completion bash > ~/.local/share/bash-completion/completions/outlast", ""),
        ("outlast completion zsh > ~/.zfunc/_outlast", "with ~/.zfunc in $fpath"),
        ("outlast completion fish > ~/.config/fish/completions/outlast.fish", ""),
    ),
    "help": (("outlast help run", ""),),
    "version": (("outlast version", ""),),
    "__complete": (("outlast __complete jobs", ""),),
}

# headings of the overview, with their verbs
OVERVIEW: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Start", ("run", "send", "report", "rerun", "reserve")),
    ("Look", ("list", "ps", "history", "top", "show", "stats", "why", "logs", "feedback", "events", "listen", "diff", "bundle")),
    ("Wait and end", ("wait", "stop", "interrupt", "kill", "signal")),
    ("Hold back", ("pause", "resume", "hold", "release", "approve", "disable", "enable", "list-disabled")),
    ("Keep in order", ("group", "supervisor", "service", "clean", "doctor", "hostinfo", "completion", "help", "version")),
)
