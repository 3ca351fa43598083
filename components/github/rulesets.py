"""Rules of repositories: how main changes, and who makes release tags, which stay where they are."""

from collections.abc import Mapping, Sequence

import pulumi
import pulumi_github as github

from manifests import rules
from manifests.model import App, GitHub
from slipway_release import record

_Actors = Sequence[github.RepositoryRulesetBypassActorArgs]


def bypassing(
    actors: Sequence[rules.Actor], teams: Mapping[str, pulumi.Input[int]] | None = None
) -> list[github.RepositoryRulesetBypassActorArgs]:
    """Those whom a rule does not bind, as GitHub takes them.

    Args:
        actors: who they are.
        teams: the numbers of the teams among them, by slug.
    """
    return [_actor(actor, teams or {}) for actor in actors]


def _actor(actor: rules.Actor, teams: Mapping[str, pulumi.Input[int]]) -> github.RepositoryRulesetBypassActorArgs:
    if actor.kind is rules.ActorKind.OWNERS:
        # They have no id: GitHub drops one that is sent, and every later preview would show it as a change.
        return github.RepositoryRulesetBypassActorArgs(actor_type=actor.kind.value, bypass_mode="always")
    number = teams[actor.name] if actor.kind is rules.ActorKind.TEAM else int(actor.name)
    return github.RepositoryRulesetBypassActorArgs(actor_id=number, actor_type=actor.kind.value, bypass_mode="always")


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
    enforced = github.RepositoryRulesetRulesArgs(
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
        rules.MAIN,
        "branch",
        repository=repository,
        includes=["~DEFAULT_BRANCH"],
        actors=actors,
        enforced=enforced,
        opts=opts,
    )


def maintenance_ruleset(
    name: str,
    *,
    repository: pulumi.Input[str],
    settings: GitHub,
    pattern: str,
    actors: _Actors,
    opts: pulumi.ResourceOptions,
) -> github.RepositoryRuleset:
    """Branches of older versions change as main does; making one is a decision, for what is on it may be released."""
    enforced = github.RepositoryRulesetRulesArgs(
        creation=True,
        deletion=True,
        non_fast_forward=True,
        pull_request=github.RepositoryRulesetRulesPullRequestArgs(
            required_approving_review_count=settings.required_approvals, dismiss_stale_reviews_on_push=True
        ),
    )
    return _ruleset(
        name,
        rules.MAINTENANCE,
        "branch",
        repository=repository,
        includes=[pattern],
        actors=actors,
        enforced=enforced,
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
    enforced = github.RepositoryRulesetRulesArgs(creation=True, update=True)
    return _ruleset(
        name,
        rules.proposals(owner),
        "branch",
        repository=repository,
        includes=[f"refs/heads/{pattern}" for pattern in patterns],
        actors=actors,
        enforced=enforced,
        opts=opts,
    )


def delivery_branches_ruleset(
    name: str, *, repository: pulumi.Input[str], actors: _Actors, opts: pulumi.ResourceOptions
) -> github.RepositoryRuleset:
    """Environment branches are the automation's, and the platform's own, which brings the charts of new services."""
    enforced = github.RepositoryRulesetRulesArgs(creation=True, update=True, deletion=True, non_fast_forward=True)
    return _ruleset(
        name,
        rules.BRANCHES,
        "branch",
        repository=repository,
        includes=["refs/heads/environment/*"],
        actors=actors,
        enforced=enforced,
        opts=opts,
    )


def record_ruleset(
    name: str, *, repository: pulumi.Input[str], actors: _Actors, opts: pulumi.ResourceOptions
) -> github.RepositoryRuleset:
    """The record of verified releases is the automation's alone."""
    enforced = github.RepositoryRulesetRulesArgs(creation=True, update=True, deletion=True, non_fast_forward=True)
    return _ruleset(
        name,
        rules.RECORD,
        "tag",
        repository=repository,
        includes=[f"refs/tags/{record.PREFIX}/**/*"],
        actors=actors,
        enforced=enforced,
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
    enforced = github.RepositoryRulesetRulesArgs(creation=True)
    return _ruleset(
        name, rules.TAGS, "tag", repository=repository, includes=patterns, actors=actors, enforced=enforced, opts=opts
    )


def fixed_tags_ruleset(
    name: str, *, repository: pulumi.Input[str], patterns: Sequence[str], opts: pulumi.ResourceOptions
) -> github.RepositoryRuleset:
    """Release tags cannot be moved or deleted by anyone."""
    # A ruleset of its own, because whom the other one lets create a tag could otherwise also move it.
    enforced = github.RepositoryRulesetRulesArgs(update=True, deletion=True)
    return _ruleset(
        name, rules.FIXED_TAGS, "tag", repository=repository, includes=patterns, enforced=enforced, opts=opts
    )


def _ruleset(
    name: str,
    title: str,
    target: str,
    *,
    repository: pulumi.Input[str],
    includes: Sequence[str],
    enforced: github.RepositoryRulesetRulesArgs,
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
        rules=enforced,
        opts=opts,
    )
