"""Networks and servers that fail: what is tried again is there once, and no error quotes anybody's text."""

from __future__ import annotations

import signal
import ssl
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from llma.store.base import StoreError
from llma.store.clickhouse import ClickHouseStore
from llma.store.clickhouse.address import parse
from llma.store.clickhouse.client import StatementError
from llma.store.tables import ARRIVALS, SOURCE_EVENTS, TEXTS, USER_MESSAGES
from tests.programs import required
from tests.store.clickhouse import KEY, Server, clickhouse_store
from tests.store.faulty import CUT_ANSWER, CUT_REQUEST, Proxy, proxied
from tests.store.rows import H0, append, event, rows_of, text, upsert, user_message

CANARY = "canary-4711"
INTO_INDEX, INTO_PROPERTIES = b"INSERT INTO `source_index`", b"INSERT INTO `source_properties`"


@pytest.fixture
def proxy(clickhouse_server: Server) -> Iterator[Proxy]:
    with proxied(clickhouse_server.port) as proxy:
        yield proxy


@pytest.fixture
def store(clickhouse_database: str, proxy: Proxy) -> ClickHouseStore:
    """The test's database, through the proxy."""
    return ClickHouseStore(parse(f"clickhouse://default@127.0.0.1:{proxy.port}/{clickhouse_database}"), KEY)


@pytest.mark.parametrize("kind", [CUT_REQUEST, CUT_ANSWER])
@pytest.mark.parametrize("part", [INTO_INDEX, INTO_PROPERTIES], ids=["commit", "properties"])
def test_an_append_that_is_cut_off_is_there_once(store: ClickHouseStore, proxy: Proxy, part: bytes, kind: str):
    assert append(store, event(1)) == (1, 0)
    proxy.once(part, kind)
    assert append(store, event(2), event(3)) == (2, 0)
    assert proxy.cuts == 1
    assert [row.seq for row in rows_of(store, SOURCE_EVENTS)] == [1, 2, 3]
    assert [row.generations for row in rows_of(store, ARRIVALS)] == [3]


def test_an_insert_that_is_cut_off_in_its_middle_leaves_no_part_of_itself(store: ClickHouseStore, proxy: Proxy):
    rows = [user_message(f"{n:05}", text_hash=f"{hash(str(n)):x}") for n in range(20_000)]
    upsert(store, USER_MESSAGES, user_message("x"))
    proxy.once(b"INSERT INTO `user_messages_versions`", CUT_REQUEST, after=60_000)
    upsert(store, USER_MESSAGES, *rows)
    assert proxy.cuts == 1
    assert len(rows_of(store, USER_MESSAGES)) == len(rows) + 1


@pytest.mark.parametrize("kind", [CUT_REQUEST, CUT_ANSWER])
def test_a_replacement_that_is_cut_off_is_made_once(store: ClickHouseStore, proxy: Proxy, kind: str):
    upsert(store, USER_MESSAGES, user_message("a"), user_message("b"))
    proxy.once(b"INSERT INTO `user_messages_versions`", kind)
    with store.writing() as writer:
        writer.replace_hour(USER_MESSAGES, 1, H0, [user_message("c")], 5)
    assert proxy.cuts == 1
    assert rows_of(store, USER_MESSAGES) == [user_message("c")]


def test_a_question_that_is_cut_off_is_asked_again(store: ClickHouseStore, proxy: Proxy):
    append(store, event(1))
    proxy.once(b"FROM arrivals", CUT_ANSWER)
    with store.reading() as reader:
        assert reader.teams(H0) == {1: (1, 1)}
    assert proxy.cuts == 1


def test_a_server_that_is_not_there_is_named_without_what_was_asked(clickhouse_database: str):
    nobody = ClickHouseStore(parse(f"clickhouse://someone@127.0.0.1:1/{clickhouse_database}"), KEY, password=CANARY)
    with pytest.raises(StoreError, match=r"clickhouse://127\.0\.0\.1:1/.*is the server up") as refused:
        append(nobody, event(1))
    assert CANARY not in str(refused.value)


def test_an_error_of_the_server_does_not_quote_what_it_was_given(store: ClickHouseStore):
    rows_of(store, TEXTS)
    with pytest.raises(StatementError) as refused, store.reading() as reader:
        reader.statements.query(f"SELECT toInt32('{CANARY}')")  # pyright: ignore[reportAttributeAccessIssue]
    assert refused.value.code == 6
    assert CANARY not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__


def test_a_value_that_its_column_does_not_take_is_not_quoted(store: ClickHouseStore):
    with pytest.raises(Exception, match=r".") as refused, store.writing() as writer:
        writer.put_texts([text(CANARY, text=None)])
    assert CANARY not in str(refused.value)
    with pytest.raises(Exception, match=r".") as refused, store.writing() as writer:
        writer.append([event(1, uuid=f"no uuid {CANARY}")], event(1).timestamp)
    assert CANARY not in str(refused.value)
    assert rows_of(store, TEXTS) == rows_of(store, SOURCE_EVENTS) == []


def test_no_value_stands_in_an_address(store: ClickHouseStore, proxy: Proxy):
    """A client, a proxy or a server logs addresses of requests; what is asked, and of whom, travels in the body."""
    with store.writing() as writer:
        writer.put_texts([text(CANARY, text=CANARY)])
        writer.append([event(1, trace_id=CANARY, distinct_id=CANARY)], event(1).timestamp)
        assert len(writer.texts(1, [CANARY, *map(str, range(2_000))])) == 1
        assert len(list(writer.trace_pages([CANARY], team_id=1))) == 1
    sent = b"".join(proxy.requests)
    assert CANARY.encode() in sent
    assert not [line for line in sent.split(b"\r\n") if line.startswith((b"POST", b"GET")) and CANARY.encode() in line]


@pytest.mark.parametrize(("code", "attempts", "error"), [(202, 5, StoreError), (241, 1, StatementError)])
def test_only_what_passes_by_itself_is_tried_again(
    store: ClickHouseStore,
    proxy: Proxy,
    monkeypatch: pytest.MonkeyPatch,
    code: int,
    attempts: int,
    error: type[Exception],
):
    rows_of(store, TEXTS)
    monkeypatch.setattr("random.uniform", lambda low, high: 0)
    proxy.requests.clear()
    with pytest.raises(error, match=f"code {code}"), store.reading() as reader:
        reader.statements.query(  # pyright: ignore[reportAttributeAccessIssue]
            f"SELECT throwIf(1, '{CANARY}', toInt16({code}))", allow_custom_error_code_in_throwif=1
        )
    assert sum(b"throwIf" in request for request in proxy.requests) == attempts


# --- encryption and passwords, as far as they are the client's ---


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Of 127.0.0.1, signed by itself; its key is beside it."""
    path = tmp_path / "server.pem"
    make = (
        f"{required('openssl')} req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=x"
    )
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(path.with_suffix(".key")), "-out", str(path)]
    subprocess.run([*make.split(), *names], check=True, capture_output=True)
    return path


@pytest.fixture
def encrypted(clickhouse_server: Server, certificate: Path) -> Iterator[Proxy]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, certificate.with_suffix(".key"))
    with proxied(clickhouse_server.port, tls) as proxy:
        yield proxy


def test_a_server_whose_certificate_is_known_gets_user_and_password(
    encrypted: Proxy, clickhouse_database: str, certificate: Path
):
    url = f"clickhouse://someone@127.0.0.1:{encrypted.port}/{clickhouse_database}?secure=1&ca_cert={certificate}"
    store = ClickHouseStore(parse(url), KEY, password="let me in")
    assert append(store, event(1)) == (1, 0)
    assert b64encode(b"someone:let me in") in b"".join(encrypted.requests)
    assert b"let me in" not in b"".join(encrypted.requests)


@pytest.mark.filterwarnings("ignore:Unverified HTTPS")
def test_a_server_whose_certificate_is_not_known_gets_nothing(encrypted: Proxy, clickhouse_database: str):
    url = f"clickhouse://someone@127.0.0.1:{encrypted.port}/{clickhouse_database}?secure=1"
    with pytest.raises(StoreError, match="no connection"):
        append(ClickHouseStore(parse(url), KEY, password="let me in"), event(1))
    assert encrypted.requests == []
    assert append(ClickHouseStore(parse(f"{url}&verify=0"), KEY), event(1)) == (1, 0)


@pytest.mark.slow
def test_a_server_that_was_killed_has_what_was_committed(tmp_path: Path):
    """SIGKILL, and the same folder served again on another port."""
    folder = tmp_path / "server"
    first = Server(folder)
    with first.database(tmp_path):
        store = clickhouse_store(tmp_path)
        append(store, *(event(number) for number in range(1, 101)))
        upsert(store, USER_MESSAGES, user_message("a"))
        first.process.send_signal(signal.SIGKILL)
        first.process.wait()
        with pytest.raises(StoreError):
            append(store, event(1))
        second = Server(folder)
        address = second.address("test_1")
        again = ClickHouseStore(address, KEY)
        assert append(again, event(100), event(101)) == (1, 1)
        assert [row.seq for row in rows_of(again, SOURCE_EVENTS)] == list(range(1, 102))
        assert rows_of(again, USER_MESSAGES) == [user_message("a")]
        first.port = second.port
    first.stop()
    second.stop()


def test_a_hanging_server_is_given_up(proxy: Proxy, clickhouse_database: str):
    """The statement's own limit ends it on the server, long before the client's."""
    store = ClickHouseStore(parse(f"clickhouse://default@127.0.0.1:{proxy.port}/{clickhouse_database}?timeout=1"), KEY)
    rows_of(store, TEXTS)
    with pytest.raises(StatementError, match=r"TIMEOUT_EXCEEDED|TOO_SLOW"), store.reading() as reader:
        reader.statements.query(  # pyright: ignore[reportAttributeAccessIssue]
            "SELECT count() FROM system.numbers WHERE sipHash64(number) = 1"
        )
