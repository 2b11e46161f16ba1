import pytest

from camera_backup.units import names


def test_a_service_its_file_and_its_credential_belong_together():
    unit = names.recorder_unit("front-door")

    assert unit == "camera-recorder-front-door.service"
    assert names.path_of(unit) == "/etc/systemd/system/camera-recorder-front-door.service"
    assert names.credential(unit) == "/etc/camera-backup/credentials/camera-recorder-front-door.json"
    assert names.camera_of(unit) == names.camera_of("camera-recorder-front-door.json") == "front-door"


@pytest.mark.parametrize("name", ["camera-uploader.service", "camera-uploader.json", "camera-recorder-a.service"])
def test_names_like_ours_are_recognised(name):
    assert names.is_ours(name)


@pytest.mark.parametrize(
    "name",
    [
        "camera-recorder-.service",
        "camera-recorder-a.service.d",
        "camera-recorder-a.timer",
        "camera-recorder-a b.service",
        "camera-recorder-a.service\n",
        "camera-recorder-@.service",
        "my-camera-recorder-a.service",
        ".camera-recorder-a.service.7.tmp",
        "camera-recorder-%s.service" % ("a" * 64),
    ],
)
def test_names_unlike_ours_are_not(name):
    assert not names.is_ours(name)


def test_the_fingerprint_counts_only_under_the_name_it_was_written_for():
    text = "# Written by …\n# camera-backup:unit camera=door\n\n[Unit]\n"

    assert names.carries_fingerprint("camera-recorder-door.service", text)
    assert not names.carries_fingerprint("camera-recorder-yard.service", text)
    assert not names.carries_fingerprint("camera-uploader.service", text)
    assert names.carries_fingerprint("camera-uploader.service", "# camera-backup:unit uploader\n")
    assert not names.carries_fingerprint(
        "camera-recorder-door.service", "Description=# camera-backup:unit camera=door\n"
    )
    assert not names.carries_fingerprint("camera-recorder-door.service", "")
