"""What is the same for every repository of the platform: how it is made, merged and kept."""

import pulumi
import pulumi_github as github

from manifests.model import GitHub


def repository(
    name: str, *, settings: GitHub, repository_name: str, description: str, parent: pulumi.Resource
) -> github.Repository:
    """A repository that no destroy can delete, with a linear history."""
    return github.Repository(
        name,
        name=repository_name,
        description=description,
        visibility=settings.visibility.value,
        # An empty repository has no branch, and GitHub's Git data API refuses to write into it.
        auto_init=True,
        has_issues=True,
        has_projects=False,
        has_wiki=False,
        allow_merge_commit=False,
        allow_squash_merge=True,
        allow_rebase_merge=True,
        allow_auto_merge=True,
        delete_branch_on_merge=True,
        archive_on_destroy=True,
        opts=pulumi.ResourceOptions(
            parent=parent,
            protect=settings.protect,
            retain_on_delete=True,
            # Written once; a later value would be shown as a change that GitHub cannot make.
            ignore_changes=["autoInit"],
        ),
    )
