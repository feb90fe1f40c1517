"""Keys do what the verbs do: to the chosen job or group, and only when that was meant."""

from support import Outlast, eventually
from top.screen import Screen, play

TALKS = ("sh", "-c", "trap 'echo got it' USR1; echo ready; while :; do sleep 0.1; done")


def running(outlast: Outlast, *words: str) -> int:
    job = outlast.run(*words)
    eventually(lambda: "running" == outlast.show(job)["status"])
    return job


def test_stop_asks_and_really_stops(outlast: Outlast) -> None:
    other = running(outlast, "--name", "other", "--", "sleep", "1000")
    job = running(outlast, "--name", "long", "--", "sleep", "1000")

    async def scene(screen: Screen) -> None:
        await screen.choose(job)
        await screen.press("s")
        await screen.shows(f"stop job {job} long", "yes", "no")
        await screen.press("x", "j", "n")  # what is no answer is none
        await screen.shows("help", "quit")
        assert "running" == outlast.show(job)["status"]
        await screen.press("s", "y")
        await screen.shows(f"job {job} was asked to end")
        await screen.shows(f"{job}  long", "stopped")

    play(outlast, scene)
    assert "stopped" == outlast.show(job)["outcome"]
    assert "running" == outlast.show(other)["status"]


def test_kill_and_interrupt(outlast: Outlast) -> None:
    killed = running(outlast, "--", "sh", "-c", "trap '' TERM; echo; while :; do sleep 0.1; done")
    interrupted = running(outlast, "--", "sleep", "1000")

    async def scene(screen: Screen) -> None:
        await screen.choose(killed)
        await screen.press("K")
        await screen.shows(f"kill job {killed}", "SIGKILL")
        await screen.press("enter")
        await screen.shows(str(killed), "stopped")
        await screen.choose(interrupted)
        await screen.press("i")
        await screen.shows(f"interrupt job {interrupted}", "as a failure")
        await screen.press("y")
        await screen.shows(str(interrupted), "interrupted")

    play(outlast, scene)
    assert ("stopped", "interrupted") == (outlast.show(killed)["outcome"], outlast.show(interrupted)["outcome"])
    assert "SIGKILL" in outlast.show(killed)["reason"]


def test_pause_and_resume(outlast: Outlast) -> None:
    job = running(outlast, "--name", "still", "--", "sleep", "1000")

    async def scene(screen: Screen) -> None:
        await screen.choose(job)
        await screen.press("p")
        await screen.shows("still", "paused")
        assert outlast.show(job)["paused"]
        await screen.press("p")
        await screen.shows("still", "running")
        await screen.until(lambda: not outlast.show(job)["paused"])

    play(outlast, scene)


def test_hold_release_and_approve(outlast: Outlast) -> None:
    held = outlast.run("--name", "[/later]\x1b[2J", "--delay", "100s", "--", "true")
    waits = outlast.run("--name", "[/deploy]\x1b[2J", "--approval", "--", "true")

    async def scene(screen: Screen) -> None:
        await screen.choose(held)
        await screen.press("h")
        await screen.shows("[/later]", "held")
        await screen.press("h")
        await screen.shows("[/later]", "pending")
        await screen.choose(waits)
        await screen.shows("[/deploy]", "approval")
        await screen.press("a", "escape")  # not yet
        assert "pending" == outlast.show(waits)["status"]
        await screen.press("a")
        await screen.type("seen by ops")
        await screen.shows("[/deploy]", "succeeded")

    play(outlast, scene)
    assert "seen by ops" in outlast("events", str(waits), status=0).text


def test_rerun_makes_a_new_job(outlast: Outlast) -> None:
    job = outlast.run("--name", "again", "--", "true")
    outlast("wait", str(job), status=0)

    async def scene(screen: Screen) -> None:
        await screen.choose(job)
        await screen.press("r")
        await screen.shows("once more, as a new job")
        await screen.press("escape")
        await screen.press("r", "y")
        await screen.shows(f"job {job + 1} is a rerun of job {job}")
        await screen.until(lambda: job + 1 in screen.app.table.keys)

    play(outlast, scene)
    assert [1, 2] == [told["id"] for told in outlast("list", "--json").json["jobs"]]
    assert job == outlast.show(job + 1)["rerun_of"]


def test_signal(outlast: Outlast) -> None:
    job = running(outlast, "--", *TALKS)

    async def scene(screen: Screen) -> None:
        await screen.choose(job)
        await screen.shows("ready")
        await screen.press("S")
        await screen.type("NOSUCH")
        await screen.shows("NOSUCH", "signal")
        await screen.press("S")
        await screen.type("USR1")
        await screen.shows("got it")

    play(outlast, scene)


def test_a_refusal_is_said_with_its_hint(outlast: Outlast) -> None:
    job = running(outlast, "--", "sleep", "1000")
    ended = outlast.run("--", "true")
    outlast("wait", str(ended))

    async def scene(screen: Screen) -> None:
        await screen.choose(job)
        await screen.press("h")
        await screen.shows(f"job {job} runs already", f"`outlast pause {job}` lets it stand still")
        await screen.press("a", "enter")
        await screen.shows("waits for no approval")
        await screen.choose(ended)
        await screen.press("s")
        await screen.shows(f"job {ended} has ended: succeeded")

    play(outlast, scene)
    assert "running" == outlast.show(job)["status"]


def test_groups(outlast: Outlast) -> None:
    outlast("group", "set", "nightly", "--slots", "1", status=0)
    first = running(outlast, "-g", "nightly", "--name", "first", "--", "sleep", "1000")
    second = outlast.run("-g", "nightly", "--name", "second", "--", "sleep", "1000")
    outlast.run("--name", "elsewhere", "--", "sleep", "1000")

    def told() -> dict[str, object]:
        return dict(outlast("group", "show", "nightly", "--json", status=0).json)

    async def scene(screen: Screen) -> None:
        await screen.choose(first)
        await screen.press("g")
        await screen.shows("GROUP", "SLOTS", "RUNNING")
        assert ["nightly", "1", "1", "1", "0"] == screen.row("nightly").split()[1:]
        await screen.press("p")
        await screen.shows("nightly", "paused")
        assert told()["paused"]
        await screen.press("p")
        await screen.until(lambda: not told()["paused"])
        await screen.press("d")
        await screen.shows("nightly", "draining")
        await screen.press("p")
        await screen.until(lambda: not told()["draining"])
        await screen.press("n", "backspace")
        await screen.type("x")
        await screen.shows("`x`")
        await screen.press("n", "backspace")
        await screen.type("2")
        await screen.until(lambda: "running" == outlast.show(second)["status"])
        await screen.press("enter")
        await screen.shows("second", "running")
        await screen.until(lambda: "elsewhere" not in screen.text)
        await screen.shows("group: nightly")
        await screen.press("escape")
        await screen.shows("elsewhere")

    play(outlast, scene)
    assert 2 == told()["slots"]
