"""What exists is taken over by `slipway:adopt`, under the real engine: imported, changed, and never doubled."""

from tests.github.story import Story


def test_repositories_and_teams_that_were_there_before_are_adopted(story: Story) -> None:
    service, team = story.names["service"], story.names["team"]
    story.ask("POST", "/orgs/acme/repos", json={"name": service, "visibility": "private", "auto_init": True})
    story.ask("POST", "/orgs/acme/teams", json={"name": team, "privacy": "closed", "description": "theirs"})
    before = story.ask("GET", f"/repos/acme/{service}")["id"]
    story.preview()
    assert [getattr(problem, "entry", None) for problem in story.problems] == [f"team/{team}", f"repository/{service}"]

    story.adopt = [f"team/{team}", f"repository/{service}"]
    previewed = story.preview()
    assert previewed["import"] == 3, "repository, team and its members"
    story.up()
    assert story.problems == []
    assert story.ids()["service"] == before
    assert story.ask("GET", f"/repos/acme/{service}")["description"].endswith(f"[{story.settings().mark}]")
    for adopt in (story.adopt, []):
        story.adopt = adopt
        assert set(story.preview()) == {"same"}, adopt
        assert story.problems == []


def test_after_a_lost_state_everything_is_adopted_and_nothing_is_doubled(story: Story) -> None:
    story.up()
    before, rules = story.ids(), story.rulesets()
    story.forget()
    story.preview()
    assert len([problem for problem in story.problems if "the state does not know it" in problem]) == 3

    story.adopt = ["everything"]
    story.up()
    assert (story.ids(), story.rulesets()) == (before, rules)
    story.adopt = []
    assert set(story.preview()) == {"same"}
    assert story.problems == []
