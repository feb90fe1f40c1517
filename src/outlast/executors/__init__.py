"""How a run becomes a process somewhere. `local` starts it under a shim on this machine."""
