import threading

from llma.inference.watchdog import Watchdog


def test_what_runs_too_long_is_told_to_end():
    with Watchdog().watching(0.02) as watched:
        assert not watched.options.terminate
        assert until(lambda: watched.expired)
        assert watched.options.terminate


def test_what_ends_in_time_is_left_alone():
    watchdog = Watchdog()
    with watchdog.watching(0.02) as early:
        pass
    with watchdog.watching(0.05) as late:
        assert until(lambda: late.expired)
    assert not early.expired


def test_a_short_limit_is_kept_while_a_long_one_is_watched():
    watchdog = Watchdog()
    with watchdog.watching(60) as long:
        with watchdog.watching(0.02) as short:
            assert until(lambda: short.expired)
        assert not long.expired


def test_one_thread_watches_all():
    before = names().count("llma-watchdog")
    watchdog = Watchdog()
    for _ in range(20):
        with watchdog.watching(60), watchdog.watching(30):
            pass
    assert names().count("llma-watchdog") == before + 1


def names():
    return [thread.name for thread in threading.enumerate()]


def until(condition):
    """Waits for it, ten seconds at most."""
    pause = threading.Event()
    return any(condition() or pause.wait(0.01) for _ in range(1000)) or condition()
