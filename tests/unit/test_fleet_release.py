import pytest

from camera_backup.fleet import release

HERE, OLD = "0.2.0+11111111", "0.1.0+22222222"


@pytest.fixture
def checkout(tmp_path):
    (tmp_path / "camera_backup").mkdir()
    (tmp_path / "camera_backup/x.py").write_text("1")
    (tmp_path / "roles/camera_backup/files").mkdir(parents=True)
    (tmp_path / release.REQUIREMENTS).write_text("a==1")
    return tmp_path


def test_another_line_of_code_is_another_release(checkout):
    before = release.name(str(checkout))
    (checkout / "camera_backup/__pycache__").mkdir()
    (checkout / "camera_backup/__pycache__/x.pyc").write_text("2")
    assert release.name(str(checkout)) == before

    (checkout / "camera_backup/x.py").write_text("2")
    assert release.name(str(checkout)) != before


def test_another_dependency_is_another_release(checkout):
    before = release.name(str(checkout))
    (checkout / release.REQUIREMENTS).write_text("a==2")

    assert release.name(str(checkout)) != before


@pytest.mark.parametrize(("wanted", "chosen"), [("", HERE), (HERE, HERE), (OLD, OLD), ("0.1.0", OLD), ("0.2.0", HERE)])
def test_a_release_is_named_by_all_or_the_beginning_of_its_name(wanted, chosen):
    assert release.chosen(wanted, HERE, [OLD]) == chosen


@pytest.mark.parametrize("wanted", ["0.1", "0.1.0+2222", "9.9.9"])
def test_an_unknown_release_is_refused_with_those_that_are_known(wanted):
    with pytest.raises(ValueError, match="release .* is not known; accepted: one of 0.1.0.*, 0.2.0"):
        release.chosen(wanted, HERE, [OLD])


def test_a_beginning_of_several_is_refused():
    with pytest.raises(ValueError, match="beginning of 2 releases"):
        release.chosen("0.1.0", HERE, [OLD, "0.1.0+33333333"])
