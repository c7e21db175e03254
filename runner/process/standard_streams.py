"""Standard output and error of a command line: where they can't be written to, nothing ends halfway."""

import io
import logging
import os
import signal
import sys
from typing import TYPE_CHECKING, TextIO

from runner.process.signals import Terminated

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class Output(io.FileIO):
    """Standard output.

    A reader who goes away (``… | head``) ends the program as a signal does. A full disk is no reason to stop:
    the rest is not written, and that is reported at the end.

    Attributes:
        refusal: why something could not be written, if so.
    """

    refusal: OSError | None = None

    def write(self, data: "ReadableBuffer") -> int:
        """As any file."""
        try:
            return super().write(data)
        except BrokenPipeError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())  # for what is written at the end
            os.close(nowhere)
            raise Terminated(signal.SIGPIPE) from None
        except OSError as error:
            self.refusal = self.refusal or error
            return memoryview(data).nbytes


class Errors(io.FileIO):
    """Standard error: where it can't be written to, nobody is there to be informed of that."""

    def write(self, data: "ReadableBuffer") -> int:
        """As any file."""
        try:
            return super().write(data)
        except OSError:
            return memoryview(data).nbytes


def guard_streams() -> Output | None:
    """Put both in place of ``sys.stdout`` and ``sys.stderr``; the first, unless that is closed."""
    logging.raiseExceptions = False  # it would print tracebacks of what could not be printed
    if sys.stderr is not None:
        sys.stderr = text_of(Errors(sys.stderr.fileno(), "w", closefd=False), sys.stderr)
    if sys.stdout is None:
        return None
    output = Output(sys.stdout.fileno(), "w", closefd=False)
    sys.stdout = text_of(output, sys.stdout)
    return output


def text_of(raw: io.FileIO, like: TextIO) -> TextIO:
    """Text on a file, written as another stream writes it."""
    through = getattr(like, "write_through", False)
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=like.encoding,
        errors=like.errors,
        line_buffering=bool(like.line_buffering) or through,
        write_through=through,
    )
