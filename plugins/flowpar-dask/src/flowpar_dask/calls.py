"""What dask calls on a dask worker: the dask task that makes a bundle, and what a run has all workers do.

    scheduler ── make_bundle ──► errand ──► station
    run ◄── Word* ── errand      events while it lasts, and at its end; a large last word is the result of the dask task
    run ── cancel_jobs, keep_shared, close_station ──► home

Dask can't end a task that runs. So the dask task looks from time to time whether anybody still wants it, and ends its
attempts where nobody does: the run was killed, say.
"""

from __future__ import annotations

import os
import pickle
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from distributed import get_worker

from flowpar_dask.bundle import Word, claim, claim_again, differences, mark_of, open_bundle, own_versions, unpack_bundle
from flowpar_dask.errand import Errand
from flowpar_dask.home import home_of
from flowpar_dask.near import Maker, machine, serve_no_more

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from flowpar.execute.recipe import Shared

    from flowpar_dask.bundle import Bundle
    from flowpar_dask.station import Station

_LOOK_EVERY_S = 0.25
# The scheduler keeps some events for a while; a larger word does not go by it.
_LARGEST_EVENT = 32 << 10


def topic_of(run: str) -> str:
    """Return by which name events of a run are told."""
    return f"flowpar-{run}"


def stub() -> Callable[[bytes, str, bytes], bytes]:
    """Return what dask is given to call: it travels by value, so a worker without this plugin can say so."""

    def flowpar_bundle(content: bytes, digest: str, shared: bytes) -> bytes:
        try:
            from flowpar_dask.calls import make_bundle  # late: there may be none
        except ImportError as error:
            return b"!" + str(error).encode()
        return make_bundle(content, digest, shared)

    return flowpar_bundle


def make_bundle(content: bytes, digest: str, shared: bytes) -> bytes:
    """Make the attempts of a bundle; the last word is returned where it did not go by an event, else b"" is.

    `shared` is what all jobs share, b"" where it is large: then the worker has it under its digest, or asks for it.
    """
    worker: Any = get_worker()
    versions, rest = unpack_bundle(content)
    found = differences(versions)
    if found:  # of another version nothing else can be read
        return Word(-1, is_last=True, refusal=f"the dask worker {worker.address} has other versions: {found}").pack()
    bundle = open_bundle(rest)
    shared = shared or _shared(bundle, digest, worker)
    jobs = tuple(job.number for job in bundle.jobs)
    word = _make(bundle, shared, worker) if shared else Word(bundle.number, is_last=True, unbegun=jobs)
    packed = word.pack()
    if len(packed) > _LARGEST_EVENT:
        return packed
    worker.log_event(topic_of(bundle.run), packed)
    return b""


def _shared(bundle: Bundle, digest: str, worker: Any) -> bytes:
    """Return what the jobs share, once the run has sent it to this worker; b"" where it does not come."""
    home = home_of(worker)
    if (bundle.run, digest) not in home.shared:
        lack = Word(bundle.number, lacks=digest, maker=Maker(worker.address, machine()))
        worker.log_event(topic_of(bundle.run), lack.pack())
    return home.await_shared(bundle.run, digest)


def _make(bundle: Bundle, shared: bytes, worker: Any) -> Word:
    opened: Shared = pickle.loads(shared)
    if unseen := _unseen(opened, bundle.run):
        return Word(bundle.number, is_last=True, refusal=f"the dask worker {worker.address} does not see {unseen}")
    errand = Errand(bundle, worker.address, lambda word: worker.log_event(topic_of(bundle.run), word.pack()))
    home = home_of(worker)
    try:
        station = home.station(bundle, shared, worker)
        if not claim(bundle.claim, station.terms.begun.path):
            return Word(bundle.number, is_last=True, was_begun=True)
        if bundle.makers:
            station.terms.near.fetch(bundle.makers, worker)
        while not station.take(errand):
            station = home.station(bundle, shared, worker)
            claim_again(bundle.claim, station.terms.begun.path)
    except OSError as error:
        text = f'the dask worker {worker.address} can\'t write to the run folder "{opened.run_dir}": {error.strerror}'
        return Word(bundle.number, is_last=True, refusal=text)
    _await(errand, station, worker)
    return errand.last_word()


def _unseen(opened: Shared, run: str) -> str:
    """Return which folder is not seen here that the machine of the run has, "" where all are."""
    for what, folder in (("the run folder", opened.run_dir), ("the folder of the workflow", opened.workflow_dir)):
        if not os.path.isdir(folder):  # noqa: PTH112 - a text
            return f'{what}, "{folder}"'
    if not mark_of(opened.run_dir, run).exists():
        return f'the run folder: at "{opened.run_dir}" it has another one, of its own'
    return ""


def _await(errand: Errand, station: Station, worker: Any) -> None:
    key = worker.get_current_task()
    while not errand.over.wait(_LOOK_EVERY_S):
        task = worker.state.tasks.get(key)
        if task is None or task.state in {"cancelled", "released", "forgotten"}:
            station.cancel(list(errand.left), force=True)


# Called on every dask worker by a run, in the thread of its events.


def cancel_jobs(run: str, jobs: Sequence[int], *, force: bool, dask_worker: Any = None) -> None:
    """End attempts of a run, those included that have not come yet."""
    home_of(dask_worker).cancel(run, jobs, force=force)


def keep_shared(run: str, digest: str, shared: bytes, dask_worker: Any = None) -> None:
    """Have what all jobs of a run share."""
    home_of(dask_worker).keep_shared(run, digest, shared)


def close_station(run: str, dask_worker: Any = None) -> None:
    """End the station of a run, and forget the run."""
    home_of(dask_worker).forget(run)
    serve_no_more(run, dask_worker)


def tell_versions(dask_worker: Any = None) -> Mapping[str, str]:
    """Return the versions of a worker."""
    with suppress(AttributeError):
        return {**own_versions(), "address": dask_worker.address}
    return own_versions()
