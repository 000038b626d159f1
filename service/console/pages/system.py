"""System: whether every part works, and what has died."""

from __future__ import annotations

from flask import Blueprint, render_template

from service.http.plumbing import plumbing


def add_to(routes: Blueprint) -> None:
    """Serve the page and its live part."""

    @routes.get("/system")
    def system() -> str:
        return render_template("system/page.html", parts=plumbing().readiness.states())

    @routes.get("/system/live")
    def system_live() -> str:
        return render_template("system/_page.html", parts=plumbing().readiness.states())
