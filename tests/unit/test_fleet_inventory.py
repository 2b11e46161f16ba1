import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camera_backup import config
from camera_backup.fleet import content, inventory, verdict

BASE = {
    "camera_backup_s3_endpoint": "https://s3.nowhere.net",
    "camera_backup_s3_bucket": "b",
    "camera_backup_s3_access_key_id": "AKIA",
    "camera_backup_s3_secret_access_key": "s3cret",
}


def cameras(*found, **defaults):
    data = inventory.document({**BASE, "camera_backup_cameras": list(found), "camera_backup_camera_defaults": defaults})
    return data["cameras"]


def camera(url="rtsp://192.0.2.1/s", **more):
    return {"name": "door", "rtsp_url": url, **more}


def test_what_is_set_to_its_default_is_left_out_so_that_an_older_release_can_read_it():
    values = {**BASE, "camera_backup_cameras": [], "camera_backup_upload_workers": 2, "camera_backup_s3_ca_file": None}

    data = inventory.document({**values, "camera_backup_recording_segment_duration_seconds": 900})

    assert data["upload"] == {}
    assert "ca_file" not in data["s3"]
    assert data["recording"] == {"segment_duration": 900}


def test_true_is_not_the_number_one():
    values = {**BASE, "camera_backup_cameras": [], "camera_backup_upload_delete_after_upload": 1}

    assert inventory.document(values)["upload"] == {"delete_after_upload": 1}


def test_a_login_for_all_cameras_is_taken_by_those_without_one():
    login = {"username": "recorder", "password": "pw"}

    assert cameras(camera(), **login) == [camera(**login)]
    assert cameras(camera("rtsp://a:b@192.0.2.1/s"), **login) == [camera("rtsp://a:b@192.0.2.1/s")]
    assert cameras(camera(username="other"), **login) == [camera(username="other")]


def test_what_is_for_encrypted_streams_only_is_taken_by_those_alone():
    shared = {"tls": {"verify": False}, "transport": "udp", "audio": "off"}

    plain, encrypted = cameras(camera(), camera("rtsps://192.0.2.2/s"), **shared)
    assert "tls" not in plain
    assert plain["transport"] == "udp"
    assert encrypted["tls"] == {"verify": False}
    assert "transport" not in encrypted


@pytest.mark.parametrize("password", [string.printable.strip() * 1, "{{ x }}", "%i $HOME `id` \\ ' \" #"])
def test_a_password_of_any_printable_characters_arrives_as_it_is(password):
    short = password[:40]
    data = inventory.document({**BASE, "camera_backup_cameras": [camera(username="u", password=short)]})

    found = config.parse(content.text(data), "config.yaml")

    assert short in config.secrets(found)


@given(st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_categories=("Cc", "Cs")), max_size=20))
def test_the_text_says_what_the_inventory_says(password):
    data = inventory.document({**BASE, "camera_backup_cameras": [camera(username="u", password=password)]})

    assert config.parse(content.text(data), "c").cameras == config.validate(data, "c").cameras


def test_one_value_that_cannot_be_worked_out_hides_no_other_mistake():
    door = camera(password=inventory.Unresolved("no"))
    values = {**BASE, "camera_backup_s3_bucket": "b/", "camera_backup_cameras": [door]}

    lines = verdict.problems(values, {("camera_backup_s3_bucket",): "group_vars/all.yml:3"})

    assert lines == [
        "camera_backup_cameras[0].password: no",
        'camera_backup_s3_bucket: does not have the right form; given "b/", accepted: letters, digits, dots, hyphens '
        "and underscores (group_vars/all.yml:3)",
    ]


def test_a_secret_is_not_repeated_by_the_message_that_refuses_another_value():
    values = {**BASE, "camera_backup_cameras": [], "camera_backup_s3_bucket": "s3cret/s3cret"}

    assert "s3cret" not in verdict.problems(values, {})[0]
