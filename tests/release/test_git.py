"""What is asked of Git and not of the API: the answer is the same, and not older than a decision may be."""

import dataclasses
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import release_requests
from slipway_release import git, history, intent, promotion, record, references, situations
from slipway_release.context import Context
from slipway_release.errors import RefusedError
from slipway_release.git import Git
from slipway_release.github import GitHub
from slipway_release.history import Relation
from slipway_release.selection import Kind
from tests.release import serving
from tests.release.builders import Counting, Script, answer, environment
from tests.release.world import World

Make = Callable[..., World]
MAIN = "main"
FILE = "environments/dev/guestbook/release.yaml"


def counted(world: World, server: str | None = None) -> tuple[Context, Counting]:
    """A context whose requests to the API are counted, and not those of Git."""
    transport = Counting()
    github = GitHub(f"{world.url}api/v3", world.token, transport, Git(server or world.url, world.token))
    return dataclasses.replace(world.context(), writer=github, own=github, service=github), transport


def test_a_hundred_releases_an_hour_fit_into_what_each_token_has(tmp_path: Path) -> None:
    with serving.github(tmp_path) as running:
        counts = release_requests.one_release(running.forge, running.world(release_requests.PLACES), 2)
    assert 0 < counts["GITHUB_TOKEN"] * release_requests.AN_HOUR <= release_requests.BUDGET
    assert 0 < counts["promoter"] * release_requests.AN_HOUR <= release_requests.promoters_budget(2)


def test_what_holds_a_release_back_is_read_without_the_api(world: Make) -> None:
    here = world(environment("dev"), environment("staging", requires=["dev"]))
    request = here.request("1.0.0")
    here.deliver(request, "dev")
    here.succeed("dev", here.head("environments"))
    context, transport = counted(here)
    staging = context.platform.environment("staging")
    assert situations.is_ready(context, staging, request.service, request.release)
    assert transport.asked == []


def test_without_git_the_api_is_asked(world: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    here = world(environment("dev"), environment("staging", requires=["dev"]))
    request = here.request("1.0.0")
    here.deliver(request, "dev")
    here.succeed("dev", here.head("environments"))
    staging = here.platform.environment("staging")
    context, transport = counted(here, f"{here.url}nothing-is-here/")
    assert situations.is_ready(context, staging, request.service, request.release)
    assert transport.asked
    monkeypatch.setattr(git, "_PROGRAM", "no-git-is-here")
    context, transport = counted(here)
    assert situations.is_ready(context, staging, request.service, request.release)
    assert transport.asked


def test_a_delivery_sees_what_somebody_wrote_after_it_began(world: Make) -> None:
    here = world(environment("dev"))
    first, second = here.request("1.0.0"), here.request("1.1.0")
    context, _ = counted(here)
    dev = context.platform.environment("dev")
    assert situations.is_ready(context, dev, first.service, first.release)
    here.deliver(second, "dev")
    assert promotion.deliver(context, first, dev).decision.kind is Kind.SUPERSEDED
    here.freeze("dev", "moving house")
    third = here.request("1.2.0")
    assert promotion.deliver(context, third, dev).decision.kind is Kind.FROZEN


def test_a_run_sees_its_own_writes(world: Make) -> None:
    here = world(environment("dev"))
    context, _ = counted(here)
    dev = context.platform.environment("dev")
    for version in ("1.0.0", "1.1.0"):
        promotion.deliver(context, here.request(version), dev)
        found = context.contents.release("dev", "guestbook", MAIN).release
        assert found is not None
        assert found.version == version


def test_what_is_older_than_the_copy_is_asked_of_the_api(world: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(git, "_DEPTH", 2)
    here = world(environment("dev"))
    commits = [here.release(f"1.{minor}.0", "dev") for minor in range(4)]
    context, transport = counted(here)
    github, repository = context.writer, here.repository
    assert history.relation(github, repository, commits[2], commits[3]) is Relation.ANCESTOR
    assert transport.asked == []
    assert history.relation(github, repository, commits[0], commits[3]) is Relation.ANCESTOR
    assert len(transport.asked) == 1
    # The oldest commit of a copy looks as if it had made every file.
    assert history.commits_of(github, repository, FILE, MAIN, 30) == commits[::-1]
    (service, *_), dev = context.platform.services, context.platform.environment("dev")
    old = context.contents.release("dev", "guestbook", commits[0]).release
    assert old is not None
    assert "taken back" in (intent.stays_away(context, dev, service, old, here.file("dev").release) or "")


def test_a_file_at_a_commit_is_read_once(world: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    here = world(environment("dev"))
    commit = here.release("1.0.0", "dev")
    copy = Git(here.url, here.token).copy(here.repository)
    entry = copy.entry(commit, FILE)
    assert entry
    content = copy.blob(entry[2])
    assert content
    monkeypatch.setattr(git, "_PROGRAM", "no-such-program")
    assert (copy.entry(commit, FILE), copy.blob(entry[2])) == (entry, content)
    assert copy.entry(commit, "README.md") is None, "another file was not read"


def test_git_and_the_api_tell_the_same(world: Make) -> None:
    here = world(environment("dev"))
    commits = [here.release(f"1.{minor}.0", "dev") for minor in range(3)]
    here.commit("environments", "README.md", "Words")
    here.commit("environments", FILE, "{}")
    api = GitHub(f"{here.url}api/v3", here.token)
    own = here.context().writer
    assert own.git is not None

    def told(github: GitHub) -> list[object]:
        return [
            history.branch_head(github, here.repository, MAIN),
            history.branch_head(github, here.repository, "mai"),
            history.default_branch(github, here.repository),
            history.tag_commit(github, f"{here.owner}/guestbook", "v1.0.0"),
            history.tag_commit(github, f"{here.owner}/guestbook", "v1"),
            history.commit_date(github, here.repository, commits[0]),
            [history.relation(github, here.repository, a, b) for a in commits for b in commits],
            history.changes(github, here.repository, commits[0], here.head("environments")),
            list(history.log(github, here.repository, FILE, MAIN, 2)),
            list(history.log(github, here.repository, FILE, commits[1], 9)),
            list(history.log(github, here.repository, "nothing", MAIN, 9)),
        ]

    assert told(own) == told(api)


def test_a_tag_that_a_person_made_is_not_a_record_for_git_either(world: Make) -> None:
    here = world(environment("dev"))
    commit = here.verified_release("1.0.0", "dev")
    here.tag("verified/dev/guestbook/0.9.0", "environments", commit)
    context, transport = counted(here)
    assert record.own(context) == {"dev/guestbook/1.0.0"}
    assert transport.asked == []


@pytest.mark.parametrize("kind", ["folder", "link", "binary"])
def test_what_stands_in_the_place_of_a_release_file_is_refused(world: Make, tmp_path: Path, kind: str) -> None:
    here = world(environment("dev"))
    clone = tmp_path / "clone"
    url = here.url.replace("://", f"://x:{here.token}@") + f"{here.repository}.git"
    run(tmp_path, "clone", "--quiet", url, str(clone))
    file = clone / FILE
    file.parent.mkdir(parents=True)
    match kind:
        case "folder":
            file.mkdir()
            (file / "inner").write_text("")
        case "link":
            file.symlink_to("other")
        case _:
            file.write_bytes(b"\xff\xfe")
    run(clone, "add", "--all")
    run(clone, "-c", "user.name=Dana", "-c", "user.email=d@example.com", "commit", "--quiet", "-m", "Change")
    run(clone, "push", "--quiet")
    with pytest.raises(RefusedError, match=r"is not (a file|text)"):
        counted(here)[0].contents.release("dev", "guestbook", MAIN)


def run(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


@pytest.mark.parametrize("body", [b"", b"0000", b"<html>", b"0008NAK\n0000", b"00zz", b"0031" + b"a" * 20])
def test_an_answer_that_is_not_of_git_tells_of_no_reference(body: bytes) -> None:
    server = Script({"POST /acme/environments.git/git-upload-pack": dataclasses.replace(answer(), body=body)})
    assert not references.ask(server, "https://git.test/acme/environments.git", "", ["refs/heads/main"])


@pytest.mark.parametrize("date", ["253402300800 +0000", "4102444800 +9999", "99999999999999999999 +0000", "x"])
def test_a_commit_whose_author_has_made_up_its_date_is_read(tmp_path: Path, date: str) -> None:
    """Git takes any: a year of five digits, a zone of four days."""
    subprocess.run(["git", "init", "--quiet", "--bare", str(tmp_path)], check=True)

    def run(*words: str, given: str = "") -> str:
        command = ["git", "-C", str(tmp_path), *words]
        return subprocess.run(command, input=given, capture_output=True, text=True, check=True).stdout.strip()

    text = f"tree {run('mktree')}\nauthor a <a@b> {date}\ncommitter a <a@b> {date}\n\nMine\n"
    sha = run("hash-object", "-t", "commit", "-w", "--stdin", "--literally", given=text)
    run("update-ref", "refs/heads/main", sha)
    found = Git(f"file://{tmp_path.parent}", "token").copy(tmp_path.name)
    found.folder.parent.mkdir(exist_ok=True)
    found.folder.symlink_to(tmp_path)
    known = found.commit(sha)
    assert known is not None
    assert (known.sha, known.message, known.date[-1]) == (sha, "Mine", "Z")
