"""Rules of repositories: how main changes, and who makes release tags that nobody can move."""

from collections.abc import Sequence

import pulumi
import pulumi_github as github

from manifests.model import App, GitHub, OwnedFiles
from slipway_release import record

_Actors = Sequence[github.RepositoryRulesetBypassActorArgs]


def platform_actors(settings: GitHub) -> list[github.RepositoryRulesetBypassActorArgs]:
    """Who may write owned files to main directly: nobody where they go through pull requests."""
    if settings.owned_files is OwnedFiles.PULL_REQUEST:
        return []
    return [platform_actor(settings)]


def platform_actor(settings: GitHub) -> github.RepositoryRulesetBypassActorArgs:
    """The account that `pulumi up` acts as."""
    return app_actor(settings.app) if settings.app else administrators()


def app_actor(app: App) -> github.RepositoryRulesetBypassActorArgs:
    """A GitHub App that a rule does not bind."""
    return github.RepositoryRulesetBypassActorArgs(actor_id=int(app.id), actor_type="Integration", bypass_mode="always")


def team_actor(number: pulumi.Input[int]) -> github.RepositoryRulesetBypassActorArgs:
    """A team that a rule does not bind."""
    return github.RepositoryRulesetBypassActorArgs(actor_id=number, actor_type="Team", bypass_mode="always")


def administrators() -> github.RepositoryRulesetBypassActorArgs:
    """The organisation's owners, whom a rule does not bind."""
    # They have no id: GitHub drops one that is sent, and every later preview would show it as a change.
    return github.RepositoryRulesetBypassActorArgs(actor_type="OrganizationAdmin", bypass_mode="always")


def main_ruleset(
    name: str,
    *,
    repository: pulumi.Input[str],
    settings: GitHub,
    actors: _Actors,
    check: tuple[str, App] | None = None,
    code_owners: bool = False,
    opts: pulumi.ResourceOptions,
) -> github.RepositoryRuleset:
    """Main changes by reviewed pull requests, in a line, and is never rewritten."""
    rules = github.RepositoryRulesetRulesArgs(
        deletion=True,
        non_fast_forward=True,
        required_linear_history=True,
        pull_request=github.RepositoryRulesetRulesPullRequestArgs(
            required_approving_review_count=settings.required_approvals,
            dismiss_stale_reviews_on_push=True,
            require_code_owner_review=code_owners,
        ),
        required_status_checks=_required(*check) if check else None,
    )
    return _ruleset(
        name,
        "main",
        "branch",
        repository=repository,
        includes=["~DEFAULT_BRANCH"],
        actors=actors,
        rules=rules,
        opts=opts,
    )


def _required(context: str, app: App) -> github.RepositoryRulesetRulesRequiredStatusChecksArgs:
    # Jobs of all workflows report as one App, so the name of a job proves nothing.
    check = github.RepositoryRulesetRulesRequiredStatusChecksRequiredCheckArgs(
        context=context, integration_id=int(app.id)
    )
    return github.RepositoryRulesetRulesRequiredStatusChecksArgs(required_checks=[check])


def proposals_ruleset(
    name: str,
    *,
    repository: pulumi.Input[str],
    owner: str,
    patterns: Sequence[str],
    actors: _Actors,
    opts: pulumi.ResourceOptions,
) -> github.RepositoryRuleset:
    """Branches whose pull requests are judged by where they come from are their owner's alone."""
    # Anybody may delete one: that closes its pull request, as anybody may, and lets GitHub tidy up after a merge.
    rules = github.RepositoryRulesetRulesArgs(creation=True, update=True)
    return _ruleset(
        name,
        f"proposals of the {owner}",
        "branch",
        repository=repository,
        includes=[f"refs/heads/{pattern}" for pattern in patterns],
        actors=actors,
        rules=rules,
        opts=opts,
    )


def delivery_branches_ruleset(
    name: str, *, repository: pulumi.Input[str], actors: _Actors, opts: pulumi.ResourceOptions
) -> github.RepositoryRuleset:
    """Environment branches are the automation's, and the platform's own, which brings the charts of new services."""
    rules = github.RepositoryRulesetRulesArgs(creation=True, update=True, deletion=True, non_fast_forward=True)
    return _ruleset(
        name,
        "environment branches",
        "branch",
        repository=repository,
        includes=["refs/heads/environment/*"],
        actors=actors,
        rules=rules,
        opts=opts,
    )


def record_ruleset(
    name: str, *, repository: pulumi.Input[str], actors: _Actors, opts: pulumi.ResourceOptions
) -> github.RepositoryRuleset:
    """The record of verified releases is the automation's alone."""
    rules = github.RepositoryRulesetRulesArgs(creation=True, update=True, deletion=True, non_fast_forward=True)
    return _ruleset(
        name,
        "record of verified releases",
        "tag",
        repository=repository,
        includes=[f"refs/tags/{record.PREFIX}/**/*"],
        actors=actors,
        rules=rules,
        opts=opts,
    )


def release_tags_ruleset(
    name: str,
    *,
    repository: pulumi.Input[str],
    patterns: Sequence[str],
    actors: _Actors,
    opts: pulumi.ResourceOptions,
) -> github.RepositoryRuleset:
    """Release tags are made by the team and the platform's administrators."""
    rules = github.RepositoryRulesetRulesArgs(creation=True)
    return _ruleset(
        name, "release tags", "tag", repository=repository, includes=patterns, actors=actors, rules=rules, opts=opts
    )


def fixed_tags_ruleset(
    name: str, *, repository: pulumi.Input[str], patterns: Sequence[str], opts: pulumi.ResourceOptions
) -> github.RepositoryRuleset:
    """Release tags cannot be moved or deleted by anyone."""
    # A ruleset of its own, because whom the other one lets create a tag could otherwise also move it.
    rules = github.RepositoryRulesetRulesArgs(update=True, deletion=True)
    return _ruleset(name, "fixed release tags", "tag", repository=repository, includes=patterns, rules=rules, opts=opts)


def _ruleset(
    name: str,
    title: str,
    target: str,
    *,
    repository: pulumi.Input[str],
    includes: Sequence[str],
    rules: github.RepositoryRulesetRulesArgs,
    opts: pulumi.ResourceOptions,
    actors: _Actors = (),
) -> github.RepositoryRuleset:
    return github.RepositoryRuleset(
        name,
        name=title,
        repository=repository,
        target=target,
        enforcement="active",
        conditions=github.RepositoryRulesetConditionsArgs(
            ref_name=github.RepositoryRulesetConditionsRefNameArgs(includes=list(includes), excludes=[])
        ),
        bypass_actors=list(actors),
        rules=rules,
        opts=opts,
    )
