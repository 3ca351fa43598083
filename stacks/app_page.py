"""The page with a button for each GitHub App."""

import html

from stacks.app_maker import AppMaker, State

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>GitHub Apps</title>{refresh}
<style>body{{font:16px/1.5 system-ui;margin:2rem auto;max-width:46rem;padding:0 1rem}}li{{margin:1rem 0}}
.problem{{color:#b00020}}</style></head>
<body><h1>GitHub Apps of {owner}</h1>{problem}<ol>{items}</ol><p>{end}</p></body></html>
"""
_MAKE = (
    '<form action="{action}" method="post"><input type="hidden" name="manifest" value="{manifest}">'
    "<button>Make it on GitHub</button></form>"
)


def render(maker: AppMaker, back: str, state: str, problem: str = "") -> str:
    """The page as it is now.

    Args:
        maker: what is made.
        back: where GitHub sends the browser to; the name of the role is added.
        state: what comes back with it.
        problem: what went wrong last.
    """
    states = maker.states()
    items = "".join(
        f"<li><strong>{name}</strong>: {_item(maker, name, how, back, state)}</li>" for name, how in states.items()
    )
    ready = all(how is State.READY for how in states.values())
    return _PAGE.format(
        owner=html.escape(maker.owner),
        # Installing happens on GitHub; the page looks again by itself.
        refresh='<meta http-equiv="refresh" content="4">' if State.MADE in states.values() else "",
        problem=f'<p class="problem">{html.escape(problem)}</p>' if problem else "",
        items=items,
        end="All are made and installed. This page can be closed." if ready else "What is made is kept in the stack.",
    )


def _item(maker: AppMaker, name: str, how: State, back: str, state: str) -> str:
    if how is State.READY:
        return "made and installed"
    if how is State.MADE:
        where = html.escape(maker.install_url(name))
        return f'made; <a href="{where}" target="_blank">install it</a> on all repositories'
    manifest = html.escape(maker.manifest(name, f"{back}{name}"))
    return _MAKE.format(action=html.escape(maker.form_url(state)), manifest=manifest)
