"""The one parser: what the words of a command line mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlast.cli.parse import is_foreground, parse
from outlast.core.errors import UsageError
from outlast.core.verbs import ALIASES, COMMON, VERBS

SECOND = 1_000_000_000
NOW = 1_800_000_000 * SECOND


def understood(line, environ=None):
    return parse(line.split(), environ or {}, NOW)


@pytest.mark.parametrize(
    ("line", "options", "command"),
    [
        ("run echo -n y", {}, ["echo", "-n", "y"]),
        ("run -- echo -n y", {}, ["echo", "-n", "y"]),
        ("run -- -n y", {}, ["-n", "y"]),
        ("run echo -- y", {}, ["echo", "--", "y"]),
        ("-- ls -l", {}, ["ls", "-l"]),
        ("--json -- ls", {"json": True}, ["ls"]),
        ("run --name x --json ls --json", {"name": "x", "json": True}, ["ls", "--json"]),
        ("run --name=x=y ls", {"name": "x=y"}, ["ls"]),
        ("run --name= ls", None, None),
        ("run -g G -eA=1 -e B ls", {"group": "G", "env": {"A": "1", "B": None}}, ["ls"]),
        ("run -wg G ls", {"foreground": True, "group": "G"}, ["ls"]),
        ("run -wgG ls", {"foreground": True, "group": "G"}, ["ls"]),
        ("run --retries 3 ls", {"retries.num-runs": 4}, ["ls"]),
        ("run --retries -1 ls", {"retries.num-runs": None}, ["ls"]),
        ("run --retries 3 --retries.num-runs 2 ls", {"retries.num-runs": 2}, ["ls"]),
        ("run --retries.delay 1m ls", {"retries.delay": 60 * SECOND}, ["ls"]),
        ("run --stop-signal INT ls", {"stop.signal": 2}, ["ls"]),
        ("run --no-log.stdout --log.stderr=false ls", {"log.stdout": False, "log.stderr": False}, ["ls"]),
        ("run --no-log.stdout --log.stdout ls", {}, ["ls"]),
        ("run --no-shell ls", {"shell": False}, ["ls"]),
        ("run --info a --info b ls", {"info": ["a", "b", ""]}, ["ls"]),
        ("run --param a=1 --param b=2 ls", {"param": {"a": "1", "b": "2"}}, ["ls"]),
        ("run --leftovers stop ls", {"leftovers.action": "stop"}, ["ls"]),
        ("run --from - -j4", {"from": "-", "jobs": 4}, []),
        ("exec --name x ls", {"foreground": True, "name": "x"}, ["ls"]),
        ("--home /x run ls", {"home": "/x"}, ["ls"]),
        ("run --name a --name b ls", {"name": "b"}, ["ls"]),
    ],
)
def test_run(line, options, command):
    if options is None:
        with pytest.raises(UsageError):
            understood(line)
        return
    parsed = understood(line)
    assert ("run", options, command) == (parsed.verb, parsed.options, parsed.command)


@pytest.mark.parametrize(
    ("line", "verb", "form", "options", "operands"),
    [
        ("", "list", "", {}, []),
        ("--json", "list", "", {"json": True}, []),
        ("ps", "ps", "", {}, []),
        ("hist -n all", "history", "", {"limit": None}, []),
        ("history --outcome failed,timed-out --outcome lost", "history", "", {"outcome": ["failed", "timed_out", "lost"]}, []),
        ("list --sort -duration,id", "list", "", {"sort": ["-duration", "id"]}, []),
        ("list --columns id,name x", "list", "", {"columns": ["id", "name"]}, ["x"]),
        ("list --since @1700000000", "list", "", {"since": 1_700_000_000 * SECOND}, []),
        ("list --since -1h", "list", "", {"since": NOW - 3600 * SECOND}, []),
        ("logs 42 -f", "logs", "", {"follow": True}, ["42"]),
        ("logs -fn5 42", "logs", "", {"follow": True, "lines": 5}, ["42"]),
        ("logs -n 5 --run -2 42", "logs", "", {"lines": 5, "run": -2}, ["42"]),
        ("logs --run all 42", "logs", "", {"run": "all"}, ["42"]),
        ("logs --no-prefix-timestamp", "logs", "", {"log.prefix-timestamp": False}, []),
        ("tail 42", "logs", "", {"lines": 10}, ["42"]),
        ("tail -n 3 42", "logs", "", {"lines": 3}, ["42"]),
        ("show 42", "show", "job", {}, ["42"]),
        ("show job 42", "show", "job", {}, ["42"]),
        ("show run 42 1", "show", "run", {}, ["42", "1"]),
        ("show run", "show", "job", {}, ["run"]),
        ("show -- -x", "show", "job", {}, ["-x"]),
        ("wait a b --any --timeout 5m", "wait", "", {"any": True, "timeout": 300 * SECOND}, ["a", "b"]),
        ("stop --all", "stop", "job", {"all": True}, []),
        ("stop a b", "stop", "job", {}, ["a", "b"]),
        ("stop run 42", "stop", "run", {}, ["42"]),
        ("kill --no-wait 42", "kill", "job", {"no-wait": True}, ["42"]),
        ("signal USR1 42", "signal", "", {}, ["USR1", "42"]),
        ("rerun -w 42", "rerun", "", {"foreground": True}, ["42"]),
        ("group", "group", "list", {}, []),
        ("group set G --slots 4", "group", "set", {"slots": 4}, ["G"]),
        ("group set --slots none G", "group", "set", {"slots": None}, ["G"]),
        ("group show G", "group", "show", {}, ["G"]),
        ("supervisor", "supervisor", "status", {}, []),
        ("supervisor run", "supervisor", "run", {}, []),
        ("completion zsh", "completion", "", {}, ["zsh"]),
        ("--version", "version", "", {}, []),
        ("-V", "version", "", {}, []),
        ("help run", "help", "", {}, ["run"]),
        ("run --help", "help", "", {"help": True}, ["run"]),
        ("logs -h 42", "help", "", {"help": True}, ["logs"]),
        ("--help", "help", "", {"help": True}, []),
        ("__complete jobs", "__complete", "", {}, ["jobs"]),
    ],
)
def test_other_verbs(line, verb, form, options, operands):
    parsed = understood(line)
    assert (verb, form, options, operands) == (parsed.verb, parsed.form, parsed.options, list(parsed.operands))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("run", "no command"),
        ("run --", "no command"),
        ("rnu ls", "`outlast run`"),
        ("rsync -a x", "outlast run -- rsync"),
        ("run --nam x ls", "`--name`"),
        ("run --retry 3 ls", "`--retries`"),
        ("run -Z ls", "unknown option `-Z`"),
        ("run -wZ ls", "unknown option `-Z`"),
        ("run -rf ls", "unknown option"),
        ("run --name", "lacks its value"),
        ("run --no-name ls", "unknown option"),
        ("run --no-unique=1 ls", "no value"),
        ("run --unique=maybe ls", "maybe"),
        ("run --overlap sometimes ls", "skip, queue, replace, allow, join"),
        ("run --key k --unique ls", "exclude"),
        ("run --from f ls", "exclude"),
        ("run --from f --wait", "exclude"),
        ("run --from f -j 4 -g G", "exclude"),
        ("run -j 4 ls", "--from"),
        ("run --from f -j 0", "out of range"),
        ("run --fail-if-not-run ls", "--wait"),
        ("list --columns id,nam", "`name`"),
        ("list --since someday", "2h ago"),
        ("list --status runing", "`running`"),
        ("logs 1 2", "takes no `2`"),
        ("logs --folow", "`--follow`"),
        ("logs --run 0", "numbered from 1"),
        ("show", "outlast show JOB"),
        ("show run 1 2 3", "takes no `3`"),
        ("wait", "SELECTOR..."),
        ("stop", "--all"),
        ("stop run 1 2", "takes no `2`"),
        ("signal", "SIGNAL SELECTOR"),
        ("signal TERM", "SIGNAL SELECTOR"),
        ("group ste G", "`set`"),
        ("group set G", "--slots"),
        ("group set", "GROUP"),
        ("group remove G --slots 4", "belongs to `outlast group set`"),
        ("supervisor xyz", "status, start, stop, run"),
        ("completion tcsh", "bash, zsh, fish"),
        ("version 1", "alone"),
        ("kill --grace 5 1", "unknown option"),
        ("list --hom", "`--home`"),
    ],
)
def test_refused_with_what_to_do(line, said):
    with pytest.raises(UsageError) as caught:
        understood(line)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert ": " in str(caught.value)


def test_defaults_are_added_on_asking():
    parsed = understood("logs 42")
    assert {} == parsed.options
    assert -1 == parsed["run"]
    assert parsed["log.prefix-timestamp"] is True
    assert parsed["json"] is False
    with pytest.raises(KeyError):
        parsed["slots"]


def test_the_spec_is_of_the_job_alone():
    parsed = understood("run -w --json --name x --retries 3 --shell ls")
    assert {"name": "x", "retries.num-runs": 4} == parsed.spec
    assert parsed.foreground


def test_the_environment_fills_in_what_the_command_line_left_out():
    environ = {"OUTLAST_SET_RETRIES_DELAY": "5s", "OUTLAST_SET_GROUP": "G", "OUTLAST_SET_INFO": "a\nb", "OUTLAST_SET_KEY": ""}
    assert {"retries.delay": 5 * SECOND, "group": "H", "info": ["a", "b", ""]} == understood("run -g H ls", environ).options
    assert {"retries.num-runs": 2} == understood("run ls", {"OUTLAST_SET_RETRIES": "5", "OUTLAST_SET_RETRIES_NUM_RUNS": "2"}).options
    assert {"retries.num-runs": 2} == understood("run --retries 1 ls", {"OUTLAST_SET_RETRIES_NUM_RUNS": "7"}).options
    assert {"log.stdout": False} == understood("run ls", {"OUTLAST_SET_LOG_STDOUT": "no"}).options
    assert {"lines": 10, "log.prefix-timestamp": False} == understood("tail", {"OUTLAST_SET_LOG_PREFIX_TIMESTAMP": "0"}).options
    assert {} == understood("list", {"OUTLAST_SET_GROUP": "G"}).options


@pytest.mark.parametrize(
    "environ", [{"OUTLAST_SET_RETRIES_DELY": "5s"}, {"OUTLAST_SET_RETRIES_DELAY": "x"}, {"OUTLAST_SET_FOREGROUND": "1"}]
)
def test_a_broken_environment_stops_run_alone(environ):
    with pytest.raises(UsageError) as caught:
        understood("run ls", environ)
    assert next(iter(environ)) in str(caught.value)
    parsed = understood("stop 42", environ)
    assert ("OUTLAST_SET_RETRIES_DELAY" in environ) == (parsed.warnings == [])


def test_a_command_is_kept_byte_for_byte():
    words = ["a\udcff", "", "--", "-x", "\n", "ünï"]
    assert words == parse(["run", "--", *words], {}).command


@pytest.mark.parametrize(
    ("line", "front"),
    [
        ("run -w --nope ls", True),
        ("run --wait --nope", True),
        ("run --nope --foreground ls", True),
        ("run -gGw", False),
        ("run -wg", True),
        ("run --name -w --nope ls", False),
        ("run ls -w", False),
        ("run -- -w", False),
        ("exec --nope", True),
        ("rerun -w", True),
        ("rerun --nope", False),
        ("logs -w", False),
        ("--home /x run -w --nope", True),
        ("--nope run -w", True),
        ("", False),
    ],
)
def test_a_wrong_line_that_was_meant_as_a_wrapper(line, front):
    assert front == is_foreground(line.split())


SPELLINGS = sorted({spelling for verb in VERBS for option in (*verb.options, *COMMON) for spelling in option.spellings})
WORDS = (
    st.sampled_from([verb.name for verb in VERBS] + list(ALIASES))
    | st.sampled_from(SPELLINGS)
    | st.sampled_from(["--", "-", "", "1", "x", "all", "-1", "set", "run", "job", "--no-shell", "--json=x", "A=1"])
    | st.text(st.characters(), max_size=10)
)


@given(st.lists(WORDS, max_size=8))
def test_nothing_but_an_understanding_or_a_usage_error(argv):
    is_foreground(argv)
    try:
        parsed = parse(argv, {}, NOW)
    except UsageError:
        return
    assert any(parsed.verb == verb.name for verb in VERBS)
    if parsed.verb == "run" and parsed.command:
        assert argv[-len(parsed.command) :] == parsed.command
