import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camera_backup.redact import MASK, Redactor

HOSTILE = "p%w $\"'\\@:/#ü x"


@pytest.mark.parametrize("spelling", [HOSTILE, quote(HOSTILE, safe=""), quote(HOSTILE), repr(HOSTILE)])
def test_a_secret_is_masked_in_every_form_a_program_prints_it(spelling):
    shown = Redactor([HOSTILE])("Impossible to open 'rtsp://cam/%s/stream'" % spelling)

    assert HOSTILE not in shown
    assert quote(HOSTILE, safe="") not in shown
    assert MASK in shown


def test_the_user_part_of_any_url_is_masked_even_when_nobody_told_us_the_secret():
    assert Redactor()("Opening rtsps://admin:hunter2@10.0.0.1/s") == "Opening rtsps://%s@10.0.0.1/s" % MASK


def test_a_url_without_user_is_left_readable():
    assert Redactor()("Opening rtsp://10.0.0.1:554/s") == "Opening rtsp://10.0.0.1:554/s"


def test_an_at_sign_in_the_password_does_not_leave_its_tail():
    assert "tail" not in Redactor()("rtsp://user:pass@tail@10.0.0.1/s")


def test_the_longer_of_two_secrets_goes_first_so_that_no_rest_of_it_stays():
    assert Redactor(["secret", "secret-longer"])("x secret-longer y") == "x %s y" % MASK


def test_a_two_letter_password_does_not_mask_all_text():
    assert Redactor(["ab"])("about") == "about"


# Control characters are refused by the configuration, so no secret holds one.
secrets = st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=("Cs", "Cc")), min_size=3, max_size=30)


@given(
    secrets,
    st.text(max_size=30),
    st.text(max_size=30),
    st.sampled_from([str, quote, lambda text: quote(text, safe=""), lambda text: json.dumps(text)[1:-1]]),
)
def test_no_text_around_a_secret_makes_it_appear(secret, before, after, spelled):
    shown = Redactor([secret])(before + "<" + spelled(secret) + ">" + after)

    assert shown.endswith(("<" + MASK + ">" + after, "<" + MASK + ">" + Redactor([secret])(after)))
