"""The status page: one HTML file that needs nothing else, for a browser without network."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

TEMPLATE = Path(__file__).with_name("page.html")
_PLACE = '"DATA"'


def page(found: Mapping[str, object]) -> str:
    """The page. What others have written is in one JSON document, which it shows as text and never as markup."""
    data = json.dumps(found, ensure_ascii=False, separators=(",", ":"))
    # Within a script element only these could end it; as escapes they are the same JSON.
    for one in "<>&\u2028\u2029":
        data = data.replace(one, f"\\u{ord(one):04x}")
    before, _, after = TEMPLATE.read_text(encoding="utf-8").partition(_PLACE)
    return f"{before}{data}{after}"
