"""The tag grammar: its four spellings agree with each other, and hostile names reach nothing."""

import contextlib
import fnmatch
import re
import string
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway_release.tags import (
    Tag,
    TagError,
    Version,
    actions_filters,
    branch_version,
    is_prefix,
    ruleset_patterns,
    tag_patterns,
    targets,
)

OCI_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
"""https://github.com/opencontainers/distribution-spec: what a registry takes as tag."""


@dataclass(frozen=True)
class Environment:
    name: str
    images: str = "release"
    tag_prefix: str | None = None


ENVIRONMENTS = [
    Environment("dev", images="main"),
    Environment("preview", images="branch"),
    Environment("staging"),
    Environment("production", tag_prefix="prod"),
]

HOSTILE = [
    "v1.2.3;rm", "v1.2.3;rm -rf /", "v1$(id)", "v1.2.3$(id)", "v1.2.3`id`", "v1|x", "v1&&x", "v1${IFS}x",
    'v1"x', "v1'x", "-v1", "--v1.2.3", "v1+b1", "v1.2.3+b1", "app/v1", "app/v1.2.3", "v1.2.3/../x",
    "v1.2.3\n", "\nv1.2.3", "v1.2.3\r", "v1.2.3\0", " v1.2.3", "v1.2.3 ", "v", "v1", "v1.2", "v1.2.3.4",
    "v01.2.3", "v1.02.3", "v1.2.3-", "v1.2.3-01",
    "v1.2.3-a-", "v1.2.3-rc..1", "v1.2.3-rc_1", "V1.2.3", "1.2.3", "prod-1.2.3",
    "prod_v1.2.3", "-prod-v1.2.3", "PROD-v1.2.3", "v１.2.3", "v1.2.3-ré", "v1.2.3\u202e", "ѵ1.2.3", "v١.٢.٣",
    "v1.2.3-${{ github.token }}", "refs/tags/v1.2.3", "", "v1.2.3-" + "a" * 80,
]  # fmt: skip

numbers = st.integers(min_value=0, max_value=10**6)
identifiers = st.one_of(
    numbers.map(str),
    st.text(string.ascii_letters + string.digits + "-", min_size=1, max_size=8).filter(
        lambda text: not (text.isdecimal() and len(text) > 1 and text[0] == "0")
    ),
)
versions = st.builds(Version, numbers, numbers, numbers, st.lists(identifiers, max_size=3).map(tuple)).filter(
    lambda version: not str(version).endswith("-")
)
tags = st.builds(Tag, versions, st.sampled_from([None, "prod"]))


def actions_match(pattern: str, name: str) -> bool:
    """Match as Actions does: `*` stops at `/`, `**` does not, `?` and `+` repeat what is before."""
    expression = re.sub(
        r"\\\*\\\*|\\\*|\\\.|\\-|\\\[|\\\]",
        lambda match: {r"\*\*": ".*", r"\*": "[^/]*", r"\.": r"\.", r"\-": "-", r"\[": "[", r"\]": "]"}[match[0]],
        re.escape(pattern),
    )
    return re.fullmatch(expression, name, re.DOTALL) is not None


def ruleset_match(pattern: str, reference: str) -> bool:
    """Match as rulesets do: fnmatch in which `*` stops at `/`."""
    parts, names = pattern.split("/"), reference.split("/")
    return len(parts) == len(names) and all(
        fnmatch.fnmatchcase(name, part) for name, part in zip(names, parts, strict=True)
    )


@given(tags)
def test_a_tag_reads_back_as_it_was_written(tag: Tag) -> None:
    assert Tag.parse(str(tag)) == tag


@given(tags)
def test_every_release_tag_starts_a_run_and_is_protected(tag: Tag) -> None:
    name = str(tag)
    assert any(actions_match(pattern, name) for pattern in actions_filters(ENVIRONMENTS))
    assert any(ruleset_match(pattern, f"refs/tags/{name}") for pattern in ruleset_patterns(ENVIRONMENTS))
    assert any(fnmatch.fnmatchcase(name, pattern) for pattern in tag_patterns(ENVIRONMENTS))


@given(tags)
def test_every_version_is_an_image_tag_and_a_label(tag: Tag) -> None:
    assert OCI_TAG.fullmatch(str(tag.version))
    assert re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?", str(tag.version))


@given(st.text(max_size=30))
def test_a_tag_is_read_or_refused_and_never_anything_else(name: str) -> None:
    with contextlib.suppress(TagError):
        assert str(Tag.parse(name)) == name


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_refused(name: str) -> None:
    with pytest.raises(TagError):
        targets(Tag.parse(name), ENVIRONMENTS)


def test_build_metadata_is_named_as_what_is_wrong() -> None:
    with pytest.raises(TagError, match=r"build metadata .* leave it out"):
        Tag.parse("v1.2.3+b1")


@pytest.mark.parametrize("name", ["v1.2.3;rm", "v1$(id)", "v1|x", "-v1", "v1+b1", "app/v1", "prd-v1.2.3"])
def test_a_look_alike_starts_a_run_that_can_say_why_it_is_refused(name: str) -> None:
    assert any(actions_match(pattern, name) for pattern in actions_filters(ENVIRONMENTS))


@pytest.mark.parametrize("name", ["main", "nightly", "release-2024", "revision2", "preview"])
def test_other_tags_start_nothing(name: str) -> None:
    assert not any(actions_match(pattern, name) for pattern in actions_filters(ENVIRONMENTS))


def test_nobody_who_takes_releases_means_no_filters() -> None:
    assert actions_filters([Environment("preview", images="branch")]) == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [("v1.2.3", ["dev", "staging", "production"]), ("prod-v1.2.3", ["production"])],
)
def test_a_tag_names_its_environments(name: str, expected: list[str]) -> None:
    assert targets(Tag.parse(name), ENVIRONMENTS) == expected


def test_an_unknown_prefix_names_the_known_ones() -> None:
    with pytest.raises(TagError, match=r"prod-v1\.2\.3"):
        targets(Tag.parse("prd-v1.2.3"), ENVIRONMENTS)


def test_precedence_is_that_of_semver() -> None:
    ordered = "1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1.0.0 1.0.1"
    versions_in_order = [Version.parse(text) for text in ordered.split()]
    assert sorted(versions_in_order) == versions_in_order


@given(versions, versions)
def test_the_order_is_total(left: Version, right: Version) -> None:
    assert (left < right) + (right < left) + (left == right) == 1


@pytest.mark.parametrize("prefix", ["prod", "eu-west", "p1"])
def test_a_prefix_is_allowed(prefix: str) -> None:
    assert is_prefix(prefix)


@pytest.mark.parametrize("prefix", ["Prod", "-prod", "prod-", "a--b", "a/b", "a.b", "", "a*", None])
def test_a_prefix_is_refused(prefix: str | None) -> None:
    assert not is_prefix(prefix)


@given(st.text(min_size=1, max_size=80))
def test_a_branch_image_has_an_immutable_name(branch: str) -> None:
    version = branch_version(branch, "0123456789abcdef0123456789abcdef01234567")
    assert OCI_TAG.fullmatch(version)
    assert len(version) <= 63
    assert version.endswith("-0123456789ab")
