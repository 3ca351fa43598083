"""Workflows on a running server, with `act`."""

from tests.github_actions.server import GitHub

PUSHED = """
name: Pushed
on:
  push:
    branches: [main]
jobs:
  one:
    runs-on: ubuntu-latest
    outputs:
      word: ${{ steps.say.outputs.word }}
    steps:
      - uses: actions/checkout@v4
      - id: say
        run: |
          echo "word=$(cat word.txt)" >> "$GITHUB_OUTPUT"
          git log --format=%H -1
  two:
    needs: one
    runs-on: ubuntu-latest
    steps:
      - run: test -z "$(ls -A)"
      - run: echo "heard ${{ needs.one.outputs.word }}"
"""


def test_a_push_runs_jobs_in_order_with_outputs(github: GitHub) -> None:
    repository = github.repository("pushed", {".github/workflows/pushed.yml": PUSHED, "word.txt": "hello"})
    sha = repository.commit({"other.txt": "x"})
    run = repository.only_run("pushed.yml")
    assert run["conclusion"] == "success", repository.log(run["id"], "one")
    assert (run["head_sha"], run["head_branch"], run["event"]) == (sha, "main", "push")
    assert sha in repository.log(run["id"], "one")
    assert "heard hello" in repository.log(run["id"], "two")
