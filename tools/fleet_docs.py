"""Write what is generated of the role: its defaults, its argument specs and the tables of its README."""

from __future__ import annotations

from pathlib import Path

from camera_backup.fleet import specs

ROOT = Path(__file__).resolve().parent.parent
ROLE = ROOT / "roles/camera_backup"


def generated() -> dict[Path, str]:
    """Return path → text of everything that is generated."""
    prose = (ROLE / "README.md").read_text(encoding="utf-8").partition(specs.MARKER)[0]
    return {
        ROLE / "defaults/main.yml": specs.defaults(),
        ROLE / "meta/argument_specs.yml": specs.argument_specs(),
        ROLE / "README.md": prose + specs.tables(),
    }


if __name__ == "__main__":
    for path, text in generated().items():
        path.write_text(text, encoding="utf-8")
