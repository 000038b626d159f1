"""Evaluating: the service's own call, and the ancestor's two."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from flask import Blueprint
from pydantic import Field

from service.core import Scope, exact_json
from service.evaluations import policy
from service.evaluations.candidates import CandidateChoice
from service.evaluations.dry_run import DryRuns, Trial
from service.evaluations.flow import AuditedAnswer, EvaluatedCall, EvaluationCall, Evaluations
from service.evaluations.past import PastEvaluations
from service.evaluations.policy import ReceivedRequest
from service.evaluations.problems import as_problems
from service.evaluations.schemas import (
    BareFacts,
    DryRunAnswer,
    DryRunRequest,
    Evaluation,
    EvaluationRequest,
    PastEvaluation,
    Policy,
)
from service.http import JSON, Answer, Caller, ProblemType, Query, endpoint
from service.http import adopt_request_id as adopt
from service.rulesets import MAX_FILE_BYTES, TrialPlaces


class Explain(Query):
    """Whether to say why."""

    explain: Annotated[bool, Field(description="Add for every rule which conditions held and which did not.")] = False


def blueprint(evaluations: Evaluations, past: PastEvaluations, dry_runs: DryRuns, places: TrialPlaces) -> Blueprint:
    """The three calls that decide, the one that only tries, and the one that looks back."""
    routes = Blueprint("evaluations", __name__)
    _add_past(routes, past)
    _add_evaluate(routes, evaluations)
    _add_ancestors(routes, evaluations)
    _add_dry_run(routes, dry_runs, places)
    return routes


def _add_evaluate(routes: Blueprint, evaluations: Evaluations) -> None:
    @endpoint(
        routes,
        "POST",
        "/v1/rulesets/<name>/evaluations",
        summary="Evaluate a request",
        scope=Scope.EVALUATE,
        body=EvaluationRequest,
        query=Explain,
        creates=True,
        answers={200: Evaluation},
    )
    def evaluate(name: str, body: EvaluationRequest, query: Explain, caller: Caller) -> Answer:
        """Decide with the version that is active, and say which rules fired and what they changed.

        The request is in the audit before it is evaluated, the answer before it is given.
        """
        received = ReceivedRequest(body, caller.raw_body.decode("utf-8", "replace"))
        with as_problems():
            answered = evaluations.evaluate(
                _call(name, received, caller, "evaluations", query.explain), EvaluatedCall.as_json
            )
        return Answer(_explained(answered), media_type=JSON)


def _add_past(routes: Blueprint, past: PastEvaluations) -> None:
    @endpoint(
        routes,
        "GET",
        "/v1/evaluations/<evaluation_id>",
        summary="Look back at an evaluation",
        scope=Scope.AUDIT,
        query=Explain,
        answers={200: PastEvaluation},
    )
    def read_evaluation(evaluation_id: str, query: Explain) -> PastEvaluation:
        """What was asked, decided and answered, and how far each outcome got; with `explain`, why.

        A request that was refused has no evaluation: its entries are found by its request id in the audit.
        """
        return past.read(evaluation_id, explain=query.explain)


def _add_ancestors(routes: Blueprint, evaluations: Evaluations) -> None:
    def ask(received: ReceivedRequest, caller: Caller, via: str) -> Mapping[str, object]:
        with as_problems():
            answered = evaluations.evaluate(_call(policy.RULESET, received, caller, via), policy.policy)
        answer = exact_json.stored(answered.raw_data)
        assert isinstance(answer, dict), "a policy is an object"
        return answer

    @endpoint(
        routes,
        "POST",
        "/ExecuteRuleSet",
        summary="The ancestor's call: the premium of a request with its context",
        scope=Scope.EVALUATE,
        body=policy.formats(policy.wrapped, policy.either, EvaluationRequest),
        writers=policy.writers(),
        creates=True,
        answers={200: Policy},
    )
    def execute_rule_set(body: ReceivedRequest, caller: Caller) -> Mapping[str, object]:
        """Decide with ruleset `premium` and answer the policy alone, in JSON or XML as `Accept` asks."""
        return ask(body, caller, "ExecuteRuleSet")

    @endpoint(
        routes,
        "POST",
        "/policy/premium",
        summary="The ancestor's rule service: the premium of a bare request",
        scope=Scope.EVALUATE,
        body=policy.formats(policy.bare, policy.bare, BareFacts),
        writers=policy.writers(),
        creates=True,
        answers={200: Policy},
    )
    def policy_premium(body: ReceivedRequest, caller: Caller) -> Mapping[str, object]:
        """Like `/ExecuteRuleSet`; the body is the facts themselves, or an `<InsuranceRequest>`."""
        return ask(body, caller, "policy/premium")


def _add_dry_run(routes: Blueprint, dry_runs: DryRuns, places: TrialPlaces) -> None:
    @endpoint(
        routes,
        "POST",
        "/v1/rulesets/<name>/dry-run",
        summary="Try a request",
        scope=Scope.RULES_READ,
        body=DryRunRequest,
        body_limit=MAX_FILE_BYTES,
        answers={200: DryRunAnswer},
        problems=[ProblemType.TOO_MANY_REQUESTS],
    )
    def dry_run(name: str, body: DryRunRequest, caller: Caller) -> Mapping[str, object]:
        """The decision of the active version, another one or a draft, with why and why not; nothing is carried out."""
        raw_data = exact_json.dumps({"request": body.request})  # a draft may be larger than an audit entry
        which = CandidateChoice(name, body.version, body.source)
        trial = Trial(which, body.request, caller.request_id, caller.app, raw_data, body.as_of)
        with places.place(caller.key_id, body.source), as_problems():
            return dry_runs.run(trial)


def _explained(answered: AuditedAnswer) -> str:
    if answered.explanation is None:
        return answered.raw_data
    return f'{answered.raw_data[:-1]},"explanation":{exact_json.readable(answered.explanation)}}}'


def _call(ruleset: str, received: ReceivedRequest, caller: Caller, via: str, explain: bool = False) -> EvaluationCall:
    call = call_of(ruleset, received, caller, via, explain)
    adopt(call.request_id)
    return call


def call_of(ruleset: str, received: ReceivedRequest, caller: Caller, via: str, explain: bool = False) -> EvaluationCall:
    """What a caller asks to be decided; `via` is the way by which it came."""
    context = received.asked.context
    return EvaluationCall(
        ruleset=ruleset,
        request=received.asked.request,
        request_id=context.request_id or caller.request_id,
        evaluation_id=caller.resource_id,
        app=caller.app,
        raw_data=received.raw_data,
        via=via,
        as_of=context.as_of,
        explain=explain,
        callback_url=context.callback_url,
    )
