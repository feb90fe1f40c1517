"""Startup: `outlast run -- true` and `outlast list` as whole commands, against `python -c pass` of the same environment.

Wall time is the figure; CPU time, which a busy machine disturbs less, stands in the note. A supervisor lives already.
"""

from sidebyside import Row, alternate, arguments, fresh_home, ratios, spawned, tell, warm

LISTED = 20


def main() -> None:
    options = arguments("startup", rounds=60)
    with fresh_home(options) as home:
        for _ in range(LISTED):
            warm(home)
        environment = home.environment()
        from outlast import Jobs

        jobs = Jobs(home.path)
        cpu: dict[str, list[float]] = {"pass": [], "run": [], "list": []}

        def whole(case: str, *argv: str) -> float:
            wall, used = spawned(argv, environment)
            cpu[case].append(used)
            if case == "run":
                jobs.wait("last")  # its job shall not disturb what is measured next
            return wall

        cases = {
            "pass": lambda: whole("pass", options.python, "-c", "pass"),
            "run": lambda: whole("run", options.outlast, "run", "--", "true"),
            "list": lambda: whole("list", options.outlast, "list", "-n", str(LISTED)),
        }
        for case in cases.values():
            case()  # once to warm the page cache
        for used in cpu.values():
            used.clear()
        told = alternate(cases, options.rounds)
        jobs.close()
    rows = []
    for case, what in (("run", "`outlast run -- true`, the whole command"), ("list", f"`outlast list`, {LISTED} jobs, the whole command")):
        used = Row("", "", ratios(cpu[case], cpu["pass"])).median
        walls = Row("", "", told[case]).median, Row("", "", told["pass"]).median
        note = f"{walls[0] * 1000:.1f} ms against {walls[1] * 1000:.1f} ms; CPU time {used:.2f} x"
        rows.append(Row(what, "`python -c pass`", ratios(told[case], told["pass"]), reach="≤ 1.8", note=note))
    tell(rows, options)


if __name__ == "__main__":
    main()
