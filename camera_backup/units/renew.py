"""`camera-backup renew`: restart what still runs an older release or older settings, one recorder at a time.

Invariant I5, for a whole host: a recorder is not touched before the one before it records again. What did not record
before is not waited for longer than it takes its recorder to say so.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import TYPE_CHECKING, Callable, Collection, Mapping, Sequence

from camera_backup import config, ledger, paths
from camera_backup.errors import HostError
from camera_backup.model import Config
from camera_backup.status import live
from camera_backup.units import host, names, pending, program, systemd
from camera_backup.units.converge import Outcome, Renewed, converge
from camera_backup.units.plan import Services

if TYPE_CHECKING:
    import argparse

_SETTLED = ("recording", "waiting", "paused")

_EPILOG = """\
A recorder that recorded before has to record again within the time-out; otherwise the rest is left as it is, and the
exit code says so. The uploader comes last: it resumes where it was.

exit codes: 0 everything runs the present release and settings, 4 something did not come back, or this host refused
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of `camera-backup renew`."""
    import argparse

    parser.epilog = _EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--config", metavar="FILE", default=config.DEFAULT_PATH, help="default: %(default)s")
    parser.add_argument("--timeout", metavar="SECONDS", type=float, default=90.0, help="for each [%(default).0f]")
    parser.add_argument("--json", action="store_true", help="one object, for machines")


def run(args: argparse.Namespace) -> int:
    """Restart what is due, report, and return the exit code."""
    if os.geteuid() != 0 or not systemd.here():
        raise HostError("must be run by root, on a machine that runs systemd")
    state = config.load(args.config).storage.state_path
    done = renew(systemd.Systemctl(), "/", state, args.timeout)
    failed = [one.problem for one in done if one.problem]
    if args.json:
        report = {"changed": bool(done), "renewed": [one._asdict() for one in done], "failed": failed}
        print(json.dumps(report, indent=2))
    else:
        print("\n".join(map(_text, done)) or "unchanged: everything runs the present release and settings")
    for line in failed:
        sys.stderr.write("camera-backup: %s\n" % line)
    return HostError.exit_code if failed else 0


def gently(config: Config, systemctl: systemd.Systemctl, timeout: float, root: str = "/") -> Outcome:
    """Given a valid configuration, make this host what it says, as `converge` does, but restart one recorder at a time;
    stop at the first that does not record again, and leave the rest as it runs.
    """
    if not any(map(systemd.up, systemctl.active([names.RECORDERS, names.UPLOADER]))):
        return converge(config, root, systemctl, services=True)
    written = converge(config, root, systemctl)
    # systemctl takes milliseconds for every unit it shows, so what was seen a moment ago is not asked for again.
    running = {name: unit for name, unit in written.units.items() if name not in written.plan.stop}
    renewed = _one_by_one(systemctl, due(running, root), config.storage.state_path, timeout)
    failed = [one.problem for one in renewed if one.problem]
    if failed:
        plan = written.plan._replace(services=Services())
        return written._replace(plan=plan, services=True, failed=failed, renewed=tuple(renewed))
    services = written.plan.services
    if not services.enable and not services.start and _settled(systemctl, services.restart, root):
        plan = written.plan._replace(services=Services())
        return written._replace(plan=plan, services=True, renewed=tuple(renewed))
    started = converge(config, root, systemctl, services=True)
    plan = written.plan._replace(services=started.plan.services)
    return started._replace(plan=plan, renewed=tuple(renewed))


def _settled(systemctl: systemd.Systemctl, restarted: Collection[str], root: str) -> bool:
    """Say whether all that was owed was done, and strike it off."""
    if restarted and pending.owed(pending.read(root), systemctl.show(restarted)):
        return False
    pending.write(root, pending.Pending())
    return True


def renew(systemctl: systemd.Systemctl, root: str, state: str, timeout: float) -> list[Renewed]:
    """Given the state directory, restart every service that is due; stop at the first that does not come back."""
    units = systemctl.show([names.RECORDERS, names.UPLOADER])
    return _one_by_one(systemctl, due(units, root), state, timeout)


def _one_by_one(systemctl: systemd.Systemctl, units: Sequence[str], state: str, timeout: float) -> list[Renewed]:
    done = []
    for unit in units:
        one = _restart(systemctl, unit, state, timeout)
        done.append(one)
        if one.problem:
            break
    return done


def due(units: Mapping[str, systemd.Unit], root: str) -> list[str]:
    """Given what systemd knows, return the running units with an older program, or with a restart that is still owed;
    the uploader last.
    """
    owed = pending.owed(pending.read(root), units)
    ours = [name for name, unit in units.items() if unit.up and (names.is_ours(name))]
    return sorted(
        (name for name in ours if name in owed or _old(units[name].pid)), key=lambda n: (n == names.UPLOADER, n)
    )


def _old(pid: int) -> bool:
    """Say whether a process runs another installation of ours than this one."""
    command = host.command(pid)
    releases = program.RELEASES + "/"
    return bool(command) and command[0].startswith(releases) and not command[0].startswith(sys.prefix + "/")


def _restart(systemctl: systemd.Systemctl, unit: str, state: str, timeout: float) -> Renewed:
    camera = names.camera_of(unit) or ""
    before = _status(state, camera)
    recorded = before is not None and before.state == "recording"
    started = time.time()
    systemctl.attempt("restart", unit)
    if not camera:
        now = systemctl.show([unit])[unit]
        return Renewed(unit, "", None, "" if now.up else "%s did not start again (%s)" % (unit, now.result))
    pid = systemctl.show([unit])[unit].pid
    after = _wait(lambda: _status(state, camera), pid, ("recording",) if recorded else _SETTLED, timeout)
    if after is not None and recorded and after.state != "recording":
        return Renewed(unit, camera, None, _not_back(unit, after, timeout))
    if after is None:
        return Renewed(
            unit, camera, None, "%s says nothing since it was started again; see: journalctl -u %s" % (unit, unit)
        )
    return Renewed(unit, camera, _gap(state, camera, started) if recorded else None, "")


def _wait(
    look: Callable[[], live.Recorder | None], pid: int, wanted: tuple[str, ...], timeout: float
) -> live.Recorder | None:
    """Return what the recorder with this pid says once it is one of `wanted`, or else last; None when it is silent."""
    end = time.monotonic() + timeout
    last = None
    while time.monotonic() < end:
        seen = look()
        if seen is not None and seen.pid == pid:
            last = seen
            if seen.state in wanted:
                break
        time.sleep(0.2)
    return last


def _status(state: str, camera: str) -> live.Recorder | None:
    if not camera:
        return None
    value = live.read(paths.recorder_status(state, camera))
    return live.recorder(value) if value else None


def _gap(state: str, camera: str, since: float) -> float:
    """Return the seconds since a moment that the ledger says were not recorded."""
    now = time.time()
    found = ledger.gaps(ledger.read(paths.ledger(state, camera)), now)
    return round(sum(gap.end - max(gap.start, since - 5) for gap in found if gap.end > since), 3)


def _not_back(unit: str, seen: live.Recorder, timeout: float) -> str:
    why = ": ".join(filter(None, (seen.cause, seen.detail))) or "no cause given"
    return "%s recorded before, and %.0f s after its restart is %s (%s)" % (unit, timeout, seen.state, why)


def _text(one: Renewed) -> str:
    return "restarted %s%s" % (one.unit, "" if one.gap is None else ", not recorded for %.1f s" % one.gap)
