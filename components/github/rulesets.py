"""Rules of repositories: how main changes, and who makes release tags, which stay where they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_github as github

from manifests import rules
from manifests.model import App, GitHub


@dataclass(frozen=True)
class Ruleset:
    """Rules for some refs of a repository."""

    title: str
    """One of `manifests.rules`."""
    target: str
    """`branch` or `tag`."""
    includes: Sequence[str]
    """Patterns of the refs."""
    rules: github.RepositoryRulesetRulesArgs
    """What holds for them."""


def enforce(
    name: str,
    ruleset: Ruleset,
    *,
    repository: pulumi.Input[str],
    actors: Mapping[str, Sequence[github.RepositoryRulesetBypassActorArgs]],
    opts: pulumi.ResourceOptions,
) -> github.RepositoryRuleset:
    """Makes a ruleset hold in a repository.

    Args:
        name: of the resource.
        ruleset: what holds.
        repository: where.
        actors: those whom it does not bind, by the title of the ruleset; a missing title binds all.
        opts: of the resource.
    """
    return github.RepositoryRuleset(
        name,
        name=ruleset.title,
        repository=repository,
        target=ruleset.target,
        enforcement="active",
        conditions=github.RepositoryRulesetConditionsArgs(
            ref_name=github.RepositoryRulesetConditionsRefNameArgs(includes=list(ruleset.includes), excludes=[])
        ),
        bypass_actors=list(actors.get(ruleset.title, ())),
        rules=ruleset.rules,
        opts=opts,
    )


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


def main_ruleset(settings: GitHub, *, check: tuple[str, App] | None = None, code_owners: bool = False) -> Ruleset:
    """Main changes by reviewed pull requests, in a line, and is never rewritten."""
    enforced = github.RepositoryRulesetRulesArgs(
        deletion=True,
        non_fast_forward=True,
        required_linear_history=True,
        pull_request=_reviewed(settings, code_owners=code_owners),
        required_status_checks=_required(*check) if check else None,
    )
    return Ruleset(rules.MAIN, "branch", ["~DEFAULT_BRANCH"], enforced)


def maintenance_ruleset(settings: GitHub, pattern: str) -> Ruleset:
    """Branches of older versions change as main does; making one is a decision, for what is on it may be released."""
    enforced = github.RepositoryRulesetRulesArgs(
        creation=True,
        deletion=True,
        non_fast_forward=True,
        pull_request=_reviewed(settings),
    )
    return Ruleset(rules.MAINTENANCE, "branch", [pattern], enforced)


def _reviewed(settings: GitHub, *, code_owners: bool = False) -> github.RepositoryRulesetRulesPullRequestArgs:
    return github.RepositoryRulesetRulesPullRequestArgs(
        required_approving_review_count=settings.required_approvals,
        dismiss_stale_reviews_on_push=True,
        require_code_owner_review=code_owners,
        # Else who pushes to somebody else's pull request could approve what was pushed.
        require_last_push_approval=settings.required_approvals > 0,
    )


def _required(context: str, app: App) -> github.RepositoryRulesetRulesRequiredStatusChecksArgs:
    # Jobs of all workflows report as one App, so the name of a job proves nothing.
    check = github.RepositoryRulesetRulesRequiredStatusChecksRequiredCheckArgs(
        context=context, integration_id=int(app.id)
    )
    return github.RepositoryRulesetRulesRequiredStatusChecksArgs(required_checks=[check])


def proposals_ruleset(owner: str, patterns: Sequence[str]) -> Ruleset:
    """Branches whose pull requests are judged by where they come from are their owner's alone."""
    # Anybody may delete one: that closes its pull request, as anybody may, and lets GitHub tidy up after a merge.
    enforced = github.RepositoryRulesetRulesArgs(creation=True, update=True)
    return Ruleset(rules.proposals(owner), "branch", [f"refs/heads/{pattern}" for pattern in patterns], enforced)


def delivery_branches_ruleset() -> Ruleset:
    """Environment branches are the automation's, and the platform's own, which brings the charts of new services."""
    return Ruleset(rules.BRANCHES, "branch", ["refs/heads/environment/*"], _closed())


def record_ruleset() -> Ruleset:
    """Tags are the automation's alone: they are the record of verified releases.

    Of all of them: services call workflows of `@main`, and GitHub prefers a tag of that name to the branch.
    """
    return Ruleset(rules.RECORD, "tag", ["~ALL"], _closed())


def _closed() -> github.RepositoryRulesetRulesArgs:
    return github.RepositoryRulesetRulesArgs(creation=True, update=True, deletion=True, non_fast_forward=True)


def release_tags_ruleset(patterns: Sequence[str]) -> Ruleset:
    """Release tags are made by the team and the platform's administrators."""
    return Ruleset(rules.TAGS, "tag", patterns, github.RepositoryRulesetRulesArgs(creation=True))


def fixed_tags_ruleset(patterns: Sequence[str]) -> Ruleset:
    """Release tags cannot be moved or deleted by any account."""
    # A ruleset of its own, because those whom the other one lets create a tag could otherwise also move it.
    return Ruleset(rules.FIXED_TAGS, "tag", patterns, github.RepositoryRulesetRulesArgs(update=True, deletion=True))
