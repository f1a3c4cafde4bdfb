"""Reports as text and as Markdown."""
