"""Recurring incidents and notifications: by a cron expression on a wall clock, each occurrence once."""

from service.schedules.makers import IncidentMaker, NotificationMaker, TargetMaker
from service.schedules.schedule import ScheduleTarget
from service.schedules.timetable import Timetable

__all__ = ["IncidentMaker", "NotificationMaker", "ScheduleTarget", "TargetMaker", "Timetable"]
