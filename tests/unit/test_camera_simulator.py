"""The simulated camera, seen through a client that reads every byte. What FFmpeg makes of it: tests/integration."""

from __future__ import annotations

import itertools
import json
import signal
import socket
import ssl
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.simulators.camera import Camera, CameraProcess, CameraServer, Look
from tests.simulators.camera.player import BACKLOG, Outlet, Player
from tests.simulators.camera.rtp import bundle
from tests.support import nal
from tests.support.certs import Authority
from tests.support.processes import wait_until
from tests.support.rtsp_client import Client, pictures

ROOT = Path(__file__).parents[2]
QUICK = Look(gop=0.2, seconds=1)  # a key frame every 5 frames: no test waits long
NAMES = ("camera-%d" % n for n in itertools.count())


@pytest.fixture(scope="module")
def server():
    with CameraServer() as running:
        yield running


@pytest.fixture
def camera(server):
    return server.add(next(NAMES), QUICK)


@pytest.fixture
def heard(server):
    """A camera with a microphone."""
    return server.add(next(NAMES), QUICK._replace(audio="aac"))


def video(client: Client, codec: str = "h264"):
    """Yield the pictures of the video track, as units."""
    return pictures((packet for packet in client.packets() if packet.channel == 0), codec)


def stamps(client: Client, count: int, codec: str = "h264") -> list[nal.Stamp]:
    """Return the stamps of the next pictures, having checked each picture against its own."""
    found = []
    for units in itertools.islice(video(client, codec), count):
        (stamp,) = [read for unit in units for read in [nal.read_stamp(codec, unit)] if read is not None]
        assert nal.checksum(unit for unit in units if nal.is_slice(codec, unit)) == stamp.checksum
        found.append(stamp)
    return found


def playing(camera: Camera, tracks: int = 1) -> Client:
    client = Client(camera)
    assert client.ask("DESCRIBE").status == 200
    assert client.play(tracks).status == 200
    return client


def kinds(frames: list[tuple[int, bytes]]) -> set[str]:
    """Given interleaved frames, name what they are."""
    names = {0: "video", 1: "rtcp", 2: "audio", 3: "rtcp"}
    return {names[channel] for channel, _ in frames}


def settle(client: Client, seconds: float = 0.4) -> set[str]:
    """Let what is on its way arrive, then name what still comes."""
    client.collect(0.2)
    return kinds(client.collect(seconds))


# What it sends


@pytest.mark.parametrize(
    "look",
    [QUICK, QUICK._replace(slices=4), QUICK._replace(b_frames=2, gop=1.0), QUICK._replace(codec="h265")],
    ids=["h264", "slices", "b-frames", "h265"],
)
def test_frames_are_whole_numbered_without_a_hole_and_start_at_a_key_frame(server, look):
    camera = server.add(next(NAMES), look)
    with playing(camera) as client:
        first = next(video(client, look.codec))
        found = stamps(client, look.fps + 3, look.codec)  # more than once around the clip
    assert nal.unit_type(look.codec, first[0]) in (7, 32)  # parameter sets come first
    assert {stamp.mount for stamp in found} == {camera.name}
    numbers = [stamp.number for stamp in found]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_a_frame_says_when_it_was_sent(camera):
    with playing(camera) as client:
        found = stamps(client, 10)
        assert 0 <= time.time() - found[-1].wall < 1
    assert found[-1].wall - found[0].wall == pytest.approx(9 / 25, abs=0.2)


def test_rtp_sequence_and_time_stamps_go_on_frame_by_frame(camera):
    with playing(camera) as client:
        packets = list(itertools.islice(client.packets(), 100))
    assert len({packet.source for packet in packets}) == 1
    steps = {(after.sequence - before.sequence) & 0xFFFF for before, after in zip(packets, packets[1:])}
    assert steps == {1}
    for before, after in zip(packets, packets[1:]):
        assert (after.timestamp - before.timestamp) & 0xFFFFFFFF == (3600 if before.marker else 0)


def test_a_sender_report_comes_before_the_media_and_tells_its_time(heard):
    with playing(heard, tracks=2) as client:
        frames = list(itertools.islice(client.frames(), 40))
    assert [channel for channel, _ in frames[:2]] == [1, 3]
    source, seconds, fraction, moment = struct.unpack(">IIII", frames[0][1][4:20])
    first = next(content for channel, content in frames if channel == 0)
    stamp, origin = struct.unpack(">II", first[4:12])
    assert origin == source
    assert seconds - 2_208_988_800 + fraction / 2**32 == pytest.approx(time.time(), abs=5)
    assert abs((stamp - moment + 2**31) % 2**32 - 2**31) < 90_000


def test_every_client_gets_the_same_frames(camera):
    with playing(camera) as one, playing(camera) as two:
        common = {stamp.number for stamp in stamps(one, 20)} & {stamp.number for stamp in stamps(two, 20)}
    assert len(common) >= 10


def test_frames_are_counted_while_nobody_watches(camera):
    with playing(camera) as client:
        before = stamps(client, 1)[0]
    time.sleep(0.5)
    with playing(camera) as client:
        after = stamps(client, 1)[0]
    assert after.number - before.number == pytest.approx((after.wall - before.wall) * 25, abs=3)


def test_what_was_sent_is_told_for_each_client(camera):
    for _ in range(2):
        with playing(camera) as client:
            seen = [stamp.number for stamp in stamps(client, 12)]
    wait_until(lambda: camera.stats()["playing"] == 0, "the camera notices that the clients left")
    sessions = camera.sent()
    assert len(sessions) == 2
    assert all(one.ended is not None and one.ended >= one.started for one in sessions)
    (run,) = sessions[1].runs
    assert run.first == seen[0]
    assert run.last >= seen[-1]
    assert run.last_wall - run.first_wall == pytest.approx((run.last - run.first) / 25, abs=0.2)
    assert camera.stats()["frames"] == sum(r.last - r.first + 1 for one in sessions for r in one.runs)


def test_a_camera_may_start_with_the_key_frame_that_has_passed(server):
    camera = server.add(next(NAMES), QUICK._replace(gop=2.0, seconds=2), start="current")
    with playing(camera) as client:
        started = time.monotonic()
        units = next(video(client))
        assert time.monotonic() - started < 1
        assert nal.unit_type("h264", units[0]) == 7
        stamps(client, 3)


@pytest.mark.parametrize(("audio", "kind"), [("aac", 97), ("pcmu", 0)])
def test_audio_flows_beside_the_video_in_real_time(server, audio, kind):
    camera = server.add(next(NAMES), QUICK._replace(audio=audio))
    with playing(camera, tracks=2) as client:
        packets = [p for p in itertools.islice(client.packets(), 150) if p.channel == 2]
    assert {packet.kind for packet in packets} == {kind}
    rate, step = (16_000, 1024) if audio == "aac" else (8_000, 160)
    assert {(b.timestamp - a.timestamp) & 0xFFFFFFFF for a, b in zip(packets, packets[1:])} == {step}
    assert len(packets) > 10
    assert rate in (16_000, 8_000)


def test_paced_packets_come_one_by_one(server):
    camera = server.add(next(NAMES), QUICK, pace=True)
    with playing(camera) as client:
        stamps(client, 10)
        moments = [(packet, time.monotonic()) for packet in itertools.islice(client.packets(), 80)]
    sequence = [packet.sequence for packet, _ in moments]
    assert sequence == list(range(sequence[0], sequence[0] + 80))
    frames = itertools.groupby(moments, key=lambda pair: pair[0].timestamp)
    arrivals = [[moment for _, moment in group] for _, group in frames]
    assert max(times[-1] - times[0] for times in arrivals) > 0.015


# Protocol


def test_one_port_serves_many_paths_with_queries_and_spaces(server, camera):
    other = server.add(next(NAMES), QUICK, port=camera.port, path="/cam/real monitor?channel=1&subtype=0")
    assert other.port == camera.port
    for one in (camera, other):
        with playing(one) as client:
            assert {stamp.mount for stamp in stamps(client, 3)} == {one.name}


def test_the_url_carries_the_login_percent_encoded(server):
    camera = server.add(next(NAMES), QUICK, user="a:b@c", password="p%$ü/")
    assert camera.url == "rtsp://a%%3Ab%%40c:p%%25%%24%%C3%%BC%%2F@127.0.0.1:%d/%s" % (camera.port, camera.name)
    assert camera.plain_url == "rtsp://127.0.0.1:%d/%s" % (camera.port, camera.name)


def test_a_wrong_login_is_refused_and_counted_and_a_missing_one_only_refused(server):
    camera = server.add(next(NAMES), QUICK, user="user", password="right")
    with Client(camera) as client:
        assert client.ask("OPTIONS").status == 200
        assert client.ask("DESCRIBE").status == 401
        assert camera.stats()["logins_refused"] == 0
        assert client.login("user", "wrong").status == 401
        assert client.login("other", "right").status == 401
        assert camera.stats()["logins_refused"] == 2
        assert client.login("user", "right").status == 200
        assert client.ask("SETUP", "/track0", Transport="RTP/AVP/TCP;interleaved=0-1").status == 401
    assert camera.stats()["logins_refused"] == 2


def test_requests_that_make_no_sense_are_refused(camera):
    with Client(camera) as client:
        assert client.ask("RECORD").status == 501
        assert client.ask("DESCRIBE", "er").status == 404
        assert client.ask("PLAY").status == 454
        assert client.ask("SETUP", "/track1", Transport="RTP/AVP/TCP;interleaved=0-1").status == 404
        assert client.ask("SETUP", "/track0", Transport="RTP/AVP;multicast").status == 461
        assert client.ask("DESCRIBE").status == 200


def test_keepalives_are_answered_and_counted_and_teardown_ends_it(camera):
    with playing(camera) as client:
        assert client.ask("SET_PARAMETER", body="brightness: 5\r\n\r\n").status == 200
        assert client.ask("OPTIONS").status == 200
        assert camera.stats()["keepalives"] == 2
        assert client.ask("TEARDOWN").status == 200
        with pytest.raises(EOFError):
            client.answer()


def test_media_goes_to_udp_ports_when_asked(camera):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ours, Client(camera) as client:
        ours.bind(("127.0.0.1", 0))
        ours.settimeout(10)
        port = ours.getsockname()[1]
        answer = client.ask("SETUP", "/track0", Transport="RTP/AVP;unicast;client_port=%d-%d" % (port, port + 1))
        theirs = int(answer.headers["transport"].partition("server_port=")[2].partition("-")[0])
        assert theirs % 2 == 0
        client.ask("PLAY")
        datagram, source = ours.recvfrom(2000)
    assert source == ("127.0.0.1", theirs)
    assert datagram[0] == 0x80
    assert datagram[1] & 0x7F == 96


def test_rtsps_is_served_with_the_given_certificate_and_refusals_are_counted(server, tmp_path):
    authority = Authority(tmp_path)
    leaf = authority.issue()
    camera = server.add(next(NAMES), QUICK, cert_file=leaf.cert_file, key_file=leaf.key_file)
    assert camera.url.startswith("rtsps://")
    with Client(camera, ssl.create_default_context(cafile=authority.ca_file)) as client:
        client.ask("DESCRIBE")
        client.play()
        stamps(client, 5)
    with pytest.raises(ssl.SSLCertVerificationError):
        Client(camera, ssl.create_default_context())
    wait_until(lambda: camera.stats()["tls_refused"] == 1, "the refusal is counted")


# Faults


@pytest.mark.parametrize(
    ("fault", "left"),
    [
        ("novideo", {"audio"}),
        ("noaudio", {"video"}),
        ("rtcponly", set()),
        ("freeze", set()),
    ],
)
def test_a_fault_stops_what_it_says_until_it_is_cleared(heard, fault, left):
    with playing(heard, tracks=2) as client:
        assert settle(client) == {"video", "audio"}
        getattr(heard, fault)()
        assert settle(client) == left
        heard.clear()
        assert settle(client) == {"video", "audio"}
        stamps(client, 3)
    assert len(heard.sent()[0].runs) == (1 if fault == "noaudio" else 2)


def test_sender_reports_outlive_rtp_but_not_a_freeze(server, monkeypatch):
    monkeypatch.setattr("tests.simulators.camera.mount.REPORT_INTERVAL", 0.1)
    camera = server.add(next(NAMES), QUICK)
    with playing(camera) as client:
        camera.rtcponly()
        assert settle(client) == {"rtcp"}
        camera.freeze()
        assert settle(client) == set()


def test_after_a_silence_video_goes_on_with_a_key_frame(camera):
    with playing(camera) as client:
        camera.novideo()
        client.collect(0.4)
        camera.clear()
        assert nal.unit_type("h264", next(video(client))[0]) == 7


def test_a_frozen_camera_accepts_connections_but_answers_only_when_it_thaws(camera):
    with playing(camera) as client:
        camera.freeze()
        client.send("OPTIONS")
        with Client(camera) as other:
            other.send("DESCRIBE")
            assert client.collect(0.3) is not None
            assert other.collect(0.3) == []
            assert camera.stats()["playing"] == 1
            camera.clear()
            assert other.answer().status == 200
            assert client.answer().status == 200


def test_a_frozen_camera_shakes_no_hands(server, tmp_path):
    leaf = Authority(tmp_path).issue()
    camera = server.add(next(NAMES), QUICK, cert_file=leaf.cert_file, key_file=leaf.key_file)
    camera.freeze()
    with socket.create_connection(("127.0.0.1", camera.port), timeout=0.5) as plain:
        context = ssl.create_default_context(cafile=leaf.cert_file)
        with pytest.raises((socket.timeout, ssl.SSLError), match="timed out"):
            context.wrap_socket(plain, server_hostname="localhost")


def test_a_hanging_camera_plays_on_and_leaves_describe_unanswered(camera):
    with playing(camera) as client, Client(camera) as other:
        camera.hang()
        stamps(client, 5)
        assert other.ask("OPTIONS").status == 200
        other.send("DESCRIBE")
        assert other.collect(0.4) == []
        camera.clear()
        assert other.answer().status == 200


@pytest.mark.parametrize("code", [401, 404, 500, 503])
def test_a_status_is_the_answer_to_new_clients_while_old_ones_play_on(camera, code):
    with playing(camera) as client, Client(camera) as other:
        camera.status(code)
        assert other.ask("DESCRIBE").status == code
        stamps(client, 5)
        camera.clear()
        assert other.ask("DESCRIBE").status == 200


@pytest.mark.parametrize("pace", [False, True])
def test_a_dropped_connection_ends_after_the_last_frame_that_was_sent(server, pace):
    camera = server.add(next(NAMES), QUICK, pace=pace)
    with playing(camera) as client:
        stamps(client, 5)
        packets = client.packets()
        first = next(packet for packet in packets if nal.unit_type("h264", packet.payload) == 7)  # of a key frame
        assert camera.drop("fin") == 1
        *_, last = pictures(itertools.chain([first], packets))
    (run,) = camera.sent()[0].runs
    assert run.last in [stamp.number for unit in last for stamp in [nal.read_stamp("h264", unit)] if stamp]


def test_a_connection_can_be_reset(camera):
    with playing(camera) as client:
        stamps(client, 1)
        camera.drop("rst")
        with pytest.raises(ConnectionResetError):
            stamps(client, 10_000)


def test_a_refusing_camera_keeps_its_port_and_its_clients(camera):
    with playing(camera) as client:
        camera.refuse()
        with pytest.raises(ConnectionRefusedError):
            Client(camera)
        camera.refuse("reset")
        with pytest.raises(ConnectionResetError), socket.create_connection(("127.0.0.1", camera.port), 10) as other:
            other.recv(1)
        stamps(client, 5)
        camera.clear()
        with Client(camera) as other:
            assert other.ask("OPTIONS").status == 200


def test_another_picture_comes_at_a_key_frame_without_a_missing_number(camera):
    with playing(camera) as client:
        shown = video(client)
        seen = [next(shown)]
        camera.switch(QUICK._replace(width=640, height=360))
        seen += itertools.islice(shown, 30)
    units = [unit for picture in seen for unit in picture]
    assert len({unit for unit in units if nal.unit_type("h264", unit) == 7}) == 2
    numbers = [read.number for unit in units for read in [nal.read_stamp("h264", unit)] if read]
    assert numbers == list(range(numbers[0], numbers[0] + 31))
    keys = [number for number, picture in zip(numbers, seen) if nal.unit_type("h264", picture[0]) == 7]
    assert {after - before for before, after in zip(keys, keys[1:])} == {5}


def test_the_pictures_of_a_switch_must_come_at_the_same_rate_with_the_same_audio(camera):
    with pytest.raises(ValueError, match="10 frames per second with audio None cannot follow 25 with None"):
        camera.switch(QUICK._replace(fps=10))
    with pytest.raises(ValueError, match="audio aac cannot follow 25 with None"):
        camera.switch(QUICK._replace(audio="aac"))


def test_another_picture_is_described_to_the_next_client(camera):
    def described() -> str:
        with Client(camera) as client:
            return client.ask("DESCRIBE").body

    before = described()
    camera.switch(QUICK._replace(width=640, height=360))
    wait_until(lambda: described() != before, "the new parameter sets are announced")


def test_a_camera_without_a_picture_shows_none_to_those_who_start_at_once_either(server):
    camera = server.add(next(NAMES), QUICK, start="current")
    camera.novideo()
    with playing(camera) as client:
        assert "video" not in kinds(client.collect(0.4))
    assert camera.stats()["frames"] == 0


@pytest.mark.parametrize("seconds", [3600, -30])
def test_the_rtp_clock_jumps_once(camera, seconds):
    with playing(camera) as client:
        packets = client.packets()
        moments = [next(packets).timestamp]
        camera.jump(seconds)
        moments += [packet.timestamp for packet in itertools.islice(packets, 60)]
    steps = [(b - a + 2**31) % 2**32 - 2**31 for a, b in zip(moments, moments[1:])]
    assert set(steps) == {0, 3600, seconds * 90_000 + 3600}


def test_the_rtp_clock_can_stand_still(camera):
    with playing(camera) as client:
        camera.constant()
        client.collect(0.3)
        assert len({packet.timestamp for packet in itertools.islice(client.packets(), 30)}) == 1
        camera.clear()
        client.collect(0.3)
        assert len({packet.timestamp for packet in itertools.islice(client.packets(), 30)}) > 1


def test_a_client_that_does_not_read_misses_frames_until_a_key_frame():
    sent: list[bytes] = []
    waiting = 0
    player = Player({"video": Outlet(sent.append, sent.append)}, lambda: waiting, "test")
    player.rolling = True
    packets = bundle([b"x"], 96, marker=True)
    player.video(packets, 0, 7, 0.0, 0.0)
    waiting = BACKLOG + 1
    player.video(packets, 0, 8, 0.0, 0.0)
    assert not player.rolling  # the camera goes on with the next key frame
    assert player.as_dict()["runs"] == [[7, 7, 0.0, 0.0]]
    assert len(sent) == 1


# As a program


def test_a_process_offers_the_same_cameras_and_ends_with_us():
    with CameraProcess() as server:
        camera = server.add("front", QUICK, user="u", password="p%$\"'\\@:/# ü")
        with Client(camera) as client:
            assert client.login("u", "p%$\"'\\@:/# ü").status == 200
        camera.status(503)
        with Client(camera) as client:
            assert client.ask("DESCRIBE").status == 503
        with pytest.raises(ValueError, match="there is a camera named front already"):
            server.add("front", QUICK)
        with pytest.raises(ValueError, match="no fault 'sulk'"):
            server.ask({"do": "fault", "camera": "front", "kind": "sulk"})
        with pytest.raises(ValueError, match="KeyError: 'back'"):
            server.ask({"do": "sent", "camera": "back"})
        secret = "p%$"
        assert secret not in Path("/proc/%d/cmdline" % server.process.pid).read_text()
    assert server.process.returncode == 0


def test_the_program_says_where_its_cameras_are_and_stops_on_sigterm():
    command = [sys.executable, "-m", "tests.simulators.camera", "--count", "2"]
    command += ["--camera", json.dumps({"name": "yard", "look": QUICK._asdict()})]
    with subprocess.Popen(command, cwd=str(ROOT), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        ready = json.loads(program.stdout.readline())
        assert [one["name"] for one in ready["cameras"]] == ["yard-1", "yard-2"]
        for one in ready["cameras"]:
            assert one["url"] == "rtsp://127.0.0.1:%d/%s" % (one["port"], one["name"])
            socket.create_connection(("127.0.0.1", one["port"]), timeout=10).close()
        program.send_signal(signal.SIGTERM)
        assert program.wait(10) == 0


def test_the_help_of_the_program_shows_its_commands():
    command = [sys.executable, "-m", "tests.simulators.camera", "--help"]
    text = subprocess.run(command, cwd=str(ROOT), check=True, stdout=subprocess.PIPE, timeout=60).stdout.decode()
    for word in ("--camera", "--count", '"do": "fault"', "freeze", "SIGTERM"):
        assert word in text
