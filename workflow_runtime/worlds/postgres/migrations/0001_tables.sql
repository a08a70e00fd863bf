-- needs: 1
-- All texts that come from outside are escaped where they hold U+0000, which Postgres's text can not (see texts.py).
-- Identifiers compare byte by byte: COLLATE "C" is the quickest, and the same on all servers.

-- seq is the order of creation, which ids need not have. status, started_at and ended_at follow from the log; successor is who goes on in
-- its place. The free room in each page lets the many updates of slot stay in the page and touch no index.
CREATE TABLE workflow.runs (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text COLLATE "C" NOT NULL UNIQUE,
    workflow text COLLATE "C" NOT NULL,
    bundle text COLLATE "C" NOT NULL,
    status text COLLATE "C" NOT NULL,
    created_at double precision NOT NULL,
    started_at double precision,
    ended_at double precision,
    slot integer NOT NULL,
    parent text COLLATE "C",
    root text COLLATE "C",
    priority integer NOT NULL DEFAULT 0,
    children boolean NOT NULL DEFAULT false,
    successor text COLLATE "C",
    attributes jsonb
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX runs_newest ON workflow.runs (created_at, seq);
CREATE INDEX runs_of_workflow ON workflow.runs (workflow, created_at, seq);
CREATE INDEX runs_with_status ON workflow.runs (status, created_at, seq);
CREATE INDEX runs_of_parent ON workflow.runs (parent, created_at, seq) WHERE parent IS NOT NULL;
CREATE INDEX runs_ended ON workflow.runs (ended_at, seq) WHERE ended_at IS NOT NULL;
CREATE INDEX runs_with_attributes ON workflow.runs USING gin (attributes jsonb_path_ops) WHERE attributes IS NOT NULL;

-- data is JSON text; raw has it instead, as UTF-8 with surrogates let through, where a string in it has half of a surrogate pair.
-- The last five columns are what a fact is judged by, of the events of steps; failures and retryings count up to this event.
-- What an entity is follows from its last event, so that no other row is written for a step.
CREATE TABLE workflow.events (
    run bigint NOT NULL,
    slot integer NOT NULL,
    kind text COLLATE "C" NOT NULL,
    time double precision NOT NULL,
    entity text COLLATE "C" NOT NULL,
    data text,
    raw bytea,
    attempt integer,
    message text COLLATE "C",
    retry_at double precision,
    failures integer,
    retryings integer,
    PRIMARY KEY (run, slot)
);
CREATE INDEX events_of_entity ON workflow.events (run, entity, slot) WHERE entity <> '';

-- due is what the sender said, ready_at is when the message may be delivered. owner is the worker that has it in hand, claim the owner's own
-- number for this taking in hand. priority and workflow are those of the run.
CREATE TABLE workflow.messages (
    id text COLLATE "C" PRIMARY KEY,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    run_id text COLLATE "C" NOT NULL,
    step_id text COLLATE "C",
    step_name text COLLATE "C",
    key text COLLATE "C",
    due double precision NOT NULL,
    watch_id text COLLATE "C",
    watched text COLLATE "C",
    cancels_children boolean NOT NULL,
    trace text COLLATE "C",
    limit_name text COLLATE "C",
    limit_concurrency bigint,
    limit_every double precision,
    limit_of_run boolean,
    priority integer NOT NULL,
    workflow text COLLATE "C",
    ready_at double precision NOT NULL,
    owner text COLLATE "C",
    claim bigint,
    deliveries integer NOT NULL DEFAULT 0
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 1000);
CREATE INDEX messages_idle ON workflow.messages (priority DESC, ready_at, seq) WHERE owner IS NULL AND limit_name IS NULL;
CREATE INDEX messages_limited ON workflow.messages (limit_name, priority DESC, ready_at, seq)
    WHERE owner IS NULL AND limit_name IS NOT NULL;
CREATE INDEX messages_in_hand ON workflow.messages (owner) WHERE owner IS NOT NULL;
CREATE INDEX messages_with_key ON workflow.messages (key) WHERE key IS NOT NULL;
CREATE INDEX messages_of_run ON workflow.messages (run_id);

-- A worker lives as long as its lease of so many seconds, by this server's clock. Messages of workers that are not here, or whose lease has run
-- out, are in nobody's hands.
CREATE TABLE workflow.workers (
    id text COLLATE "C" PRIMARY KEY,
    name text NOT NULL,
    listens boolean NOT NULL,
    entered_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    lease double precision NOT NULL,
    lease_until timestamptz NOT NULL
) WITH (fillfactor = 50);

-- The server that was last seen: one row. While it is down nobody can renew a lease, so no lease runs out before the server has been there, as
-- long as the lease is, since it was started or took over from another.
CREATE TABLE workflow.server (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    started_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL
);

-- The live hooks. info is JSON, the metadata and how to respond, and info_raw as raw of events; slot is where the hook was created.
-- A token may be longer than what a B-tree takes, so a hash index keeps it unique.
CREATE TABLE workflow.hooks (
    run bigint NOT NULL,
    hook_id text COLLATE "C" NOT NULL,
    run_id text COLLATE "C" NOT NULL,
    token text COLLATE "C" NOT NULL,
    info text,
    info_raw bytea,
    created_at double precision NOT NULL,
    slot integer NOT NULL,
    PRIMARY KEY (run, hook_id),
    CONSTRAINT hooks_token EXCLUDE USING hash (token WITH =)
);

-- The keys of payloads that hooks have had, live or not; of long ones a digest.
CREATE TABLE workflow.hook_keys (
    run bigint NOT NULL,
    hook_id text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    PRIMARY KEY (run, hook_id, key)
);

-- Who waits for the end of target.
CREATE TABLE workflow.watches (
    target text COLLATE "C" NOT NULL,
    run_id text COLLATE "C" NOT NULL,
    watch_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (target, run_id, watch_id)
);
CREATE INDEX watches_of_run ON workflow.watches (run_id, watch_id);

-- A stream is closed, too, when its run has ended; that is not written here. mark is one number for each writing, on its first chunk.
CREATE TABLE workflow.streams (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    length bigint NOT NULL DEFAULT 0,
    closed boolean NOT NULL DEFAULT false
) WITH (fillfactor = 60);
CREATE INDEX streams_of_run ON workflow.streams (run);
CREATE TABLE workflow.chunks (
    stream bigint NOT NULL,
    number bigint NOT NULL,
    mark bigint,
    data bytea NOT NULL,
    PRIMARY KEY (stream, number)
);

CREATE TABLE workflow.bundles (
    hash text COLLATE "C" PRIMARY KEY,
    data bytea NOT NULL
);

-- What limits remember: when a message of that name was last taken in hand, and the runs that hold a place. widest and soonest are the most
-- that any message ever allowed: where that has no room, no message needs to be looked at. Whoever takes under a name locks its row.
CREATE TABLE workflow.limits (
    name text COLLATE "C" PRIMARY KEY,
    widest bigint NOT NULL,
    soonest double precision NOT NULL,
    taken_at double precision NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
CREATE TABLE workflow.places (
    name text COLLATE "C" NOT NULL,
    run_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (name, run_id)
);
CREATE INDEX places_of_run ON workflow.places (run_id);

-- The workflows that are paused; '' is all of them.
CREATE TABLE workflow.paused (
    workflow text COLLATE "C" PRIMARY KEY
);
