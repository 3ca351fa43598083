"""A newer chart of a template reaches a service as one pull request on the environment repository."""

from collections.abc import Callable

import pytest
import yaml

from stacks.template_update import UpdateError
from templates.service_template import TemplateProblem
from templates.starting_files import ANSWERS_FILE
from tests.github.conftest import Repository
from tests.github.template_ground import CHART, WORDS, Ground

LATER = {"values.yaml": CHART["values.yaml"].replace("word 8: 1", "word 8: theirs"), "new.yaml": "n\n"}


def test_a_chart_is_recorded_with_its_template_and_version_and_is_up_to_date(ground: Ground) -> None:
    record = ground.text(ground.environments, f"{ground.chart}/{ANSWERS_FILE}", {"head": {"ref": "main"}})
    assert yaml.safe_load(record) == {"_commit": "1.0.0", "_src_path": "./ours"}
    assert ground.update_chart() == "up to date"


def test_a_newer_chart_is_merged_into_what_the_team_made_of_the_old_one(ground: Ground) -> None:
    values, mine = f"{ground.chart}/values.yaml", CHART["values.yaml"].replace("word 0: 1", "word 0: mine")
    ground.edit(ground.environments, values, mine)
    ground.template("1.1.0", LATER)
    said = ground.update_chart()
    (pull,) = ground.pulls(ground.environments)
    name = ground.repository.name
    assert said == f"proposed: {pull['html_url']}"
    assert pull["title"] == f"Update the chart of {name} from ours 1.0.0 to 1.1.0"
    assert ground.text(ground.environments, values, pull) == mine.replace("word 8: 1", "word 8: theirs")
    paths = {f"{ground.chart}/{path}" for path in (ANSWERS_FILE, "values.yaml", "new.yaml")}
    assert ground.changed(ground.environments, pull) == paths
    assert "_commit: 1.1.0" in ground.text(ground.environments, f"{ground.chart}/{ANSWERS_FILE}", pull)

    assert ground.update_chart() == f"{pull['html_url']} waits"
    ground.close(ground.environments, pull)
    assert "was closed, and is not proposed again" in ground.update_chart()
    assert ground.pulls(ground.environments) == []


def test_the_request_says_when_it_reaches_which_environment(ground: Ground) -> None:
    ground.template("1.1.0", LATER)
    ground.update_chart()
    (pull,) = ground.pulls(ground.environments)
    lines = (
        "- dev: as soon as it is merged",
        "- production: once it is merged and somebody syncs",
        "- staging: with the next release",
    )
    assert "\n".join(lines) in pull["body"]


def test_conflicts_in_a_chart_are_marked_and_named(ground: Ground) -> None:
    values = f"{ground.chart}/values.yaml"
    ground.edit(ground.environments, values, "mine: 1\n")
    ground.template("1.1.0", {"values.yaml": "theirs: 1\n"})
    ground.update_chart()
    (pull,) = ground.pulls(ground.environments)
    assert f"- `{values}`" in pull["body"]
    marked = "<<<<<<< yours\nmine: 1\n=======\ntheirs: 1\n>>>>>>> template now\n"
    assert marked in ground.text(ground.environments, values, pull)


def test_a_version_that_changes_the_service_alone_leaves_its_chart(ground: Ground) -> None:
    ground.template("1.1.0", words="other\n")
    assert ground.update_chart() == "up to date"
    assert ground.pulls(ground.environments) == []


def test_a_newer_version_closes_the_request_of_this_service_alone(
    ground: Ground, new_repository: Callable[..., Repository]
) -> None:
    ground.services.append(new_repository(f"{ground.repository.name}-too"))
    ground.up()
    for version in ("1.1.0", "1.2.0"):
        ground.template(version, {"values.yaml": f"{WORDS[0]}: {version}\n"})
        ground.update_chart()
        if version == "1.1.0":
            ground.update_chart(1)
    first, second = (service.name for service in ground.settings.services)
    titles = {pull["title"] for pull in ground.pulls(ground.environments)}
    assert titles == {
        f"Update the chart of {first} from ours 1.0.0 to 1.2.0",
        f"Update the chart of {second} from ours 1.0.0 to 1.1.0",
    }


def test_a_version_that_is_taken_back_closes_its_request(ground: Ground) -> None:
    ground.template("1.1.0", LATER)
    ground.update_chart()
    (pull,) = ground.pulls(ground.environments)
    ground.git("revert", "--no-edit", "HEAD")
    ground.commit("Nothing")
    assert ground.update_chart() == f"up to date; closed: {pull['html_url']}"
    assert ground.pulls(ground.environments) == []


def test_a_chart_that_a_rollback_put_back_is_not_proposed_again(ground: Ground) -> None:
    ground.template("1.1.0", LATER)
    ground.update_chart()
    (pull,) = ground.pulls(ground.environments)
    assert ground.environments.ask("PUT", f"/pulls/{pull['number']}/merge").is_success
    assert ground.update_chart() == "up to date"
    ground.edit(ground.environments, f"{ground.chart}/{ANSWERS_FILE}", "_commit: 1.0.0\n_src_path: ./ours\n")
    assert ground.update_chart() == f"{pull['html_url']} was merged and taken back since, and is not proposed again"


def test_a_chart_from_before_there_were_records_says_itself_what_it_is_of(ground: Ground) -> None:
    ground.delete(ground.environments, f"{ground.chart}/{ANSWERS_FILE}")
    described = f"name: {ground.repository.name}\ndescription: x, from the service template ours 1.0.0\n"
    ground.edit(ground.environments, f"{ground.chart}/Chart.yaml", described)
    ground.template("1.1.0", LATER)
    ground.update_chart()
    (pull,) = ground.pulls(ground.environments)
    assert "from ours 1.0.0 to 1.1.0" in pull["title"]
    assert "_commit: 1.1.0" in ground.text(ground.environments, f"{ground.chart}/{ANSWERS_FILE}", pull)


def test_a_chart_that_says_nothing_of_its_template_is_named_with_what_to_write(ground: Ground) -> None:
    record = f"{ground.chart}/{ANSWERS_FILE}"
    ground.delete(ground.environments, record)
    ground.template("1.1.0", LATER)
    with pytest.raises(UpdateError, match=r"is missing, .* write the record with `_src_path: \./ours`"):
        ground.update_chart()
    ground.environments.put_file(record, "_commit: 1.1.0\n_src_path: ./ours\n")
    assert ground.update_chart() == "up to date"


def test_a_chart_that_the_team_has_deleted_stays_deleted(ground: Ground) -> None:
    for path in (*CHART, ANSWERS_FILE):
        ground.delete(ground.environments, f"{ground.chart}/{path.removesuffix('.j2')}")
    ground.template("1.1.0", LATER)
    assert ground.update_chart() == "up to date"
    assert ground.pulls(ground.environments) == []


def test_a_template_that_gets_a_chart_of_its_own_brings_it_to_its_services(ground: Ground) -> None:
    record = "_commit: 1.4.0\n_src_path: slipway:go-web\n"
    ground.edit(ground.environments, f"{ground.chart}/{ANSWERS_FILE}", record)
    with pytest.raises(TemplateProblem, match=r"go-web 1\.4\.0 is not in the history"):
        ground.update_chart()
    ground.edit(ground.environments, f"{ground.chart}/{ANSWERS_FILE}", "_commit: 1.0.0\n_src_path: ./theirs\n")
    with pytest.raises(UpdateError, match=r"was made from \./theirs, and the settings say \./ours"):
        ground.update_chart()
