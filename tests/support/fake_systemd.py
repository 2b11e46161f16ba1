"""A systemd that only remembers: which units run, under which invocation, and every call it got.

It is a runner for `camera_backup.units.systemd.Systemctl`. Units are read from `<root>/etc/systemd/system` when it is
told to daemon-reload, as the real one does, and a restart runs what was read last.
"""

import fnmatch
import itertools
import os

from camera_backup.units.systemd import Done

DIRECTORY = "etc/systemd/system"
WANTS = DIRECTORY + "/multi-user.target.wants"


class FakeSystemd:
    def __init__(self, root):
        self.root = str(root)
        self.calls = []
        self.read = {}
        """unit → text as of the last daemon-reload"""
        self.running = {}
        """unit → (invocation, text it was started with, text of its credential at that moment)"""
        self.broken = set()
        """units that refuse to start"""
        self.failed = set()
        self.outdated = False
        """units were enabled after the last daemon-reload (systemd 254 and newer remember it)"""
        self._invocations = itertools.count(1)

    def __call__(self, command):
        program, verb, *arguments = command
        assert program == "systemctl"
        self.calls.append([verb, *[word for word in arguments if not word.startswith("-")]])
        return getattr(self, "_" + verb.replace("-", "_"))([word for word in arguments if not word.startswith("-")])

    def verbs(self, verb):
        """The units each call of a verb named, in order."""
        return [units for name, *units in self.calls if name == verb]

    def invocation(self, unit):
        return self.running[unit][0]

    def run(self, *units):
        """Start as somebody else would, by hand."""
        self._daemon_reload([])
        for unit in units:
            self._begin(unit)

    def _path(self, *parts):
        return os.path.join(self.root, *parts)

    def _text(self, path):
        try:
            with open(self._path(path), encoding="utf-8") as stream:
                return stream.read()
        except (FileNotFoundError, IsADirectoryError):
            return None

    def _begin(self, unit):
        if unit in self.broken:
            self.failed.add(unit)
            self.running.pop(unit, None)
            return
        credential = self._text("etc/camera-backup/credentials/%s.json" % unit[: -len(".service")])
        self.running[unit] = ("%032x" % next(self._invocations), self.read[unit], credential)
        self.failed.discard(unit)

    def _show(self, names):
        known = sorted({*self.running, *self.failed})
        found = [[name] if "*" not in name else fnmatch.filter(known, name) for name in names]
        return Done(0, "\n".join(self._block(name) for name in itertools.chain(*found)), "")

    def _is_active(self, names):
        found = [[name] if "*" not in name else fnmatch.filter(sorted(self.running), name) for name in names]
        states = [self._state(name) for name in itertools.chain(*found)]
        return Done(0 if "active" in states else 3, "".join(state + "\n" for state in states), "")

    def _state(self, name):
        return "active" if name in self.running else "failed" if name in self.failed else "inactive"

    def _block(self, name):
        active = self._state(name)
        properties = {
            "Id": name,
            "LoadState": "loaded" if name in self.read else "not-found",
            "ActiveState": active,
            "UnitFileState": "enabled" if os.path.lexists(self._path(WANTS, name)) else "disabled",
            "NeedDaemonReload": "yes" if self._stale(name) else "no",
            "InvocationID": self.running[name][0] if name in self.running else "",
            "MainPID": "0",
            "Result": "exit-code" if name in self.failed else "success",
        }
        return "".join("%s=%s\n" % pair for pair in properties.items())

    def _stale(self, name):
        return self.outdated or self.read.get(name) != self._text(DIRECTORY + "/" + name)

    def _daemon_reload(self, _):
        self.outdated = False
        units = [name for name in os.listdir(self._path(DIRECTORY)) if name.endswith(".service")]
        self.read = {name: self._text(DIRECTORY + "/" + name) for name in units}
        return Done(0, "", "")

    def _stop(self, units):
        for unit in units:
            self.running.pop(unit, None)
        return Done(0, "", "")

    def _restart(self, units):
        for unit in units:
            self._begin(unit)
        return Done(1 if self.broken & set(units) else 0, "", "Job for x.service failed")

    def _start(self, units):
        return self._restart([unit for unit in units if unit not in self.running])

    def _enable(self, units):
        os.makedirs(self._path(WANTS), exist_ok=True)
        for unit in units:
            os.symlink("/%s/%s" % (DIRECTORY, unit), self._path(WANTS, unit))
        self.outdated = True
        return Done(0, "", "")

    def _reset_failed(self, units):
        self.failed -= set(units)
        return Done(0, "", "")
