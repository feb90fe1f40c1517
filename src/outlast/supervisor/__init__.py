"""The supervisor: one process per home, one thread, one epoll loop. It holds nothing that it cannot rebuild.

`main` sets the process up, `loop` waits, and each service does one thing in `run_once(now)`, which returns what it did.
"""
