"""The story: an emulator, the service beside it, and a crash.

It exits with 0 if the book and the platform agree.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path

from reservation_core import Reservation
from reservation_core.book import Book, SQLiteStore
from reservation_core.emulator import JournalEntry, Platform, Settings
from reservation_core.emulator.callbacks.settings import CallbackSettings
from reservation_core.emulator.faults import Fault, FaultKind
from reservation_core.emulator.server import Emulator, running_emulator
from reservation_core.rest.messages import FORM_CONTENT_TYPE
from tests.examples.service.process import ServiceProcess
from tests.examples.service.service import short

ACCOUNT, TOKEN = "AC" + "0" * 32, "0123456789abcdef" * 2
WORKSPACE = "WS" + "0" * 32

ENGLISH_CALL: Mapping[str, object] = {
    "language": "en",
    "call_sid": "CA" + "1" * 32,
    "from": "+15005550009",
}
GERMAN_LETTER: Mapping[str, object] = {"language": "de", "subject": "invoice"}
FRENCH_LETTER: Mapping[str, object] = {"language": "fr", "subject": "facture"}


def say(text: str = "") -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def ask(method: str, url: str, body: bytes | None = None) -> tuple[int, str]:
    """Send a request to the service. Status 0 means that it did not answer."""
    request = urllib.request.Request(url, body, {"Content-Type": FORM_CONTENT_TYPE}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except OSError:
        return 0, ""


class Story:
    """The emulator, the service and the chapters of the story."""

    def __init__(self, emulator: Emulator, settings: dict[str, str]) -> None:
        self.emulator = emulator
        self.platform = emulator.platform
        self.settings = settings
        self.service = self.start()
        self.settings["PORT"] = self.service.url.rpartition(":")[
            2
        ]  # the restarted service keeps its URL
        self.emulator.callback_queue.settings = CallbackSettings(
            assignment_url=f"{self.service.url}/assignment",
            event_url=f"{self.service.url}/events",
            auth_token=TOKEN,
        )
        self.worker = self.platform.add_worker(
            WORKSPACE, name="Alice", attributes={"contact_uri": "client:alice"}
        )

    def start(self) -> ServiceProcess:
        """Start the service."""
        return ServiceProcess(self.settings, lambda line: say(f"    service | {line}"))

    def reserve(self, attributes: Mapping[str, object]) -> str:
        """Add a task, reserve the worker, and return the SID."""
        task = self.platform.add_task(WORKSPACE, attributes=attributes)
        sid = str(self.platform.reserve(task.sid, self.worker.sid).sid)
        self.emulator.settle()
        return sid

    def answer_call(self, sid: str) -> None:
        """Let the worker pick up."""
        self.platform.answer_call(sid)
        self.emulator.settle()

    def complete(self, sid: str) -> tuple[int, str]:
        """Complete a reservation at the desk."""
        return ask("POST", f"{self.service.url}/reservations/{sid}/complete")

    # --- the chapters ----------------------------------------------------------------------------

    def tell(self) -> bool:
        """Tell the story. Return whether book and platform agree."""
        say(
            "\n1. An English-speaking caller: the service answers with a conference,"
            " and the worker picks up"
        )
        first = self.reserve(ENGLISH_CALL)
        self.answer_call(first)
        say("    (the book held it as on hold from the answer until the event)")

        say("\n2. A letter in German is accepted, a letter in French is rejected")
        second = self.reserve(GERMAN_LETTER)
        self.reserve(FRENCH_LETTER)

        say("\n3. A forged event reports that the caller hung up")
        forged = (
            f"EventType=reservation.canceled&ReservationSid={first}&Timestamp=1900000000".encode()
        )
        status, _ = ask("POST", f"{self.service.url}/events", forged)
        say(f"    It is not signed: HTTP {status}")

        say(
            "\n4. The desk completes the first reservation: the book writes it down,"
            " the gateway sends it"
        )
        self.complete(first)
        self.emulator.settle()

        say(
            "\n5. The service is killed after it sent a command, before the reply arrives."
            " Meanwhile another caller hangs up"
        )
        third = self.reserve(ENGLISH_CALL)
        self.answer_call(third)
        self.crash_while_completing(second)
        self.platform.hang_up(third)
        self.emulator.settle()
        lost = [
            sent.callback.event for sent in self.emulator.callback_queue.sent if sent.status is None
        ]
        say(f"    Events that were not received: {', '.join(map(str, lost))}")

        say("\n6. The service starts again, with the same book")
        self.service = self.start()
        self.service.wait_for(f"recovered {short(second)}")
        self.service.wait_for(f"reconciled {short(third)}")
        self.complete(third)
        self.emulator.settle()
        return self.compare()

    def crash_while_completing(self, sid: str) -> None:
        """Complete a reservation, lose the reply, and kill the service."""
        done = threading.Event()

        def watch(act: JournalEntry) -> None:
            if act.sid == sid and act.trigger == "complete":
                done.set()

        self.emulator.faults.add(
            Fault(kind=FaultKind.LOST_REPLY, method="POST", path_contains=sid, seconds=2)
        )
        end = self.platform.subscribe(watch)
        desk = threading.Thread(target=self.complete, args=(sid,))
        desk.start()
        in_time = done.wait(10)
        self.service.kill()
        desk.join()
        end()
        say(
            f"    The platform {'completed' if in_time else 'did NOT complete'} {short(sid)};"
            " the service was killed before it knew"
        )

    # --- the end ---------------------------------------------------------------------------------

    def compare(self) -> bool:
        """Compare the platform's reservations and journal with the book."""
        say("\n7. What the platform holds, and what the book says")
        book = Book(SQLiteStore(self.settings["BOOK"]))
        try:
            agreed = [self.agree(book, reservation) for reservation in self.platform.all()]
        finally:
            book.close()
        acts = Counter(
            (act.sid, act.trigger) for act in self.platform.journal if act.by != "platform"
        )
        once = set(acts.values()) == {1}
        say(
            f"    {len(acts)} commands were carried out,"
            f" {'each of them once' if once else 'NOT each of them once'}"
        )
        return all(agreed) and once

    def agree(self, book: Book, held: Reservation) -> bool:
        """Show one reservation, and whether both agree on it."""
        sid = str(held.sid)
        entry = book.get(sid)
        agrees = entry is not None and entry.status is held.status and entry.intent is None
        say(f"    {short(sid)}  {held.status:<10} {'the same' if agrees else 'NOT the same'}:")
        for line in book.history(sid):
            say(f"        {line.source:<8} {line.type or line.status or '':<22} {line.outcome}")
        return agrees

    def keep(self) -> None:
        """Run until Ctrl-C."""
        task = self.platform.add_task(WORKSPACE, attributes=ENGLISH_CALL)
        say(
            f"\nThe service answers at {self.service.url}, the emulator at {self.emulator.url},"
            " until Ctrl-C. Try:"
        )
        say(
            f"    curl -X POST {self.emulator.url}/_emulator/tasks/{task.sid}/reservations"
            f' -d \'{{"worker_sid": "{self.worker.sid}"}}\''
        )
        say(f"    curl {self.service.url}/reservations")
        with suppress(KeyboardInterrupt):
            threading.Event().wait()


def main() -> int:
    """Run the story."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.examples.service",
        description="The example service, the emulator, and a crash.",
    )
    parser.add_argument("--keep", action="store_true", help="let both run afterwards, until Ctrl-C")
    keep = parser.parse_args().keep
    with ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory())
        emulator = stack.enter_context(
            running_emulator(Platform(settings=Settings(accounts={ACCOUNT: TOKEN})))
        )
        settings = {
            "TWILIO_ACCOUNT_SID": ACCOUNT,
            "TWILIO_AUTH_TOKEN": TOKEN,
            "TASKROUTER_URL": emulator.url,
            "BOOK": str(Path(directory) / "reservations.db"),
            "PORT": "0",
        }
        say(
            f"The emulator answers at {emulator.url}; the service is started,"
            f" its book is {settings['BOOK']}"
        )
        story = Story(emulator, settings)
        stack.callback(lambda: story.service.stop())  # noqa: PLW0108 - it is another one by then
        agreed = story.tell()
        say(f"\n{'All is well.' if agreed else 'Something is WRONG.'}")
        if keep:
            story.keep()
        return 0 if agreed else 1


if __name__ == "__main__":
    sys.exit(main())
