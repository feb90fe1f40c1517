"""The columns of listings: names that `--columns` and `--sort` take."""

# name -> heading; the order is that of the field in a job
COLUMNS: dict[str, str] = {
    "id": "ID",
    "name": "NAME",
    "description": "DESCRIPTION",
    "group": "GROUP",
    "key": "KEY",
    "command": "COMMAND",
    "cwd": "DIRECTORY",
    "user": "USER",
    "status": "STATUS",
    "outcome": "OUTCOME",
    "state": "STATE",
    "reason": "REASON",
    "exit_code": "EXIT",
    "signal": "SIGNAL",
    "run": "RUN",
    "pid": "PID",
    "created": "CREATED",
    "queued": "QUEUED",
    "started": "STARTED",
    "ended": "ENDED",
    "next_run": "NEXT RUN",
    "duration": "DURATION",
    "priority": "PRIORITY",
    "info": "INFO",
    "params": "PARAMS",
    "rerun_of": "RERUN OF",
    "activity": "ACTIVITY",
    "feedback": "FEEDBACK",
}
# what is no field of a job: it has to be looked at; each with the field of `core.observed` that it needs
OBSERVED: dict[str, str] = {"activity": "activity", "feedback": "feedback"}
# what a listing can be sorted by, with the job's field that it means; duration is ended (or now) minus started
SORTS: dict[str, str] = {
    "id": "id",
    "name": "name",
    "group": "group",
    "status": "status",
    "outcome": "outcome",
    "created": "created_at",
    "queued": "queued_at",
    "started": "started_at",
    "ended": "ended_at",
    "duration": "duration",
    "priority": "priority",
}
