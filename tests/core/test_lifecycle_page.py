"""`docs/lifecycle.md` is what the table says."""

from lifecycle_page import PAGE, constant_texts, edges, event_text, page
from outlast.core import events as e
from outlast.core import job as j


def test_the_page_is_made_from_the_table() -> None:
    assert page() == PAGE.read_text(), "make it anew: .venv-test/bin/python tests/lifecycle_page.py"


def test_everything_is_told_in_a_sentence() -> None:
    told = {**constant_texts(), **{event.kind: event_text(event) for event in e.EVENTS}}
    assert {*j.STATUSES, *j.OUTCOMES, *e.BY_KIND} <= set(told)
    for word, text in told.items():
        assert text[:1].isupper(), word
        assert text.endswith("."), word


def test_the_picture_shows_every_change_of_status() -> None:
    assert ("running", "pending") in edges()
    for (status, to), kinds in edges().items():
        assert f"    {'[*]' if status == 'new' else status} --> {to}: {', '.join(kinds)}\n" in page()
