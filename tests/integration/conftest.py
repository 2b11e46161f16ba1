"""The real parts every integration test may ask for."""

from tests.support.s3_servers import rclone_server, s3_server, swift_server

__all__ = ["rclone_server", "s3_server", "swift_server"]
