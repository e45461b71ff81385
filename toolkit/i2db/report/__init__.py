"""What people read: RESULTS.txt, figures, styles and report.html, made from plain rows. Knows no database."""
