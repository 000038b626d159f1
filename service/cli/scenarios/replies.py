"""What replies do: a YES that is taken back, the morning of two pills, and the approval of two purchases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from service.cli.scenarios.api import Api
from service.cli.scenarios.incident import followed, inbox, reads, tell
from service.cli.scenarios.transcript import Transcript
from service.core import SystemClock, timestamp

PHONES = {
    "default": ("+447700900701", "+447700900702"),
    "medicine": ("+447700900703", "+447700900704"),
    "approval": ("+447700900705", "+447700900706"),
}
"""Ann's and Ben's in the scenario of each policy: one phone would get so many texts that the last of them wait."""


def play_undo(api: Api, transcript: Transcript) -> None:
    """Take an incident by mistake, give it back, and let the next one end it."""
    ann, ben = PHONES["default"]
    since = timestamp(SystemClock().now())
    transcript.title("A YES undone: Ann takes a pump by mistake, and Ben repairs it")
    (name,) = _opened(api, transcript, "default", ["Pump 1 stands still"])
    _says(api, transcript, ann, f"YES {_code(api, name, 0)}")
    transcript.expect("state", followed(api, name, "acknowledged").get("state"), "acknowledged")
    _says(api, transcript, ann, "UNDO")
    transcript.expect("Ann reads who is asked", reads(api, ann, "Asked now: Ben", since), True)
    transcript.expect("state", followed(api, name, "open").get("state"), "open")
    _says(api, transcript, ben, f"YES {_code(api, name, 1)}")
    _says(api, transcript, ben, f"DONE {_code(api, name, 1)}")
    shown = followed(api, name, "resolved")
    transcript.expect("state", shown.get("state"), "resolved")
    transcript.expect("Ann reads that it is over", reads(api, ann, "says that this is over", since), True)
    transcript.expect("Ben reads that it is closed", reads(api, ben, "This is closed", since), True)
    tell(transcript, shown)
    _show(api, transcript, since, {"Ann": ann, "Ben": ben})


def play_pills(api: Api, transcript: Transcript) -> None:
    """Two medicines are due at once: each is confirmed by its own number."""
    ann, _ = PHONES["medicine"]
    since = timestamp(SystemClock().now())
    transcript.title("The two-pill morning: which pill a YES means is never guessed")
    blue, red = _opened(api, transcript, "medicine", ["Take the blue pill", "Take the red pill"])
    _says(api, transcript, ann, "took it")
    transcript.expect("it is asked which", reads(api, ann, f"{_code(api, red, 0)} Take the red pill"), True)
    _says(api, transcript, ann, str(_code(api, red, 0)))
    transcript.expect("the red pill", followed(api, red, "acknowledged").get("state"), "acknowledged")
    transcript.expect("the blue pill", _state(api, blue), "open")
    _says(api, transcript, ann, f"taken {_code(api, blue, 0)}")
    transcript.expect("the blue pill", followed(api, blue, "acknowledged").get("state"), "acknowledged")
    _show(api, transcript, since, {"Ann": ann})


def play_purchases(api: Api, transcript: Transcript) -> None:
    """Two purchases wait for one director: "got it" approves neither, and each is answered by its own number."""
    ann, _ = PHONES["approval"]
    since = timestamp(SystemClock().now())
    transcript.title("Two purchases: 50 EUR approved, 90,000 EUR declined, and no receipt taken for a yes")
    small, large = _opened(api, transcript, "approval", ["Paper for 50 EUR", "A lathe for 90,000 EUR"])
    _says(api, transcript, ann, f"got it {_code(api, large, 0)}")
    transcript.expect("it is not enough", reads(api, ann, "is not enough", since), True)
    transcript.expect("the lathe", _state(api, large), "open")
    _says(api, transcript, ann, f"NO {_code(api, large, 0)}")
    transcript.expect("the lathe", followed(api, large, "cancelled").get("state"), "cancelled")
    _says(api, transcript, ann, "approved")
    transcript.expect("the paper", followed(api, small, "acknowledged").get("state"), "acknowledged")
    _says(api, transcript, ann, f"UNDO {_code(api, small, 0)}")
    transcript.expect("an approval stands", reads(api, ann, "too late to change your answer", since), True)
    transcript.expect("the paper", _state(api, small), "acknowledged")
    _show(api, transcript, since, {"Ann": ann})


def _opened(api: Api, transcript: Transcript, policy: str, descriptions: Sequence[str]) -> list[str]:
    names, phones = [], PHONES[policy]
    contacts = [
        {"name": name, "phone": phone, "language": "en"} for name, phone in zip(("Ann", "Ben"), phones, strict=True)
    ]
    for description in descriptions:
        opened = api.post("/v1/incidents", {"description": description, "policy": policy, "contacts": contacts})
        transcript.expect(f"{description}: answered", opened.status, 201)
        names.append(str(opened.at("incident_id")))
        transcript.expect("Ann is paged", reads(api, phones[0], description), True)
    return names


def _code(api: Api, name: str, contact: int) -> object:
    return api.get(f"/v1/incidents/{name}").at("contacts", contact, "codes", 0)


def _state(api: Api, name: str) -> object:
    return api.get(f"/v1/incidents/{name}").at("state")


def _says(api: Api, transcript: Transcript, phone: str, text: str) -> None:
    transcript.say(f"{phone} writes: {text}")
    transcript.expect("taken", api.post("/v1/simulator/sms", {"from": phone, "body": text}).status, 202)


def _show(api: Api, transcript: Transcript, since: str, phones: Mapping[str, str]) -> None:
    for name, phone in phones.items():
        transcript.say(f"What {name} read:")
        for text in inbox(api, phone, since):
            transcript.say("    " + text.replace("\n", "\n      "))
