"""The bucket: speak S3 to any provider, believe nothing that was not seen to be enforced."""
