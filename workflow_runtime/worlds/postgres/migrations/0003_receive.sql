-- needs: 1

-- How many hold a place under that name: messages in hand, and runs that have not ended.
CREATE FUNCTION workflow.held_1(p_name text) RETURNS integer LANGUAGE sql STABLE AS $$
    SELECT ((
        SELECT count(*) FROM workflow.messages AS m
        WHERE m.owner IS NOT NULL AND m.limit_name = p_name AND NOT m.limit_of_run AND workflow.lives_1(m.owner)
    ) + (SELECT count(*) FROM workflow.places WHERE name = p_name))::integer
$$;

-- What of the messages under one limit may be taken now, in the order of delivery; locks the limit, so that two do not take one place.
-- Each message is judged by its own numbers.
CREATE FUNCTION workflow.roomy_1(p_name text, p_limit integer, p_now double precision, p_paused text[])
RETURNS TABLE (id text, priority integer, ready_at double precision, seq bigint) LANGUAGE plpgsql AS $$
DECLARE
    m record;
    v_limit workflow.limits;
    v_held integer;
    v_found integer := 0;
    v_runs text[];
BEGIN
    SELECT * INTO v_limit FROM workflow.limits WHERE name = p_name FOR UPDATE;
    IF v_limit.taken_at + v_limit.soonest > p_now THEN
        RETURN;
    END IF;
    v_held := workflow.held_1(p_name);
    v_runs := ARRAY(SELECT run_id FROM workflow.places WHERE name = p_name);
    FOR m IN
        SELECT due.*, EXISTS (SELECT 1 FROM workflow.runs AS r WHERE r.id = due.run_id AND r.status IN ('pending', 'running')) AS known
        FROM (
            SELECT * FROM (
                SELECT * FROM workflow.messages AS waiting
                WHERE waiting.limit_name = p_name AND waiting.owner IS NULL AND waiting.ready_at <= p_now
                    AND (p_paused IS NULL OR NOT coalesce(waiting.workflow, '') = ANY (p_paused))
                    AND waiting.run_id = ANY (v_runs)
                ORDER BY waiting.priority DESC, waiting.ready_at, waiting.seq LIMIT p_limit FOR UPDATE SKIP LOCKED
            ) AS of_holders
            UNION ALL
            SELECT * FROM (
                SELECT * FROM workflow.messages AS waiting
                WHERE waiting.limit_name = p_name AND waiting.owner IS NULL AND waiting.ready_at <= p_now
                    AND (p_paused IS NULL OR NOT coalesce(waiting.workflow, '') = ANY (p_paused))
                    AND NOT waiting.run_id = ANY (v_runs) AND (waiting.limit_concurrency > v_held) IS NOT FALSE
                ORDER BY waiting.priority DESC, waiting.ready_at, waiting.seq
                LIMIT CASE WHEN v_held < v_limit.widest THEN p_limit ELSE 0 END FOR UPDATE SKIP LOCKED
            ) AS of_others
        ) AS due
        ORDER BY due.priority DESC, due.ready_at, due.seq
    LOOP
        CONTINUE WHEN v_limit.taken_at + m.limit_every > p_now;
        CONTINUE WHEN v_held >= m.limit_concurrency AND NOT m.run_id = ANY (v_runs);
        IF NOT m.limit_of_run THEN
            v_held := v_held + 1;
        ELSIF m.known AND NOT m.run_id = ANY (v_runs) THEN
            v_held := v_held + 1;
            v_runs := v_runs || m.run_id;
        END IF;
        v_found := v_found + 1;
        v_limit.taken_at := p_now;
        id := m.id; priority := m.priority; ready_at := m.ready_at; seq := m.seq;
        RETURN NEXT;
        EXIT WHEN v_found >= p_limit;
    END LOOP;
END
$$;

-- When the next message that waits may be delivered, as far as its time alone says; and the next lease may run out of a worker that has some.
CREATE FUNCTION workflow.outlook_1(p_now double precision) RETURNS double precision LANGUAGE plpgsql AS $$
DECLARE
    v_priority integer;
    v_next double precision;
    v_found double precision;
    l record;
BEGIN
    SELECT extract(epoch FROM min(greatest(lease_until, server.seen_at + make_interval(secs => lease)))) INTO v_next
    FROM workflow.workers LEFT JOIN workflow.server ON true
    WHERE EXISTS (SELECT 1 FROM workflow.messages WHERE owner = workers.id);
    v_priority := (SELECT max(priority) FROM workflow.messages WHERE owner IS NULL AND limit_name IS NULL);
    WHILE v_priority IS NOT NULL LOOP
        v_found := (
            SELECT ready_at FROM workflow.messages
            WHERE owner IS NULL AND limit_name IS NULL AND priority = v_priority AND ready_at > p_now ORDER BY ready_at LIMIT 1
        );
        v_next := least(v_next, v_found);
        v_priority := (SELECT max(priority) FROM workflow.messages WHERE owner IS NULL AND limit_name IS NULL AND priority < v_priority);
    END LOOP;
    FOR l IN SELECT name, taken_at + soonest AS again FROM workflow.limits LOOP
        v_priority := (SELECT max(priority) FROM workflow.messages WHERE owner IS NULL AND limit_name = l.name);
        IF v_priority IS NOT NULL AND l.again > p_now THEN
            v_next := least(v_next, l.again);
        END IF;
        WHILE v_priority IS NOT NULL LOOP
            v_found := (
                SELECT ready_at FROM workflow.messages
                WHERE owner IS NULL AND limit_name = l.name AND priority = v_priority AND ready_at > p_now ORDER BY ready_at LIMIT 1
            );
            v_next := least(v_next, v_found);
            v_priority := (
                SELECT max(priority) FROM workflow.messages WHERE owner IS NULL AND limit_name = l.name AND priority < v_priority
            );
        END LOOP;
    END LOOP;
    RETURN v_next;
END
$$;

-- Takes these messages in hand, and what places they need.
CREATE FUNCTION workflow.hold_1(p_worker text, p_claim bigint, p_ids text[], p_now double precision)
RETURNS SETOF workflow.messages LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY
        UPDATE workflow.messages SET owner = p_worker, claim = p_claim, deliveries = deliveries + 1 WHERE id = ANY (p_ids) RETURNING *;
    IF EXISTS (SELECT 1 FROM workflow.messages WHERE id = ANY (p_ids) AND limit_name IS NOT NULL) THEN
        UPDATE workflow.limits SET taken_at = p_now
        WHERE name IN (SELECT limit_name FROM workflow.messages WHERE id = ANY (p_ids));
        INSERT INTO workflow.places (name, run_id)
        SELECT DISTINCT m.limit_name, m.run_id FROM workflow.messages AS m
        JOIN workflow.runs AS r ON r.id = m.run_id AND r.status IN ('pending', 'running')
        WHERE m.id = ANY (p_ids) AND m.limit_of_run
        ON CONFLICT DO NOTHING;
    END IF;
END
$$;

-- World.receive, but for the waiting: what was taken; or, when nothing was, one row whose message_ is NULL, with the time of the next look.
CREATE FUNCTION workflow.receive_1(p_worker text, p_claim bigint, p_limit integer)
RETURNS TABLE (message_ workflow.messages, more boolean, now double precision, next double precision) LANGUAGE plpgsql AS $$
DECLARE
    v_now double precision := extract(epoch FROM clock_timestamp());
    v_paused text[] := (SELECT array_agg(workflow) FROM workflow.paused);
    v_priority integer;
    v_ids text[] := '{}';
    v_got text[];
BEGIN
    IF NOT workflow.lives_1(p_worker) THEN
        RETURN;
    END IF;
    PERFORM workflow.bury_1();
    IF '' = ANY (v_paused) THEN
        RETURN QUERY SELECT NULL::workflow.messages, false, v_now, NULL::double precision;
        RETURN;
    END IF;
    v_priority := (SELECT max(priority) FROM workflow.messages WHERE owner IS NULL AND limit_name IS NULL);
    WHILE v_priority IS NOT NULL AND cardinality(v_ids) < p_limit LOOP
        v_got := ARRAY(
            SELECT id FROM workflow.messages
            WHERE owner IS NULL AND limit_name IS NULL AND priority = v_priority AND ready_at <= v_now
                AND (v_paused IS NULL OR NOT coalesce(workflow, '') = ANY (v_paused))
            ORDER BY ready_at, seq LIMIT p_limit - cardinality(v_ids) FOR UPDATE SKIP LOCKED
        );
        v_ids := v_ids || v_got;
        v_priority := (SELECT max(priority) FROM workflow.messages WHERE owner IS NULL AND limit_name IS NULL AND priority < v_priority);
    END LOOP;
    IF EXISTS (SELECT 1 FROM workflow.messages WHERE owner IS NULL AND limit_name IS NOT NULL) THEN
        v_ids := ARRAY(
            SELECT due.id FROM (
                SELECT id, priority, ready_at, seq FROM workflow.messages WHERE id = ANY (v_ids)
                UNION ALL
                SELECT roomy.* FROM workflow.limits, workflow.roomy_1(limits.name, p_limit, v_now, v_paused) AS roomy
            ) AS due
            ORDER BY due.priority DESC, due.ready_at, due.seq LIMIT p_limit
        );
    END IF;
    IF cardinality(v_ids) = 0 THEN
        RETURN QUERY SELECT NULL::workflow.messages, false, v_now, workflow.outlook_1(v_now);
        RETURN;
    END IF;
    RETURN QUERY
        SELECT held, cardinality(v_ids) >= p_limit, v_now, NULL::double precision
        FROM workflow.hold_1(p_worker, p_claim, v_ids, v_now) AS held ORDER BY held.priority DESC, held.ready_at, held.seq;
END
$$;

-- World.take: nothing, or the message in hand.
CREATE FUNCTION workflow.take_1(p_worker text, p_claim bigint, p_id text) RETURNS SETOF workflow.messages LANGUAGE plpgsql AS $$
DECLARE
    v_now double precision := extract(epoch FROM clock_timestamp());
    v_limit workflow.limits;
    m workflow.messages;
BEGIN
    SELECT * INTO m FROM workflow.messages WHERE id = p_id FOR UPDATE;
    IF NOT FOUND OR m.ready_at > v_now OR workflow.lives_1(m.owner) OR NOT workflow.lives_1(p_worker)
        OR EXISTS (SELECT 1 FROM workflow.paused WHERE workflow IN ('', m.workflow)) THEN
        RETURN;
    END IF;
    IF m.limit_name IS NOT NULL THEN
        SELECT * INTO v_limit FROM workflow.limits WHERE name = m.limit_name FOR UPDATE;
        IF v_limit.taken_at + m.limit_every > v_now THEN
            RETURN;
        END IF;
        IF NOT EXISTS (SELECT 1 FROM workflow.places WHERE name = m.limit_name AND run_id = m.run_id)
            AND m.limit_concurrency <= workflow.held_1(m.limit_name) THEN
            RETURN;
        END IF;
    END IF;
    RETURN QUERY SELECT * FROM workflow.hold_1(p_worker, p_claim, ARRAY[p_id], v_now);
END
$$;
