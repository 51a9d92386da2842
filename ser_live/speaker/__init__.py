"""Knowledge of the one who speaks: their usual voice, their shift, their enrolment."""
