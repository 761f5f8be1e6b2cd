"""The watchdog: problems of what runs the platform (daemon, runs, schedules, sensors, locks, disk, clock)."""
