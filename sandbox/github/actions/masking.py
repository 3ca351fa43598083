"""Keeping secrets out of logs: the values themselves and the forms in which they usually slip through."""

import base64
import json
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

MASK = "***"

_SHORTEST = 3
"""Shorter values would blot out the log and hide nothing."""

_SHORTEST_LINE = 8


class Masker:
    """Replaces known secrets in text. Values can be added while it is in use."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._forms: list[str] = []
        """The longest first: a secret that contains another must not leave its rest behind."""
        for value in values:
            self.add(value)

    def add(self, value: str) -> None:
        """Masks a value from now on."""
        self._forms = sorted({*self._forms, *forms(value)}, key=len, reverse=True)

    def mask(self, text: str) -> str:
        """The text without any secret."""
        # To compile one pattern of all of them takes a job as long as some of its steps.
        for form in self._forms:
            text = text.replace(form, MASK)
        return text


def forms(value: str) -> set[str]:
    """A secret as it may appear in a log: as it is, line by line, in base64 at any offset, escaped for JSON."""
    value = value.strip()
    if len(value) < _SHORTEST:
        return set()
    found = {value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
    found |= {quote(value), quote(value, safe=""), quote_plus(value)}
    found |= {value.replace("\n", "\\n"), value.replace("'", "'\\''")}
    if "\n" in value:
        found |= {line.strip() for line in value.splitlines() if len(line.strip()) >= _SHORTEST_LINE}
    data = value.encode()
    for encoded in (base64.b64encode, base64.urlsafe_b64encode):
        for offset in range(3):
            # The same bytes encode in three ways, depending on where they begin; the edges mix with neighbours.
            text = encoded(b"\0" * offset + data).decode().rstrip("=")
            start = (0, 2, 3)[offset]
            end = len(text) - (1 if (offset + len(data)) % 3 else 0)
            core = text[start:end]
            if len(core) >= _SHORTEST_LINE:
                found.add(core)
        found.add(encoded(data).decode())
    return {form for form in found if len(form) >= _SHORTEST}
