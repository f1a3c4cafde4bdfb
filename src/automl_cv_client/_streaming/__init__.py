"""Many images: read as their turn comes, scored side by side within what the endpoint takes, handed out."""
