"""What this service itself posts to addresses that apps name, for the description of the API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, Flask
from pydantic import BaseModel

_EXTENSION = "tocsin-callbacks"


@dataclass(frozen=True, slots=True)
class DescribedCallback:
    """One kind of POST: its name, in words, and its body."""

    name: str
    summary: str
    description: str
    body: type[BaseModel]


def describe_callback(blueprint: Blueprint, name: str, summary: str, body: type[BaseModel]) -> None:
    """Add a kind of callback to the description of every app that `blueprint` is registered with."""
    described = DescribedCallback(name, summary, body.__doc__ or "", body)
    blueprint.record(lambda state: state.app.extensions.setdefault(_EXTENSION, []).append(described))


def callbacks(app: Flask) -> Sequence[DescribedCallback]:
    """Every kind of callback of an app, by name."""
    return sorted(app.extensions.get(_EXTENSION, ()), key=lambda callback: str(callback.name))
