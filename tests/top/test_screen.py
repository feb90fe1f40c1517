"""What the screen shows: jobs and counts that are true, the output as it comes, whatever is in it, on terminals of any size."""

import os
import re
import signal

import pytest

from outlast.cli.top.following import LAST
from support import Outlast, eventually
from top.screen import Screen, play


def write(outlast: Outlast, *words: str) -> int:
    job = outlast.run(*words)
    outlast("wait", str(job))
    return job


def test_a_home_without_jobs_and_the_first_one(outlast: Outlast) -> None:
    async def scene(screen: Screen) -> None:
        await screen.shows("no jobs in", str(outlast.home))
        assert "0 running" in screen.row("no supervisor")
        await screen.press("s", "r", "K", "p", "g", "p", "d", "n", "escape")
        await screen.shows("no jobs in")
        outlast.run("--name", "first", "--", "sh", "-c", "echo hello; sleep 1000")
        await screen.shows("first", "running")
        await screen.shows("1 running", f"supervisor {outlast.supervisor_pid()}")
        await screen.shows(" hello")

    play(outlast, scene)


def test_who_looks_starts_no_supervisor(outlast: Outlast) -> None:
    write(outlast, "--name", "fine", "--", "true")
    outlast("supervisor", "stop", status=0)
    outlast.assert_nothing_left()

    async def scene(screen: Screen) -> None:
        await screen.shows("fine", "succeeded")
        at = screen.app.seen.at
        await screen.until(lambda: screen.app.seen.at > at + 2_000_000_000)
        screen.row("no supervisor")
        assert [] == outlast.processes()
        await screen.press("r", "y")  # whoever acts does
        await screen.shows("2  fine", "succeeded")

    play(outlast, scene)


def test_what_waits_runs_and_has_ended(outlast: Outlast) -> None:
    write(outlast, "--name", "fine", "--", "true")
    write(outlast, "--name", "broken", "--", "sh", "-c", "exit 3")
    write(outlast, "--name", "nothere", "--", "no-such-command-anywhere")
    outlast("group", "set", "g", "--slots", "1", status=0)
    outlast.run("--name", "runs", "-g", "g", "--", "sleep", "1000")
    outlast.run("--name", "queued", "-g", "g", "--", "sleep", "1000")
    outlast.run("--name", "waits", "--after", "4", "--", "true")

    async def scene(screen: Screen) -> None:
        await screen.shows("1 running", "1 queued", "1 pending", "2 failed today")
        assert [4, 5, 6, 3, 2, 1] == screen.app.table.keys  # what runs, what waits, what has ended last
        screen.row("broken", "failed", "exit code 3")
        screen.row("nothere", "not started")
        screen.row("fine", "succeeded")
        await screen.shows("waits", "pending", "waits for job 4")
        before = re.findall(r"\d+s", screen.row("runs"))
        await screen.until(lambda: before != re.findall(r"\d+s", screen.row("runs")))  # time goes on
        await screen.press("t")
        await screen.until(lambda: [4, 5, 6] == screen.app.table.keys)
        screen.row("ended hidden")
        await screen.press("t")
        await screen.until(lambda: 6 == len(screen.app.table.keys))
        outlast("stop", "4", status=0)
        await screen.until(lambda: [5, 6, 4, 3, 2, 1] == screen.app.table.keys)
        assert 4 == screen.app.table.chosen  # it stays chosen, though it went down

    play(outlast, scene)


def test_filter_and_order(outlast: Outlast) -> None:
    for name in ("red", "green", "blue"):
        write(outlast, "--name", name, "--", "true")

    async def scene(screen: Screen) -> None:
        await screen.until(lambda: [3, 2, 1] == screen.app.table.keys)
        await screen.press("slash")
        await screen.type("re")
        await screen.until(lambda: [2, 1] == screen.app.table.keys)
        screen.row("text: re")
        await screen.press("slash", "escape")  # leaves it as it is
        await screen.press("slash", *["backspace"] * 2)
        await screen.type("nothing like that")
        await screen.shows("no such jobs in")
        assert [] == screen.app.table.keys
        await screen.press("escape")
        await screen.until(lambda: [3, 2, 1] == screen.app.table.keys)
        await screen.press(*"ooooooo")
        await screen.shows("STATE", "▲ STARTED")
        await screen.press("o", "o", "o")
        await screen.until(lambda: [3, 2, 1] == screen.app.table.keys and "NAME ▲" in screen.text)  # blue, green, red
        await screen.press("O")
        await screen.until(lambda: [1, 2, 3] == screen.app.table.keys)
        await screen.pilot.click("#upper Heading", offset=(3, 0))
        await screen.until(lambda: [1, 2, 3] == screen.app.table.keys and "ID▲" in screen.text)
        await screen.pilot.click("#upper Heading", offset=(3, 0))
        await screen.until(lambda: [3, 2, 1] == screen.app.table.keys)

    play(outlast, scene)


def test_the_filters_of_the_command_line_hold(outlast: Outlast) -> None:
    write(outlast, "--name", "fine", "--", "true")
    write(outlast, "--name", "broken", "--", "false")

    async def scene(screen: Screen) -> None:
        await screen.until(lambda: [2] == screen.app.table.keys)
        await screen.press("escape")
        await screen.shows("broken")
        assert "fine" not in screen.text

    play(outlast, scene, outcome=("failed",))


def test_output_is_followed_until_somebody_scrolls_up(outlast: Outlast) -> None:
    steps = outlast.folder / "steps"
    steps.mkdir()
    # The last line is none of the numbers: the table shows it, too.
    command = (
        f"i=0; while :; do if [ -e {steps}/$i ]; then seq $((i * 100)) $((i * 100 + 99)); echo; echo =; i=$((i + 1)); fi; sleep 0.02; done"
    )
    (steps / "0").touch()
    outlast.run("--", "sh", "-c", command)

    async def scene(screen: Screen) -> None:
        await screen.shows(" 99")
        (steps / "1").touch()
        await screen.shows(" 199")
        await screen.press("tab", "home")
        await screen.shows("End follows")
        await screen.shows(" 0")
        (steps / "2").touch()
        await screen.until(lambda: len(screen.app.output.pieces) == 306)
        screen.row(" 0")
        assert " 299" not in screen.text
        await screen.press("end")
        await screen.shows(" 299")
        (steps / "3").touch()
        await screen.shows(" 399")
        await screen.press("pageup")
        await screen.until(lambda: " 399" not in screen.text)
        await screen.press("escape")  # back to the table
        assert screen.app.focused is screen.app.table

    play(outlast, scene)


def test_output_follows_the_next_run(outlast: Outlast) -> None:
    go = outlast.folder / "go"
    outlast.run(
        "--retries", "1", "--", "sh", "-c", f"echo this is run $OUTLAST_RUN; until [ -e {go} ]; do sleep 0.02; done; rm {go}; exit 1"
    )

    async def scene(screen: Screen) -> None:
        await screen.shows("this is run 1")
        go.touch()
        await screen.shows("this is run 2")
        await screen.until(lambda: "this is run 1" not in screen.text)  # nor as the last line in the table
        screen.row("run 2/2")
        await screen.press("left_square_bracket", "left_square_bracket")
        await screen.shows("this is run 1")
        screen.row("run 1 of 2")
        await screen.press("right_square_bracket", "right_square_bracket")
        await screen.shows("this is run 2")
        screen.row("run 2/2")

    play(outlast, scene)


def test_nothing_in_the_output_is_obeyed(outlast: Outlast) -> None:
    lines = [
        r"", r"[bold]not bold[/bold] [red]x[/] \[ [link=file:///]", r"\033[31mred\033[0m\033]0;title\007\033[2J\033[H after",
        r"10%%\r20%%\r30%%", r"tab\there", r"bad \377 byte", r"c1 \302\2331m end", r"torn \033[", "宽宽宽",
    ]  # fmt: skip
    write(outlast, "--name", "[reverse]name[/]", "--", "sh", "-c", "printf '" + r"\n".join(lines) + "'; echo oops >&2")

    async def scene(screen: Screen) -> None:
        await screen.shows("▌oops")
        screen.row("[bold]not bold[/bold] [red]x[/] ", "[link=file:///]")
        screen.row(" red after")
        screen.row(" 30%")
        screen.row("tab     here")
        screen.row("bad \ufffd byte")
        screen.row("torn ")
        screen.row("[reverse]name[/]", "succeeded")
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", screen.text)
        await screen.press("r")
        await screen.shows("job 1 [reverse]name[/]", "yes")
        await screen.press("n")
        for key in ("2", "3", "4", "question_mark"):
            await screen.press(key)
            assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", screen.text)

    play(outlast, scene)


def test_huge_output_is_bounded(outlast: Outlast) -> None:
    write(outlast, "--", "sh", "-c", "seq 300000; head -c 3000000 /dev/zero | tr '\\0' x")

    async def scene(screen: Screen) -> None:
        await screen.until(lambda: screen.app.output.pieces and screen.app.output.pieces[-1].text.startswith(b"xxx"))
        assert len(screen.app.output.pieces) <= LAST
        assert len(screen.app.output._rows) < 3 * LAST
        await screen.press("tab", "home")
        await screen.shows(" 29")  # numbers up to 300,000, the last ones

    play(outlast, scene)


def test_a_job_that_writes_faster_than_anybody_reads(outlast: Outlast) -> None:
    outlast.run("--name", "fast", "--log.file.max-bytes", "1MiB", "--", "sh", "-c", "while :; do seq 100000; done")
    other = outlast.run("--name", "calm", "--", "sh", "-c", "echo calm output; sleep 1000")

    async def scene(screen: Screen) -> None:
        await screen.until(lambda: len(screen.app.output.pieces) > 1000)
        seen = screen.app.output.pieces[-1].text
        await screen.until(lambda: screen.app.output.pieces[-1].text != seen)
        assert len(screen.app.output.pieces) <= LAST
        await screen.choose(other)
        await screen.shows("calm output")
        await screen.choose(1)
        await screen.press("K", "y")
        await screen.shows("fast", "stopped")

    play(outlast, scene)


def test_details_events_and_feedback(outlast: Outlast) -> None:
    outlast.run("--name", "told", "--retries", "2", "--description", "what it is", "--", "sleep", "1000")

    async def scene(screen: Screen) -> None:
        await screen.shows("told", "running")
        await screen.press("right")
        await screen.shows("description", "what it is")
        await screen.shows("why", "has been running")
        await screen.press("enter")  # alone
        await screen.until(lambda: "DURATION" not in screen.row("what it is") and not screen.app.table.region)
        await screen.press("end")
        await screen.shows("RUN", "STATE", "PID")
        await screen.press("escape", "3")
        await screen.shows("submitted")
        await screen.shows("started", "pid=")
        await screen.press("right")
        await screen.shows("feedback")
        await screen.press("right")
        await screen.shows("no output")
        await screen.press("question_mark")
        await screen.shows("K", "SIGKILL")
        await screen.press("question_mark")
        await screen.shows("told", "running")

    play(outlast, scene)


def test_the_mouse(outlast: Outlast) -> None:
    for name in ("one", "two", "three"):
        write(outlast, "--name", name, "--", "echo", f"this is {name}")

    async def scene(screen: Screen) -> None:
        await screen.shows("this is three")
        await screen.pilot.click("#jobs", offset=(8, 2))
        await screen.shows("this is one")
        await screen.pilot.click("Tabs", offset=(12, 0))
        await screen.shows("exit code", "0")
        await screen.pilot.click("Tabs", offset=(2, 0))
        await screen.pilot.click("#jobs", offset=(8, 1), times=2)
        await screen.until(lambda: screen.app.query_one("#body").has_class("zoomed"))
        await screen.shows("this is two")

    play(outlast, scene)


@pytest.mark.parametrize("size", [(80, 24), (40, 12), (160, 40), (20, 6)])
def test_terminals_of_any_size(outlast: Outlast, size: tuple[int, int]) -> None:
    outlast("group", "set", "a-group-with-a-long-name", "--slots", "1", status=0)
    for number in range(15):
        outlast.run(
            "--name", f"a job with a very long name {number}", "-g", "a-group-with-a-long-name", "--", "sh", "-c", "echo hello; sleep 1000"
        )

    async def scene(screen: Screen) -> None:
        await screen.until(lambda: 15 == len(screen.app.table.keys))
        await screen.until(lambda: screen.row("1", "running"))
        if size > (20, 6):
            await screen.shows(" hello")
            assert "s stop" in screen.lines[-1]
            assert "q quit" in screen.lines[-1]
        for wanted in (size, (100, 30), (40, 12), size):
            await screen.pilot.resize_terminal(*wanted)
            await screen.until(
                lambda wanted=wanted: (wanted[1], {wanted[0]}) == (len(screen.lines), {_cells(line) for line in screen.lines})
            )
            await screen.press("end")
            await screen.until(lambda: screen.row("▸", "15"))
            await screen.press("home")
            await screen.until(lambda: screen.row("▸", "1", "running"))
        await screen.press("s")
        await screen.shows("y")
        await screen.press("n", "g", "question_mark", "escape")

    play(outlast, scene, size)


def test_the_end_stays_in_sight_as_the_terminal_changes(outlast: Outlast) -> None:
    job = outlast.run("--", "sh", "-c", "seq -f '%.0f is the number of this line, which is long' 300; exec sleep 1000")

    async def scene(screen: Screen) -> None:
        await screen.shows(f" {job} ", "running")
        for wanted in ((100, 30), (100, 20), (40, 12), (100, 30), (30, 12)):
            await screen.pilot.resize_terminal(*wanted)
            await screen.until(lambda wanted=wanted: wanted[1] == len(screen.lines))
            await screen.until(lambda: any("300" in line for line in screen.lines[4:]), within=5)
        await screen.press("tab", "home")
        await screen.until(lambda: not screen.app.output.is_at_end)
        await screen.pilot.resize_terminal(100, 31)
        await screen.until(lambda: 31 == len(screen.lines))
        assert not screen.app.output.is_at_end, "whoever reads is not disturbed"

    play(outlast, scene)


def _cells(line: str) -> int:
    from rich.cells import cell_len

    return cell_len(line)


def test_the_supervisor_is_killed_while_it_shows(outlast: Outlast) -> None:
    job = outlast.run("--name", "goes-on", "--", "sh", "-c", "echo here; sleep 1000")
    eventually(lambda: "running" == outlast.show(job)["status"])

    async def scene(screen: Screen) -> None:
        first = outlast.supervisor_pid()
        assert first is not None
        await screen.shows("1 running", f"supervisor {first}")
        os.kill(first, signal.SIGKILL)
        await screen.until(lambda: f"supervisor {first}" not in screen.text)
        screen.row("goes-on", "running")
        await screen.until(lambda: re.search(r"supervisor \d", screen.text))  # the lifeline
        await screen.press("s", "y")
        await screen.shows("goes-on", "stopped")

    play(outlast, scene)
