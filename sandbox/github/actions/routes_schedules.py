"""Time for `schedule`: the sandbox has no clock that starts workflows, but somebody may tell it that it is time."""

from sandbox.github.actions.serving import engine_of
from sandbox.github.core.errors import unprocessable
from sandbox.github.core.events import Event
from sandbox.github.core.requests import Answer, Request
from sandbox.github.core.routing import route


@route("POST", "/_sandbox/schedules/{owner}/{repo}", permission="actions:write", root=True)
def tick(request: Request) -> Answer:
    """Starts all scheduled workflows of the default branch; `schedule` in the body is the cron line they are told."""
    repository = request.repository
    ref = f"refs/heads/{repository['default_branch']}"
    sha = request.git.resolve(ref)
    if sha is None:
        raise unprocessable("The repository is empty.")
    engine_of(request).receive(
        Event(
            repository=repository["full_name"],
            name="schedule",
            action=None,
            ref=ref,
            sha=sha,
            actor=request.principal.login,
            payload={"schedule": str(request.data().get("schedule") or "* * * * *")},
        )
    )
    return 202, {}
