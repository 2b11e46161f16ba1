"""Record one camera: a small supervisor, FFmpeg as its child, and short-lived helpers for what is large.

    command     the verb `record`
    settings    the per-camera file
    supervisor  the poll loop: look, decide, act
    machine     what is done next; with it decide history, backoff, clock, ffmpeg, output, tracks, wallclock, all pure
    preflight   before FFmpeg is started: which FFmpeg is there, is the certificate (tls, a child) the right one
    recording   one run of FFmpeg and what it tells us
    spool       the directory of a run, the lock of a camera, recovery of what a crash left
    picture     has the camera changed its picture
    durable     the file being recorded reaches the disk
    finisher    queues closed files for the child `finish`: check, remux, hash, publish, write down
    reporter    ledger, status file (live), systemd (notify), journal

64 of these supervisors have to fit on a small host, so what they import is measured: no typing, no socket, no
subprocess (see tests/integration/test_recorder_cost.py).
"""
