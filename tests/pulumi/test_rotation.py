"""A token that ends: the state has it still, and a refresh would log in with it."""

from pathlib import Path

from sandbox.github import application, seed
from sandbox.progress import Progress
from sandbox.pulumi import operations, programs
from tests.github.conftest import loopback, serve
from tests.pulumi.conftest import Project

PROGRAM = """
import pulumi
import pulumi_github as github
config = pulumi.Config()
provider = github.Provider(
    "github", base_url=config.require("text"), owner="acme", token=config.require_secret("token"))
github.Repository("orders", name="orders", opts=pulumi.ResourceOptions(provider=provider))
"""


def test_an_up_goes_on_with_a_new_token_when_the_old_one_has_ended(small: Project, tmp_path: Path) -> None:
    listener = loopback()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    forge = application.create_forge(tmp_path / "github", url, run_workflows=False)

    def give(token: str) -> None:
        people = [{"login": "dana", "token": token}]
        seed.apply(forge, {"users": people, "organizations": [{"login": "acme", "members": {"dana": "admin"}}]})

    give("old")
    stop = serve(forge, listener)
    try:
        (small.place.config.root / "__main__.py").write_text(PROGRAM)
        programs.ensure_plugins(small.place.config, Progress(quiet=True), small.place.home)
        operations.up(small.place, small.settings(text=f"{url}/", token="old"))
        give("new")
        foreseen = operations.preview(small.place, small.settings(text=f"{url}/", token="new"), refresh=True)
        assert {step.name for step in foreseen.steps if step.operation == "update"} == {"github"}
        done = operations.up(small.place, small.settings(text=f"{url}/", token="new"))
        assert {step.name for step in done.steps if step.operation == "update"} == {"github"}
        assert done.counts["update"] == 1
    finally:
        stop()
