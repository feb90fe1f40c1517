"""One file per verb: its calls on `Jobs` and the shape of its result. `main(parsed, jobs)` returns the exit status."""
