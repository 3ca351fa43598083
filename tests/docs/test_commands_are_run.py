"""Every command line of the documentation is run by a test, or has a reason why not."""

from tests.docs.documented import documented_lines, not_run, taken
from tests.docs.markdown import ROOT


def test_each_command_is_run_by_a_test_or_has_a_reason_why_not() -> None:
    run, excused = set(taken()), [line for group in not_run() for line in group["lines"]]
    assert len(run) > 50
    assert sorted(documented_lines().keys() - run - set(excused)) == []
    assert sorted(excused) == sorted(documented_lines().keys() & set(excused) - run)


def test_what_does_the_same_as_a_command_exists() -> None:
    groups = not_run()
    assert all(group["reason"] for group in groups)
    assert [group["instead"] for group in groups if not (ROOT / group.get("instead", "")).exists()] == []
