"""Knowledge of the speaker: their usual voice, their shift, their enrolment."""
