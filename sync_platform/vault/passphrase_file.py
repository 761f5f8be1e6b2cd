"""Files encrypted to a passphrase, in the age format: https://age-encryption.org/v1, so that any `age` program opens
them too.

The file key is wrapped under a key that scrypt (RFC 7914) makes of the passphrase. The content is encrypted in chunks
of 64 KiB with ChaCha20-Poly1305, so a file that is cut off or changed anywhere is refused.
"""

from __future__ import annotations

import base64
import binascii
import os
import re

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from sync_platform.errors import UsageError

VERSION = b"age-encryption.org/v1"
LABEL = b"age-encryption.org/v1/scrypt"
WORK_FACTOR = 18
"""Scrypt's cost is 2 to this power: a second, and 256 MB of memory, as `age` has it."""
LARGEST_WORK_FACTOR = 20
CHUNK_BYTES, TAG_BYTES = 64 * 1024, 16
STANZA = re.compile(rb"-> scrypt ([A-Za-z0-9+/]{22}) ([1-9][0-9]?)\n([A-Za-z0-9+/]{43})\n--- ([A-Za-z0-9+/]{43})\n")
SHORTEST_PASSPHRASE = 12
WRONG = "the passphrase is not that of the file, or the file was changed"
NOT_OURS = "the file is not encrypted to a passphrase in the age format"


def encrypted(content: bytes, passphrase: str, work_factor: int = WORK_FACTOR) -> bytes:
    """The content as an age file. UsageError for a passphrase of fewer than 12 characters."""
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise UsageError(f"the passphrase has {len(passphrase)} characters: {SHORTEST_PASSPHRASE} or more are needed")
    file_key, salt, nonce = os.urandom(16), os.urandom(16), os.urandom(16)
    wrapping = ChaCha20Poly1305(_passphrase_key(passphrase, salt, work_factor))
    wrapped = wrapping.encrypt(bytes(12), file_key, None)
    head = b"%s\n-> scrypt %s %d\n%s\n---" % (VERSION, _base64(salt), work_factor, _base64(wrapped))
    header = b"%s %s\n" % (head, _base64(_header_mac(file_key, head)))
    return header + nonce + b"".join(_sealed_chunks(_payload_key(file_key, nonce), content))


def decrypted(body: bytes, passphrase: str) -> bytes:
    """The content of an age file. UsageError for another passphrase, another format, or a changed file."""
    version, _, rest = body.partition(b"\n")
    stanza = STANZA.match(rest)
    if version != VERSION or stanza is None:
        raise UsageError(NOT_OURS)
    work_factor = int(stanza[2])
    if work_factor > LARGEST_WORK_FACTOR:
        raise UsageError(f"the file asks for 2^{work_factor} steps of scrypt, which takes too long")
    head = body[: len(version) + 1 + stanza.start(4) - 1]
    try:
        key = _passphrase_key(passphrase, _from_base64(stanza[1]), work_factor)
        file_key = ChaCha20Poly1305(key).decrypt(bytes(12), _from_base64(stanza[3]), None)
        _verify_header(file_key, head, _from_base64(stanza[4]))
        payload = rest[stanza.end() :]
        return b"".join(_opened_chunks(_payload_key(file_key, payload[:16]), payload[16:]))
    except (InvalidTag, InvalidSignature, binascii.Error, ValueError):
        raise UsageError(WRONG) from None


def _passphrase_key(passphrase: str, salt: bytes, work_factor: int) -> bytes:
    return Scrypt(LABEL + salt, 32, 2**work_factor, 8, 1).derive(passphrase.encode())


def _payload_key(file_key: bytes, nonce: bytes) -> ChaCha20Poly1305:
    return ChaCha20Poly1305(HKDF(hashes.SHA256(), 32, nonce, b"payload").derive(file_key))


def _header_hmac(file_key: bytes, head: bytes) -> hmac.HMAC:
    mac = hmac.HMAC(HKDF(hashes.SHA256(), 32, None, b"header").derive(file_key), hashes.SHA256())
    mac.update(head)
    return mac


def _header_mac(file_key: bytes, head: bytes) -> bytes:
    return _header_hmac(file_key, head).finalize()


def _verify_header(file_key: bytes, head: bytes, mac: bytes) -> None:
    _header_hmac(file_key, head).verify(mac)


def _sealed_chunks(key: ChaCha20Poly1305, content: bytes) -> list[bytes]:
    """STREAM: each chunk's nonce has its number, and says whether it is the last."""
    starts = range(0, len(content) or 1, CHUNK_BYTES)
    return [
        key.encrypt(_nonce(number, is_last=start == starts[-1]), content[start : start + CHUNK_BYTES], None)
        for number, start in enumerate(starts)
    ]


def _opened_chunks(key: ChaCha20Poly1305, body: bytes) -> list[bytes]:
    size = CHUNK_BYTES + TAG_BYTES
    starts = range(0, len(body) or 1, size)
    return [
        key.decrypt(_nonce(number, is_last=start == starts[-1]), body[start : start + size], None)
        for number, start in enumerate(starts)
    ]


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([is_last])


def _base64(data: bytes) -> bytes:
    return base64.b64encode(data).rstrip(b"=")


def _from_base64(text: bytes) -> bytes:
    return base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
