"""Looks by children: scripts that hang, flood, fork, or do not exist; sharing, queueing, ending, and what a killed supervisor leaves."""

import gc
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conditions.conftest import MS, Driven
from outlast.conditions.probes import Probe, Prober, sweep
from outlast.core.ports import Seen
from processes.family import arguments, pids, sleepers, token
from support import eventually

ENVIRONMENT = b"PATH=/usr/local/bin:/usr/bin:/bin\0"
HOME = f"home{os.getpid()}"
LONG = 60_000 * MS
TOLD = 20.0

# The supervisor has one thread, the test's own process may have more: a fork is a risk there, and a warning since Python 3.12.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")


@pytest.fixture
def prober(loop: Driven) -> Iterator[Prober]:
    made = Prober(loop, HOME)
    yield made
    made.close()


def script(word: str, cwd: "Path | str" = "/", environment: bytes = b"", limit: int = LONG) -> Probe:
    return Probe(kind="script", word=word, cwd=str(cwd), environment=ENVIRONMENT + environment, limit=limit)


def seen(prober: Prober, loop: Driven, probe: Probe) -> Seen:
    """Ask once and return the answer."""
    heard: list[Seen] = []
    before = descriptors()
    prober.ask(probe, heard.append)
    loop.until(lambda: heard, TOLD)
    assert 1 == len(heard)
    assert before == descriptors(), "descriptors are left"
    return heard[0]


def descriptors() -> int:
    gc.collect()  # the loops of earlier tests
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize(
    ("line", "met", "text"),
    [
        ("true", True, "exit code 0"),
        ("echo all there; true", True, "exit code 0: all there"),
        ("echo not ready yet >&2; exit 1", False, "exit code 1: not ready yet"),
        ("exit 77", False, "exit code 77"),
        ("printf 'first\\nlast\\n\\n  \\n'; exit 2", False, "exit code 2: last"),
        ("printf 'a\\033[31mb\\tc\\377'", True, "exit code 0: a [31mb c\ufffd"),
        ("kill -SEGV $$", False, "ended by SIGSEGV"),
        ("kill -KILL $$", False, "ended by SIGKILL"),
        ("/no/such/program", False, "exit code 126: cannot start /no/such/program (No such file or directory)"),
        ("no-such-program", False, "exit code 126: cannot start no-such-program (No such file or directory)"),
        ("/etc", False, "exit code 126: cannot start /etc (Permission denied)"),
    ],
)
def test_what_a_script_says(prober, loop, line, met, text):
    assert Seen(met=met, text=text) == seen(prober, loop, script(line))


def test_a_text_is_cut(prober, loop):
    told = seen(prober, loop, script("printf '%5000s\\n' x | tr ' ' y"))
    assert 200 == len(told.text)
    assert told.text.endswith("y…")


def test_cwd_and_environment(prober, loop, tmp_path):
    (tmp_path / "ready").write_text('echo "$PWD $WHAT $OUTLAST_MARK"\n')  # no #! line: for the shell
    (tmp_path / "ready").chmod(0o755)
    told = seen(prober, loop, script("./ready", tmp_path, b"WHAT=it\0no-assignment\0OUTLAST_MARK=other:1:1\0=x\0"))
    assert Seen(met=True, text=f"exit code 0: {tmp_path} it {HOME}:probe:1") == told


def test_the_path_of_the_job_counts(prober, loop, tmp_path):
    (tmp_path / "is-ready").write_text("#!/bin/sh\necho mine\n")
    probe = Probe(kind="script", word="is-ready", cwd="/", environment=b"PATH=/no/where:%b\0" % os.fsencode(tmp_path), limit=LONG)
    assert "Permission denied" in seen(prober, loop, probe).text
    (tmp_path / "is-ready").chmod(0o755)
    assert Seen(met=True, text="exit code 0: mine") == seen(prober, loop, probe)


def test_a_file_with_a_blank_in_its_name_is_no_line(prober, loop, tmp_path):
    (tmp_path / "is ready").write_text("#!/bin/sh\necho $0\n")
    (tmp_path / "is ready").chmod(0o755)
    assert Seen(met=True, text="exit code 0: ./is ready") == seen(prober, loop, script("./is ready", tmp_path))


@pytest.mark.parametrize("kind", ["script", "http"])
def test_no_such_directory(prober, loop, tmp_path, kind):
    told = seen(prober, loop, Probe(kind=kind, word="http://x/", cwd=f"{tmp_path}/gone", environment=ENVIRONMENT, limit=LONG))
    assert not told.met
    assert told.text.endswith(f": cannot change to {tmp_path}/gone (No such file or directory)")


LOOK_AROUND = """#!{}
import os
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(int(status["SigBlk"], 16), hex(int(status["SigIgn"], 16) & 0x7FFFFFFF), os.getsid(0) == os.getpid(), os.read(0, 1))
"""


def test_surroundings_are_clean(prober, loop, tmp_path):
    """No descriptor of ours, no signal ignored or blocked, a session of its own, nothing to read. A shell would clean up itself."""
    (tmp_path / "look").write_text(LOOK_AROUND.format(sys.executable))
    (tmp_path / "look").chmod(0o755)
    kept = os.open("/dev/null", os.O_RDONLY)
    os.set_inheritable(kept, True)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    try:
        listed = seen(prober, loop, script("exec ls -m /proc/self/fd"))
        around = seen(prober, loop, script("./look", tmp_path))
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGUSR1])
        os.close(kept)
    assert "exit code 0: 0, 1, 2, 3" == listed.text  # 3: the directory that is listed
    assert "exit code 0: 0 0x1001000 True b''" == around.text  # Python itself ignores SIGPIPE and SIGXFSZ


def test_one_that_hangs(prober, loop):
    """All that it started is ended, too: in its session, out of it, and with another environment."""
    name = token()
    line = f"trap '' TERM; sleep {name} & setsid -f sleep {name}; env -i setsid sleep {name} & echo on it; sleep {name}"
    told = seen(prober, loop, script(line, limit=500 * MS))
    assert Seen(met=False, text="no answer within 500ms") == told
    assert [] == sleepers(name)


def test_one_that_prints_without_end(prober, loop):
    told = seen(prober, loop, script("head -c 1000000000 /dev/zero | tr '\\0' x; sleep 9000.5"))
    assert Seen(met=False, text="printed more than 64 KiB") == told


@pytest.mark.parametrize(("bytes_", "met"), [(65536, True), (65537, False)])
def test_the_limit_of_output(prober, loop, bytes_, met):
    assert met == seen(prober, loop, script(f"head -c {bytes_} /dev/zero")).met


def test_a_background_child_that_holds_the_pipe(prober, loop):
    name = token()
    heard: list[Seen] = []
    prober.ask(script(f"setsid -f sleep {name}; echo done"), heard.append)
    assert 10 > loop.until(lambda: heard, TOLD)
    assert [Seen(met=True, text="exit code 0: done")] == heard
    eventually(lambda: 1 == len(sleepers(name)))
    assert 1 == sweep(HOME)
    assert [] == sleepers(name)


def test_one_that_closes_its_output_and_goes_on(prober, loop):
    assert Seen(met=True, text="exit code 0: so far") == seen(prober, loop, script("echo so far; exec >&- 2>&-; sleep 0.1"))


def test_one_that_is_killed(prober, loop):
    name = token()
    heard: list[Seen] = []
    prober.ask(script(f"exec sleep {name}"), heard.append)
    loop.until(lambda: sleepers(name), TOLD)
    os.kill(sleepers(name)[0], signal.SIGKILL)
    loop.until(lambda: heard, TOLD)
    assert [Seen(met=False, text="ended by SIGKILL")] == heard


def test_equal_probes_share_one_look(prober, loop, tmp_path):
    heard: list[Seen] = []
    line = "echo x >>looks; until test -e go; do sleep 0.02; done"
    probe = script(line, tmp_path)
    for _ in range(3):
        prober.ask(probe, heard.append)
    loop.until((tmp_path / "looks").exists, TOLD)
    prober.ask(script(line, tmp_path), heard.append)
    (tmp_path / "go").touch()
    loop.until(lambda: len(heard) == 4, TOLD)
    assert "x\n" == (tmp_path / "looks").read_text()
    prober.ask(probe, heard.append)  # that look is over: another one
    loop.until(lambda: len(heard) == 5, TOLD)
    assert "x\nx\n" == (tmp_path / "looks").read_text()


def test_other_surroundings_are_another_probe(prober, loop, tmp_path):
    heard: list[Seen] = []
    for probe in (script("pwd"), script("pwd", tmp_path), script("pwd", environment=b"A=1\0"), script("pwd", limit=LONG + 1)):
        prober.ask(probe, heard.append)
    loop.until(lambda: len(heard) == 4, TOLD)
    assert 1 == [told.text for told in heard].count(f"exit code 0: {tmp_path}")


def test_four_at_once_and_the_others_in_order(prober, loop, tmp_path):
    heard: list[str] = []
    for number in range(9):
        line = f"echo {number} >>began; until test -e go; do sleep 0.02; done; echo {number}"
        prober.ask(script(line, tmp_path), lambda told: heard.append(told.text))
    began = tmp_path / "began"
    loop.until(lambda: began.exists() and 4 == len(began.read_text().split()), TOLD)
    loop.idle(100)
    assert {"0", "1", "2", "3"} == set(began.read_text().split())
    (tmp_path / "go").touch()
    loop.until(lambda: 9 == len(heard), TOLD)
    assert {"4", "5", "6", "7"} >= set(began.read_text().split()[4:5])
    assert 9 == len(set(began.read_text().split()))


def test_who_asks_is_never_told_before_asking_has_returned(prober, loop):
    heard: list[Seen] = []
    prober.ask(script("true"), heard.append)
    assert [] == heard
    loop.until(lambda: heard, TOLD)


def test_who_is_told_may_ask_again(prober, loop):
    heard: list[Seen] = []

    def hear(told: Seen) -> None:
        heard.append(told)
        if len(heard) < 3:
            prober.ask(script("true"), hear)

    prober.ask(script("true"), hear)
    loop.until(lambda: 3 == len(heard), TOLD)


def test_what_nobody_asks_for_is_ended(prober, loop):
    name = token()
    heard: list[Seen] = []
    other: list[Seen] = []
    probe = script(f"sleep {name}; true")
    prober.ask(probe, heard.append)
    prober.ask(probe, other.append)
    loop.until(lambda: sleepers(name), TOLD)
    prober.forget(probe, heard.append)
    loop.idle(30)
    assert 1 == len(sleepers(name))
    prober.forget(probe, other.append)
    prober.ask(probe, other.append)  # while it is being ended: a new look
    loop.until(lambda: sleepers(name) and not prober._looks[probe].forgotten, TOLD)
    assert ([], []) == (heard, other)
    os.kill(sleepers(name)[0], signal.SIGKILL)
    loop.until(lambda: other, TOLD)
    assert [True] == [told.met for told in other]


def test_what_waits_can_be_forgotten(prober, loop, tmp_path):
    heard: list[Seen] = []
    probes = [script(f"touch {number}; until test -e go; do sleep 0.02; done", tmp_path) for number in range(5)]
    for probe in probes:
        prober.ask(probe, heard.append)
    loop.until((tmp_path / "3").exists, TOLD)
    prober.forget(probes[4], heard.append)
    (tmp_path / "go").touch()
    loop.until(lambda: 4 == len(heard), TOLD)
    loop.idle(50)
    assert not (tmp_path / "4").exists()


def test_closing_ends_what_runs(loop):
    name = token()
    prober = Prober(loop, HOME)
    heard: list[Seen] = []
    before = descriptors()
    for number in range(5):
        prober.ask(script(f"trap '' TERM; : {number}; sleep {name}; true"), heard.append)
    loop.until(lambda: 4 == len(sleepers(name)), TOLD)
    prober.close()
    assert [] == sleepers(name)
    assert before == descriptors()
    loop.idle(50)
    assert [] == heard


def test_somebody_else_reaps_our_children(prober, loop):
    """The supervisor's `reap` may be first. It tells, or the kernel does, or nobody knows: but it is not met then, and nothing hangs."""
    heard: list[Seen] = []
    prober.ask(script("exit 3"), heard.append)
    loop.until(lambda: prober._looks, TOLD)
    pid = next(iter(prober._looks.values())).pid
    _, status = os.waitpid(pid, 0)
    prober.reaped(pid, status)
    prober.reaped(1, 0)
    loop.until(lambda: heard, TOLD)
    assert [Seen(met=False, text="exit code 3")] == heard


def test_who_reaps_does_not_tell(prober, loop):
    heard: list[Seen] = []
    prober.ask(script("exit 0"), heard.append)
    loop.until(lambda: prober._looks, TOLD)
    os.waitpid(next(iter(prober._looks.values())).pid, 0)
    loop.until(lambda: heard, TOLD)
    assert heard[0] in (Seen(met=True, text="exit code 0"), Seen(met=False, text="how it ended is not known"))


def test_no_process_can_be_started(prober, loop):
    """No descriptors: it is said, and later probes go on."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    heard: list[Seen] = []
    prober.ask(script("true"), heard.append)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) - 1, hard))
    try:
        loop.until(lambda: heard, TOLD)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert not heard[0].met
    assert "Too many open files" in heard[0].text
    assert seen(prober, loop, script("true")).met


KILLED = """
import sys
from outlast.conditions.probes import Probe, Prober
from outlast.supervisor.loop import Loop
loop = Loop()
prober = Prober(loop, sys.argv[1])
for n in range(2):
    line = f"sleep {sys.argv[2]} & setsid -f sleep {sys.argv[2]}; echo {n}; wait"
    environment = b"PATH=/usr/local/bin:/usr/bin:/bin\\0"
    prober.ask(Probe(kind="script", word=line, cwd="/", environment=environment, limit=10**12), print)
while True:
    loop.wait(None)
"""


def test_orphans_of_a_killed_supervisor_are_swept():
    name = token()
    with subprocess.Popen([sys.executable, "-c", KILLED, HOME, name]) as killed:
        eventually(lambda: 4 == len(sleepers(name)))
        killed.kill()
    assert 0 == sweep("another home")
    assert 4 == len(sleepers(name))
    assert 6 == sweep(HOME)
    assert [] == sleepers(name)
    assert 0 == sweep(HOME)
    assert [] == [pid for pid in pids() if name.encode() in b" ".join(arguments(pid))]
