"""Names and connections, and that no wait for either outlasts a wish to stop."""

import errno
import os
import socket
import threading
import time

import pytest

from camera_backup.bucket import dialling
from camera_backup.bucket.dialling import NameUnknown, Unreachable, connect
from camera_backup.bucket.stopping import Stop, Stopped


@pytest.fixture
def port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def resolver(monkeypatch, answer):
    real = socket.getaddrinfo

    def getaddrinfo(host, *arguments, **options):
        if options.get("flags") or host != "store.test":
            return real(host, *arguments, **options)
        return answer()

    monkeypatch.setattr(dialling.socket, "getaddrinfo", getaddrinfo)


def entry(host, port):
    return (socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port))


def descriptors():
    return len(os.listdir("/proc/self/fd"))


def test_an_address_is_connected_to(port):
    with connect("127.0.0.1", port, Stop()) as connection:
        assert connection.getpeername() == ("127.0.0.1", port)
        assert connection.gettimeout() == 0


def test_a_name_is_looked_up_and_its_addresses_are_tried_in_turn(monkeypatch, port):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = closed.getsockname()[1]
    resolver(monkeypatch, lambda: [entry("127.0.0.1", nobody), entry("127.0.0.1", port)])
    with connect("store.test", port, Stop()) as connection:
        assert connection.getpeername() == ("127.0.0.1", port)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), r"store.test is not known \(Name or service"),
        (socket.gaierror(socket.EAI_AGAIN, "Temporary failure"), "no name server answers for store.test"),
        (UnicodeError("label too long"), r"store.test is not known \(label too long\)"),
    ],
)
def test_a_name_that_cannot_be_looked_up_is_told(monkeypatch, error, words):
    def answer():
        raise error

    resolver(monkeypatch, answer)
    before = descriptors()
    stop = Stop()
    with pytest.raises(NameUnknown, match=words):
        connect("store.test", 1, stop)
    stop.close()
    assert descriptors() == before


def test_an_address_that_nobody_listens_at_is_told():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = closed.getsockname()[1]
    with pytest.raises(Unreachable, match="127.0.0.1 port %d: %s" % (nobody, os.strerror(errno.ECONNREFUSED))):
        connect("127.0.0.1", nobody, Stop())


def stopped_after(seconds, stop):
    timer = threading.Timer(seconds, stop.set)
    timer.start()
    return timer


def test_name_servers_that_never_answer_delay_no_stop_and_are_given_up_in_time(monkeypatch):
    silence = threading.Event()
    resolver(monkeypatch, lambda: silence.wait() and [])
    before, stop = time.monotonic(), Stop()
    stopped_after(0.2, stop)
    with pytest.raises(Stopped):
        connect("store.test", 1, stop)
    assert time.monotonic() - before < 2
    monkeypatch.setattr(dialling, "CONNECT_SECONDS", 0.1)
    with pytest.raises(NameUnknown, match="no name server answers for store.test"):
        connect("store.test", 1, Stop())
    silence.set()


def test_an_address_that_never_answers_delays_no_stop_and_is_given_up_in_time(monkeypatch):
    with socket.socket() as full:
        # A listener whose queue is full leaves everybody else without an answer.
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(address)
        before, stop = time.monotonic(), Stop()
        stopped_after(0.2, stop)
        with pytest.raises(Stopped):
            connect(*address, stop)
        assert time.monotonic() - before < 2
        monkeypatch.setattr(dialling, "CONNECT_SECONDS", 0.1)
        with pytest.raises(Unreachable, match="does not answer"):
            connect(*address, Stop())
        for one in waiting:
            one.close()
