"""The combined handler: one message in; ack, or "again in n seconds", out."""
