"""One way to be wrong, one message: where, what, what was given, what is accepted."""

import pytest

from tests.support.configurations import BASE, changed, problems

URL = '"rtsp://user:hunter2@192.168.1.20:554/stream"'
RTSPS = '"rtsps://192.168.1.21/stream"'
NAME = "a letter or digit, then letters, digits, _ and -; at most 63"
URL_FORM = "rtsp://[user:password@]host[:port]/path, or rtsps:// for TLS"
OWN_PATH = "an absolute path of its own, not a directory of the system"
APART = 'write the user and the password in the keys "username" and "password" instead of the URL'
DAYS = "a whole number of seconds from 5 to 86400, that divides a day, such as 300, 900, 1800, 3600"
SIZE = "a size such as 16MiB or 500GB, or a number of bytes; from 5MiB to 5GiB"
RATE = "a rate such as 8Mbit/s or 1MiB/s, or a number of bytes per second; from 16KiB/s to 1TiB/s"
UNITS = "has no known unit (1 MiB is 1024 x 1024, 1 MB is 1000 x 1000; upper and lower case count)"
WORDS = "YAML reads an unquoted yes, no, on or off as true or false: put it in quotes"
SYSTEM = "is a directory of the system, whose owner and mode must not change"
OWN_VALUE = "is a placeholder: put your own value in its place"


def camera(more):
    return ("%s\n  - name" % URL, "%s\n    %s\n  - name" % (URL, more))


def secure(more):
    return (RTSPS, "%s\n    %s" % (RTSPS, more))


def upload(more):
    return ("check_interval: 300", "check_interval: 300\n  " + more)


def recording(more):
    return ("segment_duration: 3600", "segment_duration: 3600\n  " + more)


def bucket(more):
    return ('bucket: "camera-backups"', 'bucket: "camera-backups"\n  ' + more)


def test_the_base_of_these_tests_is_valid():
    assert problems(BASE) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        # keys
        (recording("segment_time: 5"), '15: recording.segment_time: unknown key; did you mean "segment_duration"?'),
        (recording("stall-timeout: 5"), '15: recording.stall-timeout: unknown key; did you mean "stall_timeout"?'),
        (recording("workers: 5"), '15: recording.workers: unknown key here; did you mean "upload.workers"?'),
        (recording("zzz: 5"), "15: recording.zzz: unknown key; accepted: segment_duration, stall_timeout, ffmpeg"),
        (recording("1: 5"), "15: recording.1: unknown key; accepted: segment_duration, stall_timeout, ffmpeg"),
        (
            camera("user: admin"),
            '11: cameras[0].user (camera front-door): unknown key; did you mean "username"?',
        ),
        (
            camera("fingerprint: x"),
            "11: cameras[0].fingerprint (camera front-door): unknown key here; "
            'did you mean "cameras[].tls.fingerprint"?',
        ),
        (("upload:\n", "uploads:\n"), '15: uploads: unknown key; did you mean "upload"?'),
        (
            ('    rtsp_url: "rtsps://192.168.1.21/stream"\n', ""),
            "11: cameras[1].rtsp_url (camera back-yard): required key is missing: where the camera's stream is, "
            "with user and password if they are not given below; "
            'for example rtsp_url: "rtsp://user:password@192.168.1.20:554/stream"',
        ),
        (
            ('  bucket: "camera-backups"\n', ""),
            '3: s3.bucket: required key is missing: name of the bucket; for example bucket: "camera-backups"',
        ),
        # shapes
        (
            ("upload:\n  check_interval: 300\n", "upload: fast\n"),
            "15: upload: is not a mapping of keys; given text, accepted: check_interval, delete_after_upload, "
            "min_age, workers, part_size, bandwidth_limit, order, schedule",
        ),
        (
            ('  - name: "back-yard"\n    rtsp_url: "rtsps://192.168.1.21/stream"\n', "  - back-yard\n"),
            "11: cameras[1]: is not a mapping of keys; given text, accepted: name, rtsp_url, enabled, username, "
            "password, transport, audio, object_lock_mode, object_lock_days, tls",
        ),
        (
            upload("workers: [2]"),
            "17: upload.workers: is not a whole number; given a list, accepted: a whole number of uploads from 1 to 16",
        ),
        (
            upload("workers: {a: 2}"),
            "17: upload.workers: is not a whole number; given a mapping, "
            "accepted: a whole number of uploads from 1 to 16",
        ),
        (
            upload("workers:"),
            "17: upload.workers: has no value; leave the key out for its default; "
            "accepted: a whole number of uploads from 1 to 16",
        ),
        (
            ('bucket: "camera-backups"', "bucket:"),
            "6: s3.bucket: has no value; accepted: letters, digits, dots, hyphens and underscores",
        ),
        # true and false
        (
            upload('delete_after_upload: "yes"'),
            "17: upload.delete_after_upload: is not true or false; write it without quotes; "
            'given "yes", accepted: true or false',
        ),
        (
            upload("delete_after_upload: 1"),
            "17: upload.delete_after_upload: is not true or false; given 1, accepted: true or false",
        ),
        (
            camera("enabled: maybe"),
            '11: cameras[0].enabled (camera front-door): is not true or false; given "maybe", accepted: true or false',
        ),
        # numbers
        (
            ("3600", '"3600"'),
            "14: recording.segment_duration: is text, not a number; write it without quotes; "
            'given "3600", accepted: ' + DAYS,
        ),
        (
            ("3600", "1h"),
            '14: recording.segment_duration: is text, not a number; given "1h", accepted: ' + DAYS,
        ),
        (
            ("3600", "0060"),
            "14: recording.segment_duration: is read by YAML as 48; write it in plain decimal digits; "
            "given 48 (written 0060), accepted: " + DAYS,
        ),
        (
            ("3600", "1:00:00"),
            "14: recording.segment_duration: is read by YAML as 3600; write it in plain decimal digits; "
            "given 3600 (written 1:00:00), accepted: " + DAYS,
        ),
        (
            ("3600", "3_600"),
            "14: recording.segment_duration: is read by YAML as 3600; write it in plain decimal digits; "
            "given 3600 (written 3_600), accepted: " + DAYS,
        ),
        (
            ("3600", "08"),
            "14: recording.segment_duration: is text, not a number; write it without leading zeros; "
            'given "08", accepted: ' + DAYS,
        ),
        (
            ("3600", "yes"),
            "14: recording.segment_duration: is not a whole number; given true (written yes), accepted: " + DAYS,
        ),
        (("3600", "1.5"), "14: recording.segment_duration: is not a whole number; given 1.5, accepted: " + DAYS),
        (
            ("3600", ".inf"),
            "14: recording.segment_duration: is not a whole number; given Infinity (written .inf), accepted: " + DAYS,
        ),
        (
            ("3600", "0x" + "f" * 5000),
            "14: recording.segment_duration: is too large, the most is 86400; "
            "given a number of very many digits (written 0x%s), accepted: %s" % ("f" * 38, DAYS),
        ),
        (
            ("3600", "4"),
            "14: recording.segment_duration: is too small, the least is 5; given 4, accepted: " + DAYS,
        ),
        (
            ("3600", "3500"),
            "14: recording.segment_duration: does not divide a day (86400 seconds); the nearest that does is 3456; "
            "given 3500, accepted: " + DAYS,
        ),
        (
            recording("stall_timeout: 4"),
            "15: recording.stall_timeout: is too small, the least is 5; given 4, "
            "accepted: a whole number of seconds from 5 to 3600",
        ),
        (
            upload("workers: 17"),
            "17: upload.workers: is too large, the most is 16; given 17, "
            "accepted: a whole number of uploads from 1 to 16",
        ),
        (
            upload("min_age: -1"),
            "17: upload.min_age: is too small, the least is 0; given -1, "
            "accepted: a whole number of seconds from 0 to 604800",
        ),
        # sizes and rates
        (upload("part_size: 16M"), '17: upload.part_size: %s; given "16M", accepted: %s' % (UNITS, SIZE)),
        (upload("part_size: 16mib"), '17: upload.part_size: %s; given "16mib", accepted: %s' % (UNITS, SIZE)),
        (
            upload('part_size: "16777216"'),
            "17: upload.part_size: is text without a unit, not a number; write it without quotes; "
            'given "16777216", accepted: ' + SIZE,
        ),
        (
            upload("part_size: 1MiB"),
            '17: upload.part_size: is too small, the least is 5MiB; given "1MiB", accepted: ' + SIZE,
        ),
        (
            upload("part_size: 6GiB"),
            '17: upload.part_size: is too large, the most is 5GiB; given "6GiB", accepted: ' + SIZE,
        ),
        (
            upload("bandwidth_limit: 8"),
            "17: upload.bandwidth_limit: is too small, the least is 16KiB/s; given 8, accepted: " + RATE,
        ),
        (
            upload("bandwidth_limit: 8Mbit"),
            '17: upload.bandwidth_limit: %s; given "8Mbit", accepted: %s' % (UNITS, RATE),
        ),
        # words
        (
            camera("transport: http"),
            "11: cameras[0].transport (camera front-door): is not one of the words accepted; "
            'given "http", accepted: tcp or udp',
        ),
        (
            camera("audio: on"),
            "11: cameras[0].audio (camera front-door): is not one of the words accepted; "
            "given true (written on), accepted: auto, copy, aac or off",
        ),
        (
            bucket("proof: none"),
            '7: s3.proof: is not one of the words accepted; given "none", accepted: auto, read-back or size-only',
        ),
        # text that YAML takes for something else
        (
            ('name: "front-door"', "name: on"),
            "9: cameras[0].name: is not text; %s; given true (written on), accepted: %s" % (WORDS, NAME),
        ),
        (
            ('name: "front-door"', "name: 12"),
            "9: cameras[0].name: is not text; YAML reads it as a number: put it in quotes; given 12, accepted: " + NAME,
        ),
        (
            ('name: "front-door"', "name: 012"),
            "9: cameras[0].name: is not text; YAML reads it as a number: put it in quotes; "
            "given 10 (written 012), accepted: " + NAME,
        ),
        (
            camera("username: a\n    password: 12345678"),
            "12: cameras[0].password (camera front-door): is not text; YAML reads it as a number: put it in quotes; "
            "given ********, accepted: any printable characters, in quotes",
        ),
        (
            recording("ffmpeg: no"),
            "15: recording.ffmpeg: is not text; %s; given false (written no), "
            "accepted: the name of a program, or its absolute path" % WORDS,
        ),
        (
            ('name: "front-door"', "name: 2026-01-01x y"),
            '9: cameras[0].name: does not have the right form; given "2026-01-01x y", accepted: ' + NAME,
        ),
        # names
        (('"front-door"', '""'), '9: cameras[0].name: is empty; given "", accepted: ' + NAME),
        (
            ('"front-door"', '"../x"'),
            '9: cameras[0].name: does not have the right form; given "../x", accepted: ' + NAME,
        ),
        (('"front-door"', '"a/b"'), '9: cameras[0].name: does not have the right form; given "a/b", accepted: ' + NAME),
        (('"front-door"', '"-a"'), '9: cameras[0].name: does not have the right form; given "-a", accepted: ' + NAME),
        (('"front-door"', '".a"'), '9: cameras[0].name: does not have the right form; given ".a", accepted: ' + NAME),
        (('"front-door"', '"a b"'), '9: cameras[0].name: does not have the right form; given "a b", accepted: ' + NAME),
        (
            ('"front-door"', '"$(reboot)"'),
            '9: cameras[0].name: does not have the right form; given "$(reboot)", accepted: ' + NAME,
        ),
        (
            ('"front-door"', '"a\\n"'),
            '9: cameras[0].name: holds a control character or a line break (U+000A); given "a\\n", accepted: ' + NAME,
        ),
        (
            ('"front-door"', '"front-d\u043eor"'),
            "9: cameras[0].name: holds the character U+043E (CYRILLIC SMALL LETTER O); "
            'given "front-d\\u043eor", accepted: ' + NAME,
        ),
        (
            ('"front-door"', '"\uff41"'),
            "9: cameras[0].name: holds the character U+FF41 (FULLWIDTH LATIN SMALL LETTER A); "
            'given "\\uff41", accepted: ' + NAME,
        ),
        (
            ('"front-door"', '"\\ud800"'),
            '9: cameras[0].name: holds the character U+D800 (unnamed); given "\\ud800", accepted: ' + NAME,
        ),
        (
            ('"front-door"', '"%s"' % ("a" * 300)),
            "9: cameras[0].name: has 300 characters, too many: the most is 63; "
            'given "%s...", accepted: %s' % ("a" * 57, NAME),
        ),
        (
            ('"back-yard"', '"front-door"'),
            "11: cameras[1].name (camera front-door): is given twice; every camera needs a name of its own",
        ),
        (
            ('"back-yard"', '"Front-Door"'),
            "11: cameras[1].name (camera Front-Door): differs from another camera's only in upper and lower case; "
            "every camera needs a name of its own",
        ),
        # URLs and logins
        (
            (URL, '"http://192.168.1.20/x"'),
            "10: cameras[0].rtsp_url (camera front-door): does not have the right form; "
            "given http://********, accepted: " + URL_FORM,
        ),
        (
            (URL, '"rtsp://user:hunter2/stream"'),
            "10: cameras[0].rtsp_url (camera front-door): has no valid host and port (1 to 65535) after rtsp:// or "
            "after an @; given rtsp://********",
        ),
        (
            (URL, '"rtsp://user:1/hunter2@192.168.1.20/stream"'),
            "10: cameras[0].rtsp_url (camera front-door): can be read in more than one way, because of an @ after a /, "
            "? or #; %s; given rtsp://********" % APART,
        ),
        (
            camera("username: admin"),
            '10: cameras[0].rtsp_url (camera front-door): holds a user, and the keys "username" and "password" are '
            "there as well; use one way",
        ),
        (
            secure("password: 'hunter2'"),
            '13: cameras[1].password (camera back-yard): is there without "username"',
        ),
        (
            secure("username: 'a:b'"),
            "13: cameras[1].username (camera back-yard): does not have the right form; "
            'given "a:b", accepted: a user without a colon',
        ),
        (
            secure('username: "a"\n    password: "hunter2\\n"'),
            "14: cameras[1].password (camera back-yard): holds a control character or a line break (U+000A); "
            "given ********, accepted: any printable characters, in quotes",
        ),
        (
            secure('username: "a"\n    password: "\\udc00"'),
            "14: cameras[1].password (camera back-yard): holds half a character (U+D800 to U+DFFF); "
            "given ********, accepted: any printable characters, in quotes",
        ),
        (
            secure("username: a\n    password: '%s'" % ("#" * 42)),
            "13: cameras[1].username (camera back-yard): user and password are too long: FFmpeg cuts them off after "
            "127 bytes, these take 128 (3 for each byte that is not a letter, digit or one of -._~)",
        ),
        # certificates
        (
            camera("tls: {verify: false}"),
            "11: cameras[0].tls (camera front-door): is for rtsps:// only, and this camera's rtsp_url begins with "
            "rtsp://",
        ),
        (
            secure("tls: {verify: false, ca_file: /etc/ca.pem}"),
            "13: cameras[1].tls (camera back-yard): verify is false, so ca_file would never be looked at; "
            "leave one of them out",
        ),
        (
            secure("tls: {ca_file: /etc/ca.pem, fingerprint: '%s'}" % ("ab" * 32)),
            "13: cameras[1].tls (camera back-yard): ca_file and fingerprint are two ways to check one certificate; "
            "use one",
        ),
        (
            secure("tls: {fingerprint: 'sha256'}"),
            "13: cameras[1].tls.fingerprint (camera back-yard): does not have the right form; "
            'given "sha256", accepted: 64 hex digits (SHA-256), with or without colons between the pairs',
        ),
        (
            secure("tls: {ca_file: ca.pem}"),
            "13: cameras[1].tls.ca_file (camera back-yard): does not have the right form; "
            'given "ca.pem", accepted: an absolute path',
        ),
        (
            secure("transport: udp"),
            "13: cameras[1].transport (camera back-yard): is udp, but rtsps:// always travels over tcp",
        ),
        # directories
        (
            ('"/srv/footage"', '"footage"'),
            '2: storage.local_path: does not have the right form; given "footage", accepted: ' + OWN_PATH,
        ),
        (('"/srv/footage"', '"/"'), '2: storage.local_path: %s; given "/", accepted: %s' % (SYSTEM, OWN_PATH)),
        (('"/srv/footage"', '"//"'), '2: storage.local_path: %s; given "//", accepted: %s' % (SYSTEM, OWN_PATH)),
        (
            ('"/srv/footage"', '"/etc/x"'),
            '2: storage.local_path: %s; given "/etc/x", accepted: %s' % (SYSTEM, OWN_PATH),
        ),
        (
            ('"/srv/footage"', '"/var/lib/"'),
            '2: storage.local_path: %s; given "/var/lib/", accepted: %s' % (SYSTEM, OWN_PATH),
        ),
        (
            ('"/srv/footage"', '"/srv/../etc"'),
            '2: storage.local_path: holds ".."; given "/srv/../etc", accepted: ' + OWN_PATH,
        ),
        (
            ('"/srv/footage"', '"/var/lib/camera-backup"'),
            "1: storage.state_path: local_path (/var/lib/camera-backup) and state_path (/var/lib/camera-backup/state) "
            "lie in one another; give each a directory of its own",
        ),
        (
            ('"/srv/footage"', '"/srv/footage"\n  local_retention: 30d'),
            "3: storage.local_retention: is there, but upload.delete_after_upload is true: what is proven is deleted "
            "at once; set that to false, or leave this out",
        ),
        (
            ('"/srv/footage"', '"/srv/footage"\n  local_retention: 0d'),
            "3: storage.local_retention: has no known unit (1 MiB is 1024 x 1024, 1 MB is 1000 x 1000; upper and lower "
            'case count); given "0d", accepted: days such as 30d, from 1d to 9999d; or a size such as 16MiB or 500GB, '
            "or a number of bytes; from 1MiB to 1024TiB",
        ),
        (
            ('"/srv/footage"', '"/srv/footage"\n  when_full: drop'),
            '3: storage.when_full: is not one of the words accepted; given "drop", accepted: keep or drop_oldest',
        ),
        # the bucket
        (
            ('"camera-backups"', '"s3://camera-backups"'),
            '6: s3.bucket: does not have the right form; given "********", '
            "accepted: letters, digits, dots, hyphens and underscores",
        ),
        (
            ('"camera-backups"', '"wJalrXUtnFEMI/K7MDENG/bPxRfiCYKEY"'),
            "6: s3.bucket: does not have the right form; given ********, "
            "accepted: letters, digits, dots, hyphens and underscores",
        ),
        (
            ('"front-door"', '"%s s3cret/key"' % ("a" * 50)),
            '9: cameras[0].name: does not have the right form; given "%s ********", accepted: %s' % ("a" * 50, NAME),
        ),
        (
            ("https://s3.", "s3."),
            '7: s3.endpoint: does not have the right form; given "s3.eu-central-1.amazonaws.com", '
            "accepted: https://host or https://host:port",
        ),
        (
            ("amazonaws.com", "amazonaws.com/camera-backups"),
            "7: s3.endpoint: has a path after the host; the bucket belongs in the key bucket; "
            'given "https://s3.eu-central-1.amazonaws.com/camera-backups", accepted: https://host or https://host:port',
        ),
        (
            ("https://", "https://AKIA:s3cret@"),
            "7: s3.endpoint: holds a user or a key; those belong in access_key_id and secret_access_key; "
            'given "https://********", accepted: https://host or https://host:port',
        ),
        (
            ("amazonaws.com", "amazonaws.com:99999"),
            "7: s3.endpoint: has no valid host and port; "
            'given "https://s3.eu-central-1.amazonaws.com:99999", accepted: https://host or https://host:port',
        ),
        (
            bucket("prefix: /site"),
            '7: s3.prefix: does not have the right form; given "/site", accepted: parts of letters, digits and ._=- '
            'with / between them, no / at either end, no ".."; or "" for none',
        ),
        (
            bucket("prefix: site/../other"),
            '7: s3.prefix: does not have the right form; given "site/../other", accepted: parts of letters, digits and '
            '._=- with / between them, no / at either end, no ".."; or "" for none',
        ),
        (
            bucket("storage_class: GLACIER\n  proof: read-back"),
            "8: s3.proof: is read-back, but objects of storage_class GLACIER cannot be read back",
        ),
        (
            bucket("object_lock_mode: governance"),
            '7: s3.object_lock_mode: is there without "object_lock_days": give both, or neither',
        ),
        (
            bucket("object_lock_days: 30"),
            '7: s3.object_lock_days: is there without "object_lock_mode": give both, or neither',
        ),
        (
            bucket("object_lock_mode: COMPLIANCE\n  object_lock_days: 30"),
            '7: s3.object_lock_mode: is not one of the words accepted; given "COMPLIANCE", accepted: governance or '
            "compliance",
        ),
        (
            bucket("object_lock_mode: governance\n  object_lock_days: 0"),
            "8: s3.object_lock_days: is too small, the least is 1; "
            "given 0, accepted: a whole number of days from 1 to 36500",
        ),
        (
            camera("object_lock_days: 30"),
            "11: cameras[0].object_lock_days (camera front-door): is there, and neither this camera nor s3 has "
            '"object_lock_mode"',
        ),
        (
            camera("object_lock_mode: compliance"),
            "11: cameras[0].object_lock_mode (camera front-door): is there, and neither this camera nor s3 has "
            '"object_lock_days"',
        ),
        (
            camera("object_lock_mode: off\n    object_lock_days: 30"),
            "12: cameras[0].object_lock_days (camera front-door): is there, but object_lock_mode is off; leave one of "
            "them out",
        ),
        (
            ('"s3cret/key"', '"s3cret key"'),
            "5: s3.secret_access_key: does not have the right form; "
            "given ********, accepted: the secret access key, without spaces",
        ),
        # placeholders
        (
            ('"AKIA"', '"YOUR_ACCESS_KEY_ID"'),
            "4: s3.access_key_id: %s; given ********, accepted: the access key id, without spaces" % OWN_VALUE,
        ),
        (
            ("https://s3.eu-central-1.amazonaws.com", "https://YOUR_ENDPOINT"),
            '7: s3.endpoint: %s; given "https://YOUR_ENDPOINT", accepted: https://host or https://host:port'
            % OWN_VALUE,
        ),
        (
            ("https://s3.eu-central-1.amazonaws.com", "https://s3.example.com"),
            "7: s3.endpoint: is a placeholder: put the address of your storage in its place; "
            'given "https://s3.example.com", accepted: https://host or https://host:port',
        ),
        (
            ("https://s3.eu-central-1.amazonaws.com", "https://…"),
            '7: s3.endpoint: %s; given "https://\\u2026", accepted: https://host or https://host:port' % OWN_VALUE,
        ),
        (
            ('"camera-backups"', '"<bucket>"'),
            '6: s3.bucket: %s; given "<bucket>", accepted: letters, digits, dots, hyphens and underscores' % OWN_VALUE,
        ),
        (
            ("192.168.1.20", "camera-ip"),
            "10: cameras[0].rtsp_url (camera front-door): is a placeholder: put your camera's own address and login in "
            "its place; given rtsp://********@camera-ip:554/stream",
        ),
        (
            ("hunter2", "changeme"),
            "10: cameras[0].rtsp_url (camera front-door): is a placeholder: put your camera's own address and login in "
            "its place; given rtsp://********@192.168.1.20:554/stream",
        ),
        (
            (URL, '"rtsp://…"'),
            "10: cameras[0].rtsp_url (camera front-door): %s; given rtsp://********, accepted: %s"
            % (OWN_VALUE, URL_FORM),
        ),
        (
            secure("username: YOUR_USER\n    password: x"),
            '13: cameras[1].username (camera back-yard): %s; given "YOUR_USER", accepted: a user without a colon'
            % OWN_VALUE,
        ),
    ],
)
def test_each_mistake_has_one_message_that_says_how_to_mend_it(change, message):
    assert problems(changed(change)) == ["config.yaml:" + message]
