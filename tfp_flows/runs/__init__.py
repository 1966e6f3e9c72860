"""What all kinds of work share: options, records, folders, the engine of `fit`; knows no kind."""
