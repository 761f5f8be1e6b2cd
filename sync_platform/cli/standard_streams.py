"""Standard input, output and error of a command: UTF-8, never closed, and with errors of their own when written.

An error of standard output is none of the lake or of a file, whatever the command does while it prints. A reader of a
pipe that has enough ends the command in silence. A message that standard error does not take is lost.
"""

from __future__ import annotations

import errno
import io
import os
import select
import sys
from typing import TYPE_CHECKING, TextIO

from sync_platform.cli.exit_codes import READER_GONE
from sync_platform.errors import OutputFailed

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

INPUT, OUTPUT, ERROR = range(3)
ESCAPES = "backslashreplace"


def prepare_standard_streams() -> None:
    """Replace the standard streams of this process. Whatever the locale is, they read and write UTF-8; bytes of file
    names that are not UTF-8 are written as escapes."""
    _open_closed_streams()
    if sys.stdin is None:
        sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(INPUT, closefd=False)), "utf-8")
    elif isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(encoding="utf-8", errors="strict")
    sys.stdout = _text_stream(WrittenStream(OUTPUT), sys.stdout)
    sys.stderr = _text_stream(WrittenStream(ERROR), sys.stderr)


class WrittenStream(io.FileIO):
    """Standard output or standard error, as bytes.

    `write` raises OutputFailed where standard output cannot be written, and SystemExit where the reader of a pipe has
    closed it. Afterwards what is written is lost, so that the end of the process does not fail again.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor, "wb", closefd=False)
        self._is_lost = False

    def write(self, data: ReadableBuffer, /) -> int:
        size = memoryview(data).nbytes
        if self._is_lost:
            return size
        try:
            while (written := super().write(data)) is None:  # it does not block
                select.select([], [self], [])
        except BrokenPipeError:
            self._is_lost = True
            raise SystemExit(READER_GONE) from None
        except OSError as error:
            if self.fileno() == ERROR:
                return size
            self._is_lost = True
            reason = "it is closed" if error.errno == errno.EBADF else error.strerror
            raise OutputFailed(f"standard output cannot be written: {reason}") from None
        return written


def _text_stream(stream: WrittenStream, replaced: TextIO | None) -> TextIO:
    """A stream of text; it is buffered as the one that it replaces."""
    is_by_line = bool(getattr(replaced, "line_buffering", False)) or stream.fileno() == ERROR
    is_at_once = bool(getattr(replaced, "write_through", False))
    return io.TextIOWrapper(
        io.BufferedWriter(stream), "utf-8", ESCAPES, line_buffering=is_by_line, write_through=is_at_once
    )


def _open_closed_streams() -> None:
    """Open each standard stream that is closed: else the next file that is opened gets its number, and receives what is
    written to the stream. Input is empty, output cannot be written, and error is lost."""
    for number, flags in ((INPUT, os.O_RDONLY), (OUTPUT, os.O_RDONLY), (ERROR, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, flags)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            os.set_inheritable(number, True)
