"""A short storm over real recorders and the real uploader: every frame the cameras sent is accounted for."""

import subprocess
import sys

from tests.support.s3_servers import ROOT


def test_after_a_storm_every_frame_is_in_the_bucket_or_in_a_gap_with_its_cause():
    command = [sys.executable, "-m", "tools.soak", "--minutes", "0.75", "--cameras", "2", "--seed", "2"]
    done = subprocess.run(command, cwd=str(ROOT), capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "every one accounted for" in done.stdout
