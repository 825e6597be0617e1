"""Learned words of lines: kept by content, read once, and missed without an end of the worker."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.learned_words import LearnedWordsStore
from storage.objects import open_payload_store
from stream.line_words import LineWords
from wire.errors import DecodeError
from wire.payload_store import PayloadStore

# sha256 of "words", as sha256sum prints it.
SHA256 = "dba36bffa5cab0f922d087a3aeb179f9d4e745df40b323e1b1471402848c8a3e"


@pytest.fixture
def payloads(tmp_path: Path) -> Iterator[PayloadStore]:
    store = open_payload_store(f"file://{tmp_path}")
    yield store
    store.close()


def test_words_come_back_by_their_hash(payloads: PayloadStore) -> None:
    store = LearnedWordsStore(payloads)
    assert store.put(b"words") == store.put(b"words") == SHA256
    assert store.get(SHA256) == b"words"
    assert store.get("") == b""


def test_words_that_are_gone_or_are_others_are_told_apart(payloads: PayloadStore, tmp_path: Path) -> None:
    store = LearnedWordsStore(payloads)
    with pytest.raises(DecodeError, match=f"object_missing: .*{SHA256}"):
        store.get(SHA256)
    store.put(b"words")
    (file,) = tmp_path.rglob(f"{SHA256}.safetensors")
    file.write_bytes(b"others")
    with pytest.raises(DecodeError, match=f"object_corrupt: words/{SHA256[:2]}/{SHA256}.safetensors has sha256"):
        store.get(SHA256)


def test_a_worker_reads_words_once_and_goes_on_without_those_that_are_gone(payloads: PayloadStore) -> None:
    store = LearnedWordsStore(payloads)
    words = LineWords(store)
    sha256 = store.put(b"words")
    assert words.known(sha256) is None
    assert words.read(sha256) == b"words"
    payloads.delete(f"words/{sha256[:2]}/{sha256}.safetensors")
    assert words.known(sha256) == b"words"
    assert words.known("") == b""
    assert LineWords(store).read(sha256) == b""


def test_words_that_were_gone_are_found_again_a_minute_later(payloads: PayloadStore) -> None:
    store, now = LearnedWordsStore(payloads), [100.0]
    words = LineWords(store, clock=lambda: now[0])
    assert words.read(SHA256) == b""
    assert words.known(SHA256) == b""  # not asked for with every part
    store.put(b"words")
    now[0] += 61
    assert words.known(SHA256) is None
    assert words.read(SHA256) == b"words"
    now[0] += 10**6
    assert words.known(SHA256) == b"words"
