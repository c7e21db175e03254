"""The process that keeps a sweep's books, beside the one that trains.

``python -m runner.sweep.books.process <fd>``: MLflow's work is Python's, and in the same process would hold
up every operator of a training step. So is what the sweep's report needs. If the training process vanishes,
however it does, the runs that it left open are ended here.
"""

import signal
import sys
from contextlib import suppress
from multiprocessing.connection import Connection
from threading import Lock

from runner.config.compose import register_resolvers
from runner.process.importing import without_collections
from runner.process.library_warnings import ignore_warnings_of_libraries
from runner.process.signals import SIGNALS
from runner.sweep.books.messages import Close, Conclude, FromBooks, Start
from runner.sweep.callback import PARENT
from runner.sweep.record import read_results


def main() -> None:
    """Keep books until the sweep is concluded, or until nobody is there any more."""
    for each in SIGNALS:
        signal.signal(each, signal.SIG_IGN)  # whoever trains hears of them, and says what is to be done
    ignore_warnings_of_libraries()
    register_resolvers()
    with without_collections():  # now, while the other process imports what it needs
        import runner.sweep.books.bookkeeper
        import runner.sweep.report.writer  # noqa: F401
    connection = Connection(int(sys.argv[1]))
    try:
        start: Start = connection.recv()
    except (EOFError, OSError):
        return
    keep(start, connection)


def keep(start: Start, connection: Connection) -> None:
    """Write what is told of a sweep, then its report; if the one who tells vanishes, the sweep is KILLED."""
    from runner.sweep.books.bookkeeper import Bookkeeper
    from runner.sweep.report import writer

    lock = Lock()

    def tell(message: FromBooks) -> None:
        with lock, suppress(ConnectionError):  # who has vanished needs to know nothing
            connection.send(message)

    books = Bookkeeper(start, tell)
    is_open = True
    try:
        while not isinstance(message := connection.recv(), Conclude):
            if isinstance(message, Close):
                is_open = False
                books.close()
            else:
                books.hear(message)
        tell(writer.close(start.folder, message.status, message.results))
    except (EOFError, OSError):  # OSError: who trains has vanished in the middle of a message
        if is_open:
            books.close()
        if (start.folder / PARENT).exists():
            writer.close(start.folder, "KILLED", read_results(start.folder))


if __name__ == "__main__":
    main()
