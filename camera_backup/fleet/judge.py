"""All hosts of a play at once: what is wrong with any of them. Pure."""

from __future__ import annotations

from typing import Collection, Mapping, NamedTuple

from camera_backup.config.yamllines import Path
from camera_backup.fleet import collisions, verdict
from camera_backup.fleet.inventory import Values


class Described(NamedTuple):
    """A host as its inventory describes it."""

    values: Values
    origins: Mapping[Path, str]


def problems(hosts: Mapping[str, Described], judged: Collection[str]) -> list[str]:
    """Given all hosts of the inventory that have cameras, and the hosts of the play, return every mistake, one line
    each, beginning with the host.
    """
    shared = collisions.problems({host: described.values for host, described in hosts.items()}, judged)
    lines = []
    for host in judged:
        described = hosts[host]
        found = [*verdict.problems(described.values, described.origins), *shared.get(host, [])]
        lines += ["%s: %s" % (host, line) for line in found]
    return lines


def message(lines: list[str], hosts: int) -> str:
    """Given what is wrong, return the text of the refusal."""
    wrong = len({line.partition(": ")[0] for line in lines})
    head = "Refused, and no host was touched: %d %s, on %d of %d %s." % (
        len(lines),
        "mistake" if len(lines) == 1 else "mistakes",
        wrong,
        hosts,
        "host" if hosts == 1 else "hosts",
    )
    return "\n".join([head, *lines])
