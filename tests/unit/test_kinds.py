import pytest
from hypothesis import given
from hypothesis import strategies as st

from camera_backup.config import fields, kinds
from camera_backup.config.kinds import Refused

SIZE = kinds.size(0, 2**60)
RATE = kinds.rate(0, 2**60)


def read(kind, value):
    return kind.refine(kind.read(value))


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("7B", 7),
        ("7kB", 7_000),
        ("7KB", 7_000),
        ("7MB", 7_000_000),
        ("7GB", 7_000_000_000),
        ("7TB", 7_000_000_000_000),
        ("7KiB", 7_168),
        ("7MiB", 7_340_032),
        ("7GiB", 7_516_192_768),
        ("7TiB", 7_696_581_394_432),
        ("1.5MiB", 1_572_864),
        ("16 MiB", 16_777_216),
        (12, 12),
        (12.0, 12),
    ],
)
def test_a_size_is_read_into_bytes(text, count):
    assert read(SIZE, text) == count


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("8bit/s", 1),
        ("8kbit/s", 1_000),
        ("8Mbit/s", 1_000_000),
        ("8Gbit/s", 1_000_000_000),
        ("2.5Mbit/s", 312_500),
        ("7KiB/s", 7_168),
        ("7MB/s", 7_000_000),
        (12, 12),
    ],
)
def test_a_rate_is_read_into_bytes_per_second(text, count):
    assert read(RATE, text) == count


@pytest.mark.parametrize(
    "text", ["", "MiB", "16mib", "16M", "16Mb", "-1MiB", "1e3MiB", "16  MiB", "16MiB ", "0x1B", "\u0661MiB"]
)
def test_a_size_in_unknown_words_is_refused(text):
    with pytest.raises(Refused):
        SIZE.read(text)


@given(st.integers(0, 10**15 - 1))
def test_a_size_as_we_write_it_is_read_back_exactly(count):
    assert read(SIZE, kinds.size_text(count)) == count


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0B"), (1000, "1000B"), (1024, "1KiB"), (5 * 1024**2, "5MiB"), (3 * 1024**3 + 1024, "3145729KiB")],
)
def test_a_size_is_written_in_the_largest_unit_without_a_fraction(count, text):
    assert kinds.size_text(count) == text


@given(st.integers(5, 86400))
def test_the_duration_that_is_suggested_is_accepted_and_no_nearer_one_would_be(value):
    suggested = fields.nearest_divisor(value)

    assert read(fields.segment_duration(), suggested) == suggested
    assert all(
        86400 % other
        for other in range(max(5, value - abs(suggested - value) + 1), suggested if suggested > value else value)
    )


@pytest.mark.parametrize(
    ("value", "normal"), [("/srv/x/", "/srv/x"), ("//srv///x/.", "/srv/x"), ("/srv/a b%\"'\\$", "/srv/a b%\"'\\$")]
)
def test_a_path_is_read_in_its_normal_form(value, normal):
    assert read(fields.storage_path(), value) == normal


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "//",
        "/bin",
        "/bin/x",
        "/etc/camera-backup",
        "/usr/local/x",
        "/dev/shm/x",
        "/proc/1",
        "/run/x",
        "/tmp",
        "/var",
        "/var/lib",
    ],
)
def test_no_directory_of_the_system_is_given_to_footage(path):
    with pytest.raises(Refused, match="is a directory of the system"):
        read(fields.storage_path(), path)


@pytest.mark.parametrize(
    "path", ["/srv", "/mnt", "/srv/x", "/var/lib/x", "/var/tmp/x", "/tmp/x", "/home/x", "/binary", "/varx", "/opt/x"]
)
def test_other_directories_may_hold_footage(path):
    assert read(fields.storage_path(), path) == path


@pytest.mark.parametrize(
    ("host", "example"),
    [
        ("camera-ip", True),
        ("Camera-IP", True),
        ("example", True),
        ("example.com", True),
        ("s3.example.org", True),
        ("s3.example.net.", True),
        ("cam.invalid", True),
        ("myexample.com", False),
        ("example.com.de", False),
        ("camera-ip-7", False),
        ("192.168.1.20", False),
    ],
)
def test_hosts_of_documents_are_told_from_real_ones(host, example):
    assert fields.is_example_host(host) is example
