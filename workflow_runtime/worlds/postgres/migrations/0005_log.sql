-- needs: 1

-- World.commit: NULL when all landed as it was given; else says that it was refused, that there is no such run, which events landed otherwise,
-- or that the run's end has put something into the queue.
CREATE FUNCTION workflow.commit_1(
    p_run text, p_after integer, p_kinds text[], p_times double precision[], p_entities text[], p_data text[], p_raw bytea[],
    p_attempts integer[], p_messages text[], p_retry_ats double precision[],
    p_status text, p_started_at double precision, p_ended_at double precision, p_more jsonb
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    v_seq bigint;
    v_count integer := cardinality(p_kinds);
    v_conflicts jsonb;
    v_kinds text[] := p_kinds;
    v_data text[] := p_data;
    v_raw bytea[] := p_raw;
    x record;
BEGIN
    UPDATE workflow.runs SET
        slot = slot + v_count,
        status = coalesce(p_status, status),
        started_at = coalesce(started_at, p_started_at),
        ended_at = coalesce(p_ended_at, ended_at)
    WHERE id = p_run AND slot = p_after AND (status IN ('pending', 'running') OR v_count = 0)
    RETURNING seq INTO v_seq;
    IF v_seq IS NULL THEN
        IF EXISTS (SELECT 1 FROM workflow.runs WHERE id = p_run) THEN
            RETURN '{"refused": true}';
        END IF;
        RETURN '{"unknown": true}';
    END IF;
    IF p_more IS NOT NULL THEN
        UPDATE workflow.runs SET
            children = children OR p_more ? 'children',
            successor = coalesce(p_more ->> 'successor', successor),
            attributes = CASE
                WHEN p_more ? 'set' THEN workflow.attributes_1(attributes, p_more -> 'set', p_more -> 'unset') ELSE attributes
            END
        WHERE seq = v_seq AND p_more ?| ARRAY['children', 'successor', 'set'];
        v_conflicts := workflow.effects_1(v_seq, p_run, p_after, p_more);
        FOR x IN SELECT key::integer AS at, value AS owner FROM jsonb_each(v_conflicts) LOOP
            v_kinds[x.at] := 'hook_conflict';
            v_data[x.at] := (p_more -> 'conflicts' ->> x.at::text) || x.owner || '}';
            v_raw[x.at] := NULL;
        END LOOP;
    END IF;
    INSERT INTO workflow.events (run, slot, kind, time, entity, data, raw, attempt, message, retry_at)
    SELECT v_seq, p_after + e.at, e.kind, e.time, e.entity, e.data, e.raw, e.attempt, e.message, e.retry_at
    FROM unnest(v_kinds, p_times, p_entities, v_data, v_raw, p_attempts, p_messages, p_retry_ats)
    WITH ORDINALITY AS e (kind, time, entity, data, raw, attempt, message, retry_at, at);
    IF p_more IS NOT NULL THEN
        PERFORM workflow.carry_1(v_seq, p_after + (carried ->> 0)::integer, (carried ->> 1)::integer)
        FROM jsonb_array_elements(p_more -> 'carry') AS carried;
    END IF;
    IF p_ended_at IS NOT NULL THEN
        IF workflow.end_1(p_run) THEN
            v_conflicts := coalesce(v_conflicts, '{}') || '{"queued": true}';
        END IF;
    END IF;
    RETURN v_conflicts;
END
$$;

-- Counts failures on from the step's event before; p_counted is NULL for an event that is none.
CREATE FUNCTION workflow.carry_1(p_run bigint, p_slot integer, p_counted integer) RETURNS void LANGUAGE sql AS $$
    UPDATE workflow.events AS e SET
        failures = coalesce(before.failures, 0) + coalesce(p_counted, 0),
        retryings = coalesce(before.retryings, 0) + CASE WHEN p_counted IS NULL THEN 0 ELSE 1 END
    FROM (SELECT) AS one LEFT JOIN LATERAL (
        SELECT last.failures, last.retryings FROM workflow.events AS last, workflow.events AS this
        WHERE this.run = p_run AND this.slot = p_slot AND last.run = p_run AND last.entity = this.entity AND last.entity <> ''
            AND last.slot < p_slot
        ORDER BY last.slot DESC LIMIT 1
    ) AS before ON true
    WHERE e.run = p_run AND e.slot = p_slot
$$;

-- World.record: landed, landed and queued (as commit says), repeated, forbidden or unknown. p_again asks whether the very same event stands in the log already: the answer to an
-- earlier call was lost.
CREATE FUNCTION workflow.record_1(
    p_run text, p_kind text, p_time double precision, p_entity text, p_data text, p_raw bytea, p_attempt integer,
    p_retry_at double precision, p_counted integer, p_status text, p_key text, p_step text, p_more jsonb, p_again boolean
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_run record;
    v_last workflow.events;
    v_more jsonb := p_more;
BEGIN
    SELECT seq, status, slot INTO v_run FROM workflow.runs WHERE id = p_run FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN 'unknown';
    END IF;
    IF p_again AND EXISTS (
        SELECT 1 FROM workflow.events WHERE run = v_run.seq AND kind = p_kind AND entity = p_entity AND time = p_time
            AND data IS NOT DISTINCT FROM p_data AND raw IS NOT DISTINCT FROM p_raw
    ) THEN
        RETURN 'landed';
    END IF;
    IF v_more ? 'ack' THEN
        PERFORM workflow.ack_1(v_more -> 'ack' ->> 0, v_more -> 'ack' ->> 1, (v_more -> 'ack' ->> 2)::bigint);
        v_more := v_more - 'ack';
    END IF;
    IF p_key IS NOT NULL AND EXISTS (
        SELECT 1 FROM workflow.hook_keys WHERE run = v_run.seq AND hook_id = p_entity AND key = p_key
    ) THEN
        RETURN 'repeated';
    END IF;
    IF v_run.status NOT IN ('pending', 'running') OR (p_kind = 'run_started' AND v_run.status <> 'pending') THEN
        RETURN 'forbidden';
    END IF;
    IF p_entity <> '' OR p_step IS NOT NULL THEN
        SELECT * INTO v_last FROM workflow.events
        WHERE run = v_run.seq AND entity = coalesce(p_step, p_entity) AND entity <> '' ORDER BY slot DESC LIMIT 1;
        IF (CASE
            WHEN p_kind IN ('step_completed', 'step_failed', 'step_retrying') THEN
                v_last.kind = 'step_started' AND v_last.attempt = p_attempt
            WHEN p_kind = 'wait_completed' THEN v_last.kind = 'wait_created'
            WHEN p_kind = 'watch_completed' THEN v_last.kind = 'watch_created'
            WHEN p_kind = 'hook_received' THEN EXISTS (SELECT 1 FROM workflow.hooks WHERE run = v_run.seq AND hook_id = p_entity)
            WHEN p_kind = 'attributes_set' THEN v_last.kind IN ('step_created', 'step_started', 'step_retrying')
            ELSE true
        END) IS NOT TRUE THEN
            RETURN 'forbidden';
        END IF;
    END IF;
    UPDATE workflow.runs SET
        slot = slot + 1,
        status = coalesce(p_status, status),
        started_at = CASE WHEN p_status = 'running' THEN coalesce(started_at, p_time) ELSE started_at END,
        ended_at = CASE WHEN p_status <> 'running' THEN p_time ELSE ended_at END,
        attributes = CASE
            WHEN p_more ? 'set' THEN workflow.attributes_1(attributes, p_more -> 'set', p_more -> 'unset') ELSE attributes
        END
    WHERE seq = v_run.seq;
    INSERT INTO workflow.events (run, slot, kind, time, entity, data, raw, attempt, retry_at, failures, retryings) VALUES (
        v_run.seq, v_run.slot + 1, p_kind, p_time, p_entity, p_data, p_raw, p_attempt, p_retry_at,
        coalesce(v_last.failures, 0) + p_counted, coalesce(v_last.retryings, 0) + CASE WHEN p_counted IS NOT NULL THEN 1 END
    );
    IF v_more IS NOT NULL THEN
        PERFORM workflow.effects_1(v_run.seq, p_run, v_run.slot, v_more);
    END IF;
    IF p_status <> 'running' THEN
        IF workflow.end_1(p_run) THEN
            RETURN 'landed and queued';
        END IF;
    END IF;
    RETURN 'landed';
END
$$;

-- World.start_step. p_message is the message's id, and p_message_json the same as JSON text, for the event's data.
CREATE FUNCTION workflow.start_step_1(
    p_run text, p_step text, p_message text, p_message_json text, p_now double precision, p_again boolean
) RETURNS TABLE (
    status text, attempt integer, failures integer, retryings integer, data text, raw bytea, workflow text, retry_at double precision
) LANGUAGE plpgsql AS $$
DECLARE
    v_run record;
    v_created workflow.events;
    v_last workflow.events;
    v_holder text;
    v_attempt integer;
BEGIN
    SELECT r.seq, r.status, r.slot, r.workflow INTO v_run FROM workflow.runs AS r WHERE r.id = p_run FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        status := 'unknown'; RETURN NEXT; RETURN;
    END IF;
    SELECT * INTO v_created FROM workflow.events AS e
    WHERE e.run = v_run.seq AND e.entity = p_step AND e.entity <> '' AND e.kind = 'step_created' ORDER BY e.slot DESC LIMIT 1;
    IF NOT FOUND THEN
        status := 'no step'; RETURN NEXT; RETURN;
    END IF;
    SELECT * INTO v_last FROM workflow.events AS e WHERE e.run = v_run.seq AND e.entity = p_step AND e.entity <> ''
    ORDER BY e.slot DESC LIMIT 1;
    data := v_created.data; raw := v_created.raw; workflow := v_run.workflow;
    failures := coalesce(v_last.failures, 0); retryings := coalesce(v_last.retryings, 0); attempt := coalesce(v_last.attempt, 0);
    IF v_run.status NOT IN ('pending', 'running') OR v_last.kind IN ('step_completed', 'step_failed', 'step_cancelled') THEN
        status := 'ended'; RETURN NEXT; RETURN;
    END IF;
    IF p_again AND v_last.kind = 'step_started' AND v_last.message = p_message AND v_last.time = p_now THEN
        status := 'started'; RETURN NEXT; RETURN;
    END IF;
    IF v_last.kind = 'step_retrying' AND p_now < v_last.retry_at THEN
        status := 'too_early'; retry_at := v_last.retry_at; RETURN NEXT; RETURN;
    END IF;
    IF v_last.kind = 'step_started' AND v_last.message <> p_message THEN
        SELECT m.owner INTO v_holder FROM workflow.messages AS m WHERE m.id = v_last.message;
        IF workflow.lives_1(v_holder) THEN
            status := 'running'; RETURN NEXT; RETURN;
        END IF;
    END IF;
    attempt := attempt + 1; status := 'started';
    UPDATE workflow.runs AS r SET slot = r.slot + 1 WHERE r.seq = v_run.seq;
    INSERT INTO workflow.events (run, slot, kind, time, entity, data, attempt, message, failures, retryings) VALUES (
        v_run.seq, v_run.slot + 1, 'step_started', p_now, p_step,
        '{"attempt":' || attempt || ',"message":' || p_message_json || '}', attempt, p_message, failures, retryings
    );
    RETURN NEXT;
END
$$;

-- World.create_run: the run is there already when it is false. The rest is what commit takes, for a run that begins with a log.
CREATE FUNCTION workflow.create_run_1(
    p_run jsonb, p_kinds text[], p_times double precision[], p_entities text[], p_data text[], p_raw bytea[],
    p_attempts integer[], p_messages text[], p_retry_ats double precision[],
    p_status text, p_started_at double precision, p_ended_at double precision, p_sends jsonb, p_more jsonb
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF workflow.add_run_1(p_run) IS NULL THEN
        RETURN false;
    END IF;
    IF p_sends IS NOT NULL THEN
        PERFORM workflow.send_1(p_sends);
    END IF;
    IF p_kinds IS NOT NULL THEN
        PERFORM workflow.commit_1(
            p_run ->> 'id', 1, p_kinds, p_times, p_entities, p_data, p_raw, p_attempts, p_messages, p_retry_ats,
            p_status, p_started_at, p_ended_at, p_more
        );
    END IF;
    RETURN true;
END
$$;

-- A commit that does nothing but append to its log, as of steps in a row: one statement. False when nothing was written; commit tells why.
CREATE FUNCTION workflow.append_1(
    p_run text, p_after integer, p_kinds text[], p_times double precision[], p_entities text[], p_data text[], p_raw bytea[],
    p_attempts integer[], p_messages text[], p_retry_ats double precision[], p_status text, p_started_at double precision
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    WITH moved AS (
        UPDATE workflow.runs SET
            slot = slot + cardinality(p_kinds), status = coalesce(p_status, status), started_at = coalesce(started_at, p_started_at)
        WHERE id = p_run AND slot = p_after AND status IN ('pending', 'running')
        RETURNING seq
    )
    INSERT INTO workflow.events (run, slot, kind, time, entity, data, raw, attempt, message, retry_at)
    SELECT moved.seq, p_after + e.at, e.kind, e.time, e.entity, e.data, e.raw, e.attempt, e.message, e.retry_at
    FROM moved, unnest(p_kinds, p_times, p_entities, p_data, p_raw, p_attempts, p_messages, p_retry_ats)
        WITH ORDINALITY AS e (kind, time, entity, data, raw, attempt, message, retry_at, at);
    RETURN FOUND;
END
$$;

-- The commits of several runs at once, of those that do nothing but append to logs: one wait for the disk serves them all. Gives the positions of
-- those that landed; nothing was written of the others. p_of is the position of the commit that an event belongs to, p_at its own in that.
CREATE FUNCTION workflow.commit_many_1(
    p_runs text[], p_afters integer[], p_counts integer[], p_statuses text[], p_started_ats double precision[],
    p_of integer[], p_at integer[], p_kinds text[], p_times double precision[], p_entities text[], p_data text[], p_raw bytea[],
    p_attempts integer[], p_messages text[], p_retry_ats double precision[]
) RETURNS integer[] LANGUAGE plpgsql AS $$
DECLARE
    v_landed integer[];
BEGIN
    WITH moved AS (
        UPDATE workflow.runs SET
            slot = runs.slot + asked.count,
            status = coalesce(asked.status, runs.status),
            started_at = coalesce(runs.started_at, asked.started_at)
        FROM unnest(p_runs, p_afters, p_counts, p_statuses, p_started_ats)
            WITH ORDINALITY AS asked (run, after, count, status, started_at, position)
        WHERE runs.id = asked.run AND runs.slot = asked.after AND runs.status IN ('pending', 'running')
        RETURNING runs.seq, asked.after, asked.position
    ), appended AS (
        INSERT INTO workflow.events (run, slot, kind, time, entity, data, raw, attempt, message, retry_at)
        SELECT moved.seq, moved.after + e.at, e.kind, e.time, e.entity, e.data, e.raw, e.attempt, e.message, e.retry_at
        FROM unnest(p_of, p_at, p_kinds, p_times, p_entities, p_data, p_raw, p_attempts, p_messages, p_retry_ats)
            AS e (of, at, kind, time, entity, data, raw, attempt, message, retry_at)
        JOIN moved ON moved.position = e.of
    )
    SELECT array_agg(position) INTO v_landed FROM moved;
    RETURN v_landed;
END
$$;
