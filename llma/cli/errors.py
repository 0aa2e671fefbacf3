"""Exit codes and one-line errors: 0 done, 1 it failed, 2 the input or the settings cannot be used."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from llma.inference.errors import BundleError, ModelError
from llma.ingest.lines import InputError
from llma.settings import SettingsError, settings
from llma.store.base import StoreError

FAILED = 1
UNUSABLE = 2


class CommandError(Exception):
    """The command cannot do what was asked; the message is for the person who asked."""

    def __init__(self, message: str, code: int = FAILED) -> None:
        super().__init__(message)
        self.code = code


def run_command(command: Callable[[], object]) -> int:
    """Run a command with logging as the settings ask; its exit code. A reader that goes away ends it quietly."""
    from llma import logs

    try:
        logs.configure(settings())
        command()
        sys.stdout.flush()
    except BrokenPipeError:
        # Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (InputError, SettingsError) as error:
        return _say(error, UNUSABLE)
    except CommandError as error:
        return _say(error, error.code)
    except (StoreError, ModelError, BundleError) as error:
        return _say(error, FAILED)
    except KeyboardInterrupt:
        return _say("interrupted", 130)
    return 0


def _say(error: object, code: int) -> int:
    print(f"llma: {error}", file=sys.stderr)
    return code
