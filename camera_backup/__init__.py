"""Record RTSP cameras, prove every segment in the bucket, lose nothing."""

__version__ = "0.1.0"
