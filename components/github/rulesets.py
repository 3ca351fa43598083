"""Makes the rulesets of a repository hold, as `manifests.rules` declares them."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_github as github

from manifests.rules import Actor, ActorKind, Rules, Ruleset


def enforce(
    name: str,
    ruleset: Ruleset,
    *,
    repository: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
    teams: Mapping[str, pulumi.Input[int]] | None = None,
) -> github.RepositoryRuleset:
    """Makes a ruleset hold in a repository.

    Args:
        name: what the resource's name begins with.
        ruleset: what holds.
        repository: where.
        opts: of the resource.
        teams: the numbers of the teams that it does not bind, by slug.
    """
    return github.RepositoryRuleset(
        f"{name}-{ruleset.name}-rules",
        name=ruleset.title,
        repository=repository,
        target=ruleset.target,
        enforcement="active",
        conditions=github.RepositoryRulesetConditionsArgs(
            ref_name=github.RepositoryRulesetConditionsRefNameArgs(includes=list(ruleset.includes), excludes=[])
        ),
        bypass_actors=[_actor(actor, teams or {}) for actor in ruleset.actors],
        rules=_enforced(ruleset.rules),
        opts=opts,
    )


def _actor(actor: Actor, teams: Mapping[str, pulumi.Input[int]]) -> github.RepositoryRulesetBypassActorArgs:
    if actor.kind is ActorKind.OWNERS:
        # They have no id: GitHub drops one that is sent, and every later preview would show it as a change.
        return github.RepositoryRulesetBypassActorArgs(actor_type=actor.kind.value, bypass_mode="always")
    number = teams[actor.name] if actor.kind is ActorKind.TEAM else int(actor.name)
    return github.RepositoryRulesetBypassActorArgs(actor_id=number, actor_type=actor.kind.value, bypass_mode="always")


def _enforced(rules: Rules) -> github.RepositoryRulesetRulesArgs:
    """The provider has the kinds without parameters as flags, and of the others most words of the API."""
    given: dict[str, Any] = dict.fromkeys(rules, True)
    if (reviews := rules.get("pull_request")) is not None:
        given["pull_request"] = github.RepositoryRulesetRulesPullRequestArgs(**reviews)
    if (checks := rules.get("required_status_checks")) is not None:
        given["required_status_checks"] = github.RepositoryRulesetRulesRequiredStatusChecksArgs(
            required_checks=_checks(checks["required_status_checks"])
        )
    return github.RepositoryRulesetRulesArgs(**given)


def _checks(
    required: Sequence[Mapping[str, Any]],
) -> list[github.RepositoryRulesetRulesRequiredStatusChecksRequiredCheckArgs]:
    return [github.RepositoryRulesetRulesRequiredStatusChecksRequiredCheckArgs(**check) for check in required]
