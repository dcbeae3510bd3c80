from __future__ import annotations

import multiprocessing
import os
import secrets
import signal
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from flowpar.core.outcome import ValueRef
from flowpar.data.address import OutputsLost, new_address
from flowpar.data.managed import ManagedOutputs, serve, serve_again

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.process import BaseProcess

pytestmark = pytest.mark.timeout(180)

KEY = secrets.token_bytes(16)


def ref(text: str) -> ValueRef:
    return ValueRef(len(text), "sha256:0", is_plain=True, inline=text.encode())


class Served:
    def __init__(self) -> None:
        self.address = new_address()
        self.start(serve)

    def start(self, entry: Callable[[str, bytes, int], None]) -> None:
        ready, ready_end = os.pipe()
        context = multiprocessing.get_context("fork")
        self.process: BaseProcess = context.Process(target=entry, args=(self.address, KEY, ready_end))
        self.process.start()
        os.close(ready_end)
        assert os.read(ready, 1) == b"1"
        os.close(ready)

    def client(self) -> ManagedOutputs:
        return ManagedOutputs(self.address, KEY)

    def kill(self) -> None:
        self.process.kill()
        self.process.join()


@pytest.fixture
def served() -> Iterator[Served]:
    made = Served()
    yield made
    made.kill()


def test_outputs_of_one_client_are_found_by_another(served: Served) -> None:
    served.client().update({("a", None): ref("whole"), ("b", 0): ref("item")})

    found = served.client().fetch([("b", 0), ("nothing", None), ("a", None)])

    assert found == [ref("item"), None, ref("whole")]


def test_ten_thousand_outputs_are_fetched_in_order(served: Served) -> None:
    client = served.client()
    client.update({("a", index): ref(str(index)) for index in range(10_000)})

    found = client.fetch([("a", index) for index in range(10_000)])

    assert [one.inline for one in found if one] == [str(index).encode() for index in range(10_000)]


def test_discarded_outputs_are_gone(served: Served) -> None:
    client = served.client()
    client.update({("a", None): ref("x"), ("b", None): ref("y")})

    client.discard([("a", None), ("never", 3)])

    assert client.fetch([("a", None), ("b", None)]) == [None, ref("y")]


def test_messages_of_many_threads_come_once_and_in_order_of_each(served: Served) -> None:
    client = served.client()

    def post(name: int) -> None:
        for number in range(50):
            assert client.post(f"{name}:{number}".encode())

    threads = [threading.Thread(target=post, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    taken = [message.decode().split(":") for message in served.client().take_messages()]
    assert [number for name, number in taken if name == "2"] == [str(number) for number in range(50)]
    assert len(taken) == 200
    assert served.client().take_messages() == []


def test_a_client_that_is_killed_while_it_posts_blocks_nobody(served: Served) -> None:
    context = multiprocessing.get_context("fork")

    def post_for_ever(began: int) -> None:
        client = served.client()
        client.post(b"first")
        os.write(began, b"1")
        while True:
            client.post(bytes(100_000))

    began, began_end = os.pipe()
    poster = context.Process(target=post_for_ever, args=(began_end,))
    poster.start()
    os.read(began, 1)
    poster.kill()
    poster.join()
    os.close(began)
    os.close(began_end)

    assert served.client().take_messages()[0] == b"first"
    assert served.client().post(b"more")


def test_a_wrong_key_is_refused_and_the_others_served(served: Served) -> None:
    with pytest.raises(OutputsLost):
        ManagedOutputs(served.address, b"wrong").take_messages()

    assert served.client().take_messages() == []


def test_the_loss_of_the_server_is_named_at_once_to_who_cannot_wait(served: Served) -> None:
    client = ManagedOutputs(served.address, KEY, is_patient=False)
    client.update({("a", None): ref("x")})
    served.kill()

    with pytest.raises(OutputsLost, match="the process that holds the outputs is gone"):
        client.fetch([("a", None)])
    with pytest.raises(OutputsLost):
        client.post(b"x")


def test_a_patient_client_goes_on_with_another_server_once_that_is_filled(served: Served) -> None:
    client, engine = served.client(), ManagedOutputs(served.address, KEY, is_patient=False)
    client.update({("a", None): ref("x")})
    served.kill()
    fetched: list[list[ValueRef | None]] = []
    fetching = threading.Thread(target=lambda: fetched.append(client.fetch([("a", None)])))
    fetching.start()

    served.start(serve_again)
    assert client.post(b"is not held up")
    engine.update({("a", None): ref("x")})
    assert fetched == []
    engine.complete()

    fetching.join()
    assert fetched == [[ref("x")]]


def test_a_loss_in_the_middle_of_a_connection_of_another_thread_is_overcome_by_each(served: Served) -> None:
    client = served.client()
    met, killed, fetched = threading.Barrier(3), threading.Barrier(3), list[object]()

    def use() -> None:
        client.update({("a", None): ref("x")})
        met.wait()
        killed.wait()
        fetched.append(client.post(b"again"))

    threads = [threading.Thread(target=use) for _ in range(2)]
    for thread in threads:
        thread.start()
    met.wait()
    served.kill()
    served.start(serve_again)
    killed.wait()
    for thread in threads:
        thread.join()

    assert fetched == [True, True]
    assert client.take_messages() == [b"again", b"again"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_signal_from_the_terminal_does_not_end_it(served: Served, number: int) -> None:
    assert served.process.pid is not None
    os.kill(served.process.pid, number)

    assert served.client().post(b"still there")


def test_an_address_leaves_no_file_behind_on_linux() -> None:
    assert new_address() != new_address()
    assert new_address().startswith("\0") == (sys.platform == "linux")
