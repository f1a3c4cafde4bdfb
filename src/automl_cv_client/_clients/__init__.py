"""What both clients can do, one topic a file, the blocking and the awaited form side by side."""
