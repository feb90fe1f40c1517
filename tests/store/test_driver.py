"""The world fails: permissions, locks, damage, a full disk, a newer schema, signals. A sentence, exit status 5, nothing half done."""

import fcntl
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from outlast.core.errors import SystemFault
from outlast.home import Home
from outlast.seams import monotonic
from outlast.store.driver import BUSY_MS, SCHEMA, Database
from outlast.store.reading import Reading
from outlast.store.store import Store
from store.making import AT, child, claim, dump, ended, miscounted, submission, submit
from support import eventually

NOBODY = 65534


@pytest.fixture
def used(home_path: Path) -> Path:
    """The path of a home with three ended jobs, one that runs, and nobody who uses it."""
    store = Store(Home(str(home_path)))
    for name in "abc":
        ended(store, name=name)
    claim(store, submit(store, name="d"))
    store.close()
    return home_path


def line_of(process: "subprocess.Popen[bytes]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().decode().strip()


def tell(process: "subprocess.Popen[bytes]") -> None:
    assert process.stdin is not None
    process.stdin.write(b"go\n")
    process.stdin.flush()


def over(process: "subprocess.Popen[bytes]") -> tuple[int, str, str]:
    stdout, stderr = process.communicate(timeout=60)
    return process.returncode, stdout.decode(), stderr.decode()


# Privacy


def test_the_database_is_private_from_its_first_byte(tmp_path: Path) -> None:
    """Also in a directory that others may read, and with the widest umask."""
    home = tmp_path / "open"
    home.mkdir(mode=0o755)
    before = os.umask(0)
    try:
        store = Store(Home(str(home)))
        submit(store)
    finally:
        os.umask(before)
    names = sorted(path.name for path in home.iterdir())
    assert ["outlast.db", "outlast.db-shm", "outlast.db-wal", "write.lock"] == names
    assert [0o600] * 4 == [stat.S_IMODE((home / name).stat().st_mode) for name in names]
    store.close()


# A home that cannot be written to, or read


AS_USER = """
    import os, sys
    from outlast.core.errors import OutlastError
    from outlast.home import Home
    from outlast.store import driver
    from outlast.store.reading import Reading
    from outlast.store.store import Store
    from store.making import submit

    path, what = sys.argv[1:3]
    if os.getuid() == 0:  # what was installed may be readable for root only
        texts = {name: driver.read_sql(name) for name in ("queries.sql", "0001.sql", "0002.sql")}
        driver.read_sql = texts.__getitem__
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    try:
        if what == "read":
            reading = Reading(Home(path))
            print([job.name for job in reading.select("1")], reading.count_ended())
            reading.close()
        else:
            store = Store(Home(path))
            print(submit(store, name="e").id, flush=True)
            if what == "die":
                os._exit(0)
            store.close()
    except OutlastError as error:
        print(error.exit_status, error)
"""


def as_user(home: Path, what: str) -> str:
    """Read or write the home as an ordinary user who owns it; root would not notice missing permissions."""
    status, stdout, stderr = over(child(AS_USER, home, what))
    assert (0, "") == (status, stderr)
    return stdout.strip()


@pytest.fixture
def theirs(used: Path, short_path: Path) -> Iterator[Path]:
    """A home of an ordinary user, ours unless we are root, where no directory above it is private to us."""
    if os.getuid() == 0:
        for path in (short_path, used, *used.iterdir()):
            os.chown(path, NOBODY, NOBODY)
    yield used
    used.chmod(0o700)


THERE = "['a', 'b', 'c', 'd'] 3"


def test_an_ordinary_user_reads_and_writes(theirs: Path) -> None:
    assert THERE == as_user(theirs, "read")
    assert "5" == as_user(theirs, "write")


def test_a_read_only_home_can_be_read_and_says_why_it_cannot_be_written(theirs: Path) -> None:
    assert not (theirs / "outlast.db-wal").exists()
    for path in theirs.iterdir():
        path.chmod(0o400)
    theirs.chmod(0o500)
    assert THERE == as_user(theirs, "read")
    told = as_user(theirs, "write")
    assert told.startswith(("5 cannot ", "5 the home "))
    assert str(theirs) in told
    assert "trying again does not help; check who owns it" in told
    assert ["outlast.db", "write.lock"] == sorted(path.name for path in theirs.iterdir())


def test_a_read_only_home_with_changes_that_are_not_in_the_database_yet(theirs: Path) -> None:
    """The supervisor was killed, then the home was made read-only: -wal and -shm are there."""
    assert "5" == as_user(theirs, "die")
    assert (theirs / "outlast.db-wal").stat().st_size > 0
    for path in theirs.iterdir():
        path.chmod(0o400)
    theirs.chmod(0o500)
    assert "['a', 'b', 'c', 'd', 'e'] 3" == as_user(theirs, "read")
    assert as_user(theirs, "write").startswith("5 cannot ")
    theirs.chmod(0o700)
    (theirs / "outlast.db-shm").unlink()
    theirs.chmod(0o500)
    told = as_user(theirs, "read")  # what is in the log cannot be reached now, and leaving it out would not be true
    assert told.startswith("5 cannot open ")
    for path in (theirs, *theirs.iterdir()):
        path.chmod(0o700)
    assert "['a', 'b', 'c', 'd', 'e'] 3" == as_user(theirs, "read")


def test_a_home_of_somebody_else(theirs: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can make a home of somebody else")
    for path in (theirs, *theirs.iterdir()):
        os.chown(path, 0, 0)
    for what in ("read", "write"):
        told = as_user(theirs, what)
        assert told.startswith(("5 cannot ", "5 the home ")), told
        assert "check who owns it" in told or "work as its owner" in told


def test_nothing_is_made_by_reading(home_path: Path) -> None:
    with pytest.raises(SystemFault, match=r"cannot open .*outlast.db"):
        Reading(Home(str(home_path)))
    home_path.mkdir()
    with pytest.raises(SystemFault, match="cannot open"):
        Reading(Home(str(home_path)))
    assert [] == list(home_path.iterdir())


# Locks


def test_a_lock_that_cannot_be_had(home_path: Path) -> None:
    home_path.mkdir()
    (home_path / "write.lock").mkdir()
    with pytest.raises(SystemFault, match=r"write\.lock"):
        Store(Home(str(home_path)))
    assert ["write.lock"] == [path.name for path in home_path.iterdir()]


def test_a_file_system_that_cannot_lock(home_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As NFS without its lock service says it; the only thing here that is not real."""
    store = Store(Home(str(home_path)))
    open_files = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0

    def refuse(fd: int, operation: int) -> None:
        raise OSError(37, "No locks available")

    with monkeypatch.context() as patched:
        patched.setattr(fcntl, "flock", refuse)
        for act in (lambda: submit(store), lambda: Store(Home(str(home_path / "other"))), store.database.checkpoint):
            with pytest.raises(SystemFault, match=r"cannot lock \(No locks available\): `export OUTLAST_HOME="):
                act()
    assert set() == signal.pthread_sigmask(signal.SIG_BLOCK, ())
    if open_files:
        assert open_files == len(os.listdir("/proc/self/fd"))
    assert 1 == submit(store).id
    store.close()


HOLD = """
    import fcntl, os, sys
    fd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
    fcntl.flock(fd, fcntl.LOCK_EX)
    print("held", flush=True)
    sys.stdin.readline()
"""

WRITE = """
    import os, signal, sys
    from outlast.home import Home
    from outlast.store.store import Store
    from store.making import submit

    store = Store(Home(sys.argv[1]))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    print("ready", flush=True)
    if sys.argv[2] == "wait":
        submit(store, name="written")
    else:
        with store.batch():
            submit(store, name="written")
            print("inside", flush=True)
            sys.stdin.readline()
    print("done", flush=True)
    sys.stdin.readline()
"""


def state_of(pid: int) -> str:
    text = Path(f"/proc/{pid}/stat").read_text()
    return text.rpartition(")")[2].split()[0]


def pending_and_blocked(pid: int) -> tuple[int, int]:
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(fields["ShdPnd"], 16) | int(fields["SigPnd"], 16), int(fields["SigBlk"], 16)


def bit(number: int) -> int:
    return 1 << (number - 1)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc tells which signals are blocked")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGTSTP])
def test_a_signal_waits_until_the_flock_is_released(used: Path, number: signal.Signals) -> None:
    process = child(WRITE, used, "inside", start_new_session=True)
    try:
        assert ["ready", "inside"] == [line_of(process), line_of(process)]
        os.kill(process.pid, number)

        def has_come() -> bool:
            return bool(pending_and_blocked(process.pid)[0] & bit(number))

        eventually(has_come)
        assert pending_and_blocked(process.pid)[1] & bit(number)
        assert state_of(process.pid) in "SR"  # it neither ended nor stands still
        tell(process)
        if number == signal.SIGTSTP:  # of an orphaned process group: the default action is not to stop (POSIX), so it goes on
            assert "done" == line_of(process)
            assert 0 == pending_and_blocked(process.pid)[1] & bit(number)
            tell(process)
            assert 0 == over(process)[0]
        else:
            assert -number == over(process)[0]
    finally:
        process.kill()
        process.communicate()
    reading = Reading(Home(str(used)))
    assert ["written"] == [job.name for job in reading.select("name = 'written'")]  # what was begun was committed first
    assert [] == reading.database.all("miscounted")
    reading.close()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc tells who waits for a lock")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_waits_for_the_lock_can_be_ended(used: Path, number: signal.Signals) -> None:
    """Whoever holds it may stand still for long; a client that has nothing begun goes at once and leaves nothing."""
    holder = child(HOLD, used / "write.lock")
    process = child(WRITE, used, "wait")
    try:
        assert "held" == line_of(holder)
        assert "ready" == line_of(process)

        def waits() -> bool:
            return Path(f"/proc/{process.pid}/wchan").read_text().startswith(("locks_lock_inode", "flock", "0")) and (
                state_of(process.pid) == "S"
            )

        eventually(waits)
        assert not pending_and_blocked(process.pid)[1] & bit(number)
        assert pending_and_blocked(process.pid)[1] & bit(signal.SIGTSTP)  # stopped just as it gets the lock, it would keep it
        os.kill(process.pid, number)
        assert -number == over(process)[0]
    finally:
        for each in (holder, process):
            each.kill()
            each.communicate()
    store = Store(Home(str(used)))
    assert 5 == submit(store).id
    store.close()


def test_writers_wait_for_each_other(used: Path) -> None:
    holder = child(HOLD, used / "write.lock")
    process = child(WRITE, used, "wait")
    try:
        assert "held" == line_of(holder)
        assert "ready" == line_of(process)
        reading = Reading(Home(str(used)))
        assert [] == reading.select("name = 'written'")
        tell(holder)
        assert "done" == line_of(process)
        assert 1 == len(reading.select("name = 'written'"))
        reading.close()
    finally:
        for each in (holder, process):
            each.kill()
            each.communicate()


def test_the_mask_of_signals_is_what_it_was(home_path: Path) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGUSR1, signal.SIGTERM))
    try:
        store = Store(Home(str(home_path)))
        submit(store)
        with pytest.raises(ZeroDivisionError), store.batch():
            raise ZeroDivisionError
        store.close()
        assert {signal.SIGUSR1, signal.SIGTERM} == signal.pthread_sigmask(signal.SIG_BLOCK, ())
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, ())


def test_who_dies_within_a_transaction_leaves_nothing(used: Path) -> None:
    before = dump(used)
    process = child(WRITE, used, "inside")
    assert ["ready", "inside"] == [line_of(process), line_of(process)]
    process.kill()
    process.communicate()
    store = Store(Home(str(used)))
    assert before == dump(used)
    assert 5 == submit(store).id
    store.close()


# Damage


def overwrite(path: Path, at: int, data: bytes) -> None:
    with open(path, "r+b") as file:
        file.seek(at)
        file.write(data)


def test_a_file_that_is_no_database(home_path: Path) -> None:
    home_path.mkdir()
    (home_path / "outlast.db").write_bytes(b"this is not SQLite\n" * 1000)
    for opened in (Reading, Store):
        with pytest.raises(SystemFault, match=r"outlast.db is damaged .*: trying again does not help; `outlast doctor`") as caught:
            opened(Home(str(home_path)))
        assert 5 == caught.value.exit_status
    assert (home_path / "outlast.db").read_bytes().startswith(b"this is not")


def test_damaged_pages_are_told_wherever_they_are_met(used: Path) -> None:
    """Every page but the first is filled with rubbish in turn: what is asked then is answered rightly, or the damage is told."""
    size = (used / "outlast.db").stat().st_size
    keep = (used / "outlast.db").read_bytes()
    seen = 0
    for page in range(1, size // 4096):
        overwrite(used / "outlast.db", page * 4096, b"\xde\xad" * 2048)
        try:
            reading = Reading(Home(str(used)))
            assert 3 == reading.count_ended()
            assert ["a", "b", "c", "d"] == [job.name for job in reading.select("1")]
            assert [1, 1, 1, 1] == [len(reading.runs(number)) for number in range(1, 5)]
            assert [4, 4, 4, 2] == [len(reading.events_of(number)) for number in range(1, 5)]
            assert {"running": 1} == reading.count_active()
        except SystemFault as fault:
            assert "is damaged" in str(fault), fault  # noqa: PT017  # one of two is right
            seen += 1
        finally:
            shutil.rmtree(used / "x", ignore_errors=True)
            reading.close()
            (used / "outlast.db").write_bytes(keep)
    assert 3 <= seen


def test_a_damaged_value_is_told(used: Path) -> None:
    data = (used / "outlast.db").read_bytes()
    place = data.index(b'["true"]')
    overwrite(used / "outlast.db", place, b'["true":')
    reading = Reading(Home(str(used)))
    with pytest.raises(SystemFault, match=r"a row of outlast.db is damaged \(`command`"):
        reading.select("1")
    reading.close()
    overwrite(used / "outlast.db", place, b'["tru\xff"]')
    reading = Reading(Home(str(used)))
    with pytest.raises(SystemFault, match="is damaged"):
        reading.select("1")
    reading.close()


# Schemas


def set_version(home: Path, version: int) -> None:
    from sqlite3 import connect

    connection = connect(home / "outlast.db")
    connection.execute(f"PRAGMA user_version={version:d}")
    connection.commit()
    connection.close()


def test_a_newer_database_is_refused_and_left_alone(used: Path) -> None:
    set_version(used, SCHEMA + 1)
    before = (used / "outlast.db").read_bytes()
    for opened in (Reading, Store):
        with pytest.raises(
            SystemFault, match=rf"written by a newer outlast \(schema {SCHEMA + 1}, this one knows {SCHEMA}\): .*newer version"
        ) as caught:
            opened(Home(str(used)))
        assert 5 == caught.value.exit_status
    assert before == (used / "outlast.db").read_bytes()


def test_a_home_of_this_schema_stays_as_it_is(used: Path) -> None:
    before = dump(used)
    for _ in range(2):
        Store(Home(str(used))).close()
    assert before == dump(used)


KILLED = """
    import os, sys
    from outlast.home import Home
    from outlast.store import driver

    opened, how, nth = driver._opened, sys.argv[2], int(sys.argv[3])
    passed = 0

    def count(*_):
        global passed
        passed += 1
        if passed == nth:
            os.kill(os.getpid(), 9)

    def watched(*args):
        connection = opened(*args)
        connection.set_trace_callback(count) if how == "statement" else connection.set_progress_handler(count, 1)
        return connection

    driver._opened = watched
    driver.Database(Home(sys.argv[1]))
    print(passed)
    sys.stdout.flush()
    os._exit(0)
"""


def test_a_maker_killed_at_any_statement(tmp_path: Path) -> None:
    """Whoever comes next completes what was begun; who only reads sees that nothing is there yet."""
    status, stdout, _ = over(child(KILLED, tmp_path / "whole", "statement", 0))
    assert 0 == status
    statements = int(stdout)
    assert 20 < statements
    whole = structure(tmp_path / "whole")
    for nth in range(1, statements + 1):
        check_killed(tmp_path / f"s{nth}", "statement", nth, whole)


def test_a_maker_killed_at_any_step_of_the_machine(tmp_path: Path) -> None:
    status, stdout, _ = over(child(KILLED, tmp_path / "whole", "step", 0))
    assert 0 == status
    whole = structure(tmp_path / "whole")
    steps = int(stdout)
    for nth in range(1, steps + 1, max(steps // 20, 1)):
        check_killed(tmp_path / f"s{nth}", "step", nth, whole)


def structure(home: Path) -> list[str]:
    return [line for line in dump(home) if not any(word in line for word in ("home_id", "mask_key"))]


def check_killed(home: Path, how: str, nth: int, whole: list[str]) -> None:
    assert -signal.SIGKILL == over(child(KILLED, home, how, nth))[0], nth
    try:
        reading = Reading(Home(str(home)))
    except SystemFault as fault:
        assert "cannot open" in str(fault)  # noqa: PT017  # killed before the file was made
    else:
        if not reading.is_empty():
            assert [] == reading.select("1")
        reading.close()
    store = Store(Home(str(home)))
    assert SCHEMA == store.database.row("PRAGMA user_version")[0]
    assert "wal" == store.database.row("PRAGMA journal_mode")[0]
    assert whole == structure(home)
    assert 16 == len(store.home_id())
    assert 1 == submit(store).id
    assert [] == miscounted(store)
    store.close()


def test_an_empty_file_is_a_home_that_was_just_begun(home_path: Path) -> None:
    home_path.mkdir()
    (home_path / "outlast.db").touch()
    reading = Reading(Home(str(home_path)))
    assert reading.is_empty()
    reading.close()
    store = Store(Home(str(home_path)))
    assert not store.is_empty()
    assert 1 == submit(store).id
    store.close()


# A full disk


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB."""
    place = tmp_path / "small"
    place.mkdir()
    if os.getuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place], check=False).returncode:
        pytest.skip("a small file system needs root and mount(8)")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def fill_up(folder: Path) -> IO[bytes]:
    """Leave no byte of room."""
    file = open(folder / "filler", "ab", buffering=0)  # noqa: SIM115  # the caller truncates it
    try:
        while True:
            file.write(b"x" * 4096)
    except OSError:
        return file


def test_a_full_disk_leaves_the_old_state_and_says_so(small: Path) -> None:
    store = Store(Home(str(small / "h")))
    running = claim(store, submit(store))
    before = dump(small / "h")
    filler = fill_up(small)
    for _ in range(3):
        with pytest.raises(SystemFault, match=r"no space left for .*outlast.db: free some space and try again") as caught:
            store.submit([submission(description="x" * 10_000) for _ in range(50)], AT)
        assert 5 == caught.value.exit_status
    reading = Reading(Home(str(small / "h")))
    assert [running] == reading.select("1")
    reading.close()
    filler.truncate(0)
    filler.close()
    assert before == dump(small / "h")
    assert 50 == len(store.submit([submission() for _ in range(50)], AT))
    assert [] == miscounted(store)
    assert [("ok",)] == store.database.all("integrity")
    store.close()


def test_a_home_cannot_be_made_on_a_full_disk(small: Path) -> None:
    filler = fill_up(small)
    with pytest.raises(SystemFault, match=r"[Nn]o space left.*free some space and try again"):
        Store(Home(str(small / "h")))
    filler.truncate(0)
    filler.close()
    store = Store(Home(str(small / "h")))
    assert 1 == submit(store).id
    store.close()


def test_an_opened_database_can_be_closed_twice_and_is_not_leaked(home_path: Path) -> None:
    Store(Home(str(home_path))).close()
    set_version(home_path, SCHEMA + 1)
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    for _ in range(5):
        with pytest.raises(SystemFault):
            Database(Home(str(home_path)))
    if before:
        assert before == len(os.listdir("/proc/self/fd"))
    set_version(home_path, SCHEMA)
    database = Database(Home(str(home_path)))
    database.close()
    database.close()


def test_a_checkpoint_waits_for_no_reader(used: Path) -> None:
    store, reading = Store(Home(str(used))), Reading(Home(str(used)))
    reading.database.connection.execute("BEGIN")
    reading.database.row("SELECT count(*) FROM jobs")  # as a backup of a large home, or a client that was stopped
    submit(store)
    began = monotonic()
    store.database.checkpoint("TRUNCATE")
    assert BUSY_MS / 3 > (monotonic() - began) / 1e6
    assert (BUSY_MS,) == store.database.row("PRAGMA busy_timeout")
    submit(store)
    reading.database.connection.execute("COMMIT")
    store.database.checkpoint("TRUNCATE")
    assert 0 == os.stat(used / "outlast.db-wal").st_size
