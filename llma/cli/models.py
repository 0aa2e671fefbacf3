"""``llma models …``: the commands and their options. What each does lives in ``bundles.py``, imported when it is called."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

models = typer.Typer(no_args_is_help=True, help="Bundles: pull, list, verify and choose the model that scores.")

Json = Annotated[bool, typer.Option("--json", help="As JSON")]


class For(StrEnum):
    """What a bundle is chosen for."""

    SENTIMENT = "sentiment"
    EMOTION = "emotion"
    BOTH = "both"


class Normalize(StrEnum):
    """How a text is prepared: as it is, or with @user for handles and http for links."""

    NONE = "none"
    TWEET = "tweet"


@models.command()
def pull(
    model: Annotated[
        str, typer.Argument(help="A name of `llma models list`, or OWNER/REPO[@REVISION] on the hub")
    ] = "",
    file: Annotated[str, typer.Option(help="The ONNX file in the repository, such as onnx/model_quantized.onnx")] = "",
    labels: Annotated[str, typer.Option(help="The model's labels as ours: LABEL_0=negative,LABEL_1=positive")] = "",
    normalization: Annotated[Normalize, typer.Option(help="tweet: @user for handles, http for links")] = Normalize.NONE,
    languages: Annotated[str, typer.Option(help="Languages it was made for, such as en,de")] = "",
    name: Annotated[str, typer.Option(help="The bundle's name; default: the repository's")] = "",
    force: Annotated[bool, typer.Option(help="Fetch it again, even if it is here")] = False,
) -> None:
    """Fetch a pre-exported ONNX model from the hub, once; without a name the default of the catalog."""
    from llma.cli.bundles import asked_source, pull_model

    _run(
        lambda: pull_model(
            asked_source(
                model,
                file=file,
                labels=labels,
                normalization=normalization.value,
                languages=languages,
                name=name,
            ),
            force=force,
        )
    )


@models.command()
def export(
    source: Annotated[str, typer.Argument(help="OWNER/REPO on the hub, or a folder that holds the model")],
    quantization: Annotated[str, typer.Option(help="The arithmetic; auto: the fastest that is exact here")] = "auto",
    revision: Annotated[str, typer.Option(help="Branch, tag or commit on the hub")] = "main",
    labels: Annotated[str, typer.Option(help="The model's labels as ours: LABEL_0=negative,LABEL_1=positive")] = "",
    normalization: Annotated[Normalize, typer.Option(help="tweet: @user for handles, http for links")] = Normalize.NONE,
    languages: Annotated[str, typer.Option(help="Languages it was made for, such as en,de")] = "",
    name: Annotated[str, typer.Option(help="The bundle's name; default: the repository's")] = "",
) -> None:
    """Make a bundle of a PyTorch classifier, checked against the original. Needs the extra `export`."""
    from llma.cli.bundles import export_model

    _run(
        lambda: export_model(
            source,
            name,
            quantization=quantization,
            revision=revision,
            labels=labels,
            normalization=normalization.value,
            languages=languages,
        )
    )


@models.command(name="list")
def list_(json: Json = False) -> None:
    """The bundles that there are: embedded, pulled, and those that could be pulled."""
    from llma.cli.bundles import list_models

    _run(lambda: list_models(json=json))


@models.command()
def verify(
    name: Annotated[str, typer.Argument(help="A bundle's name or folder; default: all that are here")] = "",
    json: Json = False,
) -> None:
    """Check a bundle: sha256 of its files, its graph, and that a score depends on no neighbour."""
    from llma.cli.bundles import verify_models

    _run(lambda: verify_models(name, json=json))


@models.command()
def use(
    name: Annotated[str, typer.Argument(help="A bundle's name or folder")],
    for_: Annotated[For | None, typer.Option("--for", help="Default: whichever of the two the bundle has")] = None,
) -> None:
    """Choose a bundle: write its name into the checkout's .env, every other line kept."""
    from llma.cli.bundles import use_model

    _run(lambda: use_model(name, None if for_ is None else for_.value))


@models.command()
def evaluate(
    files: Annotated[list[str], typer.Argument(help="Labelled TSV or JSON Lines, gzipped or not")],
    bundle: Annotated[str | None, typer.Option(help="A bundle's name or folder; default: as the settings say")] = None,
    against: Annotated[str | None, typer.Option(help="Another bundle to compare with, such as an fp32 one")] = None,
    card: Annotated[Path | None, typer.Option(help="Write a model card (Markdown) to this file")] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw the reliability plot (PNG) into this file")] = None,
    json: Json = False,
) -> None:
    """Measure a bundle on labelled texts: accuracy, calibration, batch invariance, speed; write its model card."""
    from llma.cli.evaluate import evaluate_files

    _run(lambda: evaluate_files(files, bundle=bundle, against=against, card=card, plot=plot, json=json))


def _run(command: Callable[[], object]) -> None:
    from llma.cli.errors import run_command

    raise SystemExit(run_command(command))
