"""One module's syntax, analysed by itself: what each top-level statement binds, reads and changes."""
