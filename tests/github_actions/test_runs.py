"""Workflows on a running server, with `act`."""

import io
import os
import zipfile

import httpx
import pytest

from tests.github_actions.server import ADMIN, GitHub

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

TAGGED = """
name: Tagged
run-name: Release ${{ github.ref_name }}
on: {push: {tags: ['v[0-9]+.[0-9]+.[0-9]+']}}
permissions: {contents: read}
jobs:
  say:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683
        with: {persist-credentials: false, fetch-depth: 0}
      - run: |
          git describe --tags
          echo "on $GITHUB_REF $GITHUB_REF_NAME $GITHUB_REF_TYPE $GITHUB_SHA"
"""

HOSTILE = """
name: Hostile
on: {push: {tags: ['**']}}
env:
  FROM_CONTEXT: ${{ github.ref_name }}
jobs:
  say:
    runs-on: ubuntu-latest
    env:
      JOB_LEVEL: ${{ github.ref_name }}
    steps:
      - env:
          STEP_LEVEL: ${{ github.ref_name }}
        run: printf '<%s>' "$FROM_CONTEXT" "$JOB_LEVEL" "$STEP_LEVEL" "$GITHUB_REF_NAME"
"""

# act drops what a step says in the very moment in which it fails.
SKIPPING = """
name: Skipping
on: workflow_dispatch
jobs:
  bad: {runs-on: ubuntu-latest, steps: [{run: 'echo last words; sleep 0.2; exit 7'}]}
  after: {needs: bad, runs-on: ubuntu-latest, steps: [{run: 'true'}]}
  later: {needs: after, runs-on: ubuntu-latest, steps: [{run: 'true'}]}
  on-failure: {needs: bad, if: failure(), runs-on: ubuntu-latest, steps: [{run: 'true'}]}
  always:
    needs: [bad, after]
    if: always()
    runs-on: ubuntu-latest
    steps: [{run: 'echo ${{ needs.bad.result }} ${{ needs.after.result }}'}]
  tolerated: {runs-on: ubuntu-latest, continue-on-error: true, steps: [{run: 'false'}]}
"""

MATRIX = """
name: Matrix
on: workflow_dispatch
jobs:
  plan:
    runs-on: ubuntu-latest
    outputs: {list: '${{ steps.l.outputs.list }}'}
    steps:
      - id: l
        run: echo 'list=["dev","staging"]' >> "$GITHUB_OUTPUT"
  deliver:
    needs: plan
    strategy:
      fail-fast: false
      max-parallel: 1
      matrix:
        environment: ${{ fromJSON(needs.plan.outputs.list) }}
        include: [{environment: production, extra: yes}]
    runs-on: ubuntu-latest
    steps:
      - run: echo "to ${{ matrix.environment }} ${{ matrix.extra }} ${{ strategy.job-total }}"
"""

SECRETS = """
name: Secrets
on: workflow_dispatch
jobs:
  open:
    runs-on: ubuntu-latest
    steps:
      - env: {VALUE: '${{ secrets.PLAIN }}', HIDDEN: '${{ secrets.HIDDEN }}'}
        run: |
          echo "plain $VALUE hidden <$HIDDEN> vars ${{ vars.COLOUR }}"
          echo "$VALUE" | base64
          printf 'user:%s' "$VALUE" | base64
          python3 -c 'import json, os; print(json.dumps(os.environ["VALUE"]))'
          echo "::add-mask::made-up-value"
          echo "made-up-value $(echo -n made-up-value | base64)"
          echo "leak=$VALUE" >> "$GITHUB_OUTPUT"
          echo "# kept $VALUE" >> "$GITHUB_STEP_SUMMARY"
          env | grep -c SLIPWAY_SANDBOX || true
  deploying:
    runs-on: ubuntu-latest
    environment: secretive
    steps:
      - env: {HIDDEN: '${{ secrets.HIDDEN }}'}
        run: echo "length ${#HIDDEN} ${{ vars.COLOUR }}"
"""

TOKEN = """
name: Token
on: workflow_dispatch
permissions: {contents: read}
jobs:
  narrow:
    runs-on: ubuntu-latest
    steps:
      - env: {TOKEN: '${{ github.token }}'}
        run: |
          ask() { curl -s -o /dev/null -w '%{http_code} ' -H "Authorization: Bearer $TOKEN" "$@"; }
          ask "$GITHUB_API_URL/repos/$GITHUB_REPOSITORY/contents/README.md"
          ask "$GITHUB_API_URL/repos/acme/pushed/contents/README.md"
          new='{"ref":"refs/heads/x","sha":"'$GITHUB_SHA'"}'
          ask -X POST -d "$new" "$GITHUB_API_URL/repos/$GITHUB_REPOSITORY/git/refs"
          echo end
  wide:
    runs-on: ubuntu-latest
    permissions: {contents: write}
    needs: narrow
    steps:
      - env: {TOKEN: '${{ secrets.GITHUB_TOKEN }}'}
        run: |
          curl -s -w '%{http_code} ' -o /dev/null -H "Authorization: Bearer $TOKEN" -X POST \\
            -d '{"ref":"refs/tags/v9.9.9","sha":"'$GITHUB_SHA'"}' "$GITHUB_API_URL/repos/$GITHUB_REPOSITORY/git/refs"
"""

PRIVATE = """
name: Private
on: workflow_dispatch
jobs:
  look:
    runs-on: ubuntu-latest
    steps:
      - run: |
          test -z "$(ls -A /tmp)" && echo "no files of others"
          test ! -e ~/secrets.yml && echo "no secrets that were not given"
          test ! -e "$OTHERS" && echo "no state of the server"
          test "$(ps ax -o comm= | sort -u | grep -cvE 'act|bash|ps|sort|grep')" = 0 && echo "no processes of others"
          test -w /etc || echo "no rights on the machine"
        env: {OTHERS: STATE}
"""


def test_a_push_runs_jobs_in_order_with_outputs(github: GitHub) -> None:
    repository = github.repository("pushed", {"word.txt": "hello"})
    sha = repository.commit({".github/workflows/pushed.yml": PUSHED})
    run = repository.only_run("pushed.yml")
    assert run["conclusion"] == "success", repository.log(run["id"], "one")
    assert (run["head_sha"], run["head_branch"], run["event"]) == (sha, "main", "push")
    assert sha in repository.log(run["id"], "one")
    assert "heard hello" in repository.log(run["id"], "two")
    checks = repository.call("GET", f"/commits/{sha}/check-runs")["check_runs"]
    assert {check["name"]: check["conclusion"] for check in checks} == {"one": "success", "two": "success"}


def test_a_tag_runs_the_workflow_of_its_commit(github: GitHub) -> None:
    repository = github.repository("tagged", {".github/workflows/tagged.yml": TAGGED})
    repository.ref("refs/tags/v1.2.3-rc.1")
    repository.ref("refs/tags/v1.2.3")
    run = repository.only_run("tagged.yml")
    log = repository.log(run["id"], "say")
    assert (run["conclusion"], run["head_branch"], run["display_title"]) == ("success", "v1.2.3", "Release v1.2.3"), log
    assert f"on refs/tags/v1.2.3 v1.2.3 tag {repository.head()}" in log


def test_a_ref_that_looks_like_an_expression_stays_text(github: GitHub) -> None:
    repository = github.repository("hostile", {".github/workflows/hostile.yml": HOSTILE})
    name = "v1${{github.token}}'$(id)"
    repository.ref(f"refs/tags/{name}")
    run = repository.only_run("hostile.yml")
    log = repository.log(run["id"], "say")
    assert f"<{name}>" * 4 in log


def test_jobs_are_skipped_as_on_github(github: GitHub) -> None:
    repository = github.repository("skipping", {".github/workflows/skipping.yml": SKIPPING})
    run = repository.finished(repository.dispatch("skipping.yml"))
    assert run["conclusion"] == "failure"
    assert repository.conclusions(run["id"]) == {
        "bad": "failure",
        "after": "skipped",
        "later": "skipped",
        "on-failure": "success",
        "always": "success",
        "tolerated": "failure",
    }
    assert "failure skipped" in repository.log(run["id"], "always")
    bad = repository.log(run["id"], "bad").splitlines()
    assert "last words" in bad[-2]
    assert bad[-1].endswith("##[error]Process completed with exit code 7.")


def test_a_matrix_from_an_output(github: GitHub) -> None:
    repository = github.repository("matrix", {".github/workflows/matrix.yml": MATRIX})
    run = repository.finished(repository.dispatch("matrix.yml"))
    assert run["conclusion"] == "success"
    names = ["deliver (dev)", "deliver (staging)", "deliver (production, yes)"]
    assert set(repository.jobs(run["id"])) == {"plan", *names}
    assert "to production yes 3" in repository.log(run["id"], names[2])


def test_secrets_are_masked_in_every_form_and_stay_in_their_environment(github: GitHub) -> None:
    repository = github.repository("secrets", {".github/workflows/secrets.yml": SECRETS})
    repository.call("PUT", "/environments/secretive", {})
    value = 'correct "horse" battery'
    repository.secret("PLAIN", value)
    repository.secret("HIDDEN", "environment-value", "secretive")
    repository.call("POST", "/actions/variables", {"name": "COLOUR", "value": "red"})
    repository.call("POST", "/environments/secretive/variables", {"name": "COLOUR", "value": "blue"})
    run = repository.finished(repository.dispatch("secrets.yml"))
    log = repository.log(run["id"], "open")
    assert "plain *** hidden <> vars red" in log
    for shown in ("horse", "Y29ycmVjdC", "b3JyZWN0", "bWFkZS11cC12YWx1", "made-up-value"):
        assert shown not in log
    assert "length 17 blue" in repository.log(run["id"], "deploying")
    archive = github.url + f"/api/v3/repos/acme/secrets/actions/runs/{run['id']}/logs"
    content = httpx.get(
        archive, headers={"Authorization": f"Bearer {ADMIN}"}, follow_redirects=True, timeout=60
    ).content
    with zipfile.ZipFile(io.BytesIO(content)) as files:
        assert sorted(files.namelist()) == ["0_open.txt", "1_deploying.txt"]
        assert "horse" not in files.read("0_open.txt").decode()


def test_the_token_has_the_jobs_permissions_and_starts_nothing(github: GitHub) -> None:
    repository = github.repository("token", {".github/workflows/token.yml": TOKEN, ".github/workflows/t.yml": TAGGED})
    run = repository.finished(repository.dispatch("token.yml"))
    assert "200 404 403 end" in repository.log(run["id"], "narrow")
    assert "201 " in repository.log(run["id"], "wide")
    assert repository.runs("t.yml") == []


@pytest.mark.skipif(
    os.geteuid() != 0 or "SLIPWAY_SANDBOX_ISOLATION" in os.environ, reason="only root can keep jobs apart, unless told"
)
def test_a_job_sees_neither_the_machine_nor_other_jobs(github: GitHub) -> None:
    workflow = PRIVATE.replace("STATE", str(github.directory / "github" / "github.db"))
    repository = github.repository("private", {".github/workflows/private.yml": workflow})
    run = repository.finished(repository.dispatch("private.yml"))
    log = repository.log(run["id"], "look")
    for said in ("files of others", "secrets that", "state of the server", "processes of others", "rights on"):
        assert f"no {said}" in log, log


SCHEDULED = """
name: Scheduled
on: {schedule: [{cron: '0 4 * * *'}]}
jobs:
  drift:
    runs-on: ubuntu-latest
    steps:
      - {name: Look, run: 'echo "${{ github.event.schedule }}"'}
      - {name: Never, if: failure(), run: 'true'}
      - name: Last
        run: 'true'
"""

FOLLOWS = """
name: Follows
on: {workflow_run: {workflows: [Scheduled], types: [completed]}}
jobs:
  say: {runs-on: ubuntu-latest, steps: [{run: 'echo "after ${{ github.event.workflow_run.conclusion }}"'}]}
"""


def test_a_schedule_runs_when_told_and_a_workflow_follows_another(github: GitHub) -> None:
    files = {".github/workflows/scheduled.yml": SCHEDULED, ".github/workflows/follows.yml": FOLLOWS}
    repository = github.repository("scheduled", files)
    answer = httpx.post(
        f"{github.url}/_sandbox/schedules/acme/scheduled",
        headers={"Authorization": f"Bearer {ADMIN}"},
        json={"schedule": "0 4 * * *"},
        timeout=60,
    )
    assert answer.status_code == 202
    run = repository.only_run("scheduled.yml")
    assert "0 4 * * *" in repository.log(run["id"], "drift")
    steps = repository.jobs(run["id"])["drift"]["steps"]
    assert [(step["number"], step["name"], step["conclusion"]) for step in steps] == [
        (1, "Look", "success"),
        (2, "Never", "skipped"),
        (3, "Last", "success"),
    ]
    assert "after success" in repository.log(repository.only_run("follows.yml")["id"], "say")
