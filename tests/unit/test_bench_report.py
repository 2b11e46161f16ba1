"""The report of the benchmarks: figures, verdicts and both forms of a table."""

from benchmarks.report import MET, MISSED, Section, markdown, spread, terminal, verdict

SECTION = Section(
    "Upload", "Two rounds.", ("client", "CPU s", "target"), [("ours", "1.00", MET), ("x | y", "2.00", "")]
)


def test_a_spread_shows_the_median_between_the_extremes():
    assert spread([3.0, 1.0, 2.0]) == "2.00 [1.00–3.00]"


def test_a_single_figure_has_no_spread():
    assert spread([1.0]) == "1.00"


def test_a_target_is_met_up_to_its_limit():
    assert (verdict(0.7, 0.7), verdict(0.71, 0.7)) == (MET, MISSED)


def test_the_terminal_table_aligns_figures_to_the_right():
    assert "ours     1.00" in terminal(SECTION)


def test_the_document_names_the_machine_and_keeps_bars_out_of_its_tables():
    text = markdown("Machine: here.\n", [SECTION])
    assert "Machine: here." in text
    assert "| ours | 1.00 | met |" in text
    assert "| x \\| y | 2.00 |  |" in text
