"""Projects side by side: what was asked of them, what they drew, how well they did, what they cost."""
