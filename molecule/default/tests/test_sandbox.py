"""The sandbox as the kernel enforces it. Without SYS_ADMIN for the container, systemd skips most of it silently."""

import pytest

SERVICES = ["camera-recorder-front-door", "camera-uploader"]


@pytest.fixture(params=SERVICES)
def service(request):
    return request.param


def properties(host, service):
    return host.service(service).systemd_properties


def inside(host, service, command, *arguments):
    """Run a command as root with the service's view of the file system and of the processes."""
    pid = properties(host, service)["MainPID"]
    answer = host.run("nsenter --target " + pid + " --mount -- " + command, *arguments)
    assert "nsenter:" not in answer.stderr, "not inside: " + answer.stderr
    return answer


def kernel_says(host, service):
    """Return what /proc tells of the main process, by name."""
    text = host.file("/proc/%s/status" % properties(host, service)["MainPID"]).content_string
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


def test_systemd_took_the_settings(host, service):
    wanted = {
        "CapabilityBoundingSet": "",
        "MemoryDenyWriteExecute": "yes",
        "MemoryMax": str(512 * 1024 * 1024),
        "NoNewPrivileges": "yes",
        "PrivateDevices": "yes",
        "PrivateTmp": "yes",
        "ProtectHome": "yes",
        "ProtectProc": "invisible",
        "ProtectSystem": "strict",
        "Restart": "always",
        "Type": "notify",
        "UMask": "0027",
        "User": "camera-backup",
    }
    effective = properties(host, service)
    assert {name: effective.get(name, "") for name in wanted} == wanted


def test_the_kernel_gives_no_privilege_and_filters_calls(host, service):
    status = kernel_says(host, service)
    assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == int(status["CapAmb"], 16) == 0
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"
    assert status["Uid"].split()[0] == str(host.user("camera-backup").uid)


@pytest.mark.parametrize("path", ["/usr/planted", "/etc/planted", "/opt/camera-backup/planted", "/var/planted"])
def test_even_root_could_not_write_where_the_service_need_not(host, service, path):
    refused = inside(host, service, "touch %s", path)
    assert refused.rc != 0
    assert "Read-only file system" in refused.stderr
    assert not host.file(path).exists


@pytest.mark.parametrize("name", ["segments", "state"])
def test_the_service_can_write_footage_and_state(host, service, name):
    path = "/var/lib/camera-backup/%s/.planted" % name
    assert inside(host, service, 'sh -c \'touch "$1" && rm "$1"\' sh %s', path).rc == 0


def test_temporary_files_and_homes_of_others_are_out_of_sight(host, service):
    host.run_expect([0], "touch /tmp/planted /root/planted")
    assert inside(host, service, "ls /tmp").stdout == ""
    assert inside(host, service, "ls -A /root").stdout == ""
    host.run_expect([0], "rm /tmp/planted /root/planted")


def test_secrets_on_disk_are_out_of_sight_and_the_own_one_is_there(host, service):
    for path in ("/etc/camera-backup/config.yaml", "/etc/camera-backup/credentials/%s.json" % service):
        assert inside(host, service, "cat %s", path).stdout == "", path
    own = inside(host, service, "ls /run/credentials/%s.service", service).stdout.split()
    assert own == [{"camera-uploader": "uploader.json"}.get(service, "recorder.json")]


def test_no_device_but_harmless_ones(host, service):
    seen = set(inside(host, service, "ls /dev").stdout.split())
    assert {"null", "urandom"} <= seen
    assert not seen & {"kmsg", "mem", "console", "fuse", "sda", "vda"}
