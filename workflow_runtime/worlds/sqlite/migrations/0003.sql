ALTER TABLE runs ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;
CREATE INDEX runs_of_workflow_with_status ON runs (workflow, status, created_at, seq);
CREATE INDEX runs_ended ON runs (ended_at) WHERE ended_at IS NOT NULL;

-- rank is the priority of the message's run, negated; limits what the message is held back by, as JSON, '' for nothing. holds is the name
-- of the limit under which it holds a place itself while somebody has it in hand; paused says that its run's workflow is.
ALTER TABLE messages ADD COLUMN rank INTEGER NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN limits TEXT NOT NULL DEFAULT '';
ALTER TABLE messages ADD COLUMN holds TEXT;
ALTER TABLE messages ADD COLUMN paused INTEGER NOT NULL DEFAULT 0;
DROP INDEX messages_idle;
CREATE INDEX messages_idle ON messages (paused, rank, limits, ready_at) WHERE owner IS NULL;
CREATE INDEX messages_that_hold ON messages (holds, owner) WHERE owner IS NOT NULL AND holds IS NOT NULL;

-- The runs that hold a place until they end, and when a message was last taken in hand, by the names of limits.
CREATE TABLE places (
    name TEXT NOT NULL,
    run_id TEXT NOT NULL,
    PRIMARY KEY (name, run_id)
) WITHOUT ROWID;
CREATE INDEX places_of_run ON places (run_id);
CREATE TABLE takings (
    name TEXT PRIMARY KEY,
    time REAL NOT NULL
) WITHOUT ROWID;

-- What is paused: workflows, and '' for all.
CREATE TABLE paused (
    workflow TEXT PRIMARY KEY
) WITHOUT ROWID;
