"""Build hook: puts the compiled shim and byte code into the wheel. Whatever fails here costs speed, never the install.

The shim in C is optional: without a compiler, or with `OUTLAST_NO_SHIM_C=1`, the wheel is pure and `shim.py` does the same.
Byte code: not every installer compiles, and a command that is compiled anew at each call is 80 ms slower. It is of the
unchecked kind (PEP 552), since the files of an installed wheel get their time of installation.
"""

import os
import py_compile
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SHIM = "outlast-shim"


class CustomBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """What hatchling calls before and after it makes a wheel."""

    scratch: Path | None = None

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the shim and the byte code to the wheel; an editable install gets the shim beside its source and no byte code."""
        root = Path(self.root)
        package = root / "src" / "outlast"
        self.scratch = Path(tempfile.mkdtemp(prefix="outlast-build-"))
        binary = compile_shim(package / "shim" / "shim.c", self.scratch)
        if version == "editable":
            installed = package / "shim" / SHIM
            if binary:
                replace(binary, installed)
            else:
                installed.unlink(missing_ok=True)  # of an older source
            return
        if binary:
            build_data["force_include"][str(binary)] = f"outlast/shim/{SHIM}"
            build_data["pure_python"] = False
            build_data["tag"] = f"py3-none-{platform_tag()}"
        for made, target in compile_modules(package, self.scratch):
            build_data["force_include"][str(made)] = target

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002  # hatchling's signature
        """Remove what was made on the way."""
        if self.scratch:
            shutil.rmtree(self.scratch, ignore_errors=True)


def compile_shim(source: Path, scratch: Path) -> Path | None:
    """Return the path of a shim that was compiled and runs here, or None after saying why there is none."""
    if os.environ.get("OUTLAST_NO_SHIM_C", "0") not in {"", "0"}:
        return say("OUTLAST_NO_SHIM_C is set")
    if not sys.platform.startswith("linux"):
        return say(f"it is not made for {sys.platform}")
    if not source.exists():
        return say(f"there is no {source.name}")
    compiler = find_compiler()
    if not compiler:
        return say("no C compiler (cc, gcc or clang) was found")
    binary = scratch / SHIM
    flags = ["-O2", "-std=gnu11", *words("CPPFLAGS"), *words("CFLAGS")]
    reason = None
    for linked in (["-static"], []):  # static: a third less to start, and half the private memory; not every machine can
        command = [*compiler, *flags, *linked, "-o", str(binary), str(source), *words("LDFLAGS")]
        reason = try_run(command) or try_run([str(binary), "version"])
        if not reason:
            break
    if reason:
        return say(reason)
    binary.chmod(0o755)
    return binary


def find_compiler() -> list[str]:
    """Return the words that start a C compiler: `$CC`, else the first of musl-gcc, cc, gcc, clang; empty if there is none.

    musl: glibc asks the processor for its features before `main`, which traps on a virtual machine and costs as much as the whole start.
    """
    candidates = [words("CC"), ["musl-gcc"], ["cc"], ["gcc"], ["clang"]]
    return next((found for found in candidates if found and shutil.which(found[0])), [])


def words(name: str) -> list[str]:
    """Return the environment variable `name` as a shell would split it; nothing if it cannot be split."""
    try:
        return shlex.split(os.environ.get(name, ""))
    except ValueError:
        return []


def try_run(argv: list[str]) -> str:
    """Run `argv`. Returns an empty text, or why it failed."""
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=300, check=False)
    except (OSError, subprocess.SubprocessError) as error:
        return f"{argv[0]}: {error}"
    if done.returncode == 0:
        return ""
    last = (done.stderr or done.stdout).decode(errors="replace").strip()[-2000:]
    return f"{shlex.join(argv)} failed with {done.returncode}: {last}"


def say(reason: str) -> None:
    """Tell that the install goes on without the shim in C, and why."""
    print(f"outlast: installing without the C shim (the Python one does the same): {reason}", file=sys.stderr)


def platform_tag() -> str:
    """Return the wheel platform of this interpreter, such as `linux_x86_64`: good for local installs, claims no old libc."""
    return sysconfig.get_platform().replace("-", "_").replace(".", "_")


def compile_modules(package: Path, scratch: Path) -> list[tuple[Path, str]]:
    """Compile every module under `package`. Returns pairs of a file made in `scratch` and its path in the wheel."""
    made = []
    if not sys.implementation.cache_tag:
        return made
    for source in sorted(package.rglob("*.py")):
        name = source.relative_to(package.parent)
        target = cache_from_source(str(name), optimization="")
        pyc = scratch / "pyc" / target
        try:
            py_compile.compile(
                str(source),
                cfile=str(pyc),
                dfile=str(name),
                doraise=True,
                optimize=0,
                invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
            )
        except (OSError, py_compile.PyCompileError) as error:
            print(f"outlast: no byte code for {name}: {error}", file=sys.stderr)
        else:
            made.append((pyc, target))
    return made


def replace(source: Path, target: Path) -> None:
    """Put `source` where `target` is, in one step: a shim that runs from there goes on. Says so if that cannot be."""
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        shutil.copy2(source, beside)
        beside.replace(target)
    except OSError as error:
        beside.unlink(missing_ok=True)
        say(str(error))
