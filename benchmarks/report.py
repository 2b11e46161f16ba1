"""Figures to tables: for the terminal, and as Markdown for docs/benchmarks.md."""

from __future__ import annotations

import os
import platform
import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Sequence

from camera_backup.table import render

MET, MISSED, NO_TARGET = "met", "MISSED", ""


@dataclass
class Section:
    """A table with its heading and what a reader has to know to believe it."""

    title: str
    note: str
    header: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)


def spread(values: Sequence[float], form: str = "%.2f") -> str:
    """Given measurements, return `median [least–most]`."""
    low, high = form % min(values), form % max(values)
    middle = form % statistics.median(values)
    return middle if low == high else "%s [%s–%s]" % (middle, low, high)


def verdict(value: float, limit: float) -> str:
    """Return whether a figure keeps within its target."""
    return MET if value <= limit else MISSED


def terminal(section: Section) -> str:
    """Return a section as text."""
    numbers = range(1, len(section.header))
    table = render(section.rows, section.header, right=list(numbers))
    return "\n%s\n%s\n\n%s" % (section.title, section.note, table)


def markdown(machine: str, sections: Sequence[Section], title: str = "Benchmarks", target: str = "bench") -> str:
    """Given the line on the machine, the tables and the target of the Makefile, return the whole report."""
    made = "Made by `make %s` on %s.\n" % (target, time.strftime("%Y-%m-%d", time.gmtime()))
    parts = ["# %s\n" % title, made, machine]
    for section in sections:
        lines = [section.header, ["---"] + ["---:"] * (len(section.header) - 1), *section.rows]
        table = "\n".join("| %s |" % " | ".join(cell.replace("|", "\\|") for cell in line) for line in lines)
        parts.append("\n## %s\n\n%s\n\n%s\n" % (section.title, section.note, table))
    return "\n".join(parts)


def machine(where: str = "everything on loopback over TLS") -> str:
    """Return a line on the machine: processor, memory, kernel, Python, and how busy it is with other things.

    where: servers and hosts are
    """
    text = Path("/proc/cpuinfo").read_text()
    names = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")]
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    processor = "%d × %s" % (os.cpu_count() or 1, names[0] if names else platform.machine())
    software = "Linux %s, Python %s" % (platform.release(), platform.python_version())
    busy = "load average at the start %.1f" % os.getloadavg()[0]
    return "Machine: %s, %.0f GB, %s, %s; %s.\n" % (processor, memory, software, busy, where)
