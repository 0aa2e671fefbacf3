"""A bundle in memory: one ONNX Runtime session a process, however many steps, runs and threads use it.

One thread a core calls ``logits``, and each run uses one thread: as fast as any other split, in half the memory of a
process per core. A forked child starts with none: what it inherits of a session it must not use.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as ort  # pyright: ignore[reportAttributeAccessIssue]

from llma.inference.batching import alone, padded
from llma.inference.bundle import MODEL, SINGLE, Bundle
from llma.inference.errors import ModelError
from llma.inference.tokenize import TextEncoder
from llma.inference.watchdog import SILENT, Watchdog

# Whatever onnxruntime raises when a graph cannot be loaded or run; they have no base class of their own.
RUNTIME_ERRORS: tuple[type[Exception], ...] = (
    ort.EngineError,
    ort.EPFail,
    ort.Fail,
    ort.InvalidArgument,
    ort.InvalidGraph,
    ort.InvalidProtobuf,
    ort.NoModel,
    ort.NoSuchFile,
    ort.NotImplemented,
    ort.RuntimeException,
    RuntimeError,
    ValueError,
    MemoryError,
)


@dataclass(frozen=True, slots=True)
class Session:
    """A loaded bundle. All of it may be used from several threads at once."""

    bundle: Bundle
    encoder: TextEncoder
    runtime: onnxruntime.InferenceSession
    watchdog: Watchdog = field(default_factory=Watchdog)

    def logits(
        self, rows: Sequence[Sequence[int]], heads: Sequence[str], options: onnxruntime.RunOptions
    ) -> dict[str, NDArray[np.float32]]:
        """The token ids of some texts through the graph: for each head its logits [rows, labels] (of ``embedding`` the vectors).

        One forward pass; a pass a text where the bundle's batching is ``single``. It is decided here and nowhere else,
        so that no caller can let a score depend on its neighbours.
        Raises one of RUNTIME_ERRORS when a pass fails or ``options`` end it.
        """
        if self.bundle.batching == SINGLE:
            passes = [self._run(*alone(row), heads, options) for row in rows]
            return {head: np.concatenate([each[at] for each in passes]) for at, head in enumerate(heads)}
        found = self._run(*padded(rows, self.encoder.pad_id), heads, options)
        return {head: logits[: len(rows)] for head, logits in zip(heads, found, strict=True)}

    def _run(
        self, ids: NDArray[np.int64], mask: NDArray[np.int64], heads: Sequence[str], options: onnxruntime.RunOptions
    ) -> list[NDArray[np.float32]]:
        inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        found = self.runtime.run(
            [self.bundle.outputs[head][0] for head in heads],
            {name: inputs[name] for name in self.bundle.inputs},
            options,
        )
        return [np.asarray(each) for each in found]


class _Sessions:
    """The sessions of this process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.open: dict[tuple[str, str, int], Session] = {}
        self.loads = 0


_sessions = _Sessions()


def open_session(bundle: Bundle, *, threads: int = 1) -> Session:
    """The process's session of the bundle, loaded by whoever asks first. ``threads``: within one run.

    Raises ModelError when onnxruntime cannot load the graph, or the graph is not what ``bundle.json`` says.
    """
    key = (str(bundle.folder), bundle.model_version, threads)
    sessions = _sessions
    with sessions.lock:
        if key not in sessions.open:
            if not sessions.open:
                os.register_at_fork(after_in_child=_forget)
            sessions.open[key] = load_session(bundle, threads=threads)
            sessions.loads += 1
        return sessions.open[key]


def loads() -> int:
    """How many sessions this process has loaded so far."""
    return _sessions.loads


def _forget() -> None:
    global _sessions
    _sessions = _Sessions()


def load_session(bundle: Bundle, *, threads: int = 1) -> Session:
    """A session of the caller's own, kept by nobody else, for looking at a bundle. Raises as ``open_session``."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = SILENT
    try:
        runtime = onnxruntime.InferenceSession(str(bundle.folder / MODEL), options, providers=["CPUExecutionProvider"])
    except RUNTIME_ERRORS as error:
        raise ModelError(
            f"bundle {bundle.name}: onnxruntime {onnxruntime.__version__} cannot load {MODEL} "
            f"({type(error).__name__}); fetch or build the bundle again, or choose another"
        ) from error
    _check(bundle, runtime)
    return Session(bundle, TextEncoder(bundle), runtime)


def _check(bundle: Bundle, runtime: onnxruntime.InferenceSession) -> None:
    """Raises ModelError where the graph's inputs and outputs are not those of ``bundle.json``."""
    inputs = {each.name: each.type for each in runtime.get_inputs()}
    outputs = {each.name: each.shape for each in runtime.get_outputs()}
    wrong = [f"input {name} ({kind})" for name, kind in inputs.items() if kind != "tensor(int64)"]
    wrong += [f"input {name}" for name in inputs.keys() ^ set(bundle.inputs)]
    what = "labels" if bundle.embedding is None else "dimensions"
    wrong += [
        f"output {output} for {width} {what}"
        for output, width in bundle.outputs.values()
        if output not in outputs or outputs[output][-1:] != [width]
    ]
    if wrong:
        raise ModelError(
            f"bundle {bundle.name}: {MODEL} and bundle.json disagree on {', '.join(wrong)}; export the bundle again"
        )
