"""A search that finds nothing proves something only if it would have found it."""

import gzip
import sqlite3
import zlib

from tests.privacy.canaries import TEXT, places


def test_the_search_finds_what_is_written_packed_or_a_name(tmp_path):
    (tmp_path / "plain.log").write_text(f"said {TEXT}")
    (tmp_path / "packed.gz").write_bytes(gzip.compress(TEXT.encode()))
    (tmp_path / f"{TEXT}.txt").write_text("nothing")
    (tmp_path / "clean.log").write_text("nothing")
    connection = sqlite3.connect(tmp_path / "runs.db")
    connection.execute("CREATE TABLE snapshots (body BLOB)")
    connection.execute("INSERT INTO snapshots VALUES (?)", [zlib.compress(f"said {TEXT}".encode())])
    connection.commit()
    connection.close()
    assert places(tmp_path, TEXT) == [f"{TEXT}.txt", "packed.gz", "plain.log", "runs.db"]
