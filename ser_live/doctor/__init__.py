"""Whether ser-live can listen on this machine, found out by trying each part of it."""

from ser_live.doctor.check import Check, Verdict, can_listen
from ser_live.doctor.examination import Examination, examinations

__all__ = ["Check", "Examination", "Verdict", "can_listen", "examinations"]
