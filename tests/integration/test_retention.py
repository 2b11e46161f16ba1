"""`camera-backup retention`: rules of ours are set and read back, rules of others survive, and no store is believed."""

import contextlib
import json
import subprocess
import sys

import pytest

from tests.simulators.s3_faults import Error
from tests.simulators.s3_messages import Response
from tests.simulators.s3_proxy import simulated
from tests.simulators.s3_store import Store
from tests.support.s3_servers import ROOT, plain_client

FOREIGN = {
    "ID": "accounting",
    "Filter": {"And": {"Prefix": "invoices/", "Tags": [{"Key": "a", "Value": "b"}]}},
    "Status": "Enabled",
    "Transitions": [{"Days": 30, "StorageClass": "GLACIER"}],
    "NoncurrentVersionExpiration": {"NoncurrentDays": 3, "NewerNoncurrentVersions": 2},
}


class Host:
    """A configuration and its bucket."""

    def __init__(self, directory, endpoint, ca_file, keys, bucket):
        self.path = directory / "config.yaml"
        self.s3 = {"access_key_id": keys[0], "secret_access_key": keys[1], "bucket": bucket}
        self.s3.update(endpoint=endpoint, ca_file=ca_file, prefix="site-7")
        self.client = plain_client(endpoint, *keys, ca_file)

    def retention(self, *options, **s3):
        cameras = [{"name": name, "rtsp_url": "rtsp://127.0.0.1:1/s"} for name in ("yard", "door")]
        storage = {"local_path": "/srv/segments", "state_path": "/srv/state"}
        self.path.write_text(json.dumps({"s3": {**self.s3, **s3}, "storage": storage, "cameras": cameras}))
        self.path.chmod(0o600)
        command = [sys.executable, "-m", "camera_backup", "retention", "--config", str(self.path), *options]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)

    def rules(self):
        try:
            found = self.client.get_bucket_lifecycle_configuration(Bucket=self.s3["bucket"])["Rules"]
        except self.client.exceptions.ClientError:
            return {}
        return {rule["ID"]: rule for rule in found}

    def set_foreign(self):
        self.client.put_bucket_lifecycle_configuration(
            Bucket=self.s3["bucket"], LifecycleConfiguration={"Rules": [FOREIGN]}
        )


@contextlib.contextmanager
def hosted(directory, store):
    store.buckets["b"] = {}
    with simulated(store) as (proxy, ca_file):
        host = Host(directory, proxy.endpoint, ca_file, ("AKIDTEST", "secret-of-test"), "b")
        host.proxy = proxy
        yield host


@pytest.fixture
def host(tmp_path):
    with hosted(tmp_path, Store()) as host:
        yield host


def test_without_apply_nothing_is_written_and_the_change_is_shown(host):
    done = host.retention(retention_days=90)
    assert done.returncode == 1, done.stderr
    assert "site-7/: no rule of ours → footage expires 90 days after its upload" in done.stdout
    assert "vanishes" in done.stdout
    assert host.rules() == {}


def test_our_rule_is_set_below_our_prefix_beside_those_of_others(host):
    host.set_foreign()
    done = host.retention("--apply", retention_days=90, abort_incomplete_days=7)
    assert done.returncode == 0, done.stderr
    rules = host.rules()
    assert rules.pop("accounting") == FOREIGN
    ((_, ours),) = rules.items()
    assert ours["Filter"] == {"Prefix": "site-7/"}
    assert (ours["Status"], ours["Expiration"]) == ("Enabled", {"Days": 90})
    assert ours["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
    again = host.retention(retention_days=90, abort_incomplete_days=7)
    assert (again.returncode, again.stdout.splitlines()[0]) == (0, "as asked for")


def test_a_changed_wish_changes_our_rule_and_none_removes_it(host):
    host.set_foreign()
    host.retention("--apply", retention_days=90)
    assert "90 days after its upload → footage expires 30" in host.retention("--apply", retention_days=30).stdout
    assert len(host.rules()) == 2
    assert host.retention("--apply").returncode == 0
    assert host.rules() == {"accounting": FOREIGN}


def test_the_last_rule_is_removed_too(host):
    host.retention("--apply", retention_days=90)
    assert host.retention("--apply").returncode == 0
    assert host.rules() == {}


def test_another_host_of_the_bucket_keeps_its_rule(host):
    host.retention("--apply", retention_days=90)
    host.retention("--apply", retention_days=30, prefix="site-70")
    found = {rule["Filter"]["Prefix"]: rule["Expiration"]["Days"] for rule in host.rules().values()}
    assert found == {"site-7/": 90, "site-70/": 30}


def test_without_a_prefix_only_the_cameras_are_concerned(host):
    host.retention("--apply", retention_days=90, prefix="")
    assert {rule["Filter"]["Prefix"] for rule in host.rules().values()} == {"door/", "yard/"}


def test_json_is_for_machines(host):
    done = host.retention("--apply", "--json", retention_days=90)
    found = json.loads(done.stdout)
    assert (found["applied"], len(found["rules"]), len(found["changes"])) == (True, 1, 1)


class Forgetful(Store):
    """Accepts lifecycle rules and keeps none, as some do."""

    def _do_PutBucketLifecycleConfiguration(self, request):
        return Response(200)


def test_a_store_that_accepts_rules_and_keeps_none_is_found_out(tmp_path):
    with hosted(tmp_path, Forgetful()) as host:
        done = host.retention("--apply", retention_days=90)
    assert done.returncode == 6
    assert "accepted the lifecycle rules and shows others" in done.stderr


@pytest.mark.parametrize("code", ["NotImplemented", "MethodNotAllowed"])
def test_a_store_without_such_rules_is_named(host, code):
    host.proxy.add(Error("GetBucketLifecycleConfiguration", code=code, times=0))
    done = host.retention("--apply", retention_days=90)
    assert done.returncode == 6
    assert "provider's console" in done.stderr


def test_a_key_without_the_right_changes_nothing(host):
    host.set_foreign()
    host.proxy.add(Error("PutBucketLifecycleConfiguration", code="AccessDenied", times=0))
    assert host.retention("--apply", retention_days=90).returncode == 6
    host.proxy.clear()
    assert host.rules() == {"accounting": FOREIGN}


def test_real_servers_without_such_rules_refuse_and_that_is_said(tmp_path, s3_server):
    keys = (s3_server.access_key, s3_server.secret_key)
    host = Host(tmp_path, s3_server.endpoint, s3_server.ca_file, keys, s3_server.make_bucket())
    done = host.retention("--apply", retention_days=90)
    assert done.returncode == 6, done.stdout
    assert len(done.stderr.splitlines()) == 1
