-- needs: 1
-- Functions end in a number: a new meaning is a new function, and the old one stays while workers that call it may run.

-- Whether a lease of so many seconds whose time is over has run out.
CREATE FUNCTION workflow.ran_out_1(p_lease double precision) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT 1 FROM workflow.server
        WHERE started_at = pg_postmaster_start_time() AND seen_at + make_interval(secs => p_lease) < clock_timestamp()
    )
$$;

-- Notes which server this is.
CREATE FUNCTION workflow.see_1() RETURNS void LANGUAGE sql AS $$
    INSERT INTO workflow.server (started_at, seen_at) SELECT pg_postmaster_start_time(), clock_timestamp()
    WHERE NOT EXISTS (SELECT 1 FROM workflow.server WHERE started_at = pg_postmaster_start_time())
    ON CONFLICT (one) DO UPDATE SET started_at = excluded.started_at, seen_at = excluded.seen_at
    WHERE server.started_at <> excluded.started_at
$$;

-- Whether the worker lives.
CREATE FUNCTION workflow.lives_1(p_owner text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT 1 FROM workflow.workers WHERE id = p_owner AND (lease_until > clock_timestamp() OR NOT workflow.ran_out_1(lease))
    )
$$;

-- World.send, of any number of messages.
CREATE FUNCTION workflow.send_1(p_messages jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    m record;
    v_now double precision := extract(epoch FROM clock_timestamp());
    v_ready double precision;
BEGIN
    -- Senders of one key take turns, in one order, so that two of them do not both find no message that waits. Keys share 256 locks, since
    -- the server has only so many and a run may send thousands at once.
    PERFORM pg_advisory_xact_lock(hashtextextended('workflow.' || turn.number, 0))
    FROM (
        SELECT DISTINCT hashtextextended(sent ->> 'key', 0) & 255 AS number FROM jsonb_array_elements(p_messages) AS sent ORDER BY 1
    ) AS turn
    WHERE turn.number IS NOT NULL;
    FOR m IN
        SELECT * FROM jsonb_to_recordset(p_messages) AS sent (
            id text, run_id text, step_id text, step_name text, key text, due double precision, watch_id text, watched text,
            cancels_children boolean, trace text, limit_name text, limit_concurrency bigint, limit_every double precision,
            limit_of_run boolean
        )
    LOOP
        v_ready := coalesce(nullif(m.due, 0), v_now);
        IF m.key IS NOT NULL THEN
            UPDATE workflow.messages SET ready_at = least(ready_at, v_ready) WHERE id = (
                SELECT idle.id FROM workflow.messages AS idle
                WHERE idle.key = m.key AND (idle.owner IS NULL OR NOT workflow.lives_1(idle.owner))
                ORDER BY idle.seq LIMIT 1 FOR UPDATE
            );
            CONTINUE WHEN FOUND;
        END IF;
        IF m.limit_name IS NOT NULL THEN
            INSERT INTO workflow.limits AS known (name, widest, soonest)
            VALUES (m.limit_name, coalesce(m.limit_concurrency, 9223372036854775807), m.limit_every)
            ON CONFLICT (name) DO UPDATE
            SET widest = greatest(known.widest, excluded.widest), soonest = least(known.soonest, excluded.soonest)
            WHERE known.widest < excluded.widest OR known.soonest > excluded.soonest;
        END IF;
        INSERT INTO workflow.messages (
            id, run_id, step_id, step_name, key, due, watch_id, watched, cancels_children, trace,
            limit_name, limit_concurrency, limit_every, limit_of_run, priority, workflow, ready_at
        )
        SELECT
            m.id, m.run_id, m.step_id, m.step_name, m.key, coalesce(m.due, 0), m.watch_id, m.watched, coalesce(m.cancels_children, false), m.trace,
            m.limit_name, m.limit_concurrency, m.limit_every, m.limit_of_run, coalesce(runs.priority, 0), runs.workflow, v_ready
        FROM (SELECT 1) AS one LEFT JOIN workflow.runs ON runs.id = m.run_id
        ON CONFLICT DO NOTHING;
    END LOOP;
END
$$;

-- Removes the claimed message; true when it is gone by this.
CREATE FUNCTION workflow.ack_1(p_id text, p_owner text, p_claim bigint) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM workflow.messages WHERE id = p_id AND owner = p_owner AND claim = p_claim;
    RETURN FOUND;
END
$$;

-- Hands the claimed message back for so many seconds from now; not later than it was ready when that is NULL.
CREATE FUNCTION workflow.again_1(p_id text, p_owner text, p_claim bigint, p_after double precision) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    UPDATE workflow.messages
    SET owner = NULL, claim = NULL, ready_at = coalesce(extract(epoch FROM clock_timestamp()) + p_after, ready_at)
    WHERE id = p_id AND owner = p_owner AND claim = p_claim;
    RETURN FOUND;
END
$$;

-- Hands back all that a worker took under one number, or in all: for answers that never came, and for workers that leave.
CREATE FUNCTION workflow.release_1(p_owner text, p_claim bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_count bigint;
BEGIN
    UPDATE workflow.messages SET owner = NULL, claim = NULL WHERE owner = p_owner AND (p_claim IS NULL OR claim = p_claim);
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END
$$;

-- Whether the claim holds, and the message's run and step go on.
CREATE FUNCTION workflow.extend_1(p_id text, p_owner text, p_claim bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT m.cancels_children OR (
        coalesce(r.status IN ('pending', 'running'), true)
        AND coalesce((
            SELECT last.kind NOT IN ('step_completed', 'step_failed', 'step_cancelled') FROM workflow.events AS last
            WHERE last.run = r.seq AND last.entity = m.step_id AND last.entity <> '' ORDER BY last.slot DESC LIMIT 1
        ), true)
    )
    FROM workflow.messages AS m LEFT JOIN workflow.runs AS r ON r.id = m.run_id
    WHERE m.id = p_id AND m.owner = p_owner AND m.claim = p_claim AND workflow.lives_1(p_owner)
$$;

-- Frees what workers have in hand whose lease has run out.
CREATE FUNCTION workflow.bury_1() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_dead text[];
BEGIN
    IF EXISTS (SELECT 1 FROM workflow.workers WHERE lease_until <= clock_timestamp()) THEN
        PERFORM workflow.see_1();
        WITH dead AS (
            DELETE FROM workflow.workers WHERE lease_until <= clock_timestamp() AND workflow.ran_out_1(lease) RETURNING id
        )
        SELECT array_agg(id) INTO v_dead FROM dead;
        -- What was in hand was due, whatever the clock says now.
        UPDATE workflow.messages SET owner = NULL, claim = NULL, ready_at = least(ready_at, extract(epoch FROM clock_timestamp()))
        WHERE owner = ANY (v_dead);
    END IF;
END
$$;
