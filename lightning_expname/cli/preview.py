"""`expname preview`: the names that a configuration would get, before anything is trained."""

from __future__ import annotations

import argparse
import ast
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from ..errors import HparamError
from .text import aligned

if TYPE_CHECKING:  # at run time they are imported late: every verb's command builds this parser
    from ..facts import Facts, Hparam
    from ..naming import NamePolicy, Names, Speech

_TEMPLATES: Final = ("project", "stem", "run", "checkpoint")


def add_to(verbs: Any) -> None:
    """Adds the verb to the subparsers of `expname`."""
    parser = verbs.add_parser(
        "preview",
        help="the names that a configuration would get",
        description="Prints the names that a configuration would get. Trains and writes nothing.",
    )
    _add_facts(parser)
    _add_choice(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run_verb=_preview, refuse=parser.error)


def _add_facts(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("hparams", nargs="*", metavar="NAME=VALUE", help="hyper-parameters")
    parser.add_argument("--config", metavar="FILE", help="of LightningCLI, or composed by Hydra")
    parser.add_argument(
        "--no-import", action="store_true", help="do not import the classes that FILE names"
    )
    parser.add_argument("--model", help="the model's exact name")
    parser.add_argument("--dataset", help="the training data's exact name")
    parser.add_argument("--batch-size", type=int, help="of one step on one device")
    parser.add_argument("--lr", type=float, help="the configured learning rate")
    parser.add_argument("--ordinal", type=int, default=1, help="n of the n-th equal run")
    parser.add_argument("--mode", default="train", help="train, test, predict or tune")


def _add_choice(parser: argparse.ArgumentParser) -> None:
    # Commas, not nargs="+": that would swallow the hyper-parameters that follow.
    for option, form, text in (
        ("--include", "NAME,...", "speak exactly these hyper-parameters, in this order"),
        ("--exclude", "NAME,...", "do not speak these"),
        ("--alias", "NAME=SHORTER,...", "speak NAME as SHORTER"),
    ):
        parser.add_argument(option, metavar=form, help=text, type=_listed, action="extend")
    for name in _TEMPLATES:
        parser.add_argument(f"--{name}", metavar="TEMPLATE", help=f"of NamePolicy.{name}")


def _listed(text: str) -> list[str]:
    return text.split(",")


def _preview(options: argparse.Namespace) -> None:
    _check(options)
    from .configured import configured_names

    names = configured_names(options) if options.config else _spoken_names(options)
    print(json.dumps(asdict(names), ensure_ascii=True) if options.json else _table(names))


def _check(options: argparse.Namespace) -> None:
    if not options.config and (options.model is None or options.dataset is None):
        options.refuse("give --model and --dataset, or --config FILE")
    choice = ("batch_size", "lr", "include", "exclude", "alias", *_TEMPLATES)
    if options.config and (options.hparams or any(getattr(options, one) for one in choice)):
        options.refuse(
            "beside --config only --model, --dataset, --mode, --no-import and --json may stand;"
            " hyper-parameters and the logger's arguments are read from the file"
        )


def _spoken_names(options: argparse.Namespace) -> Names:
    from ..naming import derive_names

    return derive_names(
        _facts(options),
        _policy(options),
        _speech(options),
        ordinal=options.ordinal,
        mode=options.mode,
    )


def _table(names: Names) -> str:
    checkpoint = f"{names.checkpoint_dir}/{names.checkpoint_name}.ckpt"
    labels = {"project": names.project, "run": names.run, "checkpoint": checkpoint}
    return aligned([*labels.items(), ("record", names.record)])


def _policy(options: argparse.Namespace) -> NamePolicy:
    from ..naming import NamePolicy

    given = {name: getattr(options, name) for name in _TEMPLATES}
    return NamePolicy.of({name: text for name, text in given.items() if text is not None})


def _speech(options: argparse.Namespace) -> Speech:
    from ..naming import Speech

    aliases = dict(_pairs(options.alias or (), "--alias", "NAME=SHORTER"))
    return Speech(include=options.include, exclude=options.exclude or (), aliases=aliases)


def _facts(options: argparse.Namespace) -> Facts:
    from ..facts import Facts

    pairs = list(_pairs(options.hparams, "a hyper-parameter", "NAME=VALUE"))
    return Facts(
        model=options.model,
        dataset=options.dataset,
        hparams=tuple(_hparam(name, text) for name, text in pairs),
        batch_size=options.batch_size,
        lr=options.lr,
    )


def _pairs(texts: Sequence[str], what: str, form: str) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise HparamError(f"{what} is {text!r}; write {form}")
        if name in seen:
            raise HparamError(f"{what} {name!r} is given twice; leave one of them out")
        seen.add(name)
        yield name, value


def _hparam(name: str, text: str) -> Hparam:
    from ..facts import Hparam
    from ..introspect.classify import classify
    from ..introspect.values import plain

    value = parse_value(text)
    kind = classify(value)
    return Hparam(name, plain(value, kind), kind)


def parse_value(text: str) -> object:
    """A value as Python writes it, with its type; any other text is itself.

    Example:
        >>> parse_value("1e-5"), parse_value("True"), parse_value("(3, 3)"), parse_value("gelu")
        (1e-05, True, (3, 3), 'gelu')
    """
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text
