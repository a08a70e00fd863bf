-- seq is the order of creation, which ids need not have.
CREATE TABLE runs (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    workflow TEXT NOT NULL,
    bundle TEXT NOT NULL,
    status TEXT NOT NULL,
    created_at REAL NOT NULL,
    started_at REAL,
    ended_at REAL,
    slot INTEGER NOT NULL
);
CREATE INDEX runs_newest ON runs (created_at, seq);
CREATE INDEX runs_of_workflow ON runs (workflow, created_at, seq);
CREATE INDEX runs_with_status ON runs (status, created_at, seq);

-- data is JSON text; a BLOB of the same where a string in it has half of a surrogate pair.
CREATE TABLE events (
    run_id TEXT NOT NULL,
    slot INTEGER NOT NULL,
    kind TEXT NOT NULL,
    time REAL NOT NULL,
    entity TEXT NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (run_id, slot)
) WITHOUT ROWID;

-- What the events have made of each step and wait, so that a fact can be judged without reading the log.
CREATE TABLE steps (
    run_id TEXT NOT NULL,
    step_id TEXT NOT NULL,
    status TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    retryings INTEGER NOT NULL,
    message_id TEXT,
    retry_at REAL NOT NULL,
    created_slot INTEGER NOT NULL,
    PRIMARY KEY (run_id, step_id)
) WITHOUT ROWID;

CREATE TABLE waits (
    run_id TEXT NOT NULL,
    wait_id TEXT NOT NULL,
    status TEXT NOT NULL,
    PRIMARY KEY (run_id, wait_id)
) WITHOUT ROWID;

-- due is what the sender said, ready_at is when the message may be delivered. owner is the worker that has it in hand,
-- claim the owner's own number for this taking in hand.
CREATE TABLE messages (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    run_id TEXT NOT NULL,
    step_id TEXT,
    step_name TEXT,
    key TEXT,
    due REAL NOT NULL,
    ready_at REAL NOT NULL,
    owner TEXT,
    claim INTEGER,
    deliveries INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX messages_idle ON messages (ready_at) WHERE owner IS NULL;
CREATE INDEX messages_in_hand ON messages (owner) WHERE owner IS NOT NULL;
CREATE INDEX messages_with_key ON messages (key) WHERE key IS NOT NULL;
CREATE INDEX messages_of_run ON messages (run_id);
