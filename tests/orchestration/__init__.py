"""Dagster side: assets, sensors, schedules and definitions on real instances and real stores."""
