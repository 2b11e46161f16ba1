"""The catalog: what it remembers, and what becomes of it when it is damaged."""

import os
import random
import sqlite3
import threading
from dataclasses import replace

import pytest

from camera_backup import catalog as catalogs
from camera_backup.catalog import DELETED, PROVEN, REFUSED, UPLOADING, Catalog, PartRow, open_or_heal

WHERE = ("cam", "20231114_000000.mp4")
PLACE = "https://s3/b"


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "catalog.sqlite")


@pytest.fixture
def catalog(path):
    catalog = Catalog.open(path)
    yield catalog
    catalog.close()


def begin(catalog, name=WHERE[1], identity="1:2:100:5", camera="cam", key="k"):
    return catalog.begin(camera, name, PLACE, key, identity, 100, 1000.5)


def test_a_segment_goes_from_uploading_to_proven_to_deleted(catalog):
    assert catalog.get(*WHERE) is None
    row = begin(catalog)
    assert (row.state, row.key, row.identity, row.size, row.closed_at) == (UPLOADING, "k", "1:2:100:5", 100, 1000.5)
    catalog.uploading(row, "u", "md5", 50)
    catalog.add_part(row, PartRow(1, b"1" * 16, "e"))
    assert catalog.parts(row) == {1: PartRow(1, b"1" * 16, "e")}
    row = catalog.proven(row, "etag-of-parts", "etag", "sha", "host")
    assert (row.state, row.proof, row.etag, row.sha256, row.host) == (PROVEN, "etag-of-parts", "etag", "sha", "host")
    assert (row.upload_id, catalog.parts(row)) == (None, {})
    catalog.deleted(row)
    assert catalog.get(*WHERE).state == DELETED
    assert catalog.counts() == {DELETED: 1}


def test_only_what_is_proven_becomes_deleted(catalog):
    row = begin(catalog)
    catalog.deleted(row)
    assert catalog.get(*WHERE).state == UPLOADING


def test_every_upload_has_a_token_of_its_own(catalog):
    first = begin(catalog)
    second = catalog.restart(first)
    assert first.token != second.token
    assert len(first.token) == 32


def test_an_upload_keeps_its_object_lock_when_it_begins_anew_or_elsewhere(catalog):
    row = catalog.begin(*WHERE, PLACE, "k", "1:2:100:3", 100, 1.0, "governance-30")
    assert row.lock == "governance-30"
    assert catalog.restart(row).lock == catalog.beside(row, "other").lock == "governance-30"
    assert begin(catalog).lock == ""


def test_an_upload_that_is_begun_anew_leaves_a_stale_one_behind(catalog):
    row = begin(catalog)
    catalog.uploading(row, "u", "md5", 50)
    catalog.add_part(row, PartRow(1, b"1" * 16, "e"))
    row = catalog.restart(row)
    assert (row.upload_id, row.part_size, row.mode, catalog.parts(row)) == (None, None, None, {})
    assert catalog.stale(PLACE) == [("k", "u")]
    assert catalog.stale("https://elsewhere/b") == []
    catalog.aborted(PLACE, "k", "u")
    assert catalog.stale(PLACE) == []


def test_a_finished_upload_is_never_stale(catalog):
    row = begin(catalog)
    catalog.uploading(row, "u", "md5", 50)
    catalog.proven(row, "x", "e", None, "h")
    begin(catalog, identity="another")
    assert catalog.stale(PLACE) == []


def test_a_segment_may_go_beside_its_key(catalog):
    row = catalog.beside(begin(catalog), "k.conflict")
    assert (row.key, row.identity) == ("k.conflict", "1:2:100:5")


def test_a_segment_whose_file_vanished_is_forgotten_with_its_upload(catalog):
    row = begin(catalog)
    catalog.uploading(row, "u", "md5", 50)
    assert [found.name for found in catalog.unfinished()] == [WHERE[1]]
    catalog.forget(row)
    assert catalog.get(*WHERE) is None
    assert catalog.stale(PLACE) == [("k", "u")]


def test_what_is_proven_is_not_forgotten(catalog):
    row = catalog.proven(begin(catalog), "x", "e", None, "h")
    catalog.forget(row)
    assert catalog.get(*WHERE).state == PROVEN


def test_a_kept_file_is_known_by_everything_but_the_number_of_its_device(catalog):
    catalog.proven(begin(catalog, identity="1:2:100:5"), "x", "e", None, "h")
    assert catalog.is_proven(*WHERE, "2:100:5")
    assert not catalog.is_proven(*WHERE, "2:100:6")
    assert not catalog.is_proven("cam", "20231114_010000.mp4", "2:100:5")


def test_a_kept_file_gets_another_identity_only_while_it_is_proven(catalog):
    row = begin(catalog)
    assert catalog.recognised(row, "7:2:100:5").identity == "1:2:100:5"
    row = catalog.proven(row, "content", "etag", None, "nvr")
    assert catalog.recognised(row, "7:2:100:5") == replace(row, identity="7:2:100:5")
    assert catalog.get(*WHERE).identity == "7:2:100:5"


def test_a_failure_is_written_down_and_forgotten_with_success(catalog):
    row = begin(catalog)
    catalog.failed(row, "the disk", final=False)
    assert [(found.state, found.error) for found in catalog.errors()] == [(UPLOADING, "the disk")]
    catalog.failed(row, "the store", final=True)
    assert [(found.state, found.error) for found in catalog.errors()] == [(REFUSED, "the store")]
    assert catalog.proven(row, "x", "e", None, "h").error is None
    assert catalog.errors() == []


def test_the_last_proof_of_a_camera_is_the_newest(catalog, monkeypatch):
    assert catalog.last_proven("cam") is None
    for number in range(3):
        monkeypatch.setattr("time.time", lambda number=number: 100.0 + number % 2)
        catalog.proven(begin(catalog, "2023111%d_000000.mp4" % number), "x", "e", None, "h")
    assert catalog.last_proven("cam").name == "20231111_000000.mp4"
    assert catalog.last_proven("other") is None


def test_old_rows_are_pruned_but_only_of_deleted_files(catalog):
    catalog.deleted(catalog.proven(begin(catalog), "x", "e", None, "h"))
    begin(catalog, "20231115_000000.mp4")
    assert catalog.prune(0) == 0
    assert catalog.prune(4e9) == 1
    assert catalog.counts() == {UPLOADING: 1}


def test_what_an_endpoint_can_is_remembered_for_a_while(catalog):
    catalog.remember("e", {"a": [1]}, expires=100.0)
    assert catalog.capabilities("e", 99.0) == {"a": [1]}
    assert catalog.capabilities("e", 100.0) is None
    assert catalog.capabilities("f", 0) is None
    catalog.forget_endpoint("e")
    assert catalog.capabilities("e", 99.0) is None


def test_a_change_that_fails_half_way_did_not_happen(catalog):
    row = begin(catalog)
    with pytest.raises(sqlite3.IntegrityError):
        catalog._commit(("DELETE FROM segment", ()), ("INSERT INTO part VALUES (NULL, NULL, NULL, NULL, NULL)", ()))
    assert catalog.get(*WHERE) == row


def test_threads_share_it(catalog):
    def work(number):
        for hour in range(20):
            catalog.proven(begin(catalog, "20231114_%02d0000.mp4" % hour, camera="cam%d" % number), "x", "e", None, "h")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert catalog.counts() == {PROVEN: 80}


def test_it_can_be_looked_at_while_it_is_written(catalog, path):
    begin(catalog)
    reader = Catalog.open_readonly(path)
    assert reader.counts() == {UPLOADING: 1}
    catalog.proven(begin(catalog), "x", "e", None, "h")
    assert reader.counts() == {PROVEN: 1}
    with pytest.raises(sqlite3.OperationalError):
        reader._commit(("DELETE FROM segment", ()))
    reader.close()


def test_a_path_with_odd_characters_can_be_looked_at(tmp_path):
    path = str(tmp_path / "50% #1?.sqlite")
    Catalog.open(path).close()
    reader = Catalog.open_readonly(path)
    assert reader.counts() == {}
    reader.close()


def test_a_catalog_that_is_not_there_cannot_be_looked_at(path):
    with pytest.raises(FileNotFoundError):
        Catalog.open_readonly(path)
    assert not os.path.exists(path)


def damaged_header(path):
    with open(path, "r+b") as stream:
        stream.write(b"not a database, not at all" * 10)


def damaged_page(path):
    with open(path, "r+b") as stream:
        stream.seek(4096)
        stream.write(os.urandom(4096 * 3))


def cut(path):
    os.truncate(path, 5000)


def renamed_column(path):
    """One bit flips in how a table was declared: SQLite finds nothing wrong with that."""
    with open(path, "r+b") as stream:
        content = stream.read()
        stream.seek(content.index(b"part_size"))
        stream.write(b"part_sizd")


def of_the_future(path):
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()


@pytest.mark.parametrize("damage", [damaged_header, damaged_page, renamed_column, cut, of_the_future])
def test_a_damaged_catalog_is_moved_aside_loudly_and_begun_anew(path, damage, capsys):
    catalog = Catalog.open(path)
    for number in range(50):
        begin(catalog, "202311%02d_000000.mp4" % number)
    catalog.close()
    damage(path)
    with open(path, "rb") as stream:
        evidence = stream.read()
    healed = open_or_heal(path, 0.0)
    assert healed.counts() == {}
    healed.close()
    with open(path + ".corrupt-19700101_000000", "rb") as stream:
        assert stream.read()[:5000] == evidence[:5000]
    assert "catalog_corrupt" in capsys.readouterr().err


def test_no_bit_that_flips_in_how_its_tables_are_declared_is_a_traceback_or_waited_out_for_ever(path):
    """Found by the model test: SQLite quotes the damaged name in its message, where it is no text any more."""
    Catalog.open(path).close()
    with open(path, "rb") as stream:
        sound = stream.read()
    others = []
    for position in (number for number in range(100, 4096) if sound[number]):
        with open(path, "wb") as stream:
            stream.write(sound[:position] + bytes([sound[position] ^ 0x80]) + sound[position + 1 :])
        try:
            Catalog.open(path).close()
        except Exception as error:
            others.append(type(error))
    assert set(others) == {sqlite3.DatabaseError}
    assert len(others) > 1000


def test_a_sound_catalog_is_left_alone(path):
    catalog = Catalog.open(path)
    begin(catalog)
    catalog.close()
    catalog = open_or_heal(path, 0.0)
    assert catalog.counts() == {UPLOADING: 1}
    catalog.close()


def test_a_catalog_that_cannot_be_opened_is_not_moved_aside(tmp_path):
    (tmp_path / "catalog.sqlite").mkdir()
    with pytest.raises(sqlite3.OperationalError):
        open_or_heal(str(tmp_path / "catalog.sqlite"), 0.0)
    assert os.listdir(tmp_path) == ["catalog.sqlite"]


def test_its_log_goes_aside_with_it(path):
    for suffix in ("", "-wal", "-shm"):
        with open(path + suffix, "w") as stream:
            stream.write(suffix)
    aside = catalogs.set_aside(path, 0.0)
    assert sorted(os.listdir(os.path.dirname(path))) == [os.path.basename(aside) + s for s in ("", "-shm", "-wal")]


@pytest.mark.parametrize("suffix", ["", "-wal"])
@pytest.mark.parametrize("how", ["cut", "zeros"])
def test_a_catalog_that_a_power_cut_tore_anywhere_works_again(tmp_path, suffix, how):
    """Whatever it forgets: every waiting segment is compared with the bucket before it is sent or deleted (I1)."""
    original = str(tmp_path / "original.sqlite")
    catalog = Catalog.open(original)
    for number in range(40):
        row = begin(catalog, name="20231114_0000%02d.mp4" % number, identity="1:%d:100:5" % number)
        if number % 2:
            catalog.proven(row, "etag-of-parts", "etag", "sha", "host")
    # The files as they are while it is open, with what is in the log alone.
    content = {name: (tmp_path / ("original.sqlite" + name)).read_bytes() for name in ("", "-wal")}
    catalog.close()
    assert content["-wal"]
    spread = random.Random(11)
    for turn in range(25):
        path = str(tmp_path / ("%d.sqlite" % turn))
        for name, held in content.items():
            at = spread.randrange(len(held) + 1) if name == suffix else len(held)
            rest = bytes(len(held) - at) if how == "zeros" else b""
            with open(path + name, "wb") as stream:
                stream.write(held[:at] + rest)
        working = open_or_heal(path, 1795352400.0)
        try:
            states = set(working.counts())
        except sqlite3.DatabaseError as error:
            # Found only when it is read: the run ends, the catalog is moved aside, the next run begins anew.
            if type(error) is not sqlite3.DatabaseError:
                raise  # the worker takes only that for a corrupt catalog
            working.close()
            catalogs.set_aside(path, 1795352400.0)
            working = open_or_heal(path, 1795352400.0)
            states = set()
        assert states <= {UPLOADING, PROVEN}
        row = begin(working, name="20231114_230000.mp4")
        assert working.proven(row, "etag", "e", "s", "h").state == PROVEN
        working.close()
