"""Small valid configurations."""

from camera_backup import config


def camera(name, password="first-secret", **more):
    return {"name": name, "rtsp_url": "rtsp://viewer:%s@10.20.30.40:554/stream" % password, **more}


def make(*cameras, **sections):
    """Given cameras (names or mappings) and sections that replace the usual ones, return a Config."""
    data = {
        "storage": {"local_path": "/var/lib/camera-backup/segments"},
        "s3": {
            "access_key_id": "AKIA5PLANTEDKEY",
            "secret_access_key": "planted+secret/key",
            "bucket": "camera-backups",
            "endpoint": "https://s3.nowhere.net",
        },
        "cameras": [camera(one) if isinstance(one, str) else one for one in cameras],
        **sections,
    }
    return config.validate(data, "config.yaml")
