"""What status takes from the catalog, and what it does with one it cannot read."""

from __future__ import annotations

import pytest

from camera_backup import paths
from camera_backup.catalog import Catalog
from camera_backup.status.proofs import Proofs


@pytest.fixture
def state(tmp_path):
    catalog = Catalog.open(paths.catalog(str(tmp_path)))
    for name in ("20261122_120000.mp4", "20261122_130000.mp4", "20261122_140000.mp4"):
        row = catalog.begin("front", name, "p", "k", "i", 5, 1.0)
        if name < "20261122_14":
            catalog.proven(row, "etag-md5", "e", "ab", "nvr1")
    catalog.failed(row, "EntityTooLarge", final=True)
    catalog.close()
    return str(tmp_path)


def test_the_last_proof_and_the_proven_names_are_read(state):
    notes = []
    proofs = Proofs(state, notes.append)
    assert proofs.last("front").name == "20261122_130000.mp4"
    assert proofs.last("yard") is None
    held = ["20261122_120000.mp4", "20261122_140000.mp4", "20261122_150000.mp4"]
    assert proofs.proven("front", held) == {"20261122_120000.mp4"}
    assert proofs.refused() == ["front/20261122_140000.mp4: EntityTooLarge"]
    assert notes == []


def test_a_host_that_never_uploaded_has_no_catalog_and_no_complaint(tmp_path):
    notes = []
    proofs = Proofs(str(tmp_path), notes.append)
    assert (proofs.last("front"), proofs.proven("front", ["x"]), proofs.refused()) == (None, set(), [])
    assert notes == []


@pytest.mark.parametrize("content", [b"this is no database, not at all, whatever its name says" * 50, b""])
def test_a_catalog_that_cannot_be_read_is_noted_once_and_nothing_counts_as_proven(tmp_path, content):
    with open(paths.catalog(str(tmp_path)), "wb") as stream:
        stream.write(content)
    notes = []
    proofs = Proofs(str(tmp_path), notes.append)
    assert (proofs.last("front"), proofs.proven("front", ["x"]), proofs.refused()) == (None, set(), [])
    assert len(notes) == 1
    assert notes[0].startswith(paths.catalog(str(tmp_path)))
