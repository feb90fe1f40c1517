"""What statistics are made of, from real rows: all runs of the jobs that are meant, in the order of their ends, and no more than asked."""

from pathlib import Path

from outlast.core import events as e
from outlast.core import job as j
from outlast.core.selectors import NAME, Selector
from outlast.core.stats import stats
from outlast.home import Home
from outlast.store.finding import Filter
from outlast.store.statistics import ran
from outlast.store.store import Store
from store.making import AT, claim, end, ended, ending, fill, start, submit, tick


def test_all_runs_of_a_job_with_what_they_used(store: Store) -> None:
    job = start(store, claim(store, submit(store, name="a", spec={"retries.num-runs": 2})))
    first = ending(job, j.FAILED, cpu=3, max_rss=7, memory=9, cpu_by="cgroup")
    job = store.record(job, e.Retried(run=1, ending=first, next_run_at=tick()), tick())
    job = store.record(job, e.Queued(because="it is time"), tick())
    end(store, start(store, claim(store, job)), cpu=4, max_rss=5)
    runs, since = ran(store, Filter(active=False), AT, 10)
    assert since is None
    assert [(1, "failed", 3, 7, 9), (1, "succeeded", 4, 5, None)] == [
        (run.job, run.run_outcome, run.cpu, run.max_rss, run.memory) for run in runs
    ]
    assert ("cgroup", 9) == (store.runs(1)[0].cpu_by, store.runs(1)[0].memory)
    (one,) = stats(runs)
    assert (1, 7, 7, 9) == (one.jobs, one.cpu, one.max_rss, one.memory)


def test_names_that_are_no_text_and_jobs_without_a_run(store: Store) -> None:
    ended(store, name="bad\udcff")
    end(store, submit(store, name="bad\udcff"), j.SKIPPED)
    submit(store, name="bad\udcff")
    runs, _ = ran(store, Filter(active=False, among=(Selector(kind=NAME, text="", value="bad\udcff"),)), AT, None)
    assert [("bad\udcff", "succeeded"), ("bad\udcff", None)] == [(run.name, run.run_outcome) for run in runs]
    assert runs[0].took is not None
    assert runs[1].took is None


def test_the_last_ones_and_since_when(store: Store) -> None:
    made = [ended(store, name=f"n{number}") for number in range(5)]
    runs, since = ran(store, Filter(active=False), AT, 3)
    assert ([3, 4, 5], made[2].ended_at) == ([run.job for run in runs], since)
    assert (5, None) == (len(ran(store, Filter(active=False), AT, 5)[0]), ran(store, Filter(active=False), AT, 5)[1])
    assert ([], None) == ran(store, Filter(active=False, name="x"), AT, 3)


def test_the_usual_is_looked_for_among_the_last_500(home_path: Path) -> None:
    """A name that always fails costs no more than that."""
    fill(home_path, 700)
    store = Store(Home(str(home_path)))
    told = []
    for last in (200, 201):
        store.database.execute("UPDATE jobs SET name = 'x', outcome = CASE WHEN id <= ? THEN 'succeeded' ELSE 'failed' END", (last,))
        told.append(store.usual("x"))
    assert told[0] is None
    assert told[1] is not None
    assert told[1][0] == store.usual_duration("x")
    store.close()
