"""The one place where adapters are constructed and blueprints, checks, periodic tasks and handlers are registered."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING

from flask import Blueprint, Flask

from service import config, console, http
from service.audit import routes as audit_routes
from service.channels.email.mailbox import reader
from service.config import Backend, Settings, folders, origins
from service.core import Clock, PeriodicRunner, PeriodicTask, Scope, TocsinError
from service.escalate import Approvals, Forgetting
from service.evaluations import (
    DryRuns,
    Evaluations,
    EventSamples,
    EventTests,
    InItsOwnLanguage,
    PastEvaluations,
    ReachCheck,
    event_sample_routes,
    event_samples,
    event_trial_routes,
)
from service.evaluations import routes as evaluation_routes
from service.http import Check, Keys
from service.intake import Chains, IntakeHandlers, LiveMappings, MappedEvents, Poller, QueueConsumer, QueueSender
from service.intake import trial_routes as intake_routes
from service.language import Sentiment
from service.language.embedded import EmbeddedTone, Embeddings
from service.notify import Chain
from service.operations import dead_routes, key_routes, pulse_routes, setting_routes
from service.replies import POLL as LOOKS_AT_WORDS
from service.rulesets import (
    EVENTS,
    ActiveVersions,
    Backtests,
    Library,
    RecentComparison,
    SegmentWriter,
    Shadows,
    TrialPlaces,
    WorkingCopies,
    active_versions,
    backtest_routes,
    shadow,
    shadow_routes,
    working_copies,
)
from service.rulesets import routes as ruleset_routes
from service.rulesets.columns import segment_builder
from service.schedules import IncidentMaker, NotificationMaker, ScheduleTarget, TargetMaker, Timetable, schedule
from service.schedules import routes as schedule_routes
from service.storage import Store
from service.wiring import edited_texts, published_texts, pulse, reload
from service.wiring.edited_texts import EditedTexts
from service.wiring.escalation import Escalation
from service.wiring.messaging import Messaging
from service.wiring.published_texts import PublishedTexts
from service.wiring.storage import SYSTEM_CLOCK, enough_of_the_audit, open_store
from service.wiring.translators import open_detector
from service.work import Breakers, HandlerRegistry, Heartbeat, TaskHandler, Vitals, Worker, checks_of_lanes

if TYPE_CHECKING:
    from service.wiring.aws import Amazon


def open_amazon(settings: Settings, breakers: Breakers) -> Amazon | None:
    """The AWS services that the backend uses beside its store; None where it uses none."""
    if not settings.uses_amazon:
        return None
    from service.wiring.aws import Amazon

    return Amazon(settings, breakers)


def open_sentiment(settings: Settings, amazon: Amazon | None = None, embeddings: Embeddings | None = None) -> Sentiment:
    """Who says how a text feels; the embedded model is loaded by the first text."""
    if not settings.asks_amazon:
        from service.language.embedded import EmbeddedSentiment

        return EmbeddedSentiment(embeddings)
    from service.wiring.aws import Amazon

    return (amazon or Amazon(settings, Breakers(open_store(settings), SYSTEM_CLOCK))).sentiment()


def of_any_language(sentiment: Sentiment, settings: Settings, amazon: Amazon | None = None) -> Sentiment:
    """For texts whose language nobody declares. The embedded model reads all; Comprehend needs the language."""
    if not settings.asks_amazon:
        return sentiment
    return InItsOwnLanguage(sentiment, open_detector(settings, amazon))


class NotPublished(TocsinError):
    """Files of the rules folder whose text is not published, and why."""


RELIST = timedelta(seconds=1)
"""Between two steps of looking through the store, which is done once."""


class Service:
    """The parts of one process, wired. Constructed after fork."""

    def __init__(self, settings: Settings, clock: Clock = SYSTEM_CLOCK, store: Store | None = None) -> None:
        self.settings = settings
        self.clock = clock
        self.store = store or open_store(settings, clock)
        self.keys = Keys(self.store, clock)
        self.library = Library(self.store, clock, needs_approval=settings.rules_need_approval)
        self.live = ActiveVersions(self.library, clock)
        self.working_copies = WorkingCopies(settings.rules_dir, self.library, self.store, clock)
        breakers = Breakers(self.store, clock)
        amazon = open_amazon(settings, breakers)
        embeddings = Embeddings()
        sentiment = open_sentiment(settings, amazon, embeddings)
        self.shadows = Shadows(self.live, self.store, clock)
        self.columns = SegmentWriter(self.library, self.store, clock)
        self.latest = RecentComparison(self.live, self.store, clock, enough_of_the_audit(settings))
        self.backtests = Backtests(self.live, self.store, clock)
        derived = self.derived_sentiment = of_any_language(sentiment, settings, amazon)
        self.event_samples = EventSamples(self.live, self.store, clock, derived)
        self.dry_runs = DryRuns(self.live, self.store, clock, derived)
        tone = EmbeddedTone(embeddings)
        self.messaging = Messaging(settings, self.store, clock, self.live, sentiment, tone, breakers, amazon)
        self.escalation = Escalation(settings, self.store, clock, self.messaging)
        reach = ReachCheck(self.escalation.rule_incidents, self.messaging.rule_notifications, self.messaging.directory)
        self.reach = reach
        self.event_tests = EventTests(self.live, self.store, clock, derived, reach)
        self.evaluations = Evaluations(self.live, self.store, clock, derived, self.shadows, self.event_samples, reach)
        self.texts = PublishedTexts(settings, self.store, clock, self.messaging, self.escalation)
        self.timetable = self._timetable()
        self.mappings = LiveMappings(settings.rules_dir / EVENTS)

    def _timetable(self) -> Timetable:
        makers: Mapping[ScheduleTarget, TargetMaker] = {
            ScheduleTarget.INCIDENT: IncidentMaker(self.escalation.incidents, self.escalation.rules),
            ScheduleTarget.NOTIFICATION: NotificationMaker(self.messaging.notifications),
        }
        return Timetable(self.store, makers)

    def blueprints(self) -> Sequence[Blueprint]:
        """The features' calls."""
        places = TrialPlaces()
        return (
            evaluation_routes.blueprint(
                self.evaluations, PastEvaluations(self.live, self.store), self.dry_runs, places
            ),
            event_trial_routes.blueprint(self.event_tests, places),
            event_sample_routes.blueprint(self.event_samples, self.clock),
            shadow_routes.blueprint(self.shadows),
            backtest_routes.blueprint(self.backtests, places),
            ruleset_routes.blueprint(self.library, self.live, self.working_copies, self.latest, self.clock, places),
            audit_routes.blueprint(self.store),
            dead_routes.blueprint(self.store, self.clock),
            key_routes.blueprint(self.keys, self.store, self.clock),
            pulse_routes.blueprint(self.store, self.clock),
            setting_routes.blueprint(lambda: [asdict(each) for each in origins.readable(self.settings)]),
            *self.messaging.blueprints(
                Approvals(self.escalation.incidents).decide, Forgetting(self.escalation.incidents).begin
            ),
            *self.escalation.blueprints(),
            *self.texts.blueprints(),
            schedule_routes.blueprint(self.timetable),
            intake_routes.blueprint(self.mapped_events(), self.mappings.current, places),
        )

    def needed(self) -> Mapping[str, Check]:
        """Without what this process cannot serve, beside the store."""
        published = {"rulesets": self.working_copies.check_published}
        if self.settings.backend is Backend.AWS:
            return published
        return {"disk": lambda: folders.check_room(self.settings.home), **published}

    def helpful(self) -> Mapping[str, Check]:
        """What may be late or wrong while this process serves."""
        vitals = Vitals(self.store, self.clock, self.settings.thresholds)
        return {
            "worker": vitals.check_worker,
            **checks_of_lanes(vitals),
            "rule files": self._check_rule_files,
            **self._mailbox_check(),
            **({"queues": self.store.ping} if self.settings.backend is Backend.AWS else {}),
        }

    def _mailbox_check(self) -> Mapping[str, Check]:
        if self.settings.mailbox_url is None:
            return {}
        return {"mailbox": lambda: reader.check_read(self.store, self.clock.now())}

    def _check_rule_files(self) -> None:
        faults = [f"{each.file}: {each.why}" for each in self.working_copies.unpublished()]
        faults += self.escalation.rosters.complaints().values()
        faults += self.texts.faults()
        if faults:
            raise NotPublished("; ".join(faults))

    def api_tasks(self) -> Sequence[PeriodicTask]:
        """What every API process does beside answering."""
        return (
            self._following(),
            self._following_words(),
            *self._following_texts(),
            self._following_published(),
            PeriodicTask("comparing shadows", shadow.POLL, self.shadows.work),
            PeriodicTask("testing sampled events", event_samples.POLL, self.event_samples.work),
            pulse.of_api(self.store, self.clock),
        )

    def worker_tasks(self) -> Sequence[PeriodicTask]:
        """What every worker does beside handling items."""
        publish = self.working_copies.sweep if self.settings.watches_rules else self.working_copies.publish_unknown
        return (
            self._following(),
            *self._following_texts(),
            self._following_published(),
            PeriodicTask("publishing policies and messages", published_texts.POLL, self.texts.publish),
            PeriodicTask("upkeep of the store", timedelta(seconds=5), lambda: self.store.upkeep(self.clock.now())),
            PeriodicTask("publishing rule files", working_copies.POLL, publish),
            *(
                PeriodicTask("listing what earlier versions stored", RELIST, each.go_on)
                for each in self.messaging.relistings()
            ),
            *self._columns(),
            *self._mailbox(),
            pulse.of_worker(self.store, self.clock),
        )

    def _mailbox(self) -> Sequence[PeriodicTask]:
        mailbox = self.escalation.mailbox()
        if mailbox is None:
            return ()
        return self._following_words(), PeriodicTask("reading the mailbox", reader.POLL, mailbox.read)

    def _following_texts(self) -> Sequence[PeriodicTask]:
        """On AWS both folders are part of the image."""
        if not self.settings.watches_rules:
            return ()
        texts = EditedTexts(self.settings, self.messaging, self.escalation, self.texts.folder_changed)
        return (PeriodicTask("following policies and templates", edited_texts.POLL, texts.look),)

    def _following_published(self) -> PeriodicTask:
        self.texts.begin()
        return PeriodicTask("following what is published", published_texts.POLL, self.texts.refresh)

    def _following_words(self) -> PeriodicTask:
        return PeriodicTask("following the words of replies", LOOKS_AT_WORDS, self.escalation.languages.follow)

    def _columns(self) -> Sequence[PeriodicTask]:
        """On AWS columns come from the export of the audit, not from reading it entry by entry."""
        if self.settings.backend is Backend.AWS:
            return ()
        return (
            PeriodicTask("putting requests into columns", segment_builder.POLL, self.columns.follow),
            PeriodicTask("taking out of columns what was erased", segment_builder.MEND, self.columns.mend),
        )

    def _following(self) -> PeriodicTask:
        return PeriodicTask("following the rulesets", active_versions.POLL, self.live.refresh)

    def task_handlers(self) -> Sequence[TaskHandler]:
        """Who handles which kind of item."""
        schedules = TaskHandler(schedule.KIND, self.timetable.on_time)
        return (
            *self.messaging.task_handlers(self._chain()),
            *self.escalation.task_handlers(),
            schedules,
            self.backtests.task_handler(),
        )

    def flask(self) -> Flask:
        """The API."""
        app = Flask(__name__, static_folder=None)
        http.install(
            app,
            self.store,
            self.keys,
            self.clock,
            needed=self.needed(),
            helpful=self.helpful(),
            body_limit=self.settings.body_limit,
            access_log=self.settings.access_log,
        )
        for blueprint in self.blueprints():
            app.register_blueprint(blueprint)
        app.register_blueprint(console.blueprint(self.store, self.keys, self.clock, behind_tls=self._behind_tls))
        return app

    @property
    def _behind_tls(self) -> bool:
        """Whether a proxy ends TLS in front of this process."""
        return (self.settings.public_url or "").startswith("https://")

    def intake(self) -> Poller | None:
        """What takes in the letters of the intake queue; None where there is no such queue."""
        if self.settings.intake_queue is None:
            return None
        from service.aws import SqsInbox

        return Poller(SqsInbox(self.settings.intake_queue), self.consumer(), self.working_copies.check_published)

    def consumer(self) -> QueueConsumer:
        """What does the things that letters ask for."""
        return self._consumer(QueueSender(self.settings.intake_app, frozenset(self.settings.intake_scopes)))

    def _chain(self) -> Chain | None:
        """What takes in the events of our own rules; from an event bus they come back by themselves."""
        if self.settings.event_bus is not None:
            return None
        consumer = self._consumer(QueueSender("rules", frozenset({Scope.EVALUATE, Scope.NOTIFY, Scope.INCIDENTS})))
        return Chains(consumer, self.mappings.current).offer

    def _consumer(self, sender: QueueSender) -> QueueConsumer:
        settings, escalation = self.settings, self.escalation
        handlers = IntakeHandlers(
            self.evaluations, self.messaging.notifications, escalation.incidents, escalation.rules
        )
        return QueueConsumer(handlers, sender, self.store, self.clock, self.mappings.current, settings.body_limit)

    def mapped_events(self) -> MappedEvents:
        """What tries events with the mappings, and with what they lead to here."""
        escalation = self.escalation
        return MappedEvents(
            self.live,
            self.messaging.notifications,
            escalation.incidents,
            escalation.rules,
            self.clock,
            self.derived_sentiment,
            self.reach,
        )

    def heartbeat(self, worker: Worker) -> PeriodicTask:
        """What says that the worker's loop goes round."""
        heartbeat = Heartbeat(self.store, self.clock, lambda: worker.rounds, self.settings.thresholds)
        return PeriodicTask("reporting that a worker works", heartbeat.every, heartbeat.beat)

    def worker(self) -> Worker:
        """The loop that carries out due tasks."""
        return Worker(
            self.store, HandlerRegistry(self.task_handlers()), self.clock, threads=self.settings.worker_threads
        )


def create_app(settings: Settings, clock: Clock = SYSTEM_CLOCK) -> Flask:
    """The API for a server or a test client; its periodic tasks do not run."""
    return Service(settings, clock).flask()


def wsgi() -> Flask:
    """What gunicorn calls in each process after it has forked: the API, its periodic tasks running."""
    settings = config.load()
    service = Service(settings)
    PeriodicRunner([*service.api_tasks(), *reload.periodic_tasks(settings, _leave)]).start()
    return service.flask()


def _leave() -> None:
    """Let gunicorn end this process, when its requests are answered, and begin another."""
    os.kill(os.getpid(), signal.SIGTERM)
