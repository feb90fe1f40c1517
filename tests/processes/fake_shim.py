"""The part of a shim that matters to processes: a subreaper that starts one command in a session of its own and reaps all.

Run with `python -I -S fake_shim.py [-u UID -n NPROC] COMMAND...`. Tells `started PID` and `ended STATUS` on its output; lives until its
input is closed. Nothing but SIGKILL ends it.
"""

import ctypes
import os
import resource
import select
import signal
import sys

PR_SET_CHILD_SUBREAPER = 36

ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
signal.pthread_sigmask(signal.SIG_SETMASK, signal.valid_signals() - {signal.SIGCHLD})
words = sys.argv[1:]
uid = nproc = 0
if words[0] == "-u":
    uid, nproc, words = int(words[1]), int(words[3]), words[4:]
command = os.fork()
if command == 0:
    os.setsid()
    if nproc:
        resource.setrlimit(resource.RLIMIT_NPROC, (nproc, nproc))
    if uid:
        os.setgroups([])
        os.setgid(uid)
        os.setuid(uid)
    null = os.open("/dev/null", os.O_RDWR)
    for fd in (0, 1):
        os.dup2(null, fd)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    os.execvp(words[0], words)

awake, waker = os.pipe()
os.set_blocking(awake, False)
os.set_blocking(waker, False)
signal.signal(signal.SIGCHLD, lambda *_: None)
signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
print("started", command, flush=True)
poll = select.poll()
poll.register(awake, select.POLLIN)
poll.register(0, select.POLLIN)
while True:
    try:
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            if pid == command:
                print("ended", status, flush=True)
    except ChildProcessError:
        pass
    if any(fd == 0 for fd, _ in poll.poll()):
        break
    try:
        os.read(awake, 65536)
    except BlockingIOError:
        pass
