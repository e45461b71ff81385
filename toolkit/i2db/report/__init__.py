"""What people read: RESULTS.txt, figures, styles and report.html; only `collect` asks the database."""
