#!/bin/sh
# How schema-1.sql was made: by outlast itself, of the last commit that wrote schema 1. `sh make_schema_1.sh CHECKOUT PYTHON > schema-1.sql`,
# where CHECKOUT has the sources of that commit: `git worktree add CHECKOUT 77a313e`.
set -eu
checkout=$1 python=$2
home=/tmp/outlast-schema-1
rm -rf "$home"
outlast() {
    env -i PATH=/usr/bin:/bin HOME=/ LANG=C.UTF-8 OUTLAST_HOME="$home" "$python" -I -c \
        "import sys; sys.path.insert(0, '$checkout/src'); from outlast.cli.main import run; run()" "$@"
}
cd /
{
    outlast run --name first --param region=eu --info ticket -- seq 1 1000
    outlast run --name again --retries 2 -- sh -c 'seq 1 100; exit 3'
    outlast run --name 'n
ame' --group 'gr\"oup' --env "SECRET=geheim" -- true
    outlast wait 1-3 || true
    outlast run --name killed -- sleep 1000
    outlast run --name after-killed --after.ended 4 -- true
    outlast run --name later --wait.timedelta 300d -- true
    outlast group set nightly --slots 1
    outlast run --name holds-the-slot --group nightly -- sleep 1000
    outlast run --name queued --group nightly -- true
    outlast run --name held --hold -- true
    outlast run --name pending --pending deploy-7 -- true
    outlast reserve --name reserved --unique --expires 900d
    outlast run --name approved --approval -- true
    outlast run --name killed --overlap queue -- true
    outlast run --name impossible --after.succeeded 2 -- true || true
    outlast disable off --note 'not now'
    outlast run --name off -- true
    outlast run --name paused --group stopped --hold -- true
    outlast pause paused
    outlast group pause stopped
    outlast run --name file --wait.file /nonexistent/ready -- true
    outlast wait 4 7 --status running
    outlast list
} >&2
# The machine ends: everything at once, the supervisor first.
supervisor=$(cut -d' ' -f1 "$home/supervisor.lock")
rm -f "$home/start"
kill -9 "$supervisor"
for process in /proc/[0-9]*; do
    if { tr '\0' '\n' < "$process/environ" | grep -q "^OUTLAST_MARK=.*$home"; } 2>/dev/null; then kill -9 "${process#/proc/}"; fi
    if { tr '\0' '\n' < "$process/cmdline" | grep -q "^home=$home"; } 2>/dev/null; then kill -9 "${process#/proc/}"; fi
done
"$python" - "$home/outlast.db" <<'PROGRAM' | sed "s/$(cat /proc/sys/kernel/random/boot_id)/00000000-0000-0000-0000-000000000001/"
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
print("PRAGMA user_version=%d;" % connection.execute("PRAGMA user_version").fetchone())
for line in connection.iterdump():
    print(line)
PROGRAM
rm -rf "$home"
