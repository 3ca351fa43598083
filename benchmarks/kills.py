"""`make up` that is cut off at random moments, and the next one: it converges, says what it found, and doubles nothing.

Most runs change the settings of a platform that is up; every fifth starts from nothing. The seed makes the choice of
changes and endings the same again; what an ending hits depends on the machine.
"""

import argparse
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.measure import Report, benchmark, say
from benchmarks.sandboxes import command, own
from tests.sandbox.interrupting import Ending, Interrupter, Moment, Outcome

FROM_NOTHING = 5
"""Every so many runs there is nothing before."""
SAID = ("plugins of", "the lock of", "an interrupted run had", "process", "the Helm release")
"""How the sentences begin that say what was found."""


def measured(options: argparse.Namespace, report: Report) -> None:
    config = own()
    chance = random.Random(options.seed)  # noqa: S311  # not for secrets
    endings: Counter[str] = Counter()
    failed: list[str] = []
    with tempfile.TemporaryDirectory(prefix="slipway-kills-") as folder:
        interrupter = Interrupter(config, Path(folder), chance)
        command(config, "down")
        try:
            for run in range(options.runs):
                if run % FROM_NOTHING == 0:
                    command(config, "down")
                else:
                    interrupter.change(lambda values: changed(values, chance))
                ending = chance.choice(list(Ending))
                moment = Moment.HELM if chance.random() < 0.2 else Moment.ANY
                outcome = interrupter.cut_off(ending, moment)
                told(run, options.runs, outcome)
                endings[f"{outcome.ending}{'' if outcome.was_running else ', too late'}"] += 1
                failed += outcome.problems
                report.measure("seconds until it was cut off").values.append(outcome.after)
                report.measure("the next up").values.append(outcome.seconds)
        finally:
            command(config, "down")
    report.notes += [f"{name}: {count}" for name, count in sorted(endings.items())]
    report.notes += failed
    report.at_most("ups that did not converge, or found something twice", len(failed), 0)


def changed(values: dict[str, Any], chance: random.Random) -> None:
    """One of the changes that people make."""
    services: list[dict[str, Any]] = values["services"]
    extra = [service for service in services if service["name"].startswith("extra")]
    match chance.randrange(3):
        case 0 if extra:
            services.remove(extra[0])
        case 1:
            argocd = values["argocd"].setdefault("values", {})
            argocd.setdefault("server", {})["podAnnotations"] = {"run": str(chance.random())}
        case _:
            name = f"extra{chance.randrange(10**6)}"
            services.append({"name": name, "template": "python-web", "team": "web", "environments": ["dev"]})


def told(run: int, runs: int, outcome: Outcome) -> None:
    when = f"after {outcome.after:.0f} s" if outcome.was_running else "when it had ended"
    say(f"run {run + 1} of {runs}: {outcome.ending} {when}; the next up took {outcome.seconds:.0f} s")
    for text in outcome.said:
        if text.startswith(SAID):
            say(f"  {text}")
    for text in outcome.problems:
        say(f"  PROBLEM: {text}")


def seeded(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seed", type=int, default=7, help="of the choice of changes and endings (default: 7)")


if __name__ == "__main__":
    sys.exit(benchmark("kills", measured, description="An up that is cut off", runs=50, arguments=seeded))
