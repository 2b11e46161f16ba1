"""What an operator has in hand: playbooks run from this checkout, hosts to look into, the bucket, the cameras."""

import hashlib
import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import testinfra
import yaml

SCENARIO = Path(__file__).resolve().parents[1]
CHECKOUT = SCENARIO.parents[1]
RUN = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"])
OBJECTS = RUN / "objects/footage"
SAID = RUN / "said.txt"
PROGRAM = "/opt/camera-backup/current/bin/camera-backup"


def play(playbook, *arguments, hosts=None, checkout=CHECKOUT, fails=False):
    """Run a playbook as talkative as can be; return what it said.

    hosts: host → variables that differ from those of the scenario
    """
    inventories = ["-i", str(SCENARIO / "inventory"), "-i", str(_later_inventory(hosts or {}))]
    plain = {"ANSIBLE_FORCE_COLOR": "0", "ANSIBLE_NOCOLOR": "1"}
    environment = {**os.environ, "ANSIBLE_CONFIG": str(checkout / "ansible.cfg"), **plain}
    done = subprocess.run(
        ["ansible-playbook", *inventories, "-vvv", "--diff", playbook, *arguments],
        cwd=str(checkout),
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    with SAID.open("a") as said:
        said.write(done.stdout)
    assert (done.returncode != 0) == fails, done.stdout[-8000:]
    return done.stdout


def _later_inventory(hosts):
    """Write an inventory whose variables win over those of the scenario: the later of two directories does."""
    directory = RUN / "later"
    shutil.rmtree(str(directory), ignore_errors=True)
    (directory / "host_vars").mkdir(parents=True)
    (directory / "hosts.yml").write_text(yaml.safe_dump({"nvr": {"hosts": {name: {} for name in hosts}}}))
    for name, variables in hosts.items():
        (directory / "host_vars" / (name + ".yml")).write_text(yaml.safe_dump(variables))
    return directory


def machine(name):
    """Return a host to look into."""
    return testinfra.get_host(
        "ansible://%s?ansible_inventory=%s" % (name, SCENARIO / "inventory"),
        ssh_identity_file=os.environ["ANSIBLE_PRIVATE_KEY_FILE"],
    )


def pids(host):
    """Return unit → main process of all services of the product that run."""
    units = host.run_expect(
        [0], "systemctl list-units --plain --no-legend --state=active 'camera-*'"
    ).stdout.splitlines()
    names = [line.split()[0] for line in units]
    return {
        name: host.run_expect([0], "systemctl show --property=MainPID --value %s", name).stdout.strip()
        for name in names
    }


def recorders(host):
    """Return unit → main process of the recorders. The uploader knows all cameras by name: a new one restarts it."""
    return {unit: pid for unit, pid in pids(host).items() if unit.startswith("camera-recorder-")}


def status(host):
    """Return what `camera-backup status` says."""
    return json.loads(host.run_expect([0, 1], PROGRAM + " status --json").stdout)


def ledger(host, camera):
    """Return segment → SHA-256 of it, as noted when it was closed."""
    text = host.file("/var/lib/camera-backup/state/ledger/%s.jsonl" % camera).content_string
    events = [json.loads(line) for line in text.splitlines()]
    return {event["name"]: event["sha256"] for event in events if event["event"] == "segment"}


def bucket(name, camera):
    """Return object → SHA-256 of what the bucket holds of a camera, straight from the disk of the server."""
    objects = (OBJECTS / name / camera).rglob("*.mp4")
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in objects}


def wait(what, seconds, answer):
    """Wait until `answer()` is true and return it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = answer()
        if found:
            return found
        time.sleep(2)
    raise AssertionError("not within %d s: %s" % (seconds, what))


def arrives(name, camera, segments=1):
    """Wait for further footage of a camera in the bucket."""
    before = len(bucket(name, camera))
    wait("footage of " + camera, 180, lambda: len(bucket(name, camera)) >= before + segments)


def is_complete(name, camera):
    """Wait until the bucket holds every segment that the host closed by now, with the very bytes."""
    noted = ledger(machine(name), camera)
    wait("every segment of " + camera, 180, lambda: noted.items() <= bucket(name, camera).items())


def change_login(camera, password):
    """Give a simulated camera another password, by its control port."""
    command = {"do": "login", "camera": camera, "user": "viewer", "password": password}
    container = "camera-backup-fleet-cameras"
    podman = [str(CHECKOUT / "tools/podman-environment"), "podman"]
    ready = subprocess.run([*podman, "logs", container], check=True, stdout=subprocess.PIPE, text=True).stdout
    port = str(json.loads(ready.splitlines()[0])["control"])
    ask = ["python3", "-B", "-m", "tests.simulators.camera.control", port, json.dumps(command)]
    done = subprocess.run([*podman, "exec", container, *ask], check=True, stdout=subprocess.PIPE, text=True)
    assert json.loads(done.stdout)["ok"], done.stdout


def another_checkout(name, path, text):
    """Return a copy of this checkout that is another release of the program: one of its files ends with `text`."""
    copy = RUN / name
    shutil.rmtree(str(copy), ignore_errors=True)
    for part in ("ansible.cfg", "site.yml", "playbooks", "roles", "callback_plugins", "camera_backup", "tools"):
        source = CHECKOUT / part
        target = copy / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(str(source), str(target), ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(str(source), str(target))
    for part in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(str(CHECKOUT / part), str(copy / part))
    with (copy / path).open("a") as changed:
        changed.write(text)
    return copy
