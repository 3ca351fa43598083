"""What the reports of a place prove in a simulated year: a promise is broken only where somebody could know better."""

from dataclasses import dataclass, field

Files = frozenset[tuple[str, str]]
"""Paths and texts of a chart and its values."""


@dataclass
class Known:
    """What was reported of a service in an environment."""

    good: set[str] = field(default_factory=set[str])
    """Versions that were well once."""
    well: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    """Files with which a version was well."""
    failed: dict[str, set[Files]] = field(default_factory=dict[str, set[Files]])
    """With what a version failed."""
    at_fault: list[Files] = field(default_factory=list[Files])
    """Files of which one at least is broken."""

    def tell(self, version: str, files: Files, *, is_good: bool) -> None:
        """Something was reported that is no proof of what broke."""
        if is_good:
            self.good.add(version)
            self.well |= files
            self.at_fault = [some for some in self.at_fault if not some <= files]
        else:
            self.failed.setdefault(version, set()).add(files)

    def is_open(self, version: str, files: Files, came: Files) -> bool:
        """Tell of a failure; whether nothing tells if the version or the files are what broke.

        Files are proven to be at fault by a version that was well with others. They are taken to be where they changed
        under a version that had not failed before. What was at fault is so until it is changed or well.

        Args:
            version: what failed.
            files: with which chart and values.
            came: the chart and values that it came onto.
        """
        others = {other for name, some in self.failed.items() if name != version for other in some}
        failed = self.failed.get(version, set()) - {files}
        changed = came != files and not failed and not (came in others and not came <= self.well)
        if version in self.good or changed:
            new = files - self.well
            if new:
                self.at_fault.append(Files(new))
        self.tell(version, files, is_good=False)
        return not any(some <= files for some in self.at_fault)
