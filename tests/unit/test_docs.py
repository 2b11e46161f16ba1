"""What docs/design.md and docs/failure-modes.md name is there: a promise without code or test is none."""

import functools
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMES = re.compile(r"`((?:test_|Test)[A-Za-z0-9_]+)`")
MODULES = re.compile(r"`([a-z0-9_/]+\.py)`")


@functools.lru_cache(maxsize=None)
def known():
    """Return the names of all tests; a state machine of hypothesis becomes a test by its assignment."""
    texts = [path.read_text() for path in (ROOT / "tests").rglob("test_*.py")]
    return {
        name for text in texts for name in re.findall(r"^(?:def |class )?(test_\w+|Test\w+)(?=\(| = |:)", text, re.M)
    }


def rows(name):
    """Return the cells of every row of the tables of a document, without heads."""
    lines = (ROOT / "docs" / name).read_text().splitlines()
    found = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return found[2:]


@pytest.mark.parametrize("row", rows("failure-modes.md"), ids=lambda row: row[0])
def test_every_failure_mode_says_all_and_names_a_test_that_exists(row):
    assert len(row) == 5
    assert all(row)
    named = NAMES.findall(row[4])
    assert named
    assert set(named) <= known()


@pytest.mark.parametrize("row", rows("design.md"), ids=lambda row: row[0])
def test_every_invariant_names_code_and_tests_that_exist(row):
    promise, kept, attacked = row[1:]
    modules, named = MODULES.findall(kept), NAMES.findall(attacked)
    assert promise
    assert modules
    assert [module for module in modules if not (ROOT / "camera_backup" / module).is_file()] == []
    assert named
    assert set(named) <= known()


def test_every_invariant_is_in_the_design():
    assert [row[0] for row in rows("design.md")] == ["I%d" % number for number in range(1, 9)]
