"""Every refusal of an inventory, as an operator meets it: by `ansible-playbook site.yml`, and no host hears of it."""

import pytest

from tests.fleet.ansible import GONE, PLANTED, camera, host, play

FIRST = "camera_backup_cameras[0]"

REFUSED = {
    # variables
    "no-bucket": (host(camera_backup_s3_bucket=GONE), "camera_backup_s3_bucket: is not set: name of the bucket"),
    "no-endpoint": (host(camera_backup_s3_endpoint=GONE), "camera_backup_s3_endpoint: is not set"),
    "no-key": (host(camera_backup_s3_access_key_id=GONE), "camera_backup_s3_access_key_id: is not set"),
    "no-secret": (host(camera_backup_s3_secret_access_key=GONE), "camera_backup_s3_secret_access_key: is not set"),
    "no-cameras": (host(camera_backup_cameras=GONE), "camera_backup_cameras: is not set; give every host its list"),
    "misspelt": (
        host(camera_backup_upload_worker=3),
        "camera_backup_upload_worker: unknown variable; did you mean camera_backup_upload_workers?",
    ),
    "unit-forgotten": (
        host(camera_backup_upload_min_age=3),
        "camera_backup_upload_min_age: unknown variable; did you mean camera_backup_upload_min_age_seconds?",
    ),
    "section-forgotten": (host(camera_backup_bucket="b"), "did you mean camera_backup_s3_bucket?"),
    "nothing-like-it": (host(camera_backup_zoom=3), "unknown variable; roles/camera_backup/README.md lists all"),
    "text-for-number": (
        host(camera_backup_upload_workers="4"),
        'camera_backup_upload_workers: is text, not a number; write it without quotes; given "4", accepted: ',
    ),
    "text-for-boolean": (
        host(camera_backup_upload_delete_after_upload="yes"),
        "camera_backup_upload_delete_after_upload: is not true or false; write it without quotes",
    ),
    "too-many-workers": (host(camera_backup_upload_workers=99), "is too large, the most is 16"),
    "odd-segments": (
        host(camera_backup_recording_segment_duration_seconds=1000),
        "camera_backup_recording_segment_duration_seconds: does not divide a day",
    ),
    "size-without-unit": (
        host(camera_backup_storage_min_free="20"),
        "camera_backup_storage_min_free: is text without a unit",
    ),
    "root-directory": (
        host(camera_backup_storage_local_path="/"),
        "camera_backup_storage_local_path: is a directory of the system, whose owner and mode must not",
    ),
    "dots-in-path": (host(camera_backup_storage_local_path="/srv/../etc"), 'holds ".."'),
    "state-in-footage": (
        host(camera_backup_storage_local_path="/srv/f", camera_backup_storage_state_path="/srv/f/state"),
        "lie in one another",
    ),
    "placeholder-key": (
        host(camera_backup_s3_secret_access_key="YOUR_SECRET_ACCESS_KEY"),
        "camera_backup_s3_secret_access_key: is a placeholder: put your own value in its place",
    ),
    "placeholder-endpoint": (host(camera_backup_s3_endpoint="https://s3.example.com"), "is a placeholder"),
    "bucket-in-endpoint": (host(camera_backup_s3_endpoint="https://s3.nowhere.net/b"), "has a path after the host"),
    "archive-read-back": (
        host(camera_backup_s3_proof="read-back", camera_backup_s3_storage_class="GLACIER"),
        "objects of storage_class GLACIER cannot be read back",
    ),
    "cameras-no-list": (host(camera_backup_cameras="front-door"), "camera_backup_cameras: is not a list"),
    "bad-serial": (host(camera_backup_serial="many"), "camera_backup_serial: does not have the right form"),
    "bad-version": (host(camera_backup_version="../../tmp"), "camera_backup_version: "),
    "bad-python": (host(camera_backup_python="python3"), "camera_backup_python: "),
    "defaults-misspelt": (
        host(camera_backup_camera_defaults={"pasword": "planted-password"}),
        'camera_backup_camera_defaults.pasword: unknown key; did you mean "password"?',
    ),
    "undefined": (
        host(camera_backup_s3_secret_access_key="{{ vault_nowhere }}"),
        "camera_backup_s3_secret_access_key: cannot be worked out: 'vault_nowhere' is undefined",
    ),
    # cameras
    "undefined-password": (
        camera(username="viewer", rtsp_url="rtsp://192.0.2.21/stream", password="{{ vault_nowhere }}"),
        FIRST + ".password: cannot be worked out: 'vault_nowhere' is undefined",
    ),
    "no-name": (camera(name=GONE), FIRST + ".name: required key is missing"),
    "no-url": (camera(rtsp_url=GONE), FIRST + ".rtsp_url (camera front-door): required key is missing"),
    "climbing-name": (camera(name="../../etc/cron.d/x"), FIRST + ".name: does not have the right form"),
    "name-with-space": (camera(name="front door"), FIRST + ".name: does not have the right form"),
    "name-with-percent": (camera(name="front%i"), FIRST + ".name: does not have the right form"),
    "name-with-command": (camera(name="$(touch /tmp/planted)"), FIRST + ".name: does not have the right form"),
    "name-with-newline": (
        camera(name="front\nExecStart=/bin/sh"),
        "holds a control character or a line break (U+000A)",
    ),
    "long-name": (camera(name="x" * 300), "has 300 characters, too many: the most is 63"),
    "look-alike": (camera(name="fr\u043ent-door"), "holds the character U+043E (CYRILLIC SMALL LETTER O)"),
    "same-name": (camera(name="back-yard"), "camera_backup_cameras[1].name (camera back-yard): is given twice"),
    "same-name-but-case": (camera(name="Back-Yard"), "differs from another camera's only in upper and lower case"),
    "name-is-a-number": (camera(name=7), FIRST + ".name: is not text; YAML reads it as a number: put it in quotes"),
    "http-url": (camera(rtsp_url="http://192.0.2.21/stream"), FIRST + ".rtsp_url (camera front-door): "),
    "example-url": (camera(rtsp_url="rtsp://user:password@camera-ip:554/stream"), "put your camera's own address"),
    "two-logins": (camera(username="other", password="x"), "use one way"),
    "misspelt-key": (
        camera(rtps_url="x"),
        FIRST + '.rtps_url (camera front-door): unknown key; did you mean "rtsp_url"?',
    ),
    "text-for-enabled": (camera(enabled="no"), FIRST + ".enabled (camera front-door): is not true or false"),
    "tls-without-tls": (camera(tls={"verify": False}), "is for rtsps:// only"),
    "no-mapping": (host(camera_backup_cameras=["front-door"]), "camera_backup_cameras[0]: is not a mapping of keys"),
}


@pytest.fixture(scope="module")
def refused(tmp_path_factory):
    """One run over hosts of which each has one mistake, and one that has none."""
    hosts = {name: variables for name, (variables, _) in REFUSED.items()}
    return play(tmp_path_factory.mktemp("refused"), {**hosts, "right": host()})


@pytest.mark.parametrize("mistake", REFUSED)
def test_a_mistake_is_refused_by_host_key_value_and_what_is_accepted(refused, mistake):
    said = [line for line in refused.out.splitlines() if line.startswith(mistake + ": ")]
    assert [line for line in said if REFUSED[mistake][1] in line], said


def test_all_mistakes_of_all_hosts_come_at_once_and_no_host_is_touched(refused):
    assert refused.code == 2
    assert "Refused, and no host was touched" in refused.text
    assert "on %d of %d hosts" % (len(REFUSED), len(REFUSED) + 1) in refused.text
    assert refused.contacts == []
    assert "right: " not in refused.text.partition("PLAY RECAP")[0]


def test_a_refusal_names_the_file_and_the_line(tmp_path):
    (tmp_path / "more.yml").write_text("nvr:\n  hosts:\n    nvr-1:\n      camera_backup_s3_bucket: b/\n")

    run = play(tmp_path, {"nvr-1": host(camera_backup_s3_bucket=GONE)}, "-i", str(tmp_path / "more.yml"))

    assert "dots, hyphens and underscores (%s:4)" % (tmp_path / "more.yml") in run.text


def test_no_refusal_shows_a_secret(refused):
    assert [secret for secret in PLANTED if secret in refused.out] == []


def test_an_inventory_without_a_mistake_gets_as_far_as_the_hosts(tmp_path):
    run = play(tmp_path, {"nvr-1": host(), "nvr-2": host()})

    assert sorted(set(run.contacts)) == ["nvr-1", "nvr-2"]
    assert "Not reached (2): nvr-1,nvr-2 again: --limit nvr-1,nvr-2" in run.text


SHARED = {"camera_backup_s3_prefix": "site"}


def test_two_hosts_that_would_write_the_same_keys_are_refused_also_when_one_is_left_out_of_the_run(tmp_path):
    hosts = {
        "nvr-1": host(**SHARED),
        "nvr-2": host(**SHARED, camera_backup_s3_endpoint="HTTPS://S3.eu-central-1.amazonaws.com/"),
    }
    hosts["nvr-3"] = host(**SHARED, camera_backup_s3_bucket="another")

    both, one = play(tmp_path, hosts), play(tmp_path, hosts, "--limit", "nvr-1")

    for run in (both, one):
        assert run.contacts == []
        assert (
            "nvr-1: camera_backup_cameras: camera front-door would be written to site/front-door/… in bucket "
            "camera-backups at https://s3.eu-central-1.amazonaws.com, and so would that of nvr-2; give every host its "
            "own camera_backup_s3_prefix" in run.text
        )
    assert "nvr-3: " not in both.text
    assert "1 of 1 host" in one.text


def test_a_number_given_as_an_extra_variable_is_refused_with_the_way_that_works(tmp_path):
    hosts = {"nvr-1": host()}

    text = play(tmp_path, hosts, "-e", "camera_backup_upload_workers=4")
    number = play(tmp_path, hosts, "-e", '{"camera_backup_upload_workers": 4}')

    assert (
        "a value given with -e name=value is always text: use -e '{\"camera_backup_upload_workers\": …}'" in text.text
    )
    assert (text.contacts, number.contacts) == ([], ["nvr-1"])


def test_a_value_that_the_vault_keeps_is_refused_without_its_password(tmp_path):
    (tmp_path / "vault.yml").write_text("""\
nvr:
  vars: {ansible_connection: witness}
  hosts:
    nvr-1:
      camera_backup_s3_secret_access_key: !vault |
        $ANSIBLE_VAULT;1.1;AES256
        36663266306435656632613933386632386334313831663437633564393862383633633065333232
""")

    run = play(tmp_path, {"nvr-2": host()}, "-i", str(tmp_path / "vault.yml"))

    assert "nvr-1: camera_backup_s3_secret_access_key: cannot be worked out: " in run.text
    assert run.contacts == []


@pytest.mark.parametrize("confirmation", ["nvr-2", "yes"])
def test_removing_a_host_needs_its_name_typed(tmp_path, confirmation):
    options = ["-e", "target=nvr-1", "-e", "confirm=" + confirmation]

    run = play(tmp_path, {"nvr-1": host(), "nvr-2": host()}, *options, playbook="playbooks/remove_host.yml")

    assert "Nothing was touched" in run.text
    assert run.contacts == []


@pytest.mark.parametrize("target", [[], ["-e", "target=nvr"]])
def test_removing_needs_exactly_one_host(tmp_path, target):
    options = [*target, "-e", "confirm=nvr-1"]

    run = play(tmp_path, {"nvr-1": host(), "nvr-2": host()}, *options, playbook="playbooks/remove_host.yml")

    assert run.contacts == []
    assert run.code == 2
    assert "Nothing was touched" in run.text
