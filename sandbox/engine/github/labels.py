"""Labels of issues and pull requests."""

from urllib.parse import quote

from sandbox.engine.github.kind import Context, Document, Kind, renamed
from sandbox.engine.outcome import Applied, Outcome
from sandbox.engine.shape import Json, items


def _path(context: Context, inputs: Json, name: str = "") -> str:
    tail = f"/{quote(name, safe='')}" if name else ""
    return f"{context.api.repository_path(inputs['repository'])}/labels{tail}"


def _wanted(label: Json) -> Json:
    wanted = renamed(label, ("name", "color", "description"))
    wanted["color"] = str(wanted["color"]).lower().removeprefix("#")
    return wanted


def _view(document: Json) -> Json:
    description = document.get("description") or ""
    return {"name": document["name"], "color": document["color"].lower(), "description": description}


issue_label = Document(
    identity=lambda inputs, _document: f"{inputs['repository']}:{inputs['name']}",
    find=lambda context, inputs: context.api.get(_path(context, inputs, inputs["name"])),
    wanted=lambda _context, inputs: _wanted(inputs),
    create=lambda context, inputs, wanted: context.api.write("POST", _path(context, inputs), wanted),
    update=lambda context, inputs, document, changes: context.api.write(
        "PATCH", _path(context, inputs, document["name"]), changes
    ),
    outputs=lambda document: {"url": document.get("url", ""), "etag": ""},
    view=_view,
)


def issue_labels(context: Context, inputs: Json) -> Applied:
    """All labels of a repository; those that are not declared go."""
    now = {label["name"].lower(): _view(label) for label in context.api.get_all(_path(context, inputs))}
    wanted = {label["name"].lower(): {"description": ""} | _wanted(label) for label in items(inputs, "labels")}
    for key, label in wanted.items():
        if key not in now:
            context.api.write("POST", _path(context, inputs), label)
        elif now[key] != label:
            body = {"new_name": label["name"], "color": label["color"], "description": label["description"]}
            context.api.write("PATCH", _path(context, inputs, now[key]["name"]), body)
    for key in now.keys() - wanted.keys():
        context.api.write("DELETE", _path(context, inputs, now[key]["name"]))
    outcome = Outcome.UNCHANGED if now == wanted else Outcome.UPDATED if now else Outcome.CREATED
    return Applied(inputs["repository"], dict(inputs), outcome)


KINDS: dict[str, Kind] = {"IssueLabel": issue_label, "IssueLabels": issue_labels}
