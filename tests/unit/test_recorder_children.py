from __future__ import annotations

import os
import resource
import signal
import sys
import time

import pytest

from camera_backup.recorder import children
from tests.support.processes import wait_until
from tests.support.recorder import command_line, gone

BARE = {"LC_ALL": "C"}


def shell(script, descriptors, environment=BARE):
    return children.spawn(["/bin/sh", "-c", script], environment, descriptors)


def end_of(pid):
    status = []
    wait_until(lambda: (status.append(children.reap(pid)), status[-1] is not None)[1], "the end of a child")
    return status[-1]


def output_of(script, **more):
    read, write = os.pipe()
    pid = shell(script, {1: write, **more})
    os.close(write)
    lines = children.Lines(read)
    said = []
    wait_until(lambda: (said.extend(lines.read()), not lines.open)[1], "the end of output")
    return said, end_of(pid)


def test_a_program_is_found_on_the_path_or_where_it_is(tmp_path, monkeypatch):
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\n")
    monkeypatch.setenv("PATH", "%s:%s" % (tmp_path / "none", tmp_path))
    assert children.which("ffmpeg") is None
    program.chmod(0o755)
    assert children.which("ffmpeg") == children.which(str(program)) == str(program)
    assert children.which(str(tmp_path)) is None
    monkeypatch.chdir(tmp_path)
    assert children.which("./ffmpeg") == str(program)


def test_a_child_gets_what_it_is_given_and_nothing_else():
    os.environ["CAMERA_BACKUP_CANARY"] = "x"
    ours = os.open(__file__, os.O_RDONLY)
    try:
        said, status = output_of("ls -l /proc/self/fd; env | cut -d= -f1")
    finally:
        os.close(ours)
        del os.environ["CAMERA_BACKUP_CANARY"]
    assert not any(__file__ in line for line in said)
    assert {" 0 -> /dev/null", " 2 -> /dev/null"} <= {line[line.find(" -> ") - 2 :] for line in said}
    assert {line for line in said if line.isupper()} <= {"LC_ALL", "PWD", "SHLVL", "OLDPWD"}
    assert status == 0


def test_descriptors_may_be_swapped_whatever_their_numbers_are():
    pipes = [os.pipe() for _ in range(3)]
    writes = [write for _, write in pipes]
    # Each child's number is one that another of ours has here.
    wanted = dict(zip([writes[1], writes[2], writes[0]], writes))
    script = "import os\n" + "".join("os.write(%d, b'%d')\n" % (number, number) for number in wanted)
    assert end_of(children.spawn([sys.executable, "-c", script], BARE, wanted)) == 0
    said = {write: os.read(read, 100).decode().strip() for read, write in pipes}
    assert said == {ours: str(number) for number, ours in wanted.items()}
    for pair in pipes:
        for descriptor in pair:
            os.close(descriptor)


def test_a_child_has_its_own_session_and_takes_signals_as_usual():
    previous = signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    try:
        said, _ = output_of("grep SigIgn /proc/self/status; ps -o sid= -p $$; echo $$")
    finally:
        signal.signal(signal.SIGPIPE, previous)
    ignored = int(said[0].split()[1], 16)
    for number in (signal.SIGPIPE, signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        assert not ignored >> (number - 1) & 1, number
    assert said[1].split() == said[2].split()


def test_how_a_child_ended_is_told():
    assert end_of(shell("exit 3", {})) == 3
    pid = shell("sleep 60", {})
    assert children.reap(pid) is None
    children.send(pid, signal.SIGTERM)
    assert end_of(pid) == -signal.SIGTERM
    children.send(pid, signal.SIGTERM)  # it is gone; nothing happens
    assert children.reap(pid) == -signal.SIGKILL  # and nobody knows any more


def test_a_program_that_is_not_there_is_an_oserror():
    with pytest.raises(OSError, match="No such file"):
        children.spawn(["/nowhere"], BARE, {})


def test_a_child_ends_when_we_are_killed():
    script = (
        "import sys; sys.path.insert(0, %r)\n"
        "from camera_backup.recorder import children\n"
        "pid = children.spawn(children.dying_with_us(['/bin/sleep', '60']), {'PATH': '/usr/bin:/bin'}, {})\n"
        "print(pid, flush=True)\n"
        "import time; time.sleep(60)\n"
    ) % os.getcwd()
    read, write = os.pipe()
    parent = children.spawn([sys.executable, "-c", script], dict(os.environ), {1: write, 2: 2})
    os.close(write)
    pid = int(os.read(read, 100))
    wait_until(lambda: command_line(pid).startswith(b"/bin/sleep"), "setpriv to become sleep")
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    os.close(read)
    wait_until(lambda: gone(pid), "the end of the orphan", 5)


def test_without_setpriv_it_runs_all_the_same(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    assert children.dying_with_us(["/bin/true"]) == ["/bin/true"]


def test_our_python_children_find_us_and_the_journal(monkeypatch):
    monkeypatch.setenv("JOURNAL_STREAM", "1:2")
    monkeypatch.setenv("SECRET", "x")
    environment = children.environment()
    assert "SECRET" not in environment
    assert environment["JOURNAL_STREAM"] == "1:2"
    command = [*children.python("camera_backup.recorder.finish")[:2], "-c", "import camera_backup; print('found')"]
    assert children.capture(command, environment, "", 30) == "found"


def test_a_captured_program_reads_what_it_is_given():
    assert children.capture(["/bin/cat"], BARE, "one\ntwo", 10) == "one\ntwo"
    assert children.capture(["/bin/false"], BARE, "", 10) is None
    assert children.capture(["/nowhere"], BARE, "", 10) is None


def test_a_program_is_captured_however_many_descriptors_we_have_open():
    """select(2) knows none above 1,023."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    null = os.open(os.devnull, os.O_RDWR)
    held = []
    try:
        while not held or held[-1] < 1024:
            held.append(os.dup(null))
        assert children.capture(["/bin/cat"], BARE, "one", 10) == "one"
    finally:
        for descriptor in [null, *held]:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_captured_program_that_hangs_is_ended():
    began = time.monotonic()
    assert children.capture(["/bin/sleep", "60"], BARE, "", 0.3) is None
    assert time.monotonic() - began < 5


def lines_of(*chunks, close=True):
    read, write = os.pipe()
    lines = children.Lines(read)
    found = []
    for chunk in chunks:
        os.write(write, chunk)
        found.append(lines.read())
    os.close(write)
    found.append(lines.read())
    assert not lines.open
    lines.close()
    return found


def test_lines_come_whole_however_they_were_written():
    assert lines_of(b"one\ntw", b"o\n\nthree") == [["one"], ["two", ""], ["three"]]
    assert lines_of() == [[]]


def test_a_line_without_an_end_does_not_fill_the_memory():
    long = b"x" * 60_000
    found = lines_of(long, long, b"rest\n")
    assert [len(line) for part in found for line in part] == [120_000, 4]


def test_bytes_that_are_no_text_are_lines_too():
    assert lines_of(b"\xff\xfe\n") == [["��"], []]


def test_reading_what_is_not_there_does_not_wait():
    read, write = os.pipe()
    lines = children.Lines(read)
    assert lines.read() == []
    assert lines.open
    lines.close()
    os.close(write)
