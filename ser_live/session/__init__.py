"""Live sessions: the threads, the queue between them, and enrolment."""
