"""The secret that keys the hashes of texts. A plain hash of a phone number is guessable; this one is not."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

from llma.settings import Settings

_KEY_FILE = "text.key"
# blake2b takes a key of at most 64 bytes.
_KEY_BYTES = 32
_LONGEST_KEY = 64


def text_key(settings: Settings) -> bytes:
    """``LLMA_HASH_KEY`` where it is set, else a file in ``LLMA_HOME`` (mode 0600), made on first use.

    Raises ValueError for a key of more than 64 bytes, or a damaged file.
    """
    if settings.hash_key is not None:
        key = settings.hash_key.get_secret_value().encode()
        if len(key) > _LONGEST_KEY:
            raise ValueError(f"LLMA_HASH_KEY has {len(key)} bytes; at most {_LONGEST_KEY} are possible")
        return key
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = settings.home / _KEY_FILE
    try:
        key = bytes.fromhex(_read_or_make(path))
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES:  # an empty key would make the hashes plain ones
        raise ValueError(
            f"{path} does not hold a key of {_KEY_BYTES} bytes in hex: restore it, or move it and the store away"
        )
    return key


def key_print(key: bytes) -> str:
    """What a store keeps of its key, to know it again."""
    return hashlib.blake2b(b"llma store key", key=key, digest_size=8).hexdigest()


def _read_or_make(path: Path) -> str:
    """The file's key; two processes that make it at the same moment end with the same one."""
    if not path.exists():
        draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(_KEY_BYTES))
        try:
            os.link(draft, path)  # fails where another process was first, and then its key counts
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()
