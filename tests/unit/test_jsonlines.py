from __future__ import annotations

import json
import os
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camera_backup import jsonlines

EVENTS = st.lists(st.dictionaries(st.text(), st.text() | st.integers() | st.none(), max_size=4), max_size=6)


def test_what_is_appended_is_read_back_in_order(tmp_path):
    path = str(tmp_path / "ledger")
    jsonlines.append(path, {"event": "run", "name": "Gärtner\n"})
    jsonlines.append(path, {"event": "stop"})
    assert list(jsonlines.read(path)) == [{"event": "run", "name": "Gärtner\n"}, {"event": "stop"}]


def test_a_missing_file_holds_nothing(tmp_path):
    assert list(jsonlines.read(str(tmp_path / "none"))) == []
    assert jsonlines.tail(str(tmp_path / "none")) == []


def test_an_append_after_a_torn_line_starts_on_a_new_line(tmp_path):
    path = tmp_path / "ledger"
    path.write_bytes(b'{"event":"run"}\n{"event":"ga')
    jsonlines.append(str(path), {"event": "stop"})
    assert list(jsonlines.read(str(path))) == [{"event": "run"}, {"event": "stop"}]


@given(EVENTS, st.data())
def test_however_a_file_was_torn_all_whole_lines_and_all_later_ones_are_read(tmp_path_factory, events, data):
    path = tmp_path_factory.mktemp("torn") / "ledger"
    for event in events:
        jsonlines.append(str(path), event)
    content = path.read_bytes() if events else b""
    cut = data.draw(st.integers(0, len(content)))
    path.write_bytes(content[:cut])
    whole = events[: content[:cut].count(b"\n")]
    # A line whose newline alone is missing was still wholly written.
    if cut < len(content) and content[cut : cut + 1] == b"\n":
        whole = events[: len(whole) + 1]
    jsonlines.append(str(path), {"event": "after"})
    assert list(jsonlines.read(str(path))) == [*whole, {"event": "after"}]


@pytest.mark.parametrize("line", [b"\xff\xfe", b"[1]", b"3", b"", b"[" * 100_000])
def test_lines_that_are_no_objects_are_passed_over(tmp_path, line):
    path = tmp_path / "ledger"
    path.write_bytes(line + b'\n{"a":1}\n')
    assert list(jsonlines.read(str(path))) == [{"a": 1}]


def test_the_tail_begins_with_a_whole_line(tmp_path):
    path = tmp_path / "ledger"
    path.write_text("".join(json.dumps({"n": n}) + "\n" for n in range(100)))
    assert [event["n"] for event in jsonlines.tail(str(path), 100)] == list(range(91, 100))
    assert len(jsonlines.tail(str(path), 1 << 20)) == 100


def test_a_line_that_cannot_be_written_whole_is_an_error_and_harms_no_other(tmp_path, monkeypatch):
    path = str(tmp_path / "ledger")
    jsonlines.append(path, {"event": "run"})
    write = os.write
    with monkeypatch.context() as full_disk:
        full_disk.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:5]))
        with pytest.raises(OSError, match="only 5 of"):
            jsonlines.append(path, {"event": "gap"})
    jsonlines.append(path, {"event": "stop"})
    assert list(jsonlines.read(path)) == [{"event": "run"}, {"event": "stop"}]


def test_writers_side_by_side_tear_nothing(tmp_path):
    path = str(tmp_path / "ledger")

    def work(writer: int) -> None:
        for number in range(50):
            jsonlines.append(path, {"writer": writer, "number": number, "padding": "x" * 500})

    threads = [threading.Thread(target=work, args=(writer,)) for writer in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    events = list(jsonlines.read(path))
    assert [[e["number"] for e in events if e["writer"] == w] for w in range(4)] == [list(range(50))] * 4


def test_each_line_is_synced(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.fstat(descriptor).st_size))
    jsonlines.append(str(tmp_path / "ledger"), {"event": "run"})
    assert synced == [len('{"event":"run"}\n')]


@given(EVENTS, st.integers(1, 20_000), st.data())
def test_zeros_that_a_power_cut_left_cost_only_the_lines_they_cover(tmp_path_factory, events, zeros, data):
    """A file system may have given the file its length and not its content."""
    path = tmp_path_factory.mktemp("zeros") / "ledger"
    for event in events:
        jsonlines.append(str(path), event)
    content = path.read_bytes() if events else b""
    cut = data.draw(st.integers(0, len(content)))
    path.write_bytes(content[:cut] + bytes(zeros))
    whole = events[: content[:cut].count(b"\n")]
    jsonlines.append(str(path), {"event": "after"})
    assert list(jsonlines.read(str(path))) == [*whole, {"event": "after"}]
