"""The certificate of the metrics server: from files that may change, or our own."""

from __future__ import annotations

import logging
import os
import socket
import ssl
from pathlib import Path
from typing import Final, final

import msgspec

from backstage_op import errors

from . import self_signed

_log: Final = logging.getLogger(__name__)


class Files(msgspec.Struct, frozen=True):
    """Where the certificate, with its chain, and its key are."""

    certificate: Path
    key: Path


@final
class Certificate:
    """What the next connection is secured with.

    Without files it is signed by this process, anew at each start. Files are
    looked at for each connection; while they do not fit each other, as in the
    middle of a renewal, what was read before stays in use.

    Raises:
        errors.SettingsError: the files cannot be used now.
    """

    def __init__(self, files: Files | None = None) -> None:
        self._files = files
        self._seen = _stamp(files)
        if files is None:
            self._context = _own()
            return
        try:
            self._context = _from_files(files)
        except OSError as error:
            raise errors.SettingsError(
                f"{files.certificate} and {files.key}: {error}; "
                "correct --metrics-cert-path, -name and -key, or leave them out"
            ) from error

    def context(self) -> ssl.SSLContext:
        """Return what the files say now."""
        stamp = _stamp(self._files)
        if self._files is not None and stamp != self._seen:
            self._seen = stamp
            try:
                self._context = _from_files(self._files)
            except OSError as error:
                _log.warning(
                    "%s: %s; the one before stays", self._files.certificate, error
                )
            else:
                _log.info("%s: read again", self._files.certificate)
        return self._context


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


def _from_files(files: Files) -> ssl.SSLContext:
    context = _context()
    context.load_cert_chain(files.certificate, files.key)
    return context


def _own() -> ssl.SSLContext:
    context = _context()
    text = self_signed.make([socket.gethostname(), "localhost"])
    # In memory: the file system may be read-only, and a key has no place there.
    descriptor = os.memfd_create("certificate")
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
    return context


def _stamp(files: Files | None) -> object:
    """Return what differs when a file was replaced."""
    if files is None:
        return None
    try:
        states = [path.stat() for path in (files.certificate, files.key)]
    except OSError:
        return None
    return [(state.st_ino, state.st_mtime_ns, state.st_size) for state in states]
