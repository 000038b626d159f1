"""Recurring incidents and notifications: by a cron expression on a wall clock, each occurrence once."""

from service.schedules.makers import IncidentMaker, Maker, NotificationMaker
from service.schedules.schedule import Makes
from service.schedules.timetable import Timetable

__all__ = ["IncidentMaker", "Maker", "Makes", "NotificationMaker", "Timetable"]
