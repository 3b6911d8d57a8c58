"""Recording what a pass saw, small enough to keep for months, and reading it again."""

import json
import zlib
from collections.abc import Iterator
from datetime import datetime, timedelta

from carrel.control.fleet import spending
from carrel.control.fleet.context import FleetContext
from carrel.domain.fleet.observation import Observation
from carrel.domain.fleet.recording import ALONE, Document, Recorder, settled
from carrel.domain.fleet.remembering import Record
from carrel.domain.fleet.replaying import Replay
from carrel.errors import FailedError
from carrel.system import faults

STEP = timedelta(minutes=4)
"""Nearer to the one before, an observation is not worth its place."""
_BASE = timedelta(hours=12)
"""So often one stands alone: so much must be read to go on from the last one."""


def record(ctx: FleetContext, seen: Observation) -> bool:
    """Record an observation; tell whether it was.

    Two processes that record at the same time take turns: what another one has recorded a moment
    ago is not recorded again.
    """
    if not ctx.remember:
        return False
    with ctx.store.reading() as session:
        last = session.history.last_record(ctx.address)
    if last is not None and seen.at - last < STEP:
        return False
    recorder = _recorder(ctx, last)
    known = recorder.running() if recorder.at is not None else frozenset[str]()
    alone = recorder.at is None or _day_part(recorder.at) != _day_part(seen.at)
    ran = spending.ran(ctx, seen, known, last)
    ctx.recorder = None  # until it is written, nothing may go on from it
    document = recorder.document(settled(seen), alone=alone)
    record_ = Record(seen.at, ALONE in document, packed(document))
    with ctx.store.writing() as session:
        if not session.history.add_record(ctx.address, record_, last):
            return False
        session.history.add_running(ctx.address, ran)
        if record_.alone:
            session.history.forget_records(ctx.address, seen.at - ctx.remember)
        faults.point("recording.added")
    ctx.recorder = recorder
    return True


def looks(ctx: FleetContext, since: datetime, until: datetime) -> Iterator[Replay]:
    """Go through what was recorded: the same replay each time, moved on by an observation.

    It begins with the last observation before `since` that stands alone.

    Raises:
        FailedError: `recording_damaged`.
    """
    replay = Replay()
    with ctx.store.reading() as session:
        for one in session.history.records(ctx.address, since, until):
            replay.take(unpacked(one))
            yield replay


def packed(document: Document) -> bytes:
    """Write a document as it is stored."""
    return zlib.compress(json.dumps(document, separators=(",", ":")).encode(), 6)


def unpacked(record: Record) -> Document:
    """Read a stored document.

    Raises:
        FailedError: `recording_damaged`.
    """
    try:
        document: Document = json.loads(zlib.decompress(record.body))
    except (zlib.error, ValueError) as error:
        raise FailedError(
            "recording_damaged",
            f"What was recorded at {record.at:%Y-%m-%d %H:%M} UTC can't be read.",
            why=f"{error}.",
            cure="Look at a time after it, or restore the database from a copy.",
        ) from error
    return document


def _recorder(ctx: FleetContext, last: datetime | None) -> Recorder:
    """Return the recorder that goes on from the last observation; an empty one begins anew."""
    if ctx.recorder is not None and ctx.recorder.at == last:
        return ctx.recorder
    recorder = Recorder()
    if last is None:
        return recorder
    try:
        with ctx.store.reading() as session:
            for one in session.history.records(ctx.address, last, last):
                recorder.take(unpacked(one))
    except FailedError as error:
        if error.code != "recording_damaged":
            raise
        ctx.log("recording.anew", {"error": str(error)})
        return Recorder()
    return recorder


def _day_part(at: datetime) -> int:
    return int(at.timestamp() // _BASE.total_seconds())
