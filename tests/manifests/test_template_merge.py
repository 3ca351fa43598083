"""A new version of a template reaches files that a team has worked on."""

from manifests.template_merge import merge

LINES = "".join(f"line {number}\n" for number in range(10))


def merged(before: dict[str, str], now: dict[str, str], ours: dict[str, str]):
    return merge(before, now, set(ours), ours.__getitem__)


def test_what_only_the_template_changed_is_taken() -> None:
    found = merged({"a": "1\n", "b": "1\n"}, {"a": "2\n", "b": "1\n", "new": "n\n"}, {"a": "1\n", "b": "mine\n"})
    assert (dict(found.written), found.deleted, found.conflicts) == ({"a": "2\n", "new": "n\n"}, (), ())


def test_both_changes_of_one_file_come_together() -> None:
    now, ours = LINES.replace("line 1\n", "theirs\n"), LINES.replace("line 8\n", "mine\n")
    found = merged({"a": LINES}, {"a": now}, {"a": ours})
    assert found.written["a"] == LINES.replace("line 1\n", "theirs\n").replace("line 8\n", "mine\n")
    assert found.conflicts == ()


def test_a_change_of_the_same_place_is_marked() -> None:
    found = merged({"a": LINES}, {"a": LINES.replace("5", "theirs")}, {"a": LINES.replace("5", "mine")})
    assert found.conflicts == ("a",)
    assert "<<<<<<< yours\nline mine\n=======\nline theirs\n>>>>>>> template now\n" in found.written["a"]


def test_what_the_team_deleted_stays_deleted_and_what_it_changed_is_not() -> None:
    found = merged({"a": "1\n", "b": "1\n", "c": "1\n"}, {"a": "2\n"}, {"b": "mine\n", "c": "1\n"})
    assert (dict(found.written), found.deleted, found.conflicts) == ({}, ("c",), ())


def test_a_new_file_of_the_template_does_not_replace_the_teams() -> None:
    found = merged({}, {"a": "theirs\n"}, {"a": "mine\n"})
    assert found.conflicts == ("a",)
    assert "mine\n" in found.written["a"]


def test_what_is_not_text_and_what_stands_where_a_folder_is_are_left_alone() -> None:
    ours = {"logo": None, "docs/a": "mine\n", "bin": "mine\n", "kept": "1\n", "odd": "mine\0\n"}
    now = {"logo": "2\n", "docs": "new\n", "bin/run": "new\n", "kept": "2\n", "odd": "2\n"}
    found = merge({"logo": "1\n", "kept": "1\n", "odd": "1\n"}, now, set(ours), ours.__getitem__)
    assert (dict(found.written), found.left) == ({"kept": "2\n"}, ("bin/run", "docs", "logo", "odd"))


def test_what_the_template_has_no_more_and_the_team_has_changed_stays() -> None:
    found = merged({"a": "1\n", "b": "1\n"}, {}, {"a": "mine\n", "b": "1\n"})
    assert (found.kept, found.deleted, found.conflicts) == (("a",), ("b",), ())


def test_the_same_change_by_both_is_not_a_change() -> None:
    found = merged({"a": "1\n"}, {"a": "2\n"}, {"a": "2\n"})
    assert (dict(found.written), found.conflicts) == ({}, ())
