"""Runs conversions side by side with the service, and shows their progress until all have ended."""

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import click

from penstock.cli.conversions.command_line import CommandLine
from penstock.cli.conversions.ended import Converted, Ended, Failed
from penstock.cli.conversions.progress_line import ProgressDisplay
from penstock.cli.conversions.progress_text import Reading, progress_text
from penstock.client import Client, CompletedTask
from penstock.client.models import StoredFile
from penstock.errors import MediaError

# The service decides how many run; more uploads at once than this gain nothing on one machine.
AT_ONCE = 8
REDRAW_SECONDS = 0.2
LEFT = "Left. What was not cancelled yet goes on in the service."
ENDED = "The service was stopped meanwhile. What was submitted goes on when a service is started again."
CANCELLING = "Cancelling; press Ctrl-C again to leave at once."


class _Interrupted(BaseException):
    """Ends a conversion of another thread: the client then cancels its task and deletes its upload."""


@dataclass
class Conversions:
    """Conversions that run in threads; the main thread shows their progress. `has_ended`: whether the service has."""

    given: Sequence[CommandLine]
    connect: Callable[[], Client]
    has_ended: Callable[[], bool]
    display: ProgressDisplay
    _running: int = field(default=0, init=False)
    _done: int = field(default=0, init=False)
    _readings: dict[int, Reading] = field(default_factory=dict, init=False)
    _ended: "queue.Queue[Ended | BaseException | None]" = field(default_factory=queue.Queue, init=False)
    _stop: threading.Event = field(default_factory=threading.Event, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def run(self, ended: Callable[[Ended], None]) -> None:
        """Call `ended` with each conversion that has ended, in that order.

        At an interrupt they are cancelled, and when that is done `KeyboardInterrupt` is raised; at another one at once.
        Raises `click.ClickException` if the service has ended."""
        waiting = iter(enumerate(self.given))
        try:
            for _ in self.given[:AT_ONCE]:
                self._start_thread(waiting)
            self._collect(ended)
        except KeyboardInterrupt:
            self._stop.set()
            self.display.clear()
            click.echo(CANCELLING, err=True)
            self._collect_cancelled(ended)
            raise
        finally:
            self.display.clear()

    def _collect_cancelled(self, ended: Callable[[Ended], None]) -> None:
        try:
            self._collect(ended)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(LEFT) from None

    def _collect(self, ended: Callable[[Ended], None]) -> None:
        """Until all threads have ended."""
        while self._running:
            match self._next():
                case None:
                    self._running -= 1
                case Converted() | Failed() as one:
                    self._done += 1
                    self.display.clear()
                    ended(one)
                case error:
                    raise error

    def _next(self) -> Ended | BaseException | None:
        """What ended next; the line is drawn anew meanwhile."""
        while True:
            if not self._stop.is_set():
                with self._lock:
                    readings = tuple(self._readings.values())
                self.display.show(progress_text(readings, self._done, len(self.given), time.monotonic()))
            with suppress(queue.Empty):
                return self._ended.get(timeout=REDRAW_SECONDS)
            if self.has_ended():
                raise click.ClickException(ENDED)

    def _start_thread(self, waiting: Iterator[tuple[int, CommandLine]]) -> None:
        # A daemon: after a second interrupt nobody waits for it.
        threading.Thread(target=self._convert_waiting, args=(waiting,), daemon=True).start()
        self._running += 1

    def _convert_waiting(self, waiting: Iterator[tuple[int, CommandLine]]) -> None:
        try:
            with self.connect() as client:
                while not self._stop.is_set() and (one := self._take(waiting)):
                    self._ended.put(self._outcome(client, *one))
        except _Interrupted:
            pass
        except BaseException as error:  # noqa: BLE001 - raised again where `run` is called
            self._ended.put(error)
        finally:
            self._ended.put(None)

    def _take(self, waiting: Iterator[tuple[int, CommandLine]]) -> tuple[int, CommandLine] | None:
        with self._lock:
            number, given = next(waiting, (0, None))
            if given is None:
                return None
            self._readings[number] = Reading(given.title)
            return number, given

    def _outcome(self, client: Client, number: int, given: CommandLine) -> Ended:
        begun = time.monotonic()
        try:
            task = self._convert(client, number, given)
        except (MediaError, OSError) as error:
            return Failed(given, error)
        finally:
            with self._lock:
                del self._readings[number]
        return Converted(given, task, time.monotonic() - begun)

    def _convert(self, client: Client, number: int, given: CommandLine) -> CompletedTask:
        """Convert what INPUT holds now. The home keeps the record, not the bytes."""

        def report(state: str, percent: int) -> None:
            if self._stop.is_set():
                raise _Interrupted
            self._note(number, lambda reading: reading.after(state, percent, time.monotonic()))

        def note_duration(uploaded: StoredFile) -> None:
            self._note(number, lambda reading: reading.with_duration(uploaded.duration))

        source, request = (given.source, {"fresh": True}) if given.path is None else (given.path, {})
        options = given.request | request
        task = client.convert(source, progress=report, uploaded=note_duration, **options)
        try:
            if self._stop.is_set():
                raise _Interrupted
            client.download(task.output, given.target, overwrite=given.overwrite)
        finally:
            with suppress(MediaError):
                client.delete(task.output.id)
        return task

    def _note(self, number: int, change: Callable[[Reading], Reading]) -> None:
        with self._lock:
            self._readings[number] = change(self._readings[number])
