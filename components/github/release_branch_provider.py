"""The provider behind `ReleaseBranch`."""

from pulumi.dynamic import CreateResult, DiffResult, ReadResult, UpdateResult

from components.github.branch_contents import BranchContents
from components.github.files_provider import GitHubProvider, Properties

_DECLARED = ("repository", "environment", "branch", "folders", "workflows")


class ReleaseBranchProvider(GitHubProvider):
    """Importable by name, so that the state holds a reference to it: no pickled code, no credential."""

    def create(self, props: Properties) -> CreateResult:
        """Completes the branch. One that is there keeps its releases: they are what runs."""
        return CreateResult(f"{props['repository']}:{props['environment']}", self._completed(props))

    def read(self, id_: str, props: Properties) -> ReadResult:
        """Looks whether the branch is there."""
        if not self._contents(props).exists(props["branch"]):
            return ReadResult("", {})
        return ReadResult(id_, props)

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> DiffResult:
        """Compares what is declared; folders that waited in a pull request are looked for again."""
        differ = any(_olds.get(name) != _news.get(name) for name in _DECLARED)
        return DiffResult(changes=differ or bool(_olds.get("waiting")))

    def update(self, _id: str, _olds: Properties, _news: Properties) -> UpdateResult:
        """Completes the branch; another branch first takes the releases along."""
        contents = self._contents(_news)
        old, new = _olds["branch"], _news["branch"]
        if old != new:
            # Of a branch that is not there yet, main's releases become its own.
            contents.complete(new, ())
            contents.carry(_news["environment"], old, new)
        return UpdateResult(self._completed(_news))

    def delete(self, _id: str, _props: Properties) -> None:
        """Leaves the branch: it is the history of what ran."""

    def _completed(self, props: Properties) -> Properties:
        waiting = self._contents(props).complete(props["branch"], props["folders"], props["workflows"])
        return {**{name: props[name] for name in _DECLARED}, "waiting": waiting}

    def _contents(self, props: Properties) -> BranchContents:
        return BranchContents(self._api, self._owner, props["repository"])
