"""Parses XML bodies without loading entities, DTDs or addresses that they refer to."""

from __future__ import annotations

from lxml import etree

from sync_platform.errors import MalformedBody
from sync_platform.sources.client import Reply


def xml_root(reply: Reply) -> etree._Element:
    """The root element of a body; MalformedBody where it is not whole XML. No entity, DTD or address is loaded."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        return etree.fromstring(reply.body, parser)
    except etree.XMLSyntaxError as error:
        raise MalformedBody(f"{reply.platform}: {reply.url} is not whole XML: {error.msg}") from None
