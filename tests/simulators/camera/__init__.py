"""Simulated RTSP/RTSPS cameras that number their frames in the bitstream and fail on command.

    with CameraServer() as server:                       # a thread; CameraProcess(): a process of its own
        camera = server.add("front", user="u", password="p%$ü")
        camera.url                                       # rtsp://u:p%25%24%C3%BC@127.0.0.1:40123/front
        camera.freeze(); camera.clear(); camera.drop("rst"); camera.refuse(); camera.status(503)
        camera.sent()                                    # per client: which frame numbers, when

    leaf = Authority(tmp_path).issue()                   # tests/support/certs.py
    server.add("yard", Look(codec="h265", audio="aac"), cert_file=leaf.cert_file, key_file=leaf.key_file)   # rtsps

`tests.support.frames.account(files, camera.sent())` says which of those frames a recording lacks, doubles or tears.
A frame's number counts from the start of the server, whether or not anybody watches: a gap shows as missing numbers.
As a program: `python -m tests.simulators.camera --help`.
"""

from tests.simulators.camera.clips import FULL_HD, Look
from tests.simulators.camera.handle import Camera, CameraProcess, CameraServer, Run, Sent

__all__ = ["FULL_HD", "Camera", "CameraProcess", "CameraServer", "Look", "Run", "Sent"]
