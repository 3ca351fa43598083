"""The provider behind `CommittedFiles`: reads, compares and commits the files of a repository."""

from pulumi.dynamic import ResourceProvider


class FilesProvider(ResourceProvider):
    """Importable by name, so that the state holds a reference to it and no pickled code."""

    serialize_as_secret_always = False
