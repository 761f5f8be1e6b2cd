"""A session of boto3 for each client: it finds the credentials that are valid now, and reads no definition twice."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import boto3


def amazon_session() -> boto3.session.Session:
    """A new session. boto3's usual one is not safe for threads, and keeps the first credentials that it finds for ever.

    The definitions of services and endpoints are files of botocore, 50 ms of processor time each; a process reads each
    file once.
    """
    import boto3
    import botocore.session
    from botocore.loaders import create_loader

    session = botocore.session.Session()
    loader = create_loader(session.get_config_variable("data_path"))
    loader.file_loader = _files_read_once()
    session.register_component("data_loader", loader)
    return boto3.session.Session(botocore_session=session)


@cache
def _files_read_once() -> Any:
    from botocore.loaders import JSONFileLoader

    class CachedFileLoader(JSONFileLoader):
        load_file = cache(JSONFileLoader.load_file)

    return CachedFileLoader()
