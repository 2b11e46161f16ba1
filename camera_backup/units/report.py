"""Say what a run did, or would do: for people, for machines, as a diff. Pure. Secrets are never shown (I7)."""

from __future__ import annotations

import difflib
from typing import Any, Iterator

from camera_backup.units.changes import Change
from camera_backup.units.converge import Outcome


def machine(outcome: Outcome, with_diff: bool = True) -> dict[str, Any]:
    """Return what `--json` prints, and the Ansible module returns."""
    plan, done = outcome.plan, outcome.services
    services = plan.services
    return {
        "changed": outcome.changed,
        "files": [
            *({"path": change.path, "action": change.action} for change in outcome.handed),
            *({"path": directory.path, "action": "create"} for directory in plan.directories),
            *({"path": change.path, "action": change.action} for change in plan.files),
            *({"path": link, "action": "remove"} for link in plan.links),
        ],
        "reloaded": plan.reloads(done),
        "stopped": list(plan.stop),
        "enabled": list(services.enable) if done else [],
        "restarted": sorted({*(services.restart if done else ()), *(one.unit for one in outcome.renewed)}),
        "renewed": [one._asdict() for one in outcome.renewed],
        "started": list(services.start) if done else [],
        "next": next_steps(outcome),
        "failed": outcome.failed,
        "refused": list(plan.refused),
        "warnings": outcome.warnings,
        "diff": diff(outcome) if with_diff else "",
    }


def text(outcome: Outcome) -> str:
    """Return one line per action, then the commands that are still needed."""
    steps = next_steps(outcome)
    lines = ["%-9s %s" % action for action in _actions(outcome)]
    lines = lines or ["unchanged, all %d files" % len(outcome.plan.files)]
    return "\n".join([*lines, *(["", "Next:"] if steps else []), *("  " + step for step in steps)]) + "\n"


def diff(outcome: Outcome) -> str:
    """Return a unified diff of the unit files; of credential files only that they change."""
    changes = (*outcome.handed, *outcome.plan.files)
    return "".join("".join(_difference(change)) for change in changes if change.real)


def next_steps(outcome: Outcome) -> list[str]:
    """Return the commands that bring the services in line, where that was left to the operator."""
    services = outcome.plan.services
    if outcome.services:
        return []
    both = [unit for unit in services.start if unit in services.enable]
    steps = (
        ("enable --now", both),
        ("enable", [unit for unit in services.enable if unit not in both]),
        ("start", [unit for unit in services.start if unit not in both]),
        ("restart", services.restart),
    )
    return ["systemctl %s %s" % (verb, " ".join(units)) for verb, units in steps if units]


def _actions(outcome: Outcome) -> Iterator[tuple[str, str]]:
    plan, services = outcome.plan, outcome.plan.services
    yield from ((change.action, change.path) for change in outcome.handed if change.real)
    yield from (("stop", unit) for unit in plan.stop)
    yield from (("remove", link) for link in plan.links)
    yield from (("create", directory.path) for directory in plan.directories)
    yield from ((change.action, change.path) for change in plan.files if change.real)
    if outcome.services:
        yield from (("enable", unit) for unit in services.enable)
    if plan.reloads(outcome.services):
        yield "reload", "systemd"
    yield from (("restart", one.unit) for one in outcome.renewed)
    if outcome.services:
        yield from (("restart", unit) for unit in services.restart)
        yield from (("start", unit) for unit in services.start)


def _difference(change: Change) -> Iterator[str]:
    if change.secret or change.before == change.after:
        yield "%s: changed (not shown)\n" % change.path
        return
    before, after = change.before.splitlines(keepends=True), change.after.splitlines(keepends=True)
    source = change.path if change.before else "/dev/null"
    target = change.path if change.after else "/dev/null"
    yield from difflib.unified_diff(before, after, source, target)
