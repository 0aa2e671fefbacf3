"""What a network, a disk and other processes do to a pull."""

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace

import pytest

from llma.bundles import download as download_module
from llma.bundles.catalog import CATALOG
from llma.bundles.hub import Hub, HubError
from llma.bundles.pull import pull
from llma.inference.bundle import load_bundle
from llma.inference.errors import BundleError
from tests.bundles.conftest import CATALOGUED
from tests.bundles.hub_server import COMMIT

MODEL = "onnx/model_quantized.onnx"
PULL = """
import sys
from pathlib import Path
from llma.bundles.cache import Cache
from llma.bundles.catalog import Source
from llma.bundles.pull import pull
print(pull(Source("tiny", "owner/tiny"), Cache(Path(sys.argv[1]))).fetched)
"""


def size(hub, repository="owner/tiny"):
    return len(hub.repositories[repository][MODEL])


def quick(source, cache, client):
    return pull(source, cache, hub=client, first_pause=0.01)


def parts(cache):
    return sorted(cache.staging("tiny").glob("*.part"))


def in_a_process(cache, before=""):
    return subprocess.Popen(
        [sys.executable, "-c", before + PULL, str(cache.root)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_download_that_breaks_off_goes_on_from_there(hub, cache, tiny, client):
    hub.cut_after, hub.cuts = 1_000_000, 1
    assert quick(tiny, cache, client).fetched
    first, second = hub.downloads()
    assert second.start == first.sent[0] > 0
    assert first.sent[0] + second.sent[0] == size(hub)
    assert load_bundle("tiny").name == "tiny"


def test_a_download_that_keeps_breaking_off_is_an_error_and_the_next_pull_goes_on(hub, cache, tiny, client):
    hub.cut_after = 0
    with pytest.raises(HubError, match=r"after 0 of \d+ bytes; the same command goes on"):
        quick(tiny, cache, client)
    hub.cut_after, hub.cuts = 2_000_000, 1
    assert cache.names() == []
    hub.stall_after, hub.stalls = 2_500_000, 1_000
    with pytest.raises(HubError, match=r"sent nothing for 0\.5 s"):
        quick(tiny, cache, client)
    (part,) = parts(cache)
    kept = part.stat().st_size
    assert kept >= 2_000_000
    hub.stall_after = hub.cut_after = None
    before = len(hub.downloads())
    assert quick(tiny, cache, client).fetched
    (last,) = hub.downloads()[before:]
    assert last.start == kept
    assert last.sent[0] == size(hub) - kept


def test_a_server_that_cannot_begin_in_the_middle_sends_it_whole(hub, cache, tiny, client):
    hub.cut_after, hub.cuts, hub.ranges = 1_000_000, 1, False
    assert quick(tiny, cache, client).fetched
    assert hub.downloads()[-1].sent == [size(hub)]


def test_a_hub_that_is_busy_is_asked_again(hub, cache, tiny, client):
    hub.refusals = 2
    assert quick(tiny, cache, client).fetched


def test_a_hub_that_stays_busy_is_an_error(hub, cache, tiny, client):
    hub.refusals = 1_000
    with pytest.raises(HubError, match=r"answers 503 for owner/tiny@main; try again later"):
        quick(tiny, cache, client)


def test_wrong_content_is_refused_and_nothing_kept(hub, cache, tiny, client):
    right = hub.repositories["owner/tiny"][MODEL]
    hub.wrong = right[:-1] + b"y"
    with pytest.raises(
        BundleError, match=rf"{MODEL} of owner/tiny@{COMMIT[:12]} is not what it should be.*Nothing was kept"
    ):
        quick(tiny, cache, client)
    assert cache.names() == []
    assert not [path for path in cache.staging("tiny").iterdir() if path.stat().st_size >= len(right)]
    hub.wrong = None
    assert quick(tiny, cache, client).fetched


def test_wrong_content_leaves_the_bundle_that_was_there(hub, cache, tiny, client):
    quick(tiny, cache, client)
    version = load_bundle("tiny").model_version
    hub.wrong = b"x" * size(hub)
    with pytest.raises(BundleError, match="not what it should be"):
        pull(tiny, cache, hub=client, force=True, first_pause=0.01)
    assert load_bundle("tiny").model_version == version


def test_a_hub_that_cannot_be_reached_says_what_to_set(cache, tiny):
    with pytest.raises(HubError, match=r"cannot reach http://127.0.0.1:9 .*HTTPS_PROXY.*SSL_CERT_FILE.*HF_ENDPOINT"):
        pull(tiny, cache, first_pause=0.01)


def test_what_is_no_hub_is_named(hub, cache, tiny):
    with pytest.raises(HubError, match="HF_ENDPOINT"):
        pull(tiny, cache, hub=Hub("file:///etc"))
    with pytest.raises(HubError, match=r"404 .*does not exist"):
        pull(replace(tiny, repository="owner/tiny/extra"), cache, hub=Hub(hub.endpoint + "/nowhere"))


def test_no_error_tells_the_token_or_a_signed_address(hub, cache, tiny, caplog):
    hub.cut_after = 1_000
    with caplog.at_level("DEBUG"), pytest.raises(HubError) as caught:
        quick(tiny, cache, Hub(hub.endpoint, token="hf_canary", stall_seconds=0.5))
    for told in (str(caught.value), caplog.text):
        assert "hf_canary" not in told
        assert "signed" not in told


def test_a_full_disk_is_told_and_not_left_full(hub, cache):
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, 1_500_000))\n"
    done = in_a_process(cache, limit)
    _, told = done.communicate(timeout=60)
    assert done.returncode == 1
    assert "BundleError: cannot write onnx/model_quantized.onnx" in told
    assert "make room, or set LLMA_MODEL_CACHE" in told
    assert parts(cache) == []
    assert cache.names() == []


def test_too_little_room_is_told_before_the_download(hub, cache, tiny, client, monkeypatch):
    monkeypatch.setattr(download_module, "SPARE_BYTES", 1 << 60)
    with pytest.raises(BundleError, match=r"MB free, \d+ MB are needed; make room"):
        quick(tiny, cache, client)
    assert not hub.downloads("")


def test_a_cache_that_cannot_be_written_is_told(hub, cache, tiny, client):
    cache.root.parent.mkdir(exist_ok=True)
    cache.root.write_text("a file")
    with pytest.raises(BundleError, match=r"cannot write to .*models.*LLMA_MODEL_CACHE"):
        quick(tiny, cache, client)


@pytest.mark.slow
def test_two_processes_download_once(hub, cache):
    hub.slow = threading.Event()
    both = [in_a_process(cache), in_a_process(cache)]
    waited = time.monotonic() + 60
    while not hub.downloads() and time.monotonic() < waited:
        time.sleep(0.05)
    time.sleep(1)  # for the second to come to the lock; it may come later, and find the bundle
    hub.slow.set()
    told = sorted(each.communicate(timeout=60)[0].strip() for each in both)
    assert told == ["False", "True"]
    assert len(hub.downloads()) == 1


@pytest.mark.slow
def test_after_kill_9_the_next_pull_goes_on(hub, cache, tiny, client):
    hub.slow = threading.Event()
    killed = in_a_process(cache)
    waited = time.monotonic() + 60
    while not any(part.stat().st_size > 500_000 for part in parts(cache)) and time.monotonic() < waited:
        time.sleep(0.05)
    os.kill(killed.pid, signal.SIGKILL)
    killed.communicate(timeout=60)
    assert cache.names() == []
    kept = parts(cache)[0].stat().st_size
    hub.slow.set()
    assert quick(tiny, cache, client).fetched
    assert hub.downloads()[-1].start == kept
    assert hub.downloads()[-1].sent == [size(hub) - kept]


def test_a_pull_that_waits_too_long_says_so(hub, cache, tiny, client):
    from llma.store.lock import locked

    cache.lock("tiny").parent.mkdir(parents=True)
    with locked(cache.lock("tiny"), exclusive=True, timeout=1), pytest.raises(BundleError, match="another process"):
        pull(tiny, cache, hub=client, wait_seconds=0.2)


def test_a_chosen_bundle_is_fetched_once(hub, cache, caplog):
    bundle = load_bundle(CATALOGUED)
    assert bundle.folder == cache.folder(CATALOGUED)
    assert load_bundle(CATALOGUED) == bundle
    assert len(hub.downloads()) == 1
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert f"bundle {CATALOGUED} is not here yet: fetching 139 MB" in caplog.text


def test_offline_a_missing_bundle_is_an_error_at_once(hub, monkeypatch):
    monkeypatch.setenv("LLMA_OFFLINE", "1")
    with pytest.raises(BundleError, match=rf"LLMA_OFFLINE=1.*`LLMA_OFFLINE=0 llma models pull {CATALOGUED}`"):
        load_bundle(CATALOGUED)
    assert hub.seen == []


def test_offline_a_pulled_bundle_is_used(hub, monkeypatch):
    load_bundle(CATALOGUED)
    asked = len(hub.seen)
    monkeypatch.setenv("LLMA_OFFLINE", "1")
    assert load_bundle(CATALOGUED).name == CATALOGUED
    assert len(hub.seen) == asked


def test_what_the_catalog_does_not_know_is_never_fetched(hub):
    with pytest.raises(BundleError, match="no bundle 'owner/tiny'"):
        load_bundle("owner/tiny")
    assert hub.seen == []


def test_a_catalogued_model_that_is_not_the_one_we_know_is_refused(hub, cache):
    entry = CATALOG["twitter-roberta"]
    hub.commit = entry.revision
    hub.repositories[entry.repository] = dict(hub.repositories["owner/tiny"])
    with pytest.raises(BundleError, match=r"tokenizer.json .* was expected"):
        load_bundle("twitter-roberta")
    assert cache.names() == []
