"""One conversion without Prefect: refuse it early, plan it without doing it, or carry it out."""
