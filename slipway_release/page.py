"""The status page: one HTML file that needs nothing else, for a browser without network."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from string import Template

from slipway_release.stories import WORDS

ASSETS = Path(__file__).with_name("assets")
LIBRARY = "lit-html.js"
"""The library that draws the page, as its package has it; a browser takes only modules of other files from it."""
_EXPORTS = re.compile(r"export\{([^}]*)\};")
_USED = ("html", "nothing", "render", "svg")


def page(found: Mapping[str, object]) -> str:
    """The page. What others have written is in one JSON document, which it shows as text and never as markup."""
    data = json.dumps({**found, "words": WORDS}, ensure_ascii=False, separators=(",", ":"))
    # Within a script element only these could end it; as escapes they are the same JSON.
    for one in "<>&\u2028\u2029":
        data = data.replace(one, f"\\u{ord(one):04x}")
    style, script = _asset("page.css"), _library() + _asset("page.js")
    return Template(_asset("page.html")).substitute(
        policy=_policy(style, script), style=style, script=script, data=data
    )


def _policy(style: str, script: str) -> str:
    """The Content-Security-Policy: this style and this script alone, no request, and markup from the library alone."""
    return "; ".join(
        [
            "default-src 'none'",
            f"style-src {_source(style)}",
            f"script-src {_source(script)}",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types lit-html",
        ]
    )


def _source(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _library() -> str:
    """The library as a script of this page: a module in its own scope, whose exports are constants."""
    module = _asset(LIBRARY)
    found = _EXPORTS.search(module)
    if found is None:
        raise ValueError(f"{LIBRARY}: has no list of exports")
    # Its short names are not this page's; `b as html` is `html: b` of an object.
    exports = ", ".join(
        f"{outer.strip()}: {inner.strip()}"
        for inner, outer in (pair.split(" as ") for pair in found[1].split(","))
        if outer.strip() in _USED
    )
    code = module[: found.start()]
    return f'"use strict";\nconst {{ {", ".join(_USED)} }} = (() => {{\n{code}\nreturn {{ {exports} }};\n}})();\n'


def _asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")
