"""Proposed versions: which wait for approval, and approving or rejecting them."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint

from service.core import Scope
from service.http import Caller, ProblemType, endpoint
from service.rulesets import schemas
from service.rulesets.active_versions import ActiveVersions
from service.rulesets.library import Library
from service.rulesets.problems import as_problems
from service.rulesets.proposals import Approver, Proposal, of_key


def add_proposals(routes: Blueprint, library: Library, live: ActiveVersions) -> None:
    """`GET /v1/proposals`, `POST /v1/rulesets/{name}/versions/{number}/approval`."""

    @endpoint(
        routes,
        "GET",
        "/v1/proposals",
        summary="List the versions that wait for approval",
        scope=(Scope.RULES_READ, Scope.RULES_APPROVE),
        query=schemas.Paged,
        answers={200: schemas.ProposalList},
    )
    def list_proposals(query: schemas.Paged) -> schemas.ProposalList:
        """Proposed versions of all rulesets that nobody has approved or rejected yet."""
        page = library.waiting(query.cursor, query.limit)
        return schemas.ProposalList(items=tuple(map(_waiting, page.items)), next_cursor=page.cursor)

    @endpoint(
        routes,
        "POST",
        "/v1/rulesets/<name>/versions/<int:number>/approval",
        summary="Approve or reject a proposed version",
        scope=Scope.RULES_APPROVE,
        body=schemas.ApprovalRequest,
        creates=True,
        answers={200: schemas.ShownProposal},
        problems=[ProblemType.CONFLICT, ProblemType.SAME_PERSON],
    )
    def approve_version(name: str, number: int, body: schemas.ApprovalRequest, caller: Caller) -> schemas.ShownProposal:
        """An approved version takes over at once, or when its author said. A rejected one never decides.

        Whoever proposed it can reject it and not approve it (409 `same-person`): the other person is told by the key.
        If another version took over since it was proposed: 409, for an approval would drop that change unseen.
        """
        with as_problems():
            approver = Approver(caller.app, of_key(caller.key_id))
            decided = library.decide(name, number, body.decision, approver, body.reason)
            live.refresh()
        return shown_proposal(decided)


def shown_proposal(proposal: Proposal) -> schemas.ShownProposal:
    """A proposal as calls answer it: without the keys that tell people apart."""
    return schemas.ShownProposal.model_validate(_members(proposal))


def _waiting(proposal: Proposal) -> schemas.WaitingProposal:
    named = {"ruleset": proposal.ruleset, "version": proposal.number}
    return schemas.WaitingProposal.model_validate({**_members(proposal), **named})


def _members(proposal: Proposal) -> Mapping[str, object]:
    return {
        "state": proposal.state,
        "by": proposal.author,
        "at": proposal.at,
        "effective_from": proposal.since,
        "decided_by": proposal.decided_by,
        "decided_at": proposal.decided_at,
        "reason": proposal.reason,
    }
