-- needs: 1
-- Shorter ways for what happens most. The long ways stay, and do the same.

-- append_1 for three events without raw and retry_at, as a step in a row has them: its outcome, and the next one's creation and start. Plain
-- values cost both sides less than arrays.
CREATE FUNCTION workflow.append_three_1(
    p_run text, p_after integer, p_status text, p_started_at double precision,
    p_kind_1 text, p_time_1 double precision, p_entity_1 text, p_data_1 text, p_attempt_1 integer, p_message_1 text,
    p_kind_2 text, p_time_2 double precision, p_entity_2 text, p_data_2 text, p_attempt_2 integer, p_message_2 text,
    p_kind_3 text, p_time_3 double precision, p_entity_3 text, p_data_3 text, p_attempt_3 integer, p_message_3 text
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    v_seq bigint;
BEGIN
    UPDATE workflow.runs SET
        slot = slot + 3, status = coalesce(p_status, status), started_at = coalesce(started_at, p_started_at)
    WHERE id = p_run AND slot = p_after AND status IN ('pending', 'running')
    RETURNING seq INTO v_seq;
    IF v_seq IS NULL THEN
        RETURN false;
    END IF;
    INSERT INTO workflow.events (run, slot, kind, time, entity, data, attempt, message) VALUES
        (v_seq, p_after + 1, p_kind_1, p_time_1, p_entity_1, p_data_1, p_attempt_1, p_message_1),
        (v_seq, p_after + 2, p_kind_2, p_time_2, p_entity_2, p_data_2, p_attempt_2, p_message_2),
        (v_seq, p_after + 3, p_kind_3, p_time_3, p_entity_3, p_data_3, p_attempt_3, p_message_3);
    RETURN true;
END
$$;

-- World.create_run of a run without a log, whose first message is due and has no limit; the creator takes that message in hand at once. True
-- when it has it; false when it is in the queue, since the worker does not live or the workflow is paused; NULL when the run was there already.
CREATE FUNCTION workflow.begin_run_1(p_run jsonb, p_worker text, p_claim bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    v_seq bigint;
    v_message jsonb := p_run -> 'message';
    v_now double precision := extract(epoch FROM clock_timestamp());
BEGIN
    IF NOT workflow.lives_1(p_worker) OR EXISTS (SELECT 1 FROM workflow.paused AS p WHERE p.workflow IN ('', p_run ->> 'workflow')) THEN
        RETURN CASE WHEN workflow.add_run_1(p_run) IS NOT NULL THEN false END;
    END IF;
    -- The rest is add_run and send, but for the last line.
    INSERT INTO workflow.runs (id, workflow, bundle, status, created_at, slot, parent, root, priority, attributes)
    VALUES (
        p_run ->> 'id', p_run ->> 'workflow', p_run ->> 'bundle', 'pending', (p_run ->> 'created_at')::double precision, 1,
        p_run ->> 'parent', p_run ->> 'root', (p_run ->> 'priority')::integer, nullif(p_run -> 'attributes', '{}')
    ) ON CONFLICT DO NOTHING RETURNING seq INTO v_seq;
    IF v_seq IS NULL THEN
        RETURN NULL;
    END IF;
    INSERT INTO workflow.events (run, slot, kind, time, entity, data, raw) VALUES (
        v_seq, 1, 'run_created', (p_run ->> 'created_at')::double precision, '', p_run ->> 'data', decode(p_run ->> 'raw', 'hex')
    );
    UPDATE workflow.messages SET priority = (p_run ->> 'priority')::integer, workflow = p_run ->> 'workflow'
    WHERE run_id = p_run ->> 'id';
    INSERT INTO workflow.messages (
        id, run_id, due, cancels_children, trace, priority, workflow, ready_at, owner, claim, deliveries
    ) VALUES (
        v_message ->> 'id', p_run ->> 'id', 0, false, v_message ->> 'trace', (p_run ->> 'priority')::integer, p_run ->> 'workflow', v_now,
        p_worker, p_claim, 1
    ) ON CONFLICT DO NOTHING;
    RETURN FOUND;
END
$$;

-- As commit_1, but asks for nothing that the commit does not bring along: most bring an ack, or a message, and most runs that end have neither
-- hooks nor places nor watches.
CREATE FUNCTION workflow.commit_2(
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
    IF p_more ?| ARRAY['children', 'successor', 'set'] THEN
        UPDATE workflow.runs SET
            children = children OR p_more ? 'children',
            successor = coalesce(p_more ->> 'successor', successor),
            attributes = CASE
                WHEN p_more ? 'set' THEN workflow.attributes_1(attributes, p_more -> 'set', p_more -> 'unset') ELSE attributes
            END
        WHERE seq = v_seq;
    END IF;
    IF p_more ? 'ack' THEN
        DELETE FROM workflow.messages
        WHERE id = p_more -> 'ack' ->> 0 AND owner = p_more -> 'ack' ->> 1 AND claim = (p_more -> 'ack' ->> 2)::bigint;
    END IF;
    IF p_more ?| ARRAY['runs', 'sends', 'effects'] THEN
        v_conflicts := workflow.effects_1(v_seq, p_run, p_after, p_more - 'ack');
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
    IF p_more ? 'carry' THEN
        PERFORM workflow.carry_1(v_seq, p_after + (carried ->> 0)::integer, (carried ->> 1)::integer)
        FROM jsonb_array_elements(p_more -> 'carry') AS carried;
    END IF;
    IF p_ended_at IS NULL THEN
        RETURN v_conflicts;
    END IF;
    IF p_status = 'cancelled' OR EXISTS (SELECT 1 FROM workflow.hooks WHERE run = v_seq)
        OR EXISTS (SELECT 1 FROM workflow.places WHERE run_id = p_run)
        OR EXISTS (SELECT 1 FROM workflow.watches WHERE run_id = p_run)
        OR EXISTS (SELECT 1 FROM workflow.watches WHERE target = p_run) THEN
        IF workflow.end_1(p_run) THEN
            v_conflicts := coalesce(v_conflicts, '{}') || '{"queued": true}';
        END IF;
    ELSE
        DELETE FROM workflow.messages WHERE run_id = p_run AND (owner IS NULL OR NOT workflow.lives_1(owner));
    END IF;
    RETURN v_conflicts;
END
$$;
