"""The client of an S3 server that is not AWS; dagster-aws makes that of AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sync_platform.storage.amazon_session import amazon_session

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ATTEMPTS = 3


def open_other_s3_client(region: str, endpoint: str) -> S3Client:
    """A client with the credentials of the environment. `endpoint`: the server's address.

    Such a server may refuse checksums that it does not know, and may have no address per bucket.
    """
    from botocore.config import Config

    config = Config(
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        s3={"addressing_style": "path"},
    )
    return amazon_session().client("s3", region_name=region, endpoint_url=endpoint, config=config)
