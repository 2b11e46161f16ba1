import json

from camera_backup.fleet import report


def camera(name="door", recording=True, **more):
    live = {"state": "recording" if recording else "waiting", "bits_per_second": 4e6}
    outage = None if recording else {"cause": "login_refused", "detail": "401"}
    found = {"name": name, "enabled": True, "recording": recording, "recorder": live, "outage": outage}
    return {**found, "last_proven": {"name": "x", "at": 990.0}, "waiting": {"segments": 0}, **more}


def said(*cameras, troubles=(), check=None):
    status = {"now": 1000.0, "troubles": list(troubles), "cameras": list(cameras)}
    results = {"__camera_backup_status": {"stdout": json.dumps(status)}}
    if check:
        results["__camera_backup_check"] = {"stdout": json.dumps(check)}
    return results


def test_hosts_that_are_well_are_rows_and_a_verdict():
    table = report.status_table([report.answer("nvr-1", said(camera())), report.answer("nvr-2", said(camera()))], False)

    assert "nvr-1  door    recording" in table
    assert table.endswith("\n2 of 2 cameras recording; 2 of 2 hosts well\n")


def test_a_host_that_cannot_be_reached_is_in_the_table_and_in_the_verdict():
    gone = {"__camera_backup_status": {"unreachable": True}}
    answers = [report.answer("nvr-1", said(camera())), report.answer("nvr-2", gone)]

    assert "cannot be reached" in report.status_table(answers, False)
    assert report.machine(answers)["ok"] is False
    assert report.machine(answers)["hosts"]["nvr-2"]["troubles"] == ["cannot be reached"]


def test_a_camera_that_is_not_recorded_says_why():
    answers = [report.answer("nvr-1", said(camera(recording=False), troubles=["door is not recording"]))]

    assert "login refused: 401" in report.status_table(answers, False)
    assert report.machine(answers)["ok"] is False


def test_what_else_is_wrong_is_said_below_the_table():
    finding = {"level": "problem", "subject": "bucket b", "item": "write", "text": "refused"}
    results = said(camera(), troubles=["uploading is paused: no"], check={"findings": [finding]})
    answers = [report.answer("nvr-1", results)]
    table = report.status_table(answers, False)

    assert "nvr-1: uploading is paused: no" in table
    assert "nvr-1: problem: bucket b: write: refused" in table


def test_a_host_without_the_program_is_not_well():
    answers = [report.answer("nvr-1", {"__camera_backup_status": {"msg": "[Errno 2] No such file"}})]

    assert "says nothing: [Errno 2] No such file" in report.status_table(answers, False)


def test_gaps_are_seconds_for_each_camera():
    renewed = [{"unit": "u", "camera": "door", "gap": 2.54}, {"unit": "u", "camera": "off", "gap": None}]
    table = report.gap_table({"nvr-1": [*renewed, {"unit": "camera-uploader.service", "camera": "", "gap": None}]})

    assert "nvr-1  door    2.5 s" in table
    assert "off     it was not recorded before" in table
    assert "uploader" not in table
