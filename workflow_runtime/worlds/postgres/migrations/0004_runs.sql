-- needs: 1

-- The watch waits for the end of target, or of whoever goes on in its place; when there is nobody left to wait for, it is told at once.
-- The lock on the watched run makes its end and this watch take turns.
CREATE FUNCTION workflow.watch_1(p_run text, p_watch text, p_target text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_target text := p_target;
    v_seen text[] := '{}';
    v_run record;
BEGIN
    LOOP
        SELECT status, successor INTO v_run FROM workflow.runs WHERE id = v_target FOR SHARE;
        EXIT WHEN NOT FOUND OR v_run.status <> 'continued' OR v_target = ANY (v_seen);
        v_seen := v_seen || v_target;
        v_target := v_run.successor;
    END LOOP;
    IF v_run.status IN ('pending', 'running') THEN
        INSERT INTO workflow.watches (target, run_id, watch_id) VALUES (v_target, p_run, p_watch) ON CONFLICT DO NOTHING;
    ELSE
        PERFORM workflow.tell_1(p_run, p_watch, v_target);
    END IF;
END
$$;

-- Sends the message that says that what was watched has ended.
CREATE FUNCTION workflow.tell_1(p_run text, p_watch text, p_watched text) RETURNS void LANGUAGE sql AS $$
    SELECT workflow.send_1(jsonb_build_array(jsonb_build_object(
        'id', p_run || '/' || p_watch || '/ended', 'run_id', p_run, 'watch_id', p_watch, 'watched', p_watched
    )))
$$;

-- The run has ended, and its row says how: lets go of what it has, and tells those who watch it. True when there is more in the queue by that.
CREATE FUNCTION workflow.end_1(p_run text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    v_run workflow.runs;
    v_more boolean;
    w record;
BEGIN
    SELECT * INTO v_run FROM workflow.runs WHERE id = p_run;
    DELETE FROM workflow.messages WHERE run_id = p_run AND (owner IS NULL OR NOT workflow.lives_1(owner));
    DELETE FROM workflow.hooks WHERE run = v_run.seq;
    DELETE FROM workflow.places WHERE run_id = p_run;
    v_more := FOUND;
    DELETE FROM workflow.watches WHERE run_id = p_run;
    FOR w IN
        SELECT watches.* FROM workflow.watches JOIN workflow.runs ON runs.id = watches.run_id
        WHERE watches.target = p_run AND runs.status IN ('pending', 'running') ORDER BY watches.run_id, watches.watch_id
    LOOP
        v_more := true;
        IF v_run.status = 'continued' THEN
            PERFORM workflow.watch_1(w.run_id, w.watch_id, v_run.successor);
        ELSE
            PERFORM workflow.tell_1(w.run_id, w.watch_id, p_run);
        END IF;
    END LOOP;
    DELETE FROM workflow.watches WHERE target = p_run;
    IF v_run.status = 'cancelled' AND v_run.children THEN
        v_more := true;
        PERFORM workflow.send_1(jsonb_build_array(jsonb_build_object(
            'id', p_run || '/cancelled', 'run_id', p_run, 'cancels_children', true
        )));
    END IF;
    RETURN v_more;
END
$$;

-- Claims a token for a hook: NULL when it is the hook's from now on, else the run that has it.
CREATE FUNCTION workflow.claim_token_1(
    p_seq bigint, p_run text, p_hook text, p_token text, p_info text, p_raw bytea, p_time double precision, p_slot integer
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_owner record;
BEGIN
    LOOP
        SELECT run, run_id, hook_id INTO v_owner FROM workflow.hooks WHERE token = p_token;
        IF FOUND AND (v_owner.run <> p_seq OR v_owner.hook_id <> p_hook) THEN
            RETURN v_owner.run_id;
        END IF;
        DELETE FROM workflow.hooks WHERE run = p_seq AND hook_id = p_hook;
        INSERT INTO workflow.hooks (run, hook_id, run_id, token, info, info_raw, created_at, slot)
        VALUES (p_seq, p_hook, p_run, p_token, p_info, p_raw, p_time, p_slot) ON CONFLICT DO NOTHING;
        -- Else somebody was faster, and may have let go of it since.
        EXIT WHEN FOUND;
    END LOOP;
    RETURN NULL;
END
$$;

-- A run with its first event and message, all as JSON; NULL when it is there already.
CREATE FUNCTION workflow.add_run_1(p_run jsonb) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_seq bigint;
BEGIN
    INSERT INTO workflow.runs (id, workflow, bundle, status, created_at, slot, parent, root, priority, attributes)
    VALUES (
        p_run ->> 'id', p_run ->> 'workflow', p_run ->> 'bundle', 'pending', (p_run ->> 'created_at')::double precision, 1,
        p_run ->> 'parent', p_run ->> 'root', (p_run ->> 'priority')::integer, nullif(p_run -> 'attributes', '{}')
    ) ON CONFLICT DO NOTHING RETURNING seq INTO v_seq;
    IF v_seq IS NOT NULL THEN
        INSERT INTO workflow.events (run, slot, kind, time, entity, data, raw) VALUES (
            v_seq, 1, 'run_created', (p_run ->> 'created_at')::double precision, '', p_run ->> 'data', decode(p_run ->> 'raw', 'hex')
        );
        -- Of what was sent before there was a run, nobody knew.
        UPDATE workflow.messages SET priority = (p_run ->> 'priority')::integer, workflow = p_run ->> 'workflow'
        WHERE run_id = p_run ->> 'id';
        PERFORM workflow.send_1(jsonb_build_array(p_run -> 'message'));
    END IF;
    RETURN v_seq;
END
$$;

-- What comes with events, before they are written: acks, new runs, sends, and what they do to hooks, watches and the queue.
-- Gives the events that land otherwise: the position of each as text, and who has its token.
CREATE FUNCTION workflow.effects_1(p_seq bigint, p_run text, p_slot integer, p_more jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    v_conflicts jsonb;
    v_owner text;
    x record;
BEGIN
    IF p_more ? 'ack' THEN
        PERFORM workflow.ack_1(p_more -> 'ack' ->> 0, p_more -> 'ack' ->> 1, (p_more -> 'ack' ->> 2)::bigint);
    END IF;
    IF p_more ? 'runs' THEN
        PERFORM workflow.add_run_1(run) FROM jsonb_array_elements(p_more -> 'runs') AS run;
    END IF;
    IF p_more ? 'sends' THEN
        PERFORM workflow.send_1(p_more -> 'sends');
    END IF;
    FOR x IN
        SELECT * FROM jsonb_to_recordset(p_more -> 'effects')
        AS effect (does text, at integer, entity text, a text, info text, info_raw text, time double precision)
    LOOP
        CASE x.does
            WHEN 'hook' THEN
                v_owner := workflow.claim_token_1(
                    p_seq, p_run, x.entity, x.a, x.info, decode(x.info_raw, 'hex'), x.time, p_slot + x.at
                );
                IF v_owner IS NOT NULL THEN
                    v_conflicts := coalesce(v_conflicts, '{}') || jsonb_build_object(x.at::text, v_owner);
                END IF;
            WHEN 'dispose' THEN
                DELETE FROM workflow.hooks WHERE run = p_seq AND hook_id = x.entity;
            WHEN 'key' THEN
                INSERT INTO workflow.hook_keys (run, hook_id, key) VALUES (p_seq, x.entity, x.a) ON CONFLICT DO NOTHING;
            WHEN 'drop' THEN
                DELETE FROM workflow.messages WHERE key = x.a AND (owner IS NULL OR NOT workflow.lives_1(owner));
            WHEN 'watch' THEN
                PERFORM workflow.watch_1(p_run, x.entity, x.a);
            WHEN 'watched' THEN
                DELETE FROM workflow.watches WHERE run_id = p_run AND watch_id = x.entity;
        END CASE;
    END LOOP;
    RETURN v_conflicts;
END
$$;

-- The attributes with these set, and these taken away.
CREATE FUNCTION workflow.attributes_1(p_before jsonb, p_set jsonb, p_unset jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT nullif((coalesce(p_before, '{}') || p_set) - ARRAY(SELECT jsonb_array_elements_text(p_unset)), '{}')
$$;
