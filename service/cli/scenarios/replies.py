"""What replies do: a YES that is taken back, the morning of two pills, and the approval of two purchases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from service.cli.scenarios.api import Api
from service.cli.scenarios.incident import ANN, BEN, followed, inbox, reads, tell
from service.cli.scenarios.transcript import Transcript
from service.core.clock import SystemClock, timestamp

CONTACTS = ({"name": "Ann", "phone": ANN, "language": "en"}, {"name": "Ben", "phone": BEN, "language": "en"})


def play_undo(api: Api, transcript: Transcript) -> None:
    """Take an incident by mistake, give it back, and let the next one end it."""
    since = timestamp(SystemClock().now())
    transcript.title("A YES undone: Ann takes a pump by mistake, and Ben repairs it")
    (name,) = _opened(api, transcript, "default", ["Pump 1 stands still"])
    _says(api, transcript, ANN, f"YES {_code(api, name, 0)}")
    transcript.expect("state", followed(api, name, "acknowledged").get("state"), "acknowledged")
    _says(api, transcript, ANN, "UNDO")
    transcript.expect("Ann reads who is asked", reads(api, ANN, "Asked now: Ben", since), True)
    transcript.expect("state", followed(api, name, "open").get("state"), "open")
    _says(api, transcript, BEN, f"YES {_code(api, name, 1)}")
    _says(api, transcript, BEN, f"DONE {_code(api, name, 1)}")
    shown = followed(api, name, "resolved")
    transcript.expect("state", shown.get("state"), "resolved")
    transcript.expect("Ann reads that it is over", reads(api, ANN, "says that this is over", since), True)
    transcript.expect("Ben reads that it is closed", reads(api, BEN, "This is closed", since), True)
    tell(transcript, shown)
    _show(api, transcript, since, {"Ann": ANN, "Ben": BEN})


def play_pills(api: Api, transcript: Transcript) -> None:
    """Two medicines are due at once: each is confirmed by its own number."""
    since = timestamp(SystemClock().now())
    transcript.title("The two-pill morning: which pill a YES means is never guessed")
    blue, red = _opened(api, transcript, "medicine", ["Take the blue pill", "Take the red pill"])
    _says(api, transcript, ANN, "took it")
    transcript.expect("it is asked which", reads(api, ANN, f"{_code(api, red, 0)} Take the red pill"), True)
    _says(api, transcript, ANN, str(_code(api, red, 0)))
    transcript.expect("the red pill", followed(api, red, "acknowledged").get("state"), "acknowledged")
    transcript.expect("the blue pill", _state(api, blue), "open")
    _says(api, transcript, ANN, f"taken {_code(api, blue, 0)}")
    transcript.expect("the blue pill", followed(api, blue, "acknowledged").get("state"), "acknowledged")
    _show(api, transcript, since, {"Ann": ANN})


def play_purchases(api: Api, transcript: Transcript) -> None:
    """Two purchases wait for one director: "got it" approves neither, and each is answered by its own number."""
    since = timestamp(SystemClock().now())
    transcript.title("Two purchases: 50 EUR approved, 90,000 EUR declined, and no receipt taken for a yes")
    small, large = _opened(api, transcript, "approval", ["Paper for 50 EUR", "A lathe for 90,000 EUR"])
    _says(api, transcript, ANN, f"got it {_code(api, large, 0)}")
    transcript.expect("it is not enough", reads(api, ANN, "is not enough", since), True)
    transcript.expect("the lathe", _state(api, large), "open")
    _says(api, transcript, ANN, f"NO {_code(api, large, 0)}")
    transcript.expect("the lathe", followed(api, large, "cancelled").get("state"), "cancelled")
    _says(api, transcript, ANN, "approved")
    transcript.expect("the paper", followed(api, small, "acknowledged").get("state"), "acknowledged")
    _says(api, transcript, ANN, f"UNDO {_code(api, small, 0)}")
    transcript.expect("an approval stands", reads(api, ANN, "too late to change your answer", since), True)
    transcript.expect("the paper", _state(api, small), "acknowledged")
    _show(api, transcript, since, {"Ann": ANN})


def _opened(api: Api, transcript: Transcript, policy: str, descriptions: Sequence[str]) -> list[str]:
    names = []
    for description in descriptions:
        opened = api.post("/v1/incidents", {"description": description, "policy": policy, "contacts": CONTACTS})
        transcript.expect(f"{description}: answered", opened.status, 201)
        names.append(str(opened.at("incident_id")))
        transcript.expect("Ann is paged", reads(api, ANN, description), True)
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
