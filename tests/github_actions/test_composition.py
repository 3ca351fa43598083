"""Reusable workflows, actions of other repositories, dispatches and what they are given."""

import pytest

from tests.github_actions.server import ALICE, GitHub, Repository

REUSABLE = """
name: Release
on:
  workflow_call:
    inputs:
      service: {type: string, required: true}
      push: {type: boolean, default: true}
      count: {type: number, default: 3}
    secrets:
      KEY: {required: true}
    outputs:
      digest: {value: '${{ jobs.build.outputs.digest }}'}
env: {WHERE: callee}
jobs:
  check:
    runs-on: ubuntu-latest
    steps:
      - uses: acme/shared/.github/actions/tool@main
        id: tool
        with: {word: '${{ inputs.service }}'}
      - run: echo "tool said ${{ steps.tool.outputs.said }}"
  build:
    needs: check
    permissions: {contents: read}
    runs-on: ubuntu-latest
    outputs: {digest: '${{ steps.b.outputs.digest }}'}
    steps:
      - id: b
        env: {KEY: '${{ secrets.KEY }}', OTHER: '${{ secrets.OTHER }}'}
        run: |
          echo "digest=sha256:${#KEY}" >> "$GITHUB_OUTPUT"
          echo "$WHERE push=${{ inputs.push }} count=${{ inputs.count }} other=<$OTHER> in $GITHUB_REPOSITORY"
          echo "workflow $GITHUB_WORKFLOW ref $GITHUB_WORKFLOW_REF"
"""

TOOL = """
name: Tool
inputs: {word: {required: true}}
outputs: {said: {value: '${{ steps.s.outputs.said }}'}}
runs:
  using: composite
  steps:
    - uses: actions/checkout@v4
      with: {path: code}
    - id: s
      shell: bash
      env: {WORD: '${{ inputs.word }}'}
      run: |
        test -d code/.git
        echo "said=$(cat "$GITHUB_ACTION_PATH/../../../data.txt") $WORD" >> "$GITHUB_OUTPUT"
"""

CALLER = """
name: Caller
on: {push: {tags: ['v*']}}
permissions: {contents: read}
jobs:
  release:
    uses: acme/shared/.github/workflows/release.yml@main
    with: {service: '${{ github.event.repository.name }}', push: false}
    secrets: {KEY: '${{ secrets.RELEASE_KEY }}'}
  after:
    needs: release
    runs-on: ubuntu-latest
    steps: [{run: 'echo "digest ${{ needs.release.outputs.digest }}"'}]
"""

DISPATCHED = """
name: Dispatched
on:
  workflow_dispatch:
    inputs:
      service: {required: true, type: string}
      force: {type: boolean, default: false}
      level: {type: choice, options: [low, high]}
jobs:
  show:
    runs-on: ubuntu-latest
    steps:
      - if: ${{ !inputs.force }}
        run: |
          echo "service ${{ inputs.service }} ${{ inputs.level }} ${{ github.event.inputs.force }} by $GITHUB_ACTOR"
      - if: inputs.force
        run: echo forced
"""

APP = """
name: App
on: {repository_dispatch: {types: [mint]}}
permissions: {}
jobs:
  mint:
    runs-on: ubuntu-latest
    steps:
      - id: token
        uses: actions/create-github-app-token@v2
        with:
          client-id: '11'
          private-key: ${{ secrets.APP_KEY }}
          owner: acme
          repositories: |
            target
          permission-contents: write
      - env: {TOKEN: '${{ steps.token.outputs.token }}', SLUG: '${{ steps.token.outputs.app-slug }}'}
        run: |
          echo "slug $SLUG token $TOKEN ${{ github.event.client_payload.word }}"
          ask() { curl -s -o /dev/null -w '%{http_code} ' -H "Authorization: Bearer $TOKEN" "$@"; }
          ask "$GITHUB_API_URL/repos/acme/target/contents/README.md"
          ask "$GITHUB_API_URL/repos/$GITHUB_REPOSITORY/contents/README.md"
          echo end
"""


@pytest.fixture(scope="module")
def shared(github: GitHub) -> Repository:
    files = {
        ".github/workflows/release.yml": REUSABLE,
        ".github/actions/tool/action.yml": TOOL,
        "data.txt": "data of the whole repository",
    }
    made = github.repository("shared", files)
    made.call("PUT", "/actions/permissions/access", {"access_level": "organization"})
    return made


def test_a_reusable_workflow_gets_inputs_and_named_secrets_only(github: GitHub, shared: Repository) -> None:
    repository = github.repository("caller", {".github/workflows/caller.yml": CALLER})
    repository.secret("RELEASE_KEY", "12345678")
    repository.secret("OTHER", "not passed")
    repository.ref("refs/tags/v1")
    run = repository.only_run("caller.yml")
    assert run["conclusion"] == "success", repository.log(run["id"], "release / check")
    build = repository.log(run["id"], "release / build")
    assert "callee push=false count=3 other=<> in acme/caller" in build
    assert "workflow Caller ref acme/caller/.github/workflows/caller.yml@refs/tags/v1" in build
    assert "tool said data of the whole repository caller" in repository.log(run["id"], "release / check")
    assert "digest sha256:8" in repository.log(run["id"], "after")
    assert run["referenced_workflows"] == [
        {"path": "acme/shared/.github/workflows/release.yml@main", "sha": shared.head(), "ref": "main"}
    ]


def test_a_private_repository_that_shares_nothing_cannot_be_used(github: GitHub) -> None:
    github.repository("closed", {".github/workflows/release.yml": REUSABLE, ".github/actions/tool/action.yml": TOOL})
    caller = CALLER.replace("acme/shared", "acme/closed")
    repository = github.repository("refused", {".github/workflows/caller.yml": caller})
    repository.ref("refs/tags/v1")
    run = repository.only_run("caller.yml")
    assert run["conclusion"] == "startup_failure"


def test_a_dispatch_checks_its_inputs(github: GitHub) -> None:
    repository = github.repository("dispatched", {".github/workflows/d.yml": DISPATCHED})
    run = repository.finished(repository.dispatch("d.yml", {"service": "guest; book"}, token=ALICE))
    log = repository.log(run["id"], "show")
    assert "service guest; book low false by alice" in log
    assert "forced" not in log
    path = "/actions/workflows/d.yml/dispatches"
    for body, message in (
        ({"ref": "main"}, "Required input 'service' not provided"),
        ({"ref": "main", "inputs": {"service": "x", "y": 1}}, 'Unexpected inputs provided: ["y"]'),
        ({"ref": "nowhere", "inputs": {"service": "x"}}, "No ref found for: nowhere"),
        ({"ref": "main", "inputs": {"service": "x", "level": "no"}}, "not in the list of allowed values"),
    ):
        assert message in repository.call("POST", path, body, status=422)["message"]
    repository.call("POST", "/actions/workflows/none.yml/dispatches", {"ref": "main"}, status=404)


def test_an_app_token_is_minted_and_masked(github: GitHub) -> None:
    github.repository("target", {"a": "b"})
    repository = github.repository("app", {".github/workflows/app.yml": APP})
    repository.secret("APP_KEY", github.app_key)
    repository.call("POST", "/dispatches", {"event_type": "mint", "client_payload": {"word": "payload"}})
    run = repository.only_run("app.yml")
    log = repository.log(run["id"], "mint")
    assert run["conclusion"] == "success", log
    assert "slug promoter token *** payload" in log
    assert "200 404 end" in log


def test_a_workflow_that_is_none_says_so(github: GitHub) -> None:
    repository = github.repository("broken", {".github/workflows/broken.yml": "on: push\njobs: {a: {steps: []}}\n"})
    run = repository.only_run("broken.yml")
    assert (run["conclusion"], run["name"]) == ("startup_failure", ".github/workflows/broken.yml")


PINNED = """
name: Pinned
on: workflow_dispatch
jobs:
  called:
    uses: acme/pinned/.github/workflows/called.yml@main
  loose:
    runs-on: ubuntu-latest
    steps: [{uses: 'acme/pinned/.github/actions/tool@main'}]
"""

CALLED = """
on: workflow_call
jobs:
  work:
    runs-on: ubuntu-latest
    steps: [{run: 'true'}]
"""


def test_pinning_is_demanded_of_actions_also_of_ones_own_and_not_of_reusable_workflows(github: GitHub) -> None:
    action = "name: Tool\nruns: {using: composite, steps: [{run: 'true', shell: bash}]}\n"
    files = {".github/workflows/pinned.yml": PINNED, ".github/workflows/called.yml": CALLED}
    repository = github.repository("pinned", files | {".github/actions/tool/action.yml": action})
    repository.call("PUT", "/actions/permissions", {"enabled": True, "sha_pinning_required": True})
    run_id = repository.dispatch("pinned.yml")
    repository.finished(run_id)
    assert repository.conclusions(run_id) == {"called / work": "success", "loose": "failure"}
    assert "must be pinned to a full-length commit SHA" in repository.log(run_id, "loose")
