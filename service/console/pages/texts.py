"""Escalation policies, templates and catalogues: each with its text, its versions, an editor and a way back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from flask import Blueprint, redirect, render_template, request

from service.console import calls
from service.console.forms import Page, PageForm
from service.console.pages.editing import given_text
from service.console.pages.rules import active_of, number_of
from service.http import Problem, ProblemType


@dataclass(frozen=True, slots=True)
class TextPages:
    """The pages about one family of texts; `plural` and `singular` are what the API calls it."""

    plural: str
    singular: str
    title: str
    purpose: str

    def add_to(self, routes: Blueprint) -> None:
        """Serve the pages and take their forms."""
        root, name = f"/{self.plural}", f"/{self.plural}/<name>"
        pages: Mapping[str, Callable[..., str]] = {
            root: self.list_texts,
            name: self.show_text,
            f"{name}/edit": self.edit_text,
            f"{name}/versions": self.list_versions,
            f"{name}/versions/<int:number>/activate": self.ask_to_activate,
        }
        forms = {
            f"{name}/check": PageForm(self.check_call, self.check_text),
            f"{name}/publish": PageForm(f"{self.plural}.publish_{self.singular}", self.publish_text),
            f"{name}/versions/<int:number>/activate": PageForm(
                f"{self.plural}.activate_{self.singular}", self.activate_version
            ),
        }
        for path, page in pages.items():
            routes.add_url_rule(path, f"{self.singular}-{page.__name__}", page, methods=["GET"])
        for path, form in forms.items():
            routes.add_url_rule(path, f"{self.singular}-{form.view.__name__}", form, methods=["POST"])

    @property
    def check_call(self) -> str:
        """The operation that says what there is to say about a text."""
        return f"{self.plural}.check_{self.singular}"

    def list_texts(self) -> str:
        """All of the family, and what of the folder is not published."""
        return self._page("list", found=calls.read(f"{self.plural}.list_{self.plural}"))

    def show_text(self, name: str) -> str:
        """What is in use now, or the version that is asked for."""
        shown = self._read(name)
        version = self._version(name, request.args.get("version", type=int) or number_of(shown))
        return self._page("page", name=name, shown=shown, version=version)

    def edit_text(self, name: str) -> str:
        """The editor, on the text that is in use now."""
        version = self._version(name, number_of(self._read(name)))
        return self._editor(name, version["source"], version["sha256"])

    def check_text(self, name: str) -> str:
        """The editor again, with everything there is to say about the text."""
        source, sha256 = given_text()
        return self._editor(name, source, sha256, report=calls.send(self.check_call, source, name=name))

    def publish_text(self, name: str) -> Page:
        """Publish the text over the version on which it was begun, and over no other."""
        source, sha256 = given_text()
        query = {"comment": comment} if (comment := request.form.get("comment", "").strip()) else {}
        operation, headers = f"{self.plural}.publish_{self.singular}", {"If-Match": f'"{sha256}"'}
        try:
            version = calls.send(operation, source, query=query, headers=headers, name=name)
        except Problem as problem:
            return self._refused(name, source, sha256, problem)
        return redirect(f"/console/{self.plural}/{name}?version={version['version']}", 303)

    def list_versions(self, name: str) -> str:
        """The time line."""
        query = {"cursor": request.args.get("cursor")}
        page = calls.read(f"{self.plural}.list_{self.singular}_versions", query, name=name)
        return self._page("versions", name=name, page=page)

    def ask_to_activate(self, name: str, number: int) -> str:
        """What changes if an older version is used again."""
        version, shown = self._version(name, number), self._read(name)
        report = calls.send(self.check_call, version["source"], name=name)
        return self._page("activate", name=name, version=version, report=report, seen=active_of(shown))

    def activate_version(self, name: str, number: int) -> Page:
        """Use an older version again, if nobody has published since the page was shown."""
        if request.form.get("seen") != active_of(self._read(name)):
            return self.ask_to_activate(name, number)
        calls.send(f"{self.plural}.activate_{self.singular}", {"version": number}, name=name)
        return redirect(f"/console/{self.plural}/{name}", 303)

    def _refused(self, name: str, source: str, sha256: str, problem: Problem) -> str:
        theirs: calls.Document | None = None
        if problem.type is ProblemType.PRECONDITION_FAILED:
            theirs = self._version(name, number_of(self._read(name)))
        return self._editor(name, source, sha256, problem=problem, theirs=theirs)

    def _editor(self, name: str, source: str, sha256: str, **context: object) -> str:
        comment = request.form.get("comment", "")
        return self._page("edit", name=name, source=source, sha256=sha256, comment=comment, **context)

    def _read(self, name: str) -> calls.Document:
        return calls.read(f"{self.plural}.read_{self.singular}", name=name)

    def _version(self, name: str, number: int) -> calls.Document:
        return calls.read(f"{self.plural}.read_{self.singular}_version", name=name, number=number)

    def _page(self, template: str, **values: object) -> str:
        return render_template(f"texts/{template}.html", family=self, **values)


FAMILIES = (
    TextPages("policies", "policy", "Escalation policies", "Who is asked first, how, and who is asked next."),
    TextPages("templates", "template", "Templates", "What a mail, a text message or a call says."),
    TextPages("catalogues", "catalogue", "Catalogues", "The service's own sentences in another language."),
)


def add_to(routes: Blueprint) -> None:
    """Serve the pages of each family."""
    for family in FAMILIES:
        family.add_to(routes)
