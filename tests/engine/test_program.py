"""Running a program: what is registered, in which order, and what an error does to the rest."""

import threading
from pathlib import Path
from textwrap import dedent

import pytest

from sandbox.engine.monitor import Handler, Registration
from sandbox.engine.outcome import Applied, ApplyError, ProgramError, ResourceError
from sandbox.engine.plan import record, summary, tree
from sandbox.engine.program import run_program
from sandbox.engine.stackfile import StackConfig
from sandbox.errors import ExitCode


class Applying(Handler):
    """Applies nothing and remembers what it was given."""

    def __init__(self, failing: str = "") -> None:
        self.seen: list[Registration] = []
        self.failing = failing
        self.messages: list[str] = []

    def register(self, registration: Registration) -> Applied:
        self.seen.append(registration)
        if registration.name == self.failing:
            raise ApplyError(f"no: {registration.inputs.get('value')}")
        return Applied(id=f"id-of-{registration.name}", outputs={**registration.inputs, "htmlUrl": "http://here"})

    def read(self, registration: Registration) -> Applied:
        return Applied(id=registration.existing_id, outputs={"found": True})

    def message(self, text: str) -> None:
        self.messages.append(text)

    def named(self, name: str) -> Registration:
        return next(registration for registration in self.seen if registration.name == name)


def run(folder: Path, program: str, handler: Handler | None = None, **secrets: str) -> Applying:
    """Runs a program against `Applying`."""
    (folder / "__main__.py").write_text("import pulumi\nimport pulumi_github as github\n" + dedent(program))
    applying = handler if isinstance(handler, Applying) else Applying()
    run_program(folder, config(**secrets), applying, preview=False)
    return applying


def config(**secrets: str) -> StackConfig:
    keys = {f"t:{key}": value for key, value in secrets.items()}
    return StackConfig(project="t", stack="s", values=keys, secrets=frozenset(keys))


def test_resources_arrive_with_inputs_options_and_their_provider(tmp_path: Path) -> None:
    seen = run(
        tmp_path,
        """
        provider = github.Provider("github", owner="acme", token="t")
        options = pulumi.ResourceOptions(provider=provider, protect=True, ignore_changes=["autoInit"])
        github.Repository("one", name="one", has_issues=True, opts=options)
        """,
    )
    one = seen.named("one")
    assert one.inputs == {"name": "one", "hasIssues": True}
    assert (one.protect, one.ignore_changes) == (True, ("autoInit",))
    assert one.provider == seen.named("github").urn


def test_outputs_of_one_are_inputs_of_another(tmp_path: Path) -> None:
    seen = run(
        tmp_path,
        """
        one = github.Repository("one", name="one")
        github.ActionsVariable("two", repository=one.name, variable_name="A", value=one.html_url)
        """,
    )
    assert seen.named("two").inputs["value"] == "http://here"


def test_whole_numbers_are_integers_and_secrets_are_plain(tmp_path: Path) -> None:
    seen = run(
        tmp_path,
        """
        hidden = pulumi.Config().require_secret("hidden")
        github.RepositoryEnvironment("gate", repository="one", environment="x", wait_timer=3)
        github.ActionsVariable("v", repository="one", variable_name="A", value=pulumi.Output.format("<{}>", hidden))
        """,
        hidden="hush-hush",
    )
    assert repr(seen.named("gate").inputs["waitTimer"]) == "3"
    assert seen.named("v").inputs["value"] == "<hush-hush>"
    assert seen.named("v").secrets == {"value"}


def test_depends_on_is_honoured(tmp_path: Path) -> None:
    seen = run(
        tmp_path,
        """
        one = github.Repository("one", name="one")
        github.Repository("two", name="two", opts=pulumi.ResourceOptions(depends_on=[one]))
        """,
    )
    assert [registration.name for registration in seen.seen] == ["one", "two"]
    assert seen.named("two").dependencies == (seen.named("one").urn,)


def test_a_urn_that_is_declared_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match=r"one .*twice"):
        run(tmp_path, 'github.Repository("one", name="a")\ngithub.Repository("one", name="b")')


def test_an_error_names_the_resource_hides_secrets_and_stops_the_rest(tmp_path: Path) -> None:
    applying = Applying(failing="bad")
    with pytest.raises(ResourceError) as caught:
        run(
            tmp_path,
            """
            hidden = pulumi.Config().require_secret("hidden")
            bad = github.ActionsVariable("bad", repository="one", variable_name="A", value=hidden)
            github.Repository("after", name="x", opts=pulumi.ResourceOptions(depends_on=[bad]))
            """,
            applying,
            hidden="hush-hush",
        )
    assert str(caught.value).startswith("bad (github:index/actionsVariable:ActionsVariable): no: [secret]")
    assert [registration.name for registration in applying.seen] == ["bad"]


def test_a_run_error_of_the_program_is_its_message_alone(tmp_path: Path) -> None:
    with pytest.raises(ProgramError) as caught:
        run(tmp_path, 'raise pulumi.RunError("slipway:github: owner: it is missing")')
    assert str(caught.value) == "slipway:github: owner: it is missing"
    assert caught.value.exit_code == ExitCode.USAGE


def test_a_fault_of_the_program_names_its_line(tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match=r"KeyError.*__main__\.py:4"):
        run(tmp_path, '\n{}["x"]')


def test_what_the_program_says_is_passed_on(tmp_path: Path) -> None:
    assert run(tmp_path, 'pulumi.log.info("hello")').messages == ["hello"]


def test_options_without_effect_here_are_refused(tmp_path: Path) -> None:
    with pytest.raises((ResourceError, ProgramError), match="transforms"):
        run(
            tmp_path,
            """
            options = pulumi.ResourceOptions(transforms=[lambda args: None])
            github.Repository("one", name="one", opts=options)
            """,
        )


def test_a_plan_lists_everything_under_its_parents_and_applies_nothing(tmp_path: Path) -> None:
    (tmp_path / "__main__.py").write_text(
        dedent(
            """
            import pulumi, pulumi_github as github
            class Service(pulumi.ComponentResource):
                def __init__(self, name):
                    super().__init__("t:index:Service", name, {})
                    child = pulumi.ResourceOptions(parent=self)
                    made = github.Repository(f"{name}-repository", name=name, opts=child)
                    github.ActionsVariable(f"{name}-v", repository=made.name, variable_name="A",
                                           value=made.html_url, opts=child)
                    self.register_outputs({})
            Service("orders")
            """
        )
    )
    registrations = record(tmp_path, config()).registrations
    assert summary(registrations) == "3 resources: 1 components, 2 github"
    (orders,) = tree(config(), registrations).children
    assert str(orders.label).startswith("orders")
    assert sorted(str(child.label).split()[0] for child in orders.children) == ["orders-repository", "orders-v"]


def test_what_only_waits_is_stopped_when_another_resource_fails(tmp_path: Path) -> None:
    class Waiting(Applying):
        def __init__(self) -> None:
            super().__init__(failing="bad")
            self.waits, self.stopped = threading.Event(), threading.Event()

        def register(self, registration: Registration) -> Applied:
            if registration.name == "waits":
                self.waits.set()
                assert self.stopped.wait(30)
                raise ApplyError("stopped while it was waited for")
            assert self.waits.wait(30)
            return super().register(registration)

        def stop(self) -> None:
            self.stopped.set()

    with pytest.raises(ResourceError, match=r"^bad "):
        run(tmp_path, 'github.Repository("waits", name="a")\ngithub.Repository("bad", name="b")', Waiting())
