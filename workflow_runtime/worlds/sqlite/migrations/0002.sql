-- attributes is a JSON object of texts, NULL where there are none; children says that the run has started another.
ALTER TABLE runs ADD COLUMN parent TEXT;
ALTER TABLE runs ADD COLUMN root TEXT;
ALTER TABLE runs ADD COLUMN attributes TEXT;
ALTER TABLE runs ADD COLUMN children INTEGER NOT NULL DEFAULT 0;
CREATE INDEX runs_of_parent ON runs (parent, created_at, seq) WHERE parent IS NOT NULL;

-- The same attributes, to find runs by them, the newest first: run is the run's seq, run_created_at its created_at.
CREATE TABLE attributes (
    run INTEGER NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    run_created_at REAL NOT NULL,
    PRIMARY KEY (run, name)
) WITHOUT ROWID;
CREATE INDEX attributes_newest ON attributes (name, value, run_created_at, run);

ALTER TABLE messages ADD COLUMN watch_id TEXT;
ALTER TABLE messages ADD COLUMN watched TEXT;
ALTER TABLE messages ADD COLUMN cancels_children INTEGER NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN trace TEXT;

-- The live hooks. info is JSON, the metadata and how to respond; slot is where the hook was created.
CREATE TABLE hooks (
    run_id TEXT NOT NULL,
    hook_id TEXT NOT NULL,
    token TEXT NOT NULL UNIQUE,
    info TEXT NOT NULL,
    created_at REAL NOT NULL,
    slot INTEGER NOT NULL,
    PRIMARY KEY (run_id, hook_id)
) WITHOUT ROWID;

-- The keys of payloads that hooks have had, live or not.
CREATE TABLE hook_keys (
    run_id TEXT NOT NULL,
    hook_id TEXT NOT NULL,
    key TEXT NOT NULL,
    PRIMARY KEY (run_id, hook_id, key)
) WITHOUT ROWID;

-- target is the run whose end is awaited, NULL when there is nobody to wait for; done says that the log has watch_completed.
CREATE TABLE watches (
    run_id TEXT NOT NULL,
    watch_id TEXT NOT NULL,
    target TEXT,
    done INTEGER NOT NULL,
    PRIMARY KEY (run_id, watch_id)
) WITHOUT ROWID;
CREATE INDEX watches_of_target ON watches (target) WHERE target IS NOT NULL;

-- A stream is closed, too, when its run has ended; that is not written here.
CREATE TABLE streams (
    seq INTEGER PRIMARY KEY,
    run_id TEXT NOT NULL,
    name TEXT NOT NULL,
    length INTEGER NOT NULL,
    closed INTEGER NOT NULL,
    UNIQUE (run_id, name)
);
CREATE TABLE chunks (
    stream INTEGER NOT NULL,
    number INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (stream, number)
) WITHOUT ROWID;

CREATE TABLE bundles (
    hash TEXT PRIMARY KEY,
    data BLOB NOT NULL
);
