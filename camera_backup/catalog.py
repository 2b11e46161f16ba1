"""What was uploaded and proven: SQLite, one row a segment, at `<state_path>/catalog.sqlite`.

Every change is on the disk before the next step is taken (WAL, `synchronous=FULL`): a file is deleted only after the
row that says "proven" would survive a power cut (I1). The catalog is an aid, never the truth: without it, HEAD of
every object tells the same at some cost. So a corrupt one is moved aside and begun anew.

    uploading   the bucket has none or a part of it; `upload_id`, `part_size`, `mode` and the parts say which
    proven      the bucket holds the same bytes; `proof` says how we know. The file may still be there
    deleted     and the file is gone
    refused     the store will never accept it, or the disk does not give it; `error` says why. The file stays
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import threading
import time
import uuid
from dataclasses import dataclass, fields
from typing import Any, Iterable, Mapping, Sequence

from camera_backup import journal

UPLOADING, PROVEN, DELETED, REFUSED = "uploading", "proven", "deleted", "refused"

_VERSION = 1

_SCHEMA = """
CREATE TABLE segment (
    camera TEXT NOT NULL, name TEXT NOT NULL, place TEXT NOT NULL, key TEXT NOT NULL,
    identity TEXT NOT NULL, size INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('uploading', 'proven', 'deleted', 'refused')),
    token TEXT NOT NULL, mode TEXT, upload_id TEXT, part_size INTEGER,
    proof TEXT, etag TEXT, sha256 TEXT, host TEXT, error TEXT,
    closed_at REAL NOT NULL, proven_at REAL, deleted_at REAL,
    PRIMARY KEY (camera, name)
) WITHOUT ROWID;
CREATE INDEX segment_by_proof ON segment (camera, proven_at);
CREATE TABLE part (
    camera TEXT NOT NULL, name TEXT NOT NULL, number INTEGER NOT NULL, digest BLOB NOT NULL, etag TEXT NOT NULL,
    PRIMARY KEY (camera, name, number)
) WITHOUT ROWID;
-- Multipart uploads that we began and nobody wants any more.
CREATE TABLE stale (
    place TEXT NOT NULL, key TEXT NOT NULL, upload_id TEXT NOT NULL, since REAL NOT NULL,
    PRIMARY KEY (place, key, upload_id)
);
CREATE TABLE endpoint (name TEXT PRIMARY KEY, expires REAL NOT NULL, capabilities TEXT NOT NULL);
"""


@dataclass(frozen=True)
class Row:
    """A segment. Times in seconds since the epoch.

    place: endpoint and bucket
    identity: of the file that was or is being uploaded: `dev:ino:size:mtime_ns`
    token: names this upload in the object's metadata; ends with its object lock, if it has one
    closed_at: when the file was last written to
    """

    camera: str
    name: str
    place: str
    key: str
    identity: str
    size: int
    state: str
    token: str
    mode: str | None
    upload_id: str | None
    part_size: int | None
    proof: str | None
    etag: str | None
    sha256: str | None
    host: str | None
    error: str | None
    closed_at: float
    proven_at: float | None
    deleted_at: float | None

    @property
    def lock(self) -> str:
        """The object lock under which it is being uploaded, in one word; "" for none."""
        return self.token.partition("-")[2]


@dataclass(frozen=True)
class PartRow:
    """A part that the store has accepted."""

    number: int
    digest: bytes
    etag: str


_COLUMNS = ", ".join(field.name for field in fields(Row))

_KINDS: Mapping[str, tuple[type, ...]] = {
    "str": (str,),
    "str | None": (str, type(None)),
    "int": (int,),
    "int | None": (int, type(None)),
    "float": (float, int),
    "float | None": (float, int, type(None)),
}

_FORMATS = (1, 2)
"""What bytes 18 and 19 of a SQLite file may be. Another number makes it read-only without a word of damage."""


def _row(values: Iterable[Any]) -> Row:
    """Return a row; raise sqlite3.DatabaseError for one without sense: quick_check does not look into values."""
    row = Row(*values)
    for column in fields(Row):
        if not isinstance(getattr(row, column.name), _KINDS[str(column.type)]):
            raise sqlite3.DatabaseError("a row without sense: %s" % column.name)
    if row.mode not in (None, "md5", "crc32") or (row.part_size is not None and row.part_size <= 0):
        raise sqlite3.DatabaseError("a row without sense: mode or part_size")
    return row


def _part(values: Iterable[Any]) -> PartRow:
    part = PartRow(*values)
    if not (isinstance(part.number, int) and isinstance(part.digest, bytes) and isinstance(part.etag, str)):
        raise sqlite3.DatabaseError("a part without sense")
    return part


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        # Left to sqlite3 it would be an OperationalError, as a full disk is, and be waited out for ever.
        raise sqlite3.DatabaseError("a text that is none") from None


class _Connection(sqlite3.Connection):
    def execute(self, sql: str, values: Sequence[object] = (), /) -> sqlite3.Cursor:  # type: ignore[override]
        try:
            return super().execute(sql, values)
        except UnicodeDecodeError:
            # SQLite's message quotes the damaged name that it stumbles over.
            raise sqlite3.DatabaseError("a name that is no text") from None


def _connect(path: str, timeout: float, uri: bool = False) -> sqlite3.Connection:
    """Return a connection that calls damage by its name, be it in a row, a declaration or SQLite's own words."""
    connection = sqlite3.connect(
        path, timeout=timeout, uri=uri, check_same_thread=False, isolation_level=None, factory=_Connection
    )
    connection.text_factory = _text
    return connection


class Catalog:
    """The catalog, for any number of threads of one process."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self._lock = threading.RLock()

    @classmethod
    def open(cls, path: str) -> Catalog:
        """Open it for reading and writing, new if need be; raise sqlite3.DatabaseError when it is corrupt."""
        _check_format(path)
        connection = _connect(path, timeout=30)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            # Small: it is one process among recorders on a small host.
            connection.execute("PRAGMA cache_size=-512")
            connection.execute("PRAGMA journal_size_limit=1048576")
            if connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
                raise sqlite3.DatabaseError("quick_check failed")
            _migrate(connection)
        except BaseException:
            connection.close()
            raise
        return cls(connection)

    @classmethod
    def open_readonly(cls, path: str) -> Catalog:
        """Open it for looking, while the uploader works; raise FileNotFoundError or sqlite3.DatabaseError."""
        if not os.path.exists(path):
            raise FileNotFoundError(path)
        quoted = path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
        return cls(_connect("file:%s?mode=ro" % quoted, timeout=5, uri=True))

    def close(self) -> None:
        """Close it."""
        with self._lock:
            self._db.close()

    def _all(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    def _commit(self, *statements: tuple[str, tuple[object, ...]]) -> None:
        """Do all or nothing, and return when it is on the disk."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                for sql, values in statements:
                    self._db.execute(sql, values)
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def _rows(self, where: str, *values: object) -> list[Row]:
        sql = "SELECT %s FROM segment WHERE %s" % (_COLUMNS, where)  # noqa: S608
        return [_row(found) for found in self._all(sql, *values)]

    # Segments

    def get(self, camera: str, name: str) -> Row | None:
        """Return the row of a segment."""
        found = self._rows("camera = ? AND name = ?", camera, name)
        return found[0] if found else None

    def begin(
        self,
        camera: str,
        name: str,
        place: str,
        key: str,
        identity: str,
        size: int,
        closed_at: float,
        lock: str = "",
    ) -> Row:
        """Write down that a file is to be uploaded under a key. What was known under its name is forgotten.

        An upload that was under way for it becomes stale. lock: see `Row`
        """
        token = uuid.uuid4().hex + ("-" + lock if lock else "")
        row = (camera, name, place, key, identity, size, UPLOADING, token, closed_at)
        sql = (
            "INSERT OR REPLACE INTO segment (camera, name, place, key, identity, size, state, token, "
            "closed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        )
        self._commit(*self._drop_upload(camera, name), (sql, row))
        return self._require(camera, name)

    def _require(self, camera: str, name: str) -> Row:
        row = self.get(camera, name)
        if row is None:
            raise sqlite3.DatabaseError("the row of %s/%s vanished" % (camera, name))
        return row

    @staticmethod
    def _drop_upload(camera: str, name: str) -> Iterable[tuple[str, tuple[object, ...]]]:
        where = (camera, name)
        unfinished = "camera = ? AND name = ? AND upload_id IS NOT NULL AND state = 'uploading'"
        return (
            (
                "INSERT OR IGNORE INTO stale SELECT place, key, upload_id, ? FROM segment WHERE " + unfinished,  # noqa: S608
                (time.time(), *where),
            ),
            ("DELETE FROM part WHERE camera = ? AND name = ?", where),
        )

    def restart(self, row: Row) -> Row:
        """Forget the parts of a segment and its upload, which becomes stale; keep its key and identity."""
        return self.beside(row, row.key)

    def beside(self, row: Row, key: str) -> Row:
        """Send a segment to another key than it was to have (I2)."""
        return self.begin(row.camera, row.name, row.place, key, row.identity, row.size, row.closed_at, row.lock)

    def uploading(self, row: Row, upload_id: str, mode: str, part_size: int) -> None:
        """Write down a multipart upload that was begun."""
        values = (upload_id, mode, part_size, row.camera, row.name)
        self._commit(
            ("UPDATE segment SET upload_id = ?, mode = ?, part_size = ? WHERE camera = ? AND name = ?", values)
        )

    def add_part(self, row: Row, part: PartRow) -> None:
        """Write down a part that was accepted."""
        values = (row.camera, row.name, part.number, part.digest, part.etag)
        self._commit(("INSERT OR REPLACE INTO part VALUES (?, ?, ?, ?, ?)", values))

    def parts(self, row: Row) -> dict[int, PartRow]:
        """Return number → part of the parts that were accepted."""
        sql = "SELECT number, digest, etag FROM part WHERE camera = ? AND name = ?"
        return {found[0]: _part(found) for found in self._all(sql, row.camera, row.name)}

    def proven(self, row: Row, proof: str, etag: str, sha256: str | None, host: str) -> Row:
        """Write down that the bucket holds the bytes; on the disk when this returns (I1)."""
        where = (row.camera, row.name)
        sql = (
            "UPDATE segment SET state = 'proven', proof = ?, etag = ?, sha256 = ?, host = ?, error = NULL, "
            "upload_id = NULL, proven_at = ? WHERE camera = ? AND name = ?"
        )
        self._commit(
            (sql, (proof, etag, sha256, host, time.time(), *where)),
            ("DELETE FROM part WHERE camera = ? AND name = ?", where),
        )
        return self._require(*where)

    def recognised(self, row: Row, identity: str) -> Row:
        """Write down that the file of a proven segment, by its bytes, now has another identity."""
        sql = "UPDATE segment SET identity = ? WHERE camera = ? AND name = ? AND state = 'proven'"
        self._commit((sql, (identity, row.camera, row.name)))
        return self._require(row.camera, row.name)

    def deleted(self, row: Row) -> None:
        """Write down that the file of a proven segment is gone."""
        sql = "UPDATE segment SET state = 'deleted', deleted_at = ? WHERE camera = ? AND name = ? AND state = 'proven'"
        self._commit((sql, (time.time(), row.camera, row.name)))

    def failed(self, row: Row, error: str, final: bool) -> None:
        """Write down why a segment is not in the bucket; `final`: and that trying on is pointless."""
        state = REFUSED if final else UPLOADING
        values = (error, state, row.camera, row.name)
        self._commit(("UPDATE segment SET error = ?, state = ? WHERE camera = ? AND name = ?", values))

    def is_proven(self, camera: str, name: str, unchanging: str) -> bool:
        """Say whether a file that is kept was proven: by all of its identity but the device, whose number a reboot may
        change; nothing is deleted on the word of this.
        """
        row = self.get(camera, name)
        return row is not None and row.state == PROVEN and row.identity.partition(":")[2] == unchanging

    def unsent(self) -> list[Row]:
        """Return the segments that were begun and are not proven."""
        where = "state IN ('uploading', 'refused')"
        return self._rows(where)

    def prune(self, before: float) -> int:
        """Forget segments whose files were deleted before a time; return how many. The bucket still knows them."""
        sql = "DELETE FROM segment WHERE state = 'deleted' AND deleted_at < ?"
        with self._lock:
            return self._db.execute(sql, (before,)).rowcount

    # Multipart uploads of ours that nobody wants

    def stale(self, place: str) -> list[tuple[str, str]]:
        """Return the key and id of every upload to be aborted at a place."""
        return [(found[0], found[1]) for found in self._all("SELECT key, upload_id FROM stale WHERE place = ?", place)]

    def unfinished(self) -> list[Row]:
        """Return the segments of which an upload is under way."""
        where = "state IN ('uploading', 'refused') AND upload_id IS NOT NULL"
        return self._rows(where)

    def forget(self, row: Row) -> None:
        """Forget a segment that never reached the bucket and whose file is gone; its upload becomes stale."""
        where = (row.camera, row.name)
        self._commit(
            *self._drop_upload(*where),
            ("DELETE FROM segment WHERE camera = ? AND name = ? AND state IN ('uploading', 'refused')", where),
        )

    def abandon(self, place: str, key: str, upload_id: str) -> None:
        """Write down an upload of ours that nobody wants."""
        self._commit(("INSERT OR IGNORE INTO stale VALUES (?, ?, ?, ?)", (place, key, upload_id, time.time())))

    def aborted(self, place: str, key: str, upload_id: str) -> None:
        """Write down that an upload is gone."""
        where = (place, key, upload_id)
        self._commit(("DELETE FROM stale WHERE place = ? AND key = ? AND upload_id = ?", where))

    # Endpoints

    def capabilities(self, name: str, now: float) -> Mapping[str, Any] | None:
        """Return what is remembered of an endpoint and not too old."""
        found = self._all("SELECT capabilities FROM endpoint WHERE name = ? AND expires > ?", name, now)
        try:
            return dict(json.loads(found[0][0])) if found else None
        except (TypeError, ValueError):
            return None  # damaged: it is looked at again

    def remember(self, name: str, capabilities: Mapping[str, Any], expires: float) -> None:
        """Remember what an endpoint can."""
        values = (name, expires, json.dumps(capabilities))
        self._commit(("INSERT OR REPLACE INTO endpoint VALUES (?, ?, ?)", values))

    def forget_endpoint(self, name: str) -> None:
        """Make the next upload look at the endpoint again."""
        self._commit(("DELETE FROM endpoint WHERE name = ?", (name,)))

    # For people

    def last_proven(self, camera: str) -> Row | None:
        """Return the segment of a camera that was proven last."""
        where = "camera = ? AND proven_at IS NOT NULL ORDER BY proven_at DESC LIMIT 1"
        found = self._rows(where, camera)
        return found[0] if found else None

    def counts(self) -> dict[str, int]:
        """Return how many segments are in each state."""
        return dict(self._all("SELECT state, count(*) FROM segment GROUP BY state"))

    def errors(self) -> list[Row]:
        """Return the segments that are not in the bucket and say why."""
        where = "state IN ('uploading', 'refused') AND error IS NOT NULL ORDER BY camera, name"
        return self._rows(where)


def _check_format(path: str) -> None:
    """Raise sqlite3.DatabaseError when the head of the file would keep SQLite from writing to a sound disk."""
    try:
        with open(path, "rb") as stream:
            head = stream.read(20)
    except OSError:
        return  # not there yet, or SQLite will say why not
    if len(head) == 20 and not {head[18], head[19]} <= set(_FORMATS):
        raise sqlite3.DatabaseError("the file's head is damaged")


def _migrate(connection: sqlite3.Connection) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version == 0:
        connection.executescript("BEGIN IMMEDIATE;%s PRAGMA user_version=%d; COMMIT;" % (_SCHEMA, _VERSION))
    elif version != _VERSION:
        raise sqlite3.DatabaseError("the catalog has version %d, this program knows %d" % (version, _VERSION))
    # A flipped bit in the name of a column is a sound database to SQLite, and one that no statement of ours fits.
    with contextlib.closing(sqlite3.connect(":memory:")) as fresh:
        fresh.executescript(_SCHEMA)
        if _shape(connection) != _shape(fresh):
            raise sqlite3.DatabaseError("its tables are not those of version %d" % _VERSION)


def _shape(connection: sqlite3.Connection) -> list[tuple[Any, ...]]:
    """Return how its tables were declared."""
    return connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY type, name").fetchall()


def open_or_heal(path: str, now: float) -> Catalog:
    """Open the catalog; one that is corrupt is moved aside, loudly, and begun anew.

    Nothing is lost by that: every waiting segment is compared with the bucket before it is sent or deleted.
    """
    try:
        return Catalog.open(path)
    except sqlite3.OperationalError:
        raise  # locked, unreadable, no space: it may be sound
    except sqlite3.DatabaseError as error:
        aside = set_aside(path, now)
        journal.log(journal.ERROR, "catalog_corrupt", path=path, moved_to=aside, error=str(error))
        return Catalog.open(path)


def set_aside(path: str, now: float) -> str:
    """Move a catalog that cannot be used out of the way, with its log; return where to."""
    aside = "%s.corrupt-%s" % (path, time.strftime("%Y%m%d_%H%M%S", time.gmtime(now)))
    for suffix in ("-wal", "-shm", ""):
        if os.path.exists(path + suffix):
            os.rename(path + suffix, aside + suffix)
    return aside
