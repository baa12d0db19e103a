"""Agent frameworks: a room each, which knows where its framework's steps begin and end."""
