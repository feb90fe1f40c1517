"""The manual's reference and the man pages are those of the tables."""

import shutil
import subprocess

import pytest

import outlast
from outlast.cli.reference import SHOWN, man_pages, markdown, renew
from outlast.core.options import OPTIONS
from support import CHECKOUT

RENEW = "run `PYTHONPATH=src python -m outlast.cli.reference .`"
PAGES = man_pages(outlast.__version__)


def test_the_reference_is_current():
    assert markdown() == (CHECKOUT / "docs" / "reference.md").read_text(), RENEW


def test_the_man_pages_are_current():
    found = {path.name: path.read_text() for path in (CHECKOUT / "man").iterdir()}
    assert PAGES.keys() == found.keys(), RENEW
    assert found == PAGES, RENEW


@pytest.mark.parametrize("verb", SHOWN, ids=lambda verb: verb.name)
def test_every_verb_has_its_section_and_page(verb):
    section = markdown().split(f"\n## outlast {verb.name}\n")[1].split("\n## ")[0]
    for option in verb.options:
        assert option.help.replace("|", "\\|") in section
        assert all(f"`{spelling}" in section for spelling in option.spellings)
    assert verb.summary in markdown()
    assert "| exit status |" in section
    assert ".SH EXIT STATUS" in PAGES[f"outlast-{verb.name}.1"]


def test_every_option_of_a_job_has_its_variable_and_keyword():
    text = markdown()
    for option in OPTIONS:
        assert not option.stored or f"`{option.variable}`" in text
    assert '`retries={"num_runs": ...}`' in text


@pytest.mark.skipif(not shutil.which("groff"), reason="no groff")
def test_groff_has_nothing_to_say():
    for name, text in PAGES.items():
        groff = ["groff", "-man", "-Tascii", "-ww", "-z"]
        done = subprocess.run(groff, input=text, capture_output=True, text=True, check=False)
        assert (0, "") == (done.returncode, done.stderr), name


def test_renewing_writes_all(tmp_path):
    (tmp_path / "docs").mkdir()
    written = renew(str(tmp_path))
    assert len(PAGES) + 1 == len(written)
    assert all((tmp_path / path).exists() for path in written)
