"""Fuzz what reads other people's bytes, guided by coverage: `python tests/fuzz/run.py [--seconds N] [--seed N] [TARGET...]`.

`--input FILE TARGET` runs one input again. What is found is kept in the folder `--found` (default: a new one under the temporary
directory), with the line that repeats it. The engine is atheris (libFuzzer); the same targets are run by tests/fuzz/test_fuzz.py, too.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

LONGEST = 4096


def fuzz(name: str, seconds: int, seed: int, found: str) -> int:
    """Fuzz one target in a process of its own, since the engine never returns. Returns the process's exit status."""
    with tempfile.TemporaryDirectory(prefix="outlast-fuzz-") as corpus:
        how = f"-max_total_time={seconds} -seed={seed} -max_len={LONGEST} -timeout=20 -rss_limit_mb=1024 -verbosity=0"
        child = [sys.executable, str(HERE / "run.py"), "--engine", name, *how.split(), f"-artifact_prefix={found}/{name}-", corpus]
        done = subprocess.run(child, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stdout[-2000:] + done.stderr[-4000:])
        print(f"{name}: FOUND; `python {HERE / 'run.py'} --input {found}/{name}-... {name}` repeats it")
    else:
        print(f"{name}: nothing found in {seconds} s")
    return done.returncode


def engine(words: list[str]) -> None:
    """Be the process of one target. Never returns."""
    import atheris

    name, corpus = words[0], words[-1]
    with atheris.instrument_imports(include=["outlast", "fuzz.planted"]):
        from fuzz.targets import PLANTED, TARGETS
    target = (TARGETS | PLANTED)[name]
    for number, text in enumerate(target.seeds):
        Path(corpus, str(number)).write_bytes(text)
    atheris.Setup([sys.argv[0], *words[1:]], lambda data: target.run(data) and None)
    atheris.Fuzz()


def main() -> int:
    """Run. 0: nothing found."""
    if sys.argv[1:2] == ["--engine"]:
        engine(sys.argv[2:])
    from fuzz.targets import PLANTED, TARGETS

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--found", default="", help="where to keep what was found")
    parser.add_argument("--input", type=Path, help="run this input and nothing else")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)}; default: all")
    options = parser.parse_args()
    unknown = [name for name in options.targets if name not in TARGETS | PLANTED]
    if unknown:
        parser.error(f"there is no target {unknown[0]}")
    if options.input:
        for name in options.targets:
            (TARGETS | PLANTED)[name].run(options.input.read_bytes())
        return 0
    found = options.found or tempfile.mkdtemp(prefix="outlast-found-")
    os.makedirs(found, exist_ok=True)
    return max(fuzz(name, options.seconds, options.seed, found) for name in options.targets or TARGETS)


if __name__ == "__main__":
    sys.exit(main())
