"""The escalation policies of an installation: every `*.yaml` of one folder."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from pathlib import Path

from service.core import CannotRead, TocsinError, nearest_word, plain_files
from service.decide import RulesetHeader, report
from service.escalate import policy_file
from service.escalate.policy import EscalationPolicy
from service.rulesets import CheckedFile

logger = logging.getLogger(__name__)


class PoliciesRefused(TocsinError):
    """A policy file cannot be used; every fault of every file is told with its place."""


class UnknownPolicy(TocsinError):
    """No policy has this name."""


class Policies:
    """Policies by name."""

    def __init__(self, policies: Mapping[str, EscalationPolicy]) -> None:
        self._policies = policies

    @property
    def names(self) -> tuple[str, ...]:
        """All names, sorted."""
        return tuple(sorted(self._policies))

    def over(self, others: Policies) -> Policies:
        """These policies, and those of `others` whose names are not among them."""
        return Policies({**others._policies, **self._policies})

    def replace_with(self, others: Policies) -> None:
        """Hold the policies of `others` from now on: the folder was edited."""
        self._policies = others._policies

    def get(self, name: str) -> EscalationPolicy:
        """The policy of this name; `UnknownPolicy` with the nearest one."""
        policies = self._policies
        if name not in policies:
            near = nearest_word(name, policies)
            hint = f'did you mean "{near}"?' if near else f"there are: {', '.join(sorted(policies)) or 'none'}"
            raise UnknownPolicy(f'there is no escalation policy "{name}": {hint}')
        return policies[name]


def checked(content: bytes, templates: Collection[str]) -> CheckedFile:
    """Everything there is to say about a policy's text before it is published; messages must be of these templates."""
    parsed = policy_file.parse(content, templates)
    policy = parsed.policy
    declared = None if policy is None else RulesetHeader(policy.name, policy.description)
    return CheckedFile(content.decode("utf-8", "replace"), declared, parsed.findings)


def published_policy(source: str) -> EscalationPolicy:
    """The policy that a published text is; `PoliciesRefused` where this version of the program does not read it."""
    parsed = policy_file.parse(source)
    if parsed.policy is None:
        raise PoliciesRefused(report.render(parsed.findings, source, "the published text"))
    return parsed.policy


def read_policies(folder: Path, templates: Collection[str] | None = None) -> Policies:
    """All policies of a folder; `PoliciesRefused` shows every fault. `templates` are those that messages may name."""
    faults: list[str] = []
    policies: dict[str, EscalationPolicy] = {}
    for path in plain_files.misnamed(folder):
        logger.warning("Of the escalation policies, %s", plain_files.why_misnamed(path))
    for path in plain_files.named(folder):
        try:
            source = plain_files.read(path)
        except CannotRead as error:
            faults.append(f"{error}\n")
            continue
        parsed = policy_file.parse(source, templates)
        if parsed.policy is None:
            faults.append(report.render(parsed.findings, source, str(path)))
        elif parsed.policy.name in policies:
            faults.append(f"{path}:1:1: error: another file holds the policy {parsed.policy.name} already\n")
        else:
            policies[parsed.policy.name] = parsed.policy
    if faults:
        raise PoliciesRefused("\n".join(faults))
    return Policies(policies)
